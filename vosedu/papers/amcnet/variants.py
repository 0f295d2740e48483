"""What AMC-Net is only in the release, in a row of a table or for FBMS; `build` chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from vosedu.nn import MobileNetV2, ResNet, TinyEncoder
from vosedu.nn.cbam import CBAMChannelAttention, CBAMSpatialAttention
from vosedu.nn.layers import conv_bn_prelu
from vosedu.papers.amcnet.network import (
    AverageChannelAttention,
    CoAttentionGate,
    MaxSpatialAttention,
    OnFullFeatures,
    Similarity,
    resize,
)

# Released ----------------------------------------------------------------------------------------


def deep_gate(channels: int, reduced: Sequence[int], level: int) -> nn.Module:
    """Eq. 1 as released: Conv is one 3x3 block, two from level 3 on, and the last convolution.

    2C -> R_i (-> R_{i-2}) -> 2 channels.
    """
    hidden = [reduced[level], reduced[level - 2]] if level >= 3 else [reduced[level]]
    widths = [2 * channels, *hidden]
    blocks = [conv_bn_prelu(inputs, outputs) for inputs, outputs in zip(widths, hidden)]
    layers = [layer for block in blocks for layer in block]
    return CoAttentionGate(nn.Sequential(*layers, nn.Conv2d(hidden[-1], 2, 3, padding=1)))


class OnReducedFeatures(nn.Module):
    """Eq. 6 as released: on features already reduced to R_4 channels, so 1 / sqrt(R_4)."""

    def __init__(self, similarity: nn.Module) -> None:
        super().__init__()
        self.similarity = similarity

    def forward(
        self, fused: Tensor, motion: Tensor, reduced_fused: Tensor, reduced_motion: Tensor
    ) -> Tensor:
        """As `OnFullFeatures`."""
        return self.similarity(reduced_motion, reduced_fused)


def released_block(channels: int, onward: int) -> tuple[nn.Module, int, nn.Module, nn.Module]:
    """What a decoder block has besides attention, as `paper_block`.

    Two 3x3 blocks before the attention and two on the fused features, where the paper has none and
    one; and a 3x3 block after the sum, which also narrows.
    """
    return (
        _two_blocks(channels),
        channels,
        _two_blocks(channels),
        conv_bn_prelu(channels, onward),
    )


def _two_blocks(channels: int) -> nn.Sequential:
    return nn.Sequential(*conv_bn_prelu(2 * channels, channels), *conv_bn_prelu(channels, channels))


# Tables 1 and 2 ----------------------------------------------------------------------------------


class OpenGate(nn.Module):
    """The row "MCG without gate": g = 1 for both modalities."""

    def __init__(self, channels: int, reduced: Sequence[int], level: int) -> None:
        super().__init__()

    def forward(self, appearance: Tensor, motion: Tensor) -> Tensor:
        """Ones, B x 2."""
        return appearance.new_ones(len(appearance), 2)


class Concatenation(nn.Module):
    """A level without MCG: motion joins appearance by concatenation, for the decoder only.

    A 1x1 convolution brings the 2C channels back to C (3x3 would give the baseline more parameters
    than the full network). The next appearance stage takes F^a as it is. The paper says no more
    than "concatenation".
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fuse = conv_bn_prelu(2 * channels, channels, 1)

    def forward(self, appearance: Tensor, motion: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """F^a, F^m, B x C x h x w -> the fields of `Level`."""
        fused = self.fuse(torch.cat([appearance, motion], dim=1))  # B 2C h w -> B C h w
        return appearance, motion, fused, appearance


# FBMS --------------------------------------------------------------------------------------------


class AppearanceDecoder(nn.Module):
    """The FBMS variant's second decoder, on gated appearance G^a alone, in the manner of FCN.

    The paper gives it one sentence and the authors' code calls a class that was never released:
    the layers here are ours. Coarse to fine, every level is reduced to R_i channels and added.
    """

    def __init__(self, channels: Sequence[int], reduced: Sequence[int]) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(conv_bn_prelu(c, r) for c, r in zip(channels, reduced))
        self.narrow = nn.ModuleList(nn.Conv2d(c, r, 1) for c, r in zip(reduced[1:], reduced))
        self.head = nn.Conv2d(reduced[0], 1, 3, padding=1)

    def forward(self, appearance: Sequence[Tensor]) -> Tensor:
        """G^a of levels 0 .. 4 -> logits at level 0's size, B x 1 x h x w."""
        *finer, coarsest = appearance
        d = self.reduce[-1](coarsest)
        for i in reversed(range(len(finer))):
            d = resize(self.narrow[i](d), finer[i].shape[2:])  # B R_i+1 h w -> B R_i 2h 2w
            d = self.reduce[i](finer[i]) + d
        return self.head(d)


# What there is to choose from --------------------------------------------------------------------


def plain_gate(channels: int, reduced: Sequence[int], level: int) -> nn.Module:
    """Eq. 1 with one convolution; its kernel is that of the release."""
    return CoAttentionGate(nn.Conv2d(2 * channels, 2, 3, padding=1))


def paper_block(channels: int, onward: int) -> tuple[nn.Module, int, nn.Module, nn.Module]:
    """What a decoder block has besides attention: mix and its channels, fuse, narrow."""
    fuse = conv_bn_prelu(2 * channels, channels)
    return nn.Identity(), 2 * channels, fuse, nn.Conv2d(channels, onward, 1)


ENCODERS: Mapping[str, Callable[[], nn.Module]] = {
    "resnet101": partial(ResNet, 101),
    "resnet18": partial(ResNet, 18),
    "mobilenet": MobileNetV2.in_five,
    "tiny": TinyEncoder,
}
STEMS: Mapping[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "prelu": nn.PReLU}
GATES: Mapping[str, Callable[[int, Sequence[int], int], nn.Module]] = {
    "plain": plain_gate,
    "deep": deep_gate,
    "open": OpenGate,
}
ATTENTIONS: Mapping[str, tuple[Callable[..., nn.Module], Callable[..., nn.Module]]] = {
    "single": (AverageChannelAttention, MaxSpatialAttention),
    "cbam": (CBAMChannelAttention, CBAMSpatialAttention),
}
STARTS: Mapping[str, Callable[[int, int], nn.Module]] = {
    "full": lambda channels, reduced: OnFullFeatures(
        Similarity(), conv_bn_prelu(channels, reduced)
    ),
    "reduced": lambda channels, reduced: OnReducedFeatures(Similarity()),
}
CORRECTIONS = {"paper": paper_block, "released": released_block}
