"""COSNet: see more, know more, with co-attention between two frames of one video.

The paper's form, in the order of section 3 of the paper (Lu et al., CVPR 2019); what exists only
in the release or in an ablation is in `variants`. Written V_a for the embedding of the target
frame (the one to segment) and V_b for that of a reference frame, each B x C x h x w; positions run
row by row, so flattened they are B x C x hw.

Names under which `vosedu.record.record` has its tensors:

| name | symbol | shape |
|---|---|---|
| `embedding.encoder.layer1` ... | the encoder's stages (tiny: `stage1` ...) | B x . x . x . |
| `embedding` | V | B x C x h x w |
| `coattention.affinity` | S, Eq. 1 | B x hw of b x hw of a |
| `coattention.attention` | S^c, Eq. 6; column i: what i of a reads | B x hw of b x hw of a |
| `coattention.summary` | Z_a, Eq. 7, before the gate | B x C x h x w |
| `coattention.gate` | f(Z_a), Eq. 8 | B x 1 x h x w |
| `coattention.attention_b` | S^r, Eq. 6 (training only) | B x hw of a x hw of b |
| `fused` | mean over references of f(Z) * Z, Eq. 13 | B x C x h x w |
| `head` | Y before upsampling and sigmoid | B x 1 x h x w |
| `side` | prediction from V alone, the same way | B x 1 x h x w |

In training `embedding`, `coattention.summary`, `coattention.gate`, `head` and `side` come twice:
of a, then of b. With N references those of `coattention` come N times, in their order; under
prediction fusion so does `head`, which is then the prediction per reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.checks import check_fields
from vosedu.errors import choose
from vosedu.nn import ASPP
from vosedu.nn.initial import separately
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

    def __post_init__(self) -> None:
        """Raise InputError for values of another type or out of range."""
        check_fields(self, {"channels": 1, "aspp": 1, "rates": 1, "filters": 1})

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
        return choose(variants, variant, "COSNet has no released variant")

    def scaled(self, profile: str) -> Config:
        """The same form at another scale: a name of `PROFILES`; "full" is as it is."""
        course = {
            "encoder": "tiny",
            "channels": 64,
            "aspp": 32,
            "rates": (2, 4, 6),
            "filters": 64,
            "size": (96, 160),
        }
        quick = {**course, "channels": 16, "aspp": 8, "filters": 16, "size": (48, 80)}
        small = {**course, "encoder": "mobilenet", "aspp": 64, "rates": (3, 6, 9)}
        small |= {"size": (128, 224)}
        scales: dict[str, dict[str, Any]] = {
            "quick": quick,
            "ablate": course,
            "course": course,
            "davis-small": small,
            "full": {},
        }
        return replace(self, **choose(scales, profile, "COSNet has no profile"))


class COSNetPrediction(NamedTuple):
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
        return self.aspp(self.encoder(frames)[-1])  # B 3 H W -> B C h w


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
        return vb.transpose(1, 2) @ (self.w.weight @ va)  # B C hw, B C hw -> B hw hw

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
    """Eq. 6: S^c is the softmax of each column of S, S^r that of each column of S^T."""

    def forward(self, s: Tensor) -> Tensor:
        """S (for S^r: its transpose) -> the same shape: every column sums to one."""
        return s.softmax(1)


# Eqs. 8 and 9: the gate ------------------------------------------------------------------------


class Gate(nn.Module):
    """Eq. 8: f(Z) = sigmoid(w_f Z + b_f), one number per position."""

    def __init__(self, channels: int, bias: bool) -> None:
        super().__init__()
        self.f = one_channel(channels, bias)

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.f(z))


# Eqs. 1 to 9 together --------------------------------------------------------------------------


class CoAttention(nn.Module):
    """Eqs. 1 to 9: what each position of one frame reads from the other."""

    uses_references = True

    def __init__(self, affinity: nn.Module, attention: nn.Module, gate: nn.Module) -> None:
        super().__init__()
        self.affinity = affinity
        self.attention = attention
        self.attention_b = SingleSoftmax()
        self.gate = gate

    def forward(self, va: Tensor, vb: Tensor, both: bool = False) -> tuple[Tensor, Tensor | None]:
        """The gated summaries (Z_a, Z_b), each of its frame's shape; Z_b only if `both`."""
        flat_a, flat_b = va.flatten(2), vb.flatten(2)  # B C h w -> B C hw
        s = self.affinity(flat_a, flat_b)  # B C hw of a, B C hw of b -> B hw of b hw of a
        za = tap("summary", (flat_b @ self.attention(s)).view_as(va))  # B C hw -> B C h w
        za = za * self.gate(za)
        if not both:
            return za, None
        reverse = self.attention_b(s.transpose(1, 2))  # B hw of b hw of a -> B hw of a hw of b
        zb = tap("summary", (flat_a @ reverse).view_as(vb))  # B C hw -> B C h w
        return za, zb * self.gate(zb)

    def penalty(self) -> Tensor:
        """What the loss adds for W (Eq. 12), before lambda."""
        return self.affinity.penalty()


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
        return self.both(torch.cat([z, v], dim=1))  # B C h w, B C h w -> B 1 h w


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
        return enlarge(self.side(v), size)

    def forward(self, a: Tensor, b: Tensor) -> COSNetPrediction:
        """A training pass: frames a and b, each B x 3 x H x W, and their four predictions."""
        size = a.shape[-2:]
        va, vb = self.embed(a), self.embed(b)
        za, zb = self.coattention(va, vb, both=True)
        return COSNetPrediction(
            self.segment(va, za, size),
            enlarge(self.head(zb, vb, "b"), size),
            self.saliency(va, size),
            self.saliency(vb, size),
        )


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


def build(config: Config) -> COSNet:
    """The network a Config describes, with random weights; raises InputError for unknown names.

    Each part draws from its own generator, so that two configurations built from one seed share
    the initial weights of the parts they share.
    """
    from vosedu.papers.cosnet import variants  # here, since variants are made of the parts above

    encoder, normalise = choose(variants.ENCODERS, config.encoder, "COSNet has no encoder")
    affinity = choose(variants.AFFINITIES, config.affinity, "COSNet has no affinity")
    softmax = choose(variants.SOFTMAXES, config.softmax, "COSNet has no softmax")
    gate = choose(variants.GATES, config.gate, "COSNet has no gate")
    head = choose(variants.HEADS, config.head, "COSNet has no head")
    draw = separately()
    embedding = draw(lambda: Embedding(encoder(), config))
    side = draw(lambda: one_channel(config.channels))
    heads = draw(lambda: head(config))
    gates = draw(lambda: gate(config.channels))
    if affinity is None:
        coattention: nn.Module = variants.NoCoAttention()
    else:
        coattention = CoAttention(draw(lambda: affinity(config.channels)), softmax(), gates)
    network = variants.GroupCOSNet if config.group else COSNet
    return network(config, embedding, side, coattention, heads, normalise)
