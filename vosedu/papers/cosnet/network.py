"""COSNet: see more, know more, with co-attention between two frames of one video.

Read it from top to bottom beside section 3 of the paper (Lu et al., CVPR 2019). Written V_a for
the embedding of the target frame (the one to segment) and V_b for that of a reference frame,
each B x C x h x w; positions run row by row, so flattened they are B x C x hw.

Tensors worth seeing, by the names `vosedu.record.record` gives them:

| tap | symbol | shape |
|---|---|---|
| `embedding.encoder.layer1` ... | the encoder's stages (tiny: `stage1` ...) | B x . x . x . |
| `embedding.v` | V | B x C x h x w |
| `coattention.affinity` | S, Eq. 1 | B x hw of b x hw of a |
| `coattention.attention` | S^c, Eq. 6; column i: what i of a reads | B x hw of b x hw of a |
| `coattention.summary` | Z_a, Eq. 7, before the gate | B x C x h x w |
| `coattention.gate` | f(Z_a), Eq. 8 | B x 1 x h x w |
| `coattention.attention_b`, `.summary_b`, `.gate_b` | the same for b (training only) | |
| `fused` | mean over references of f(Z) * Z, Eq. 13 | B x C x h x w |
| `head.logit_a`, `head.logit_b` | Y before upsampling and sigmoid | B x 1 x h x w |
| `side` | prediction from V alone, the same way | B x 1 x h x w |

With N references the taps of `coattention` are heard N times, in their order; under prediction
fusion so is `head.logit_a`, which is then the prediction per reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.errors import InputError
from vosedu.nn import ASPP, DeepLabResNet, MobileNetV2, ResNet, TinyEncoder, caffe_bgr, imagenet_rgb
from vosedu.record import tap


@dataclass(frozen=True)
class Config:
    """What a COSNet is made of; the defaults are the paper's network."""

    encoder: str = "deeplab101"  # "deeplab101", "resnet18", "mobilenet" or "tiny"
    channels: int = 512  # C, of the embedding
    aspp: int = 512  # channels of each branch of the ASPP
    rates: tuple[int, int, int] = (6, 12, 18)  # dilations of the ASPP
    affinity: str = "symmetric"  # "vanilla", "symmetric", "channelwise" or "none"
    softmax: str = "single"  # "double": the target's attention as first released
    gate: str = "biased"  # "unbiased" as released; "open": no gate
    head: str = "shared"  # two 3x3 convolutions for both frames; "separate": one for each
    filters: int = 256  # of the head's convolutions
    group: bool = False  # attend to two references jointly (the journal version's network)
    size: tuple[int, int] = (473, 473)  # height and width the frames are resized to

    @classmethod
    def paper(cls, variant: str = "symmetric") -> Config:
        """The paper's network; `variant` is its affinity: Eq. 3, 4, 5 or "none" (Table 1)."""
        return cls(affinity=variant)

    @classmethod
    def released(cls, variant: str = "head") -> Config:
        """The authors' network: "head" (since 2020-01-11), "first" (2019-08 on) or "group"."""
        head = cls(channels=256, affinity="vanilla", gate="unbiased", head="separate")
        variants = {
            "head": head,
            "first": replace(head, softmax="double"),
            "group": replace(head, softmax="double", group=True, size=(378, 378)),
        }
        return _one_of(variants, variant, "released variant")

    def scaled(self, profile: str) -> Config:
        """The same form at another scale: "quick", "ablate", "course" or "full" (as it is)."""
        course = {
            "encoder": "tiny",
            "channels": 64,
            "aspp": 32,
            "rates": (2, 4, 6),
            "filters": 64,
            "size": (96, 160),
        }
        quick = {**course, "channels": 16, "aspp": 8, "filters": 16, "size": (48, 80)}
        scales: dict[str, dict[str, Any]] = {
            "quick": quick,
            "ablate": course,
            "course": course,
            "full": {},
        }
        return replace(self, **_one_of(scales, profile, "profile"))


class Prediction(NamedTuple):
    """Logits of a training pass, each B x 1 x H x W; `b` is None where b has no prediction."""

    a: Tensor
    b: Tensor | None
    side_a: Tensor
    side_b: Tensor | None


# 3.2 Feature embedding -------------------------------------------------------------------------


