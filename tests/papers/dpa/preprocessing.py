"""What enters DPA: our path and plain steps, for tests/test_parity_preprocessing.py."""

from __future__ import annotations

import numpy as np
from PIL import Image
from torch import Tensor

from vosedu.papers.dpa.inference import flow_input, frame_input
from vosedu.papers.dpa.network import Config

UNUSED = {"mask": "of the authors' validation only; DPA takes no mask"}
PLAIN = ("image", "flow")
SIZE = Config.released().size


def network_input(name: str, pictures: list[np.ndarray]) -> Tensor:
    prepared = flow_input if name.endswith("flow") else frame_input
    return prepared(pictures, SIZE).flatten(0, 1)  # N 3 H W -> N3 H W


def plain(name: str, pictures: list[np.ndarray]) -> np.ndarray:
    """8-bit bilinear resize to 512 x 512, 0..1; ImageNet's mean and deviation for frames alone."""
    parts = []
    for picture in pictures:
        resized = Image.fromarray(picture).resize((512, 512), Image.Resampling.BILINEAR)
        part = np.asarray(resized, np.float64) / 255
        if not name.endswith("flow"):
            part = (part - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
        parts.append(part.transpose(2, 0, 1))
    return np.concatenate(parts).astype(np.float32)
