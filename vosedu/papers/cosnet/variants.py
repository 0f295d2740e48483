"""What COSNet is only in the release or in an ablation, and what `build` chooses from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from vosedu.nn import DeepLabResNet, MobileNetV2, ResNet, TinyEncoder, caffe_bgr, imagenet_rgb
from vosedu.papers.cosnet.network import (
    ChannelwiseAffinity,
    Config,
    COSNet,
    COSNetPrediction,
    Gate,
    SharedHead,
    SingleSoftmax,
    SymmetricAffinity,
    VanillaAffinity,
    segmentation_module,
)


class DoubleSoftmax(nn.Module):
    """As first released (2019-08 to 2020-01) and in the group network: S^c = softmax of S^r.

    Values already between 0 and 1 go through a softmax again, so S^c is close to uniform.
    """

    def forward(self, s: Tensor) -> Tensor:
        """B x hw of b x hw of a -> S^c, the same shape."""
        reverse = s.transpose(1, 2).softmax(1)  # B hw of b hw of a -> B hw of a hw of b
        return reverse.transpose(1, 2).softmax(1)  # B hw of a hw of b -> B hw of b hw of a


class FixedGate(nn.Module):
    """A gate of one value at every position; 1 is no gate."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, z: Tensor) -> Tensor:
        return torch.full_like(z[:, :1], self.value)


class NoCoAttention(nn.Module):
    """The row "none" of Table 1: nothing is read, Z = 0.

    The head then sees [0, V], which is a head on V alone whose spare weights multiply zeros, so
    that all rows share their other initial weights.
    """

    uses_references = False

    def forward(self, va: Tensor, vb: Tensor, both: bool = False) -> tuple[Tensor, Tensor | None]:
        return torch.zeros_like(va), torch.zeros_like(vb) if both else None

    def penalty(self) -> Tensor:
        return torch.zeros(())


class SeparateHeads(nn.Module):
    """The release's heads: a segmentation module with one 3x3 convolution for each frame.

    Their weights start from N(0, 0.01); the paper does not say how its own start. The
    group network predicts its target only and has no head for b.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        frames = ("a",) if config.group else ("a", "b")
        self.of = nn.ModuleDict(
            {frame: segmentation_module(config.channels, config.filters, 1) for frame in frames}
        )
        for module in self.of.values():
            nn.init.normal_(module[0].weight, std=0.01)

    def forward(self, z: Tensor, v: Tensor, frame: str = "a") -> Tensor:
        return self.of[frame](torch.cat([z, v], dim=1))  # B C h w, B C h w -> B 1 h w


class GroupCOSNet(COSNet):
    """The journal version's network: the target reads from its first two references jointly."""

    def attend(self, va: Tensor, references: Sequence[Tensor]) -> list[Tensor]:
        """As in COSNet, but one summary over the first two references, stacked along height."""
        if not references:
            return [torch.zeros_like(va)]
        stacked = torch.cat([vb.expand(len(va), -1, -1, -1) for vb in references[:2]], dim=2)
        return [self.coattention(va, stacked)[0]]  # B C h w, B C 2h w -> B C h w

    def forward(self, a: Tensor, references: Tensor) -> COSNetPrediction:
        """A training pass: a, B x 3 x H x W, and references, B x N x 3 x H x W."""
        size = a.shape[-2:]
        va = self.embed(a)
        # B N 3 H W -> N embeddings; only the first two are read
        (z,) = self.attend(va, [self.embed(b) for b in references.unbind(1)[:2]])
        return COSNetPrediction(self.segment(va, z, size), None, self.saliency(va, size), None)


ENCODERS: Mapping[str, tuple[Callable[[], nn.Module], Callable[[Tensor], Tensor]]] = {
    "deeplab101": (DeepLabResNet, caffe_bgr),
    "resnet18": (partial(ResNet, 18, stages=3, output_stride=8), imagenet_rgb),
    "mobilenet": (partial(MobileNetV2, output_stride=8), imagenet_rgb),
    "tiny": (partial(TinyEncoder, output_stride=8), imagenet_rgb),
}
"""Encoders of stride 8, each with what normalises its frames."""

AFFINITIES: Mapping[str, type[nn.Module] | None] = {
    "vanilla": VanillaAffinity,
    "symmetric": SymmetricAffinity,
    "channelwise": ChannelwiseAffinity,
    "none": None,
}
SOFTMAXES = {"single": SingleSoftmax, "double": DoubleSoftmax}
GATES: Mapping[str, Callable[[int], nn.Module]] = {
    "biased": partial(Gate, bias=True),
    "unbiased": partial(Gate, bias=False),
    "open": lambda channels: FixedGate(1.0),
}
HEADS = {"shared": SharedHead, "separate": SeparateHeads}
