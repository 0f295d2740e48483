"""From a frame to the network's input and from ids to the network's size, as released."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vosedu.papers.deaot.network import DeAOT, Features

SHORT_SIDE = 624  # limit of the short side where several scales are used, as released


def input_size(
    size: tuple[int, int],
    stride: int,
    align: bool,
    *,
    long_side: int = 1040,
    short_side: int | None = None,
    scale: float = 1.0,
) -> tuple[int, int]:
    """Frame size (H, W) -> the network's, each side on its own.

    The frame is shrunk until its short side has at most `short_side` and its long side at most
    `long_side` pixels, scaled, and each side taken to the nearest multiple of the stride, plus 1
    if `align`; half-way goes to the even multiple. Never below one stride.
    """
    height, width = size
    if short_side is not None and min(height, width) > short_side:
        ratio = short_side / min(height, width)
        height, width = height * ratio, width * ratio
    if max(height, width) > long_side:
        ratio = long_side / max(height, width)
        height, width = height * ratio, width * ratio
    extra = 1 if align else 0

    def snapped(side: float) -> int:
        return max(round((int(int(side) * scale) - extra) / stride), 1) * stride + extra

    return snapped(height), snapped(width)


def to_size(ids: Tensor, size: tuple[int, int]) -> Tensor:
    """Ids, 1 x H x W integers -> 1 x h x w, nearest.

    Row y comes from row floor(y H / h) with the ratio in float32, as released; other arithmetic
    takes other rows where y H / h is a whole number.
    """
    if tuple(ids.shape[-2:]) == tuple(size):
        return ids
    return F.interpolate(ids.float().unsqueeze(1), size, mode="nearest").squeeze(1).to(ids.dtype)


def to_input(frame: np.ndarray, size: tuple[int, int]) -> Tensor:
    """H x W x 3 uint8 RGB -> 1 x 3 x h x w float32, 0..255, not normalised.

    Bicubic by OpenCV on floating-point values, which may leave 0..255, as released.
    """
    pixels = frame.astype(np.float32)
    if frame.shape[:2] != tuple(size):
        pixels = cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_CUBIC)
    return torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0)  # h w 3 -> 1 3 h w


@dataclass(frozen=True)
class ScaledView:
    """One way to look at a video: at a size, mirrored or not."""

    size: tuple[int, int]
    flip: bool

    def features(self, model: DeAOT, frame: np.ndarray, device: torch.device) -> Features:
        """A frame, H x W x 3 uint8, through the encoder."""
        x = to_input(frame, self.size).to(device)
        return model.encode(model.normalise(self.turned(x)))

    def ids(self, ids: Tensor) -> Tensor:
        """Ids at the clip's size, 1 x H x W -> at the network's, as this view sees them."""
        return self.turned(to_size(ids, self.size))

    def turned(self, x: Tensor) -> Tensor:
        """Mirrored left to right if this view is; the same call turns it back."""
        return x.flip(-1) if self.flip else x