class Embedding(nn.Module):
    """V: an encoder of stride 8, its last map passed through an ASPP to C channels."""

    def __init__(self, encoder: nn.Module, config: Config) -> None:
        super().__init__()
        self.encoder = encoder
        self.aspp = ASPP(encoder.channels[-1], config.aspp, config.channels, config.rates)

    def forward(self, frames: Tensor) -> Tensor:
        return tap("v", self.aspp(self.encoder(frames)[-1]))


# 3.1 Vanilla, symmetric and channel-wise affinity ----------------------------------------------


class VanillaAffinity(nn.Module):
    """Eq. 3: S = V_b^T W V_a with a free C x C matrix W.

    W starts as the identity, so that S starts as the plain correlation of features. The paper does
    not say how its W starts; the release takes PyTorch's default.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.w = nn.Linear(channels, channels, bias=False)
        nn.init.eye_(self.w.weight)

    def forward(self, va: Tensor, vb: Tensor) -> Tensor:
        """B x C x hw of each frame -> B x hw of b x hw of a."""
        return vb.transpose(1, 2) @ (self.w.weight @ va)

    def penalty(self) -> Tensor:
        """What the loss adds for W, before its factor: nothing."""
        return self.w.weight.new_zeros(())


class SymmetricAffinity(VanillaAffinity):
    """Eq. 4: S = (P V_b)^T D (P V_a), in practice Eq. 3 with W pulled towards orthogonal."""

    def penalty(self) -> Tensor:
        """|W W^T - I| of Eq. 12, before lambda; the paper names no norm, this is Frobenius'."""
        w = self.w.weight
        return torch.linalg.matrix_norm(w @ w.T - torch.eye(len(w), device=w.device))


class ChannelwiseAffinity(nn.Module):
    """Eq. 5: S = (D_a V_b)^T (D_b V_a), each frame's channel weights applied to the other.

    Squeeze and excitation: the mean over positions, one fully connected layer, a sigmoid. The
    pooling and the sigmoid are implied by the paper's reference to SE, not written in it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.d = nn.Linear(channels, channels)

    def weights(self, v: Tensor) -> Tensor:
        """B x C x hw -> B x C x 1, the diagonal of D."""
        return torch.sigmoid(self.d(v.mean(2))).unsqueeze(2)

    def forward(self, va: Tensor, vb: Tensor) -> Tensor:
        return (self.weights(va) * vb).transpose(1, 2) @ (self.weights(vb) * va)

    def penalty(self) -> Tensor:
        return self.d.weight.new_zeros(())


# Eq. 6: attention ------------------------------------------------------------------------------


class SingleSoftmax(nn.Module):
    """Eq. 6: S^c = softmax of each column of S, S^r = softmax of each column of S^T."""

    def forward(self, s: Tensor) -> Tensor:
        """B x hw of b x hw of a -> S^c, the same shape: column i sums to one over b."""
        return s.softmax(1)

    def reverse(self, s: Tensor) -> Tensor:
        """S -> S^r, B x hw of a x hw of b: column j sums to one over a."""
        return s.transpose(1, 2).softmax(1)


class DoubleSoftmax(SingleSoftmax):
    """As first released (2019-08 to 2020-01) and in the group network: S^c = softmax of S^r.

    Values already between 0 and 1 go through a softmax again, so S^c is close to uniform.
    """

    def forward(self, s: Tensor) -> Tensor:
        return self.reverse(s).transpose(1, 2).softmax(1)


# Eqs. 8 and 9: the gate ------------------------------------------------------------------------


class Gate(nn.Module):
    """Eq. 8: f(Z) = sigmoid(w_f Z + b_f), one number per position."""

    def __init__(self, channels: int, bias: bool) -> None:
        super().__init__()
        self.f = one_channel(channels, bias)

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.f(z))


class OpenGate(nn.Module):
    """No gate: f(Z) = 1."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, z: Tensor) -> Tensor:
        return torch.ones_like(z[:, :1])


# Eqs. 1 to 9 together --------------------------------------------------------------------------


