"""Atrous spatial pyramid pooling (Chen et al., DeepLabv3, 2017) as COSNet's release has it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ASPP(nn.Module):
    """Image pooling, a 1x1 and three dilated 3x3 convolutions side by side, then a 3x3 to fuse.

    All convolutions have a bias; the output passes a PReLU with one slope. B x `inputs` x h x w
    in, B x `outputs` x h x w out. In training mode image pooling needs a batch of at least two
    (its BatchNorm sees one value per channel and image).
    """

    def __init__(
        self, inputs: int, width: int, outputs: int, rates: tuple[int, int, int] = (6, 12, 18)
    ) -> None:
        super().__init__()
        self.pool = _branch(inputs, width, 1, 1)
        self.branches = nn.ModuleList(
            [
                _branch(inputs, width, 1, 1),
                *(_branch(inputs, width, 3, rate) for rate in rates),
            ]
        )
        self.fuse = nn.Sequential(
            nn.Conv2d(width * (2 + len(rates)), outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.PReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pool(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])
        return self.fuse(torch.cat([pooled, *(branch(x) for branch in self.branches)], dim=1))


def _branch(inputs: int, width: int, kernel: int, rate: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, width, kernel, padding=rate * (kernel // 2), dilation=rate),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )
