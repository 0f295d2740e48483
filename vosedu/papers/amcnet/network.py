"""AMC-Net: motion and appearance, weighed against each other at every level of two encoders.

Read it from top to bottom beside section 3 of the paper (Yang et al., ICCV 2021). Written F^a, F^m
for a level's features of the frame and of the flow picture, level i = 0 .. 4 from fine to coarse,
C_i channels. The classes here are the paper's equations; `variants` has what exists only in the
released code or in an ablation, and `build`, at the end, chooses.

Tensors worth seeing, by the names `vosedu.record.record` gives them (i a level):

| name | symbol | shape |
|---|---|---|
| `fusion.i.gate.maps` | sigmoid(Conv(Cat)) of Eq. 1: appearance, motion | B x 2 x h x w |
| `fusion.i.gate` | g^a, g^m, Eq. 1 | B x 2 |
| `fusion.i.gated_appearance`, `.gated_motion` | G^a, G^m, Eq. 2 | B x C x h x w |
| `fusion.i.channel` | weights of Eq. 3 | B x C x 1 x 1 |
| `fusion.i.spatial` | weights of Eq. 4 | B x 1 x h x w |
| `fusion.i.fused` | E, Eq. 5 | B x C x h x w |
| `reduce_fused.i`, `reduce_motion.i` | E and G^m with R_i channels | B x R x h x w |
| `start.similarity.affinity` | softmax of Eq. 6; rows: flow, columns: frame | B x hw x hw |
| `start` | E4_hat with R_4 channels, where the decoder starts | B x R_4 x h x w |
| `decoder.i.attend` | A, Eq. 9 | B x 1 x h x w |
| `decoder.i.narrow` | D, Eq. 10, with the channels of the next level | B x . x h x w |
| `head` | the map before it is enlarged | B x 1 x H/2 x W/2 |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.checks import check_fields
from vosedu.errors import InputError, choose
from vosedu.nn import MobileNetV2, TinyEncoder
from vosedu.nn.cbam import ChannelMLP
from vosedu.nn.layers import conv_bn_prelu
from vosedu.nn.mobilenet import FIVE
from vosedu.record import tap

LEVELS = 5


@dataclass(frozen=True)
class Config:
    """What an AMC-Net is made of; the defaults are the paper's network.

    encoder: "resnet101", "resnet18", "mobilenet" or "tiny", one for the frame and one for the flow
        picture.
    stem: activation after the encoder's first convolution, "relu" or (released) "prelu".
    gate: Conv of Eq. 1. "plain": one convolution. "deep": two or three, as released. "open": no
        gate, g = 1.
    gated: levels 0 .. gated - 1 have an MCG, the others concatenate (Table 2).
    attention: poolings of Eqs. 3, 4, 8, 9. "single": the average, the maximum. "cbam": both in
        each, as released.
    similarity: Eq. 6 on the "full" features or, as released, on the "reduced" ones.
    correction: the MCM by "paper" (Eqs. 7 to 10) or as "released".
    corrected: how many decoder blocks, counted from the last, are MCMs (Table 1).
    second_decoder: the FBMS variant's additional decoder on gated appearance.
    reduced: R_0 .. R_4, channels in the decoder.
    ratio: of the bottleneck in channel attention.
    size: height and width that frames and flow pictures are resized to.
    """

    encoder: str = "resnet101"
    stem: str = "relu"
    gate: str = "plain"
    gated: int = LEVELS
    attention: str = "single"
    similarity: str = "full"
    correction: str = "paper"
    corrected: int = LEVELS
    second_decoder: bool = False
    reduced: tuple[int, ...] = (32, 64, 128, 256, 512)
    ratio: int = 16
    size: tuple[int, int] = (384, 384)

    def __post_init__(self) -> None:
        """Raise InputError for values of another type or out of range."""
        check_fields(self)

    @classmethod
    def paper(cls, variant: str = "davis") -> Config:
        """The paper's network: "davis", or "fbms" with a second decoder on appearance."""
        known = {"davis": cls(), "fbms": cls(second_decoder=True)}
        return choose(known, variant, "AMC-Net has no variant")

    @classmethod
    def released(cls, variant: str = "davis") -> Config:
        """The authors' network. They released one; that of the FBMS row of the paper is missing."""
        davis = cls(
            stem="prelu",
            gate="deep",
            attention="cbam",
            similarity="reduced",
            correction="released",
        )
        return choose({"davis": davis}, variant, "AMC-Net has no released variant")

    def scaled(self, profile: str) -> Config:
        """The same form at another scale: a name of `PROFILES`; "full" is as it is."""
        course: dict[str, Any] = {
            "encoder": "tiny",
            "reduced": (8, 16, 32, 32, 48),
            "ratio": 4,
            "size": (96, 160),
        }
        quick = {**course, "reduced": (8, 8, 8, 8, 16), "size": (48, 80)}
        small = {"encoder": "mobilenet", "reduced": (16, 16, 32, 48, 64), "ratio": 4}
        small |= {"size": (128, 224)}
        scales = {"quick": quick, "ablate": course, "course": course, "full": {}}
        scales["davis-small"] = small
        return replace(self, **choose(scales, profile, "AMC-Net has no profile"))