class CoAttention(nn.Module):
    """Eqs. 1 to 9: what each position of one frame reads from the other."""

    uses_references = True

    def __init__(self, affinity: nn.Module, normalise: SingleSoftmax, gate: nn.Module) -> None:
        super().__init__()
        self.affinity = affinity
        self.normalise = normalise
        self.gate = gate

    def forward(self, va: Tensor, vb: Tensor, both: bool = False) -> tuple[Tensor, Tensor | None]:
        """The gated summaries (Z_a, Z_b), each of its frame's shape; Z_b only if `both`."""
        flat_a, flat_b = va.flatten(2), vb.flatten(2)  # B C h w -> B C hw
        s = tap("affinity", self.affinity(flat_a, flat_b))
        za = (flat_b @ tap("attention", self.normalise(s))).view_as(va)
        za = tap("summary", za) * tap("gate", self.gate(za))
        if not both:
            return za, None
        zb = (flat_a @ tap("attention_b", self.normalise.reverse(s))).view_as(vb)
        return za, tap("summary_b", zb) * tap("gate_b", self.gate(zb))

    def penalty(self) -> Tensor:
        """What the loss adds for W (Eq. 12), before lambda."""
        return self.affinity.penalty()


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


# 3.2 Segmentation ------------------------------------------------------------------------------


