"""Channel and spatial attention of CBAM (Woo et al., ECCV 2018): weights, which the caller applies.

Names of parameters are those of the common implementation (`fc1`, `fc2`, `conv1`, no biases), so
that networks released with it load.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ChannelMLP(nn.Module):
    """The bottleneck shared by the poolings of a channel attention: C -> C / ratio -> C."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // ratio)
        self.fc1 = nn.Conv2d(channels, hidden, 1, bias=False)
        self.fc2 = nn.Conv2d(hidden, channels, 1, bias=False)

    def mlp(self, pooled: Tensor) -> Tensor:
        """B x C x 1 x 1 -> the same shape."""
        return self.fc2(F.relu(self.fc1(pooled)))


class CBAMChannelAttention(ChannelMLP):
    """One weight per channel from the mean and the maximum over positions."""

    def forward(self, x: Tensor) -> Tensor:
        """B x C x h x w -> weights in (0, 1), B x C x 1 x 1."""
        mean, largest = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
        return torch.sigmoid(self.mlp(mean) + self.mlp(largest))


class CBAMSpatialAttention(nn.Module):
    """One weight per position from the mean and the maximum over channels."""

    def __init__(self, kernel: int = 7) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """B x C x h x w -> weights in (0, 1), B x 1 x h x w."""
        pooled = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)  # B 2 h w
        return self.conv1(pooled).float().sigmoid()
