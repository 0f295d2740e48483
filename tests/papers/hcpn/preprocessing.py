"""How a raw frame reaches HCPN: the package's path, and the same steps written anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from vosedu.papers.hcpn.inference import flow_input, frame_input

UNUSED: dict[str, str] = {}
PLAIN = ("image", "flow", "flow_red_blue_exchanged")
SIZE = (512, 512)


def network_input(name: str, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """The package's path to a tensor of the manifest: 3 x 512 x 512."""
    (picture,) = pictures
    if name.startswith("flow"):
        exchanged = name.endswith("red_blue_exchanged")
        return flow_input([picture[..., ::-1] if exchanged else picture], SIZE)[0].numpy()
    return frame_input([picture], SIZE)[0].numpy()


def plain(name: str, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """8-bit bilinear resize, / 255, ImageNet's mean and deviation, for flow pictures too."""
    (picture,) = pictures
    small = Image.fromarray(picture).resize(SIZE, Image.Resampling.BILINEAR)
    values = np.asarray(small, np.float64) / 255
    if name.endswith("red_blue_exchanged"):
        values = values[..., ::-1]
    values = (values - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    return values.transpose(2, 0, 1).astype(np.float32)  # H W 3 -> 3 H W
