"""Short sequences of layers that several networks are made of."""

from __future__ import annotations

from torch import nn


def conv_bn_prelu(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    """A convolution with bias that keeps the size, BatchNorm, and a PReLU with one slope."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
        nn.BatchNorm2d(outputs),
        nn.PReLU(),
    )
