"""What enters COSNet: our path and plain steps, for tests/test_parity_preprocessing.py."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image
from torch import Tensor

from vosedu.papers.cosnet.inference import network_input as ours
from vosedu.papers.cosnet.network import Config, COSNet, build

UNUSED: dict[str, str] = {}
PLAIN = ("image",)


@cache
def network() -> COSNet:
    return build(Config.released())


def network_input(name: str, pictures: list[np.ndarray]) -> Tensor:
    return ours(network(), pictures)[0]


def plain(name: str, pictures: list[np.ndarray]) -> np.ndarray:
    """Blue, green, red; 8-bit bilinear resize to 473 x 473; minus the mean, no division."""
    bgr = Image.fromarray(np.ascontiguousarray(pictures[0][..., ::-1]))
    resized = np.asarray(bgr.resize((473, 473), Image.Resampling.BILINEAR), np.float32)
    return (resized - np.float32([104.00699, 116.66877, 122.67892])).transpose(2, 0, 1)