class Prediction(NamedTuple):
    """What the network returns.

    logits: B x 1 x H x W, before the sigmoid.
    attention: A of every MCM, coarse to fine, each B x 1 x h x w in (0, 1).
    second: logits of the second decoder, B x 1 x H x W; None without one.
    """

    logits: Tensor
    attention: tuple[Tensor, ...]
    second: Tensor | None = None

    @property
    def probability(self) -> Tensor:
        """B x 1 x H x W, 0..1.

        With a second decoder the mean of both; the paper says no more than "combined".
        """
        if self.second is None:
            return self.logits.sigmoid()
        return (self.logits.sigmoid() + self.second.sigmoid()) / 2


# 3.1 Two encoders --------------------------------------------------------------------------------


def stages_of(encoder: nn.Module, activation: nn.Module) -> tuple[nn.ModuleList, tuple[int, ...]]:
    """An encoder as five stages and their channels: the stem, with `activation`, is level 0.

    A ResNet gives strides 2, 4, 8, 16, 32. The tiny encoder's last stage has two blocks, which
    are levels 3 and 4, both of stride 16. MobileNetV2 gives strides 2, 4, 8, 16, 32, too; it has
    no activation to exchange, its levels end in layers without one.
    """
    if isinstance(encoder, MobileNetV2):
        parts = [encoder.features[a:b] for a, b in pairwise((0, *FIVE))]
        return nn.ModuleList(parts), encoder.channels
    if isinstance(encoder, TinyEncoder):
        convolution, norm, _ = encoder.stage1
        stages: list[nn.Module] = [
            nn.Sequential(convolution, norm, activation),
            encoder.stage2,
            encoder.stage3,
            *encoder.stage4,
        ]
        return nn.ModuleList(stages), (*encoder.channels, encoder.channels[-1])
    stages = [
        nn.Sequential(encoder.conv1, encoder.bn1, activation),
        nn.Sequential(encoder.maxpool, *encoder.layer1),
        encoder.layer2,
        encoder.layer3,
        encoder.layer4,
    ]
    return nn.ModuleList(stages), (encoder.conv1.out_channels, *encoder.channels)


class Level(NamedTuple):
    """What the encoders have at one level, each B x C x h x w.

    appearance, motion: G^a, G^m. fused: E. onward: what the next appearance stage takes.
    """

    appearance: Tensor
    motion: Tensor
    fused: Tensor
    onward: Tensor


# 3.2 Multi-modality co-attention gate ------------------------------------------------------------


class CoAttentionGate(nn.Module):
    """Eq. 1: g = Avg(sigmoid(Conv(Cat(F^a, F^m)))), two independent numbers per image.

    First the sigmoid, then the average: one position can open its gate without the others.
    """

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, appearance: Tensor, motion: Tensor) -> Tensor:
        """Two maps B x C x h x w -> g^a and g^m, B x 2."""
        maps = self.conv(torch.cat([appearance, motion], dim=1)).sigmoid()  # B 2C h w -> B 2 h w
        return tap("maps", maps).mean((2, 3))  # B 2 h w -> B 2


class AverageChannelAttention(ChannelMLP):
    """Eq. 3: sigmoid(MLP_fc(AvgPool(x))), one weight per channel."""

    def forward(self, x: Tensor) -> Tensor:
        """B x C x h x w -> B x C x 1 x 1."""
        return self.mlp(x.mean((2, 3), keepdim=True)).sigmoid()


class MaxSpatialAttention(nn.Module):
    """Eq. 4: sigmoid(MLP_conv(Max(x))), the maximum over channels, one weight per position.

    The paper states no kernel; 7 x 7 is the release's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """B x C x h x w -> B x 1 x h x w."""
        return self.conv(x.amax(1, keepdim=True)).float().sigmoid()


class MCG(nn.Module):
    """Eqs. 2 to 5: gate both modalities, attend within motion, add it to appearance."""

    def __init__(self, gate: nn.Module, channel: nn.Module, spatial: nn.Module) -> None:
        super().__init__()
        self.gate = gate
        self.channel = channel
        self.spatial = spatial

    def forward(self, appearance: Tensor, motion: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """F^a, F^m, B x C x h x w -> the fields of `Level`, each of the same shape."""
        g = self.gate(appearance, motion)[:, :, None, None]  # B 2 -> B 2 1 1
        ga = tap("gated_appearance", g[:, :1] * appearance)
        gm = tap("gated_motion", g[:, 1:] * motion)
        m = self.channel(gm) * gm
        m = self.spatial(m) * m
        e = tap("fused", ga + m)
        return ga, gm, e, e


# Eq. 6: what the moving region looks like, wherever it is ----------------------------------------


class Similarity(nn.Module):
    """Eq. 6: softmax(Q K^T / sqrt(c)) K, queries from motion, keys and values from appearance.

    The products are matrix products; the paper's Figure 3 marks them as element-wise.
    """

    def forward(self, motion: Tensor, fused: Tensor) -> Tensor:
        """G^m, E, B x C x h x w -> B x C x h x w."""
        q, k = motion.flatten(2).transpose(1, 2), fused.flatten(2)  # B C h w -> B hw C, B C hw
        affinity = tap("affinity", (q @ k / k.shape[1] ** 0.5).softmax(2))  # B hw hw
        return (affinity @ k.transpose(1, 2)).transpose(1, 2).view_as(fused)  # B hw C -> B C h w


class OnFullFeatures(nn.Module):
    """Eq. 6 on E_4 and G^m_4 with all their channels, the result reduced for the decoder."""

    def __init__(self, similarity: nn.Module, reduce: nn.Module) -> None:
        super().__init__()
        self.similarity = similarity
        self.reduce = reduce

    def forward(
        self, fused: Tensor, motion: Tensor, reduced_fused: Tensor, reduced_motion: Tensor
    ) -> Tensor:
        """E_4, G^m_4 (B x C_4 x h x w) and both reduced -> E4_hat, B x R_4 x h x w."""
        return self.reduce(self.similarity(motion, fused))


# 3.3 Motion correction module --------------------------------------------------------------------


class MotionAttention(nn.Module):
    """Eqs. 7 to 9: one map from motion and from what the decoder has so far.

    mix: between concatenation and channel attention. In the paper nothing stands there.
    """

    def __init__(self, mix: nn.Module, channel: nn.Module, spatial: nn.Module) -> None:
        super().__init__()
        self.mix = mix
        self.channel = channel
        self.spatial = spatial

    def forward(self, motion: Tensor, d: Tensor) -> Tensor:
        """G^m reduced, Up(D_prev), both B x R x h x w -> A, B x 1 x h x w."""
        f = self.mix(torch.cat([motion, d], dim=1))  # Eq. 7; B 2R h w
        return self.spatial(self.channel(f) * f)  # Eqs. 8, 9


class MCM(nn.Module):
    """Eq. 10: D = Conv(Cat(Up(D_prev), E)) * A + Up(D_prev).

    The order inside Cat permutes weights and is the release's. The paper adds D_prev itself, which
    has half the size; Up(D_prev) is meant.

    attend: makes A; None for a block without motion correction, whose A is 1.
    narrow: changes the channels to the next level's. The paper does not say where they fall.
    """

    def __init__(self, attend: nn.Module | None, fuse: nn.Module, narrow: nn.Module) -> None:
        super().__init__()
        self.attend = attend
        self.fuse = fuse
        self.narrow = narrow

    def forward(self, d: Tensor, fused: Tensor, motion: Tensor) -> tuple[Tensor, Tensor | None]:
        """D_prev, E and G^m reduced -> D with the next level's channels, and A or None."""
        d = resize(d, fused.shape[2:])
        y = self.fuse(torch.cat([fused, d], dim=1))  # B 2R h w -> B R h w
        attention = None
        if self.attend is not None:
            attention = self.attend(motion, d)
            y = attention * y
        return self.narrow(y + d), attention


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Up: bilinear, corners aligned; nothing where the size fits."""
    if x.shape[2:] == torch.Size(size):
        return x
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=True)


# The network -------------------------------------------------------------------------------------


class AMCNet(nn.Module):
    """A frame and the picture of its flow in, a mask out; made by `build`.

    The motion encoder sees the flow picture alone. The appearance encoder is interleaved with the
    MCGs: each of its stages takes the fused features E of the stage before.
    """

    def __init__(
        self,
        config: Config,
        encoders: tuple[nn.ModuleList, nn.ModuleList],
        fusion: Sequence[nn.Module],
        reduce: tuple[Sequence[nn.Module], Sequence[nn.Module]],
        start: nn.Module,
        decoder: Sequence[nn.Module],
        head: nn.Module,
        second: nn.Module | None,
    ) -> None:
        super().__init__()
        self.config = config
        self.appearance, self.motion = encoders
        self.fusion = nn.ModuleList(fusion)
        self.reduce_fused, self.reduce_motion = (nn.ModuleList(modules) for modules in reduce)
        self.start = start
        self.decoder = nn.ModuleList(decoder)
        self.head = head
        self.second = second

    def forward(self, frame: Tensor, flow: Tensor) -> Prediction:
        """Both B x 3 x H x W, normalised with ImageNet's mean and deviation; 32 pixels or more."""
        check_input(frame, flow)
        motions, x = [], flow
        for stage in self.motion:
            x = stage(x)
            motions.append(x)

        levels, x = [], frame
        for stage, fuse, motion in zip(self.appearance, self.fusion, motions):
            levels.append(Level(*fuse(stage(x), motion)))
            x = levels[-1].onward

        e = [reduce(level.fused) for reduce, level in zip(self.reduce_fused, levels)]
        m = [reduce(level.motion) for reduce, level in zip(self.reduce_motion, levels)]

        d = self.start(levels[-1].fused, levels[-1].motion, e[-1], m[-1])
        attention = []
        for i in reversed(range(LEVELS)):
            d, a = self.decoder[i](d, e[i], m[i])
            attention.append(a)
        logits = resize(self.head(d), frame.shape[2:])  # B 1 H/2 W/2 -> B 1 H W
        second = None
        if self.second is not None:
            second = resize(self.second([level.appearance for level in levels]), frame.shape[2:])
        return Prediction(logits, tuple(a for a in attention if a is not None), second)


