"""From the encoders' maps to the masks: neck and decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.record import tap


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear, corners aligned."""
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=True)


class Neck(nn.Module):
    """One stream's maps of blocks 4 and 5 -> its levels 4, 5, 6 (strides 8, 16, 32)."""

    def __init__(self, channels4: int, channels5: int, hidden: int) -> None:
        super().__init__()
        self.level4 = nn.Conv2d(channels4, hidden, 1)
        self.level5 = nn.Conv2d(channels5, hidden, 1)
        self.level6 = nn.Sequential(
            nn.MaxPool2d(2),
            nn.Conv2d(channels5, hidden, 1),
            nn.Conv2d(hidden, hidden, 3, padding=1),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, 3, padding=1),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
        )
        self.aspp = ASPP(hidden)

    def forward(self, g4: Tensor, g5: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """B x hidden x H/8 x W/8, H/16 x W/16, H/32 x W/32 (rounded down)."""
        return self.level4(g4), self.level5(g5), tap("level6", self.aspp(self.level6(g5)))


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling (DeepLabv3): one map seen at four ranges and as a whole.

    In training it needs more than one image a batch: the pooled branch has one value per channel
    and image, and BatchNorm needs two.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.near = _conv_bn_relu(hidden, hidden, 1)
        self.dilated = nn.ModuleList(
            _conv_bn_relu(hidden, hidden, 3, dilation=dilation) for dilation in (6, 12, 18)
        )
        self.pooled = _conv_bn_relu(hidden, hidden, 1)
        self.project = _conv_bn_relu(5 * hidden, hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """B x hidden x H x W -> the same shape."""
        whole = self.pooled(x.mean(dim=(2, 3), keepdim=True)).expand_as(x)
        branches = [self.near(x), *(branch(x) for branch in self.dilated), whole]
        return self.project(torch.cat(branches, dim=1))


class Merge(nn.Module):
    """Two maps become one: y = x + convs(x) on the concatenation, then back to `hidden`."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1),
            nn.BatchNorm2d(2 * hidden),
            nn.ReLU(),
            nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1),
        )
        self.project = _conv_bn_relu(2 * hidden, hidden, 3)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """B x hidden x H x W twice -> B x hidden x H x W."""
        x = torch.cat([a, b], dim=1)
        return tap("merged", self.project(F.relu(x + self.residual(x))))


class Head(nn.Module):
    """A map of the object's probability."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """B x channels x H x W -> B x 1 x H x W in [0, 1]."""
        return tap("logits", self.score(x)).sigmoid()


class Refine(nn.Module):
    """One step towards full resolution: a skip of the appearance encoder, gated by a mask."""

    def __init__(self, skip: int, hidden: int) -> None:
        super().__init__()
        gated, passed = hidden // 2, hidden // 4
        self.compress = nn.Conv2d(skip, gated, 1)
        self.merge = nn.Sequential(
            *_conv_bn_relu(gated + passed, gated + passed, 3),
            *_conv_bn_relu(gated + passed, passed, 3),
        )
        self.head = Head(passed)

    def forward(self, skip: Tensor, gate: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities and features at the skip's size."""
        size = skip.shape[2:]
        gated = self.compress(skip) * resize(gate, size)
        x = self.merge(torch.cat([gated, resize(x, size)], dim=1))
        return self.head(x), x


class Decoder(nn.Module):
    """Coarse to fine: levels 6, 5, 4 merge into a first mask, which gates all three skips."""

    def __init__(self, skips: Sequence[int], hidden: int) -> None:
        super().__init__()
        self.merge56 = Merge(hidden)
        self.merge45 = Merge(hidden)
        self.reduce = nn.Conv2d(hidden, hidden // 4, 1)
        self.head4 = Head(hidden // 4)
        self.refine1, self.refine2, self.refine3 = (Refine(skip, hidden) for skip in skips)

    def forward(self, levels: Sequence[Tensor], skips: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Levels 4, 5, 6 and the maps of blocks 1, 2, 3 -> four maps B x 1 x H x W, final last."""
        level4, level5, level6 = levels
        f1, f2, f3 = skips
        x = self.merge56(level5, resize(level6, level5.shape[2:]))
        x = self.merge45(level4, resize(x, level4.shape[2:]))
        x = tap("features", self.reduce(x))
        m4 = tap("gate", self.head4(x))
        m3, x = self.refine3(f3, m4, x)
        m2, x = self.refine2(f2, m4, x)
        m1, x = self.refine1(f1, m4, x)
        return tuple(tap("maps", resize(m, f1.shape[2:])) for m in (m4, m3, m2, m1))


def _conv_bn_relu(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2 * dilation, dilation=dilation),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
