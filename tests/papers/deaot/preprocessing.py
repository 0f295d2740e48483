"""DeAOT's path from a picture to the network's input, and the same steps with OpenCV and numpy."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from vosedu.nn import imagenet_rgb
from vosedu.papers.deaot.inference import input_size, to_input, to_size

PLAIN = ("image", "image_swin", "mask", "mask_swin")
UNUSED: dict[str, str] = {}


def network_input(name: str, pictures: Sequence[np.ndarray]) -> torch.Tensor | np.ndarray:
    """The tensor `name`, C x H x W; names ending in `_swin` have sides that are multiples."""
    (picture,) = pictures
    size = input_size(picture.shape[:2], 16, align=not name.endswith("_swin"))
    if name.startswith("mask"):
        return to_size(torch.from_numpy((picture > 0).astype(np.int64))[None], size)
    return imagenet_rgb(to_input(picture, size))[0]


def plain(name: str, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Long side at most 1040, sides to the nearest 16 k + 1 (or 16 k); bicubic in float32."""
    (picture,) = pictures
    extra = 0 if name.endswith("_swin") else 1
    height, width = (round((side - extra) / 16) * 16 + extra for side in picture.shape[:2])
    if name.startswith("mask"):
        rows, columns = (
            np.floor(np.arange(new, dtype=np.float32) * np.float32(old / new)).astype(int)
            for new, old in zip((height, width), picture.shape)
        )
        return (picture > 0)[None][:, rows][:, :, columns].astype(np.float32)
    pixels = cv2.resize(picture.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    return ((pixels / 255 - mean) / std).transpose(2, 0, 1)
