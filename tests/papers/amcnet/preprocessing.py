"""What enters AMC-Net: our path and plain steps, for tests/test_parity_preprocessing.py."""

from __future__ import annotations

import numpy as np
from PIL import Image
from torch import Tensor

from vosedu.papers.amcnet.inference import resized, to_input
from vosedu.papers.amcnet.network import Config

UNUSED: dict[str, str] = {}
PLAIN = ("image", "flow", "image_nearest")
SIZE = Config.released().size


def network_input(name: str, pictures: list[np.ndarray]) -> Tensor:
    how = "nearest" if name.endswith("_nearest") else "bicubic"
    return to_input(resized(pictures[0], SIZE, how))[0]


def plain(name: str, pictures: list[np.ndarray]) -> np.ndarray:
    """8-bit resize to 384 x 384, 0..1, ImageNet's mean and deviation, frame and flow alike."""
    how = Image.Resampling.NEAREST if name.endswith("_nearest") else Image.Resampling.BICUBIC
    resized = np.asarray(Image.fromarray(pictures[0]).resize((384, 384), how), np.float64) / 255
    normalised = (resized - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    return normalised.transpose(2, 0, 1).astype(np.float32)
