"""The residual block of the decoders of STM and of those that follow it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class PlainResidual(nn.Module):
    """x + conv(ReLU(conv(ReLU(x)))), 3 x 3 convolutions without normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> the same shape."""
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))