def check_input(frame: Tensor, flow: Tensor) -> None:
    """Raise InputError for a pair of pictures that the network cannot take."""
    if frame.shape != flow.shape:
        raise InputError(
            f"the frame is {tuple(frame.shape)} and its flow picture {tuple(flow.shape)}: give "
            "both the same shape"
        )
    height, width = frame.shape[2:]
    if min(height, width) < 32:
        raise InputError(f"the frame is {width} x {height}: resize it to 32 x 32 pixels or more")


# Making one from a Config ------------------------------------------------------------------------


def build(config: Config) -> AMCNet:
    """The network a Config describes, with random weights; InputError for what it cannot be."""
    from vosedu.papers.amcnet import variants  # here, since variants are made of the parts above

    encoder = choose(variants.ENCODERS, config.encoder, "AMC-Net has no encoder")
    activation = choose(variants.STEMS, config.stem, "AMC-Net has no stem")
    gate = choose(variants.GATES, config.gate, "AMC-Net has no gate")
    channel, spatial = choose(variants.ATTENTIONS, config.attention, "AMC-Net has no attention")
    start = choose(variants.STARTS, config.similarity, "AMC-Net has no similarity")
    block = choose(variants.CORRECTIONS, config.correction, "AMC-Net has no correction")
    for name in ("gated", "corrected"):
        if not 0 <= getattr(config, name) <= LEVELS:
            raise InputError(
                f"AMC-Net has {LEVELS} levels and `{name}` is {getattr(config, name)}: give 0 to "
                f"{LEVELS}"
            )
    (appearance, channels), (motion, _) = (stages_of(encoder(), activation()) for _ in range(2))
    reduced = config.reduced

    def fusion(i: int) -> nn.Module:
        if i >= config.gated:
            return variants.Concatenation(channels[i])
        attention = channel(channels[i], config.ratio), spatial()
        return MCG(gate(channels[i], reduced, i), *attention)

    def decoder(i: int) -> nn.Module:
        mix, width, fuse, narrow = block(reduced[i], reduced[max(i - 1, 0)])
        if i >= config.corrected:
            return MCM(None, fuse, narrow)
        return MCM(MotionAttention(mix, channel(width, config.ratio), spatial()), fuse, narrow)

    return AMCNet(
        config,
        (appearance, motion),
        [fusion(i) for i in range(LEVELS)],
        ([conv_bn_prelu(c, r) for c, r in zip(channels, reduced)] for _ in range(2)),
        start(channels[-1], reduced[-1]),
        [decoder(i) for i in range(LEVELS)],
        nn.Conv2d(reduced[0], 1, 3, padding=1),
        variants.AppearanceDecoder(channels, reduced) if config.second_decoder else None,
    )
