"""The gated channel transformation (Yang et al., CVPR 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GatedChannels(nn.Module):
    """x (1 + tanh(e c + beta)): each channel raised or damped by how large the others are.

    e = alpha sqrt(sum over positions of x^2 + eps) is a channel's size, and
    c = gamma / sqrt(mean over channels of e^2 + eps) compares the channels with each other.
    The identity at the start, where gamma and beta are 0.
    """

    eps = 1e-5

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def gate(self, x: Tensor) -> Tensor:
        """B x C x H x W -> the factor of each channel, B x C x 1 x 1, between 0 and 2."""
        size = self.alpha * (x.pow(2).sum((2, 3), keepdim=True) + self.eps).sqrt()
        scale = self.gamma / (size.pow(2).mean(1, keepdim=True) + self.eps).sqrt()
        return 1 + torch.tanh(size * scale + self.beta)

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> the same shape."""
        return x * self.gate(x)