def segmentation_module(channels: int, filters: int, convolutions: int) -> nn.Sequential:
    """X = [Z, V] -> logits: 3x3 convolutions with BatchNorm and ReLU, then 1x1 to one channel."""
    layers: list[nn.Module] = []
    inputs = 2 * channels
    for _ in range(convolutions):
        layers += [
            nn.Conv2d(inputs, filters, 3, padding=1, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(inplace=True),
        ]
        inputs = filters
    return nn.Sequential(*layers, one_channel(inputs))


def one_channel(inputs: int, bias: bool = True) -> nn.Conv2d:
    """A 1x1 convolution to one channel, initialised as released: N(0, 0.01)."""
    convolution = nn.Conv2d(inputs, 1, 1, bias=bias)
    nn.init.normal_(convolution.weight, std=0.01)
    return convolution


class SharedHead(nn.Module):
    """The paper's Siamese head: one segmentation module, two 3x3 convolutions, for both frames."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.both = segmentation_module(config.channels, config.filters, 2)

    def forward(self, z: Tensor, v: Tensor, frame: str = "a") -> Tensor:
        """Eq. 10 and after: gated summary and embedding of `frame` -> logits, B x 1 x h x w."""
        return tap(f"logit_{frame}", self.both(torch.cat([z, v], dim=1)))


class SeparateHeads(nn.Module):
    """The release's heads: a segmentation module with one 3x3 convolution for each frame, whose
    weights start from N(0, 0.01); the paper does not say how its own start.

    The group network predicts its target only and has no head for b.
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
        return tap(f"logit_{frame}", self.of[frame](torch.cat([z, v], dim=1)))


# The network -----------------------------------------------------------------------------------


class COSNet(nn.Module):
    """Two frames in, two masks out; made by `build`.

    `embed`, `attend` and `segment` are its three steps, so that a reference frame is embedded
    once however many frames read it. Frames are B x 3 x H x W, already normalised; `normalise`
    makes them from RGB, 0..255.
    """

    def __init__(
        self,
        config: Config,
        embedding: Embedding,
        side: nn.Module,
        coattention: nn.Module,
        head: nn.Module,
        normalise: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__()
        self.config = config
        self.embedding = embedding
        self.side = side
        self.coattention = coattention
        self.head = head
        self.normalise = normalise

    def embed(self, frames: Tensor) -> Tensor:
        """Frames, B x 3 x H x W -> V, B x C x h x w."""
        return self.embedding(frames)

    def attend(self, va: Tensor, references: Sequence[Tensor]) -> list[Tensor]:
        """V_a and each reference's V_b (of batch 1 or B) -> its gated summary, like V_a.

        Without references: one summary of zeros, which is a closed gate.
        """
        if not references:
            return [torch.zeros_like(va)]
        return [self.coattention(va, vb.expand(len(va), -1, -1, -1))[0] for vb in references]

    def segment(self, va: Tensor, z: Tensor, size: tuple[int, int]) -> Tensor:
        """V_a and a gated summary -> logits at `size`, B x 1 x H x W."""
        return enlarge(self.head(z, va), size)

    def saliency(self, v: Tensor, size: tuple[int, int]) -> Tensor:
        """V -> logits of the side prediction, from the frame alone, B x 1 x H x W."""
        return enlarge(tap("side", self.side(v)), size)

    def forward(self, a: Tensor, b: Tensor) -> Prediction:
        """A training pass: frames a and b, each B x 3 x H x W, and their four predictions."""
        size = a.shape[-2:]
        va, vb = self.embed(a), self.embed(b)
        za, zb = self.coattention(va, vb, both=True)
        return Prediction(
            self.segment(va, za, size),
            enlarge(self.head(zb, vb, "b"), size),
            self.saliency(va, size),
            self.saliency(vb, size),
        )


class GroupCOSNet(COSNet):
    """The journal version's network: the target reads from its first two references jointly."""

    def attend(self, va: Tensor, references: Sequence[Tensor]) -> list[Tensor]:
        """As in COSNet, but one summary over the first two references, stacked along height."""
        if not references:
            return [torch.zeros_like(va)]
        stacked = torch.cat([vb.expand(len(va), -1, -1, -1) for vb in references[:2]], dim=2)
        return [self.coattention(va, stacked)[0]]

    def forward(self, a: Tensor, references: Tensor) -> Prediction:
        """A training pass: a, B x 3 x H x W, and references, B x N x 3 x H x W."""
        size = a.shape[-2:]
        va = self.embed(a)
        # B N 3 H W -> N embeddings; only the first two are read
        (z,) = self.attend(va, [self.embed(b) for b in references.unbind(1)[:2]])
        return Prediction(self.segment(va, z, size), None, self.saliency(va, size), None)


def enlarge(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, corners not aligned."""
    return F.interpolate(logits, size, mode="bilinear", align_corners=False)


# 3.3 Several references at test time -----------------------------------------------------------


def summary_fusion(model: COSNet, va: Tensor, zs: list[Tensor], size: tuple[int, int]) -> Tensor:
    """Eq. 13: the head on the mean of the gated summaries -> probability, B x 1 x H x W."""
    z = tap("fused", torch.stack(zs).mean(0))
    return model.segment(va, z, size).sigmoid()


def prediction_fusion(model: COSNet, va: Tensor, zs: list[Tensor], size: tuple[int, int]) -> Tensor:
    """As released: the mean of the predictions, one per summary -> probability, B x 1 x H x W."""
    return torch.stack([model.segment(va, z, size).sigmoid() for z in zs]).mean(0)


# Making one from a Config ----------------------------------------------------------------------

ENCODERS: Mapping[str, tuple[Callable[[], nn.Module], Callable[[Tensor], Tensor]]] = {
    "deeplab101": (DeepLabResNet, caffe_bgr),
    "resnet18": (partial(ResNet, 18, stages=3, output_stride=8), imagenet_rgb),
    "mobilenet": (partial(MobileNetV2, output_stride=8), imagenet_rgb),
    "tiny": (partial(TinyEncoder, output_stride=8), imagenet_rgb),
}
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
    "open": OpenGate,
}
HEADS = {"shared": SharedHead, "separate": SeparateHeads}


def build(config: Config) -> COSNet:
    """The network a Config describes, with random weights; raises InputError for unknown names.

    Each part draws from its own generator, so that two configurations built from one seed share
    the initial weights of the parts they share.
    """
    encoder, normalise = _one_of(ENCODERS, config.encoder, "encoder")
    affinity = _one_of(AFFINITIES, config.affinity, "affinity")
    softmax = _one_of(SOFTMAXES, config.softmax, "softmax")
    gate = _one_of(GATES, config.gate, "gate")
    head = _one_of(HEADS, config.head, "head")
    draw = _independent()
    embedding = draw(lambda: Embedding(encoder(), config))
    side = draw(lambda: one_channel(config.channels))
    heads = draw(lambda: head(config))
    gates = draw(lambda: gate(config.channels))
    if affinity is None:
        coattention: nn.Module = NoCoAttention()
    else:
        coattention = CoAttention(draw(lambda: affinity(config.channels)), softmax(), gates)
    network = GroupCOSNet if config.group else COSNet
    return network(config, embedding, side, coattention, heads, normalise)


def _independent() -> Callable[[Callable[[], nn.Module]], nn.Module]:
    """A function that makes its n-th module from the n-th of a row of seeds, drawn now."""
    seeds = iter(torch.randint(2**31, (8,), device="cpu").tolist())

    def draw(make: Callable[[], nn.Module]) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(next(seeds))
            return make()

    return draw


def _one_of(table: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in table:
        raise InputError(f"COSNet has no {what} '{name}'; choose one of {', '.join(table)}")
    return table[name]
