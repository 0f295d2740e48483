"""DPA: dual prototype attention between modalities and between frames of one video.

The paper's form (Cho et al., CVPR 2024) from the encoders to the masks; what exists only in the
release, in an ablation or in pre-training is in `variants`. Written f1 to f5 for the maps of
VGG-16's five blocks, x4 and x5 for blocks 4 and 5 squeezed to C channels, g4 and g5 for what the
attentions make of f4 and f5. C is also the number of prototypes.

Names under which `vosedu.record.record` has its tensors; S stands for `appearance` or `motion`, B
for `ima4` or `ima5`:

| name | symbol | shape |
|---|---|---|
| `S.encoder.block1` to `S.encoder.block5` | f1 to f5 | |
| `S.squeeze4`, `S.squeeze5` | x4, x5 (X, Y) | B x C x h x w |
| `B.S.regions` | S, soft regions, each sums to 1 | B x C x h x w |
| `B.S.prototypes` | P1 | B x C x C |
| `B.S.attention`, `.graph3` | P1 refined (released form) | B x C x C |
| `B.S.graph1.neighbours` ... `graph3` | the graph (released form) | B x C x 10 |
| `B.S` | Psi1 | B x C x h x w |
| `B.exchange.affinity` | Phi1 | B x C x C |
| `B.exchange.attention_S` | softmax of Phi1, Phi1^T | B x C x C |
| `B.exchange.S.attention` | cross attention (released form) | B x hw x hw |
| `B.exchange.transferred_S` | T_A, T_M | B x C x h x w |
| `B.fuse_S` | X'_A, X'_M: IMA's output | B x 512 x h x w |
| `ifa_S.memory.regions`, `.prototypes` | of a reference (released form: of key, then value) | |
| `ifa_S.memory.key`, `.value` | K, V of a reference (released form: maps) | B x C x C |
| `ifa_S.read.regions`, `.prototypes` | of the query: P2 before its embedding | |
| `ifa_S.read.attention` | softmax of Phi2; columns reference by reference | B x C x NC |
| `ifa_S.read.read` | R | B x C x C |
| `ifa_S.read` | Psi2 | B x C x h x w |
| `ifa_S` | Y': IFA's output | B x 512 x h x w |
| `fuse5_S` | both, fused | B x 512 x h x w |
| `S.neck.aspp` | level 6 | B x C x h x w |
| `merge4` to `merge6` | levels of both streams, fused | B x C x h x w |
| `decoder.merge56`, `decoder.merge45` | | B x C x h x w |
| `decoder.reduce` | before the first mask | B x C/4 x h x w |
| `decoder.head4` | m4, which gates every skip | B x 1 x H/8 x W/8 |
| `decoder.head4.score`, `decoder.refine3.head.score` ... `refine1` | logits | B x 1 x . x . |
| `decoder.maps` | the four outputs, coarse to fine | B x 1 x H x W |

Encoders, `squeeze5` and `memory` also run for every reference, before they run for the query.
Without prototypes a token is a position, and `B.S` is the squeezed map itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.checks import check_fields
from vosedu.errors import InputError, choose
from vosedu.nn.attention import attention
from vosedu.record import tap
from vosedu.training.recipe import later

Parts = tuple[Callable[..., nn.Module], Callable[..., nn.Module]]  # two classes of an attention

_WITHOUT = "without-prototypes"
# Rows of Table 1 of the paper; V to VIII are IV with another number of references.
_ROWS: Mapping[str, tuple[str, str]] = {
    "I": ("none", "none"),
    "II": ("full", "none"),
    "III": ("none", "full"),
    "IV": ("full", "full"),
    "V": ("full", "full"),
    "VI": ("full", "full"),
    "VII": ("full", "full"),
    "VIII": ("full", "full"),
    "IX": (_WITHOUT, "full"),
    "X": ("full", _WITHOUT),
    "XI": (_WITHOUT, _WITHOUT),
}
_SCALES: Mapping[str, dict[str, Any]] = {
    "quick": {"width": 1 / 16, "prototypes": 16, "decoder": 16, "norm": True, "size": (48, 80)},
    "ablate": {"encoder": "tiny", "prototypes": 32, "decoder": 16, "size": (96, 160)},
    "course": {"width": 3 / 16, "prototypes": 32, "decoder": 16, "norm": True, "size": (96, 160)},
    "davis-small": {
        "encoder": "mobilenet",
        "prototypes": 64,
        "decoder": 48,
        "size": (192, 336),
    },
    "full": {},
}


@dataclass(frozen=True)
class Config:
    """The network's form and scale.

    ima: inter-modality attention. "none"; "released" (refined prototypes, attention between
        positions, each modality reads its own values); "paper" (attention between prototypes,
        values from the other modality); "without-prototypes" (the paper's, with keys and values
        straight from the features).
    ifa: inter-frame attention. "none"; "released" (values are the keys); "fixed" (released, with
        the values the authors compute and drop); "paper" (keys, values and query embedded from
        prototypes); "without-prototypes" (the paper's, between positions).
    network: "video" (two streams) or "stills" (the appearance stream alone, for pre-training).
    encoder: of both streams: "vgg16"; at the scale ablate "tiny", that of the common start; at the
        scale davis-small "mobilenet".
    width: scales VGG-16's channels; 1 is the paper's.
    prototypes: how many, which is also the number of channels of the squeezed maps; 128 in the
        paper.
    decoder: channels of the levels that the decoder merges; 128 in the paper.
    norm: BatchNorm in VGG-16, which training from scratch needs; False in the paper.
    size: height and width that frames are resized to, multiples of 16. Released: 512 x 512, the
        table's: 352 x 352.
    """

    ima: str = "released"
    ifa: str = "released"
    network: str = "video"
    width: float = 1.0
    prototypes: int = 128
    decoder: int = 128
    norm: bool = False
    size: tuple[int, int] = (512, 512)
    encoder: str = later("vgg16")

    def __post_init__(self) -> None:
        """Raise InputError for values of another type or out of range."""
        check_fields(self, {"width": 0.01, "prototypes": 1, "decoder": 4})

    @classmethod
    def released(cls, variant: str = "III") -> Config:
        """The authors' code, versions "I" to "VIII" of Table 1, or "pretrain".

        The file they released runs version III; IV is the same file with the lines of IMA, which
        are commented out, switched on. "pretrain" is the network of the still-image stage.
        """
        if variant == "pretrain":
            return cls("released", "none", network="stills")
        released = {row: parts for row, parts in _ROWS.items() if _WITHOUT not in parts}
        ima, ifa = choose(released, variant, "DPA has no released version")
        return cls(ima.replace("full", "released"), ifa.replace("full", "released"))

    @classmethod
    def paper(cls, variant: str = "IV") -> Config:
        """The paper's equations, versions "I" to "XI" of Table 1, or "pretrain"."""
        if variant == "pretrain":
            return cls("paper", "none", network="stills", size=(352, 352))
        ima, ifa = choose(_ROWS, variant, "DPA has no version")
        return cls(ima.replace("full", "paper"), ifa.replace("full", "paper"), size=(352, 352))

    def scaled(self, profile: str) -> Config:
        """The same form at the size of a profile, a name of `PROFILES`."""
        return replace(self, **choose(_SCALES, profile, "DPA has no profile"))

    def stills(self) -> Config:
        """The network that pre-trains this one on still images."""
        return replace(self, ifa="none", network="stills")


class FrameMaps(NamedTuple):
    """Blocks 1 to 4 of a frame and block 4 of its flow; a query and a reference share them."""

    f1: Tensor
    f2: Tensor
    f3: Tensor
    f4_appearance: Tensor
    f4_motion: Tensor


class Reference(NamedTuple):
    """What IFA remembers of one reference frame: keys and values of both modalities.

    None in a network without IFA.
    """

    appearance: tuple[Tensor, Tensor] | None
    motion: tuple[Tensor, Tensor] | None


# Prototypes --------------------------------------------------------------------------------------


def prototypes(x: Tensor) -> Tensor:
    """The prototypes of a map, one per channel: B x C x H x W -> B x C x C (prototype, feature).

    S = softmax(X) over positions: channel c of S is a soft region that sums to one.
    P = S X^T: prototype c is the mean feature of region c.

    As released, S is a constant for the gradient.
    """
    features = x.flatten(2)  # B C H W -> B C HW
    regions = features.softmax(dim=2).detach()
    tap("regions", regions.view_as(x))
    return tap("prototypes", regions @ features.transpose(1, 2))  # B C HW, B HW C -> B C C


def cosine_map(x: Tensor, p: Tensor) -> Tensor:
    """How alike every pixel is to every prototype: B x C x H x W, B x P x C -> B x P x H x W.

    Psi = N(P)^T N(X), in [-1, 1], N being division by the L2 norm. A zero vector is like nothing
    (0); the authors divide by its norm and get NaN.
    """
    pixels = F.normalize(x.flatten(2), dim=1)  # B C H W -> B C HW
    psi = F.normalize(p, dim=2) @ pixels  # B P C, B C HW -> B P HW
    return psi.unflatten(2, x.shape[2:])  # B P HW -> B P H W


class Correlation(nn.Module):
    """A map described by its cosine map with its own prototypes (Eq. 3)."""

    def __init__(self, hidden: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> B x C x H x W."""
        return cosine_map(x, prototypes(x))


class Fuse(nn.Sequential):
    """X' = Conv(X + T): 1 x 1 convolution, BatchNorm, ReLU on the concatenated channels."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__(
            nn.Conv2d(channels + hidden, channels, 1), nn.BatchNorm2d(channels), nn.ReLU()
        )

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """B x channels x H x W, B x hidden x H x W -> B x channels x H x W."""
        return super().forward(torch.cat([x, t], dim=1))


# IMA, inter-modality attention -------------------------------------------------------------------


class PrototypeExchange(nn.Module):
    """Attention between prototypes, one affinity for both directions.

    K = sigma_K(Psi), V = sigma_V(Psi) per modality, sigma a linear layer at every position.
    Phi = K_A K_M^T, C x C.
    T_A = softmax(Phi) V_M: values of motion for the prototypes of appearance.
    T_M = softmax(Phi^T) V_A: the reverse.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.key_appearance = nn.Conv2d(hidden, hidden, 1)
        self.value_appearance = nn.Conv2d(hidden, hidden, 1)
        self.key_motion = nn.Conv2d(hidden, hidden, 1)
        self.value_motion = nn.Conv2d(hidden, hidden, 1)

    def forward(self, psi_a: Tensor, psi_m: Tensor) -> tuple[Tensor, Tensor]:
        """Two descriptions B x C x H x W -> two transferred maps B x C x H x W."""
        k_a, v_a = self.key_appearance(psi_a).flatten(2), self.value_appearance(psi_a).flatten(2)
        k_m, v_m = self.key_motion(psi_m).flatten(2), self.value_motion(psi_m).flatten(2)
        phi = tap("affinity", k_a @ k_m.transpose(1, 2))  # B C HW, B C HW -> B C C
        t_a = tap("attention_appearance", phi.softmax(dim=2)) @ v_m  # B C C, B C HW -> B C HW
        t_m = tap("attention_motion", phi.transpose(1, 2).softmax(dim=2)) @ v_a
        return (
            tap("transferred_appearance", t_a.view_as(psi_a)),  # B C HW -> B C H W
            tap("transferred_motion", t_m.view_as(psi_m)),
        )


class IMA(nn.Module):
    """Describe each modality, exchange, fuse: X'_A = Conv(X_A + T_A), X'_M = Conv(X_M + T_M).

    describe, exchange: the classes of the parts, each made with C; + is concatenation of channels.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        describe: Callable[[int], nn.Module] = Correlation,
        exchange: Callable[[int], nn.Module] = PrototypeExchange,
    ) -> None:
        super().__init__()
        self.appearance = describe(hidden)
        self.motion = describe(hidden)
        self.exchange = exchange(hidden)
        self.fuse_appearance = Fuse(channels, hidden)
        self.fuse_motion = Fuse(channels, hidden)

    def forward(self, f_a: Tensor, f_m: Tensor, x_a: Tensor, x_m: Tensor) -> tuple[Tensor, Tensor]:
        """Both encoder maps, refined by means of their squeezed maps.

        f_a, f_m: B x channels x H x W. x_a, x_m: B x hidden x H x W. Returns maps like f.
        """
        t_a, t_m = self.exchange(self.appearance(x_a), self.motion(x_m))
        return self.fuse_appearance(f_a, t_a), self.fuse_motion(f_m, t_m)


# IFA, inter-frame attention ----------------------------------------------------------------------


class PrototypeMemory(nn.Module):
    """Keys and values embedded from the prototypes of a reference's squeezed map."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.key = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, hidden)

    def forward(self, f: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """A reference's maps (encoder, squeezed) -> keys, values, both B x D x D."""
        p = prototypes(y)
        return self.key(p), self.value(p)


class PrototypeRead(nn.Module):
    """Phi = Q^T K, R = softmax(Phi) V, Psi = N(R)^T N(Y)."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden, hidden)

    def forward(self, y: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """The query's squeezed map and N memories (B x ND x D) -> B x D x H x W."""
        read = attention(self.query(prototypes(y)), keys, values)  # -> B D D
        return cosine_map(y, tap("read", read))


class IFA(nn.Module):
    """Memory of the references, read by the query, fused with it: Y' = Conv(Y + Psi).

    `memory(f, y)` gives the keys and values of one reference (B x n x D each); those of several
    are concatenated over n. memory, read: the classes of the parts.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        memory: Callable[[int, int], nn.Module] = PrototypeMemory,
        read: Callable[[int], nn.Module] = PrototypeRead,
    ) -> None:
        super().__init__()
        self.memory = memory(channels, hidden)
        self.read = read(hidden)
        self.fuse = Fuse(channels, hidden)

    def forward(self, f: Tensor, y: Tensor, memories: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """The query's encoder map f, refined by means of its squeezed map y and N memories."""
        keys, values = (torch.cat(each, dim=1) for each in zip(*memories))  # N B n D -> B Nn D
        return self.fuse(f, self.read(y, keys, values))


class FuseBoth(nn.Module):
    """What IMA and IFA made of block 5, fused by a 1 x 1 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fuse = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, ima: Tensor, ifa: Tensor) -> Tensor:
        """B x channels x H x W twice -> B x channels x H x W."""
        return self.fuse(torch.cat([ima, ifa], dim=1))


# Neck and decoder --------------------------------------------------------------------------------


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear, corners aligned."""
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=True)


def conv_bn_relu(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    """Convolution that keeps the size, BatchNorm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2 * dilation, dilation=dilation),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class ContextPyramid(nn.Module):
    """Atrous spatial pyramid pooling (DeepLabv3): four ranges of context and the whole map.

    In training it needs more than one image a batch: the pooled branch has one value per channel
    and image, and BatchNorm needs two.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.near = conv_bn_relu(hidden, hidden, 1)
        self.dilated = nn.ModuleList(
            conv_bn_relu(hidden, hidden, 3, dilation=dilation) for dilation in (6, 12, 18)
        )
        self.pooled = conv_bn_relu(hidden, hidden, 1)
        self.project = conv_bn_relu(5 * hidden, hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """B x hidden x H x W -> the same shape."""
        whole = self.pooled(x.mean(dim=(2, 3), keepdim=True)).expand_as(x)  # B C 1 1 -> B C H W
        branches = [self.near(x), *(branch(x) for branch in self.dilated), whole]
        return self.project(torch.cat(branches, dim=1))  # B 5C H W -> B C H W


class Neck(nn.Module):
    """One stream's maps of blocks 4 and 5 -> its levels 4, 5, 6 (strides 8, 16, 32)."""

    def __init__(self, channels4: int, channels5: int, hidden: int) -> None:
        super().__init__()
        self.level4 = nn.Conv2d(channels4, hidden, 1)
        self.level5 = nn.Conv2d(channels5, hidden, 1)
        self.level6 = nn.Sequential(
            nn.MaxPool2d(2),
            nn.Conv2d(channels5, hidden, 1),
            *(nn.Conv2d(hidden, hidden, 3, padding=1), nn.BatchNorm2d(hidden), nn.ReLU()),
            *(nn.Conv2d(hidden, hidden, 3, padding=1), nn.BatchNorm2d(hidden), nn.ReLU()),
        )
        self.aspp = ContextPyramid(hidden)

    def forward(self, g4: Tensor, g5: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """B x hidden x H/8 x W/8, H/16 x W/16, H/32 x W/32 (rounded down)."""
        return self.level4(g4), self.level5(g5), self.aspp(self.level6(g5))


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
        self.project = conv_bn_relu(2 * hidden, hidden, 3)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """B x hidden x H x W twice -> B x hidden x H x W."""
        x = torch.cat([a, b], dim=1)  # B C H W, B C H W -> B 2C H W
        return self.project(F.relu(x + self.residual(x)))  # B 2C H W -> B C H W


class MaskHead(nn.Module):
    """A map of the object's probability."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """B x channels x H x W -> B x 1 x H x W in [0, 1].

        The outputs are resized probabilities, as released, so the loss cannot take their logits:
        under autocast the sigmoid is in float32, since that of 6.3 in bfloat16 is exactly 1.
        """
        logits = self.score(x)
        return logits.to(torch.promote_types(logits.dtype, torch.float32)).sigmoid()


class GatedRefine(nn.Module):
    """One step towards full resolution: a skip of the appearance encoder, gated by a mask."""

    def __init__(self, skip: int, hidden: int) -> None:
        super().__init__()
        gated, passed = hidden // 2, hidden // 4
        self.compress = nn.Conv2d(skip, gated, 1)
        self.merge = nn.Sequential(
            *conv_bn_relu(gated + passed, gated + passed, 3),
            *conv_bn_relu(gated + passed, passed, 3),
        )
        self.head = MaskHead(passed)

    def forward(self, skip: Tensor, gate: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities and features at the skip's size."""
        size = skip.shape[2:]
        gated = self.compress(skip) * resize(gate, size)
        x = self.merge(torch.cat([gated, resize(x, size)], dim=1))
        return self.head(x), x


class DPADecoder(nn.Module):
    """Coarse to fine: levels 6, 5, 4 merge into a first mask, which gates all three skips.

    stride: of the finest skip; VGG-16's is 1.
    """

    def __init__(self, skips: Sequence[int], hidden: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.merge56 = Merge(hidden)
        self.merge45 = Merge(hidden)
        self.reduce = nn.Conv2d(hidden, hidden // 4, 1)
        self.head4 = MaskHead(hidden // 4)
        self.refine1, self.refine2, self.refine3 = (GatedRefine(skip, hidden) for skip in skips)

    def forward(self, levels: Sequence[Tensor], skips: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Levels 4, 5, 6 and the maps of blocks 1, 2, 3 -> four maps B x 1 x H x W, final last."""
        level4, level5, level6 = levels
        f1, f2, f3 = skips
        x = self.merge56(level5, resize(level6, level5.shape[2:]))  # -> B C H/16 W/16
        x = self.merge45(level4, resize(x, level4.shape[2:]))  # -> B C H/8 W/8
        x = self.reduce(x)  # B C H/8 W/8 -> B C/4 H/8 W/8
        m4 = self.head4(x)
        m3, x = self.refine3(f3, m4, x)  # -> H/4 W/4
        m2, x = self.refine2(f2, m4, x)  # -> H/2 W/2
        m1, x = self.refine1(f1, m4, x)  # -> H W
        size = [self.stride * side for side in f1.shape[2:]]
        return tuple(tap("maps", resize(m, size)) for m in (m4, m3, m2, m1))


# The network -------------------------------------------------------------------------------------


class Modality(nn.Module):
    """One modality: its encoder, the squeezed maps that the attentions work on, its neck."""

    def __init__(self, encoder: nn.Module, config: Config) -> None:
        super().__init__()
        self.encoder = encoder
        channels4, channels5 = encoder.channels[3:]
        self.squeeze4 = nn.Conv2d(channels4, config.prototypes, 1)
        self.squeeze5 = nn.Conv2d(channels5, config.prototypes, 1)
        self.neck = Neck(channels4, channels5, config.decoder)


class DPA(nn.Module):
    """Frame, flow and remembered references -> the object's probability at every pixel.

    Made by `build`. encoders: of appearance and of motion. ima, ifa: the classes of the parts of
    `IMA` and of `IFA`; None leaves the attention out.
    """

    def __init__(
        self,
        config: Config,
        encoders: tuple[nn.Module, nn.Module],
        ima: Parts | None,
        ifa: Parts | None,
    ) -> None:
        super().__init__()
        self.config = config
        hidden, levels = config.prototypes, config.decoder
        self.appearance, self.motion = (Modality(encoder, config) for encoder in encoders)
        *skips, channels4, channels5 = self.appearance.encoder.channels
        self.ima4 = IMA(channels4, hidden, *ima) if ima else None
        self.ima5 = IMA(channels5, hidden, *ima) if ima else None
        self.ifa_appearance = IFA(channels5, hidden, *ifa) if ifa else None
        self.ifa_motion = IFA(channels5, hidden, *ifa) if ifa else None
        self.fuse5_appearance = FuseBoth(channels5) if ima and ifa else None
        self.fuse5_motion = FuseBoth(channels5) if ima and ifa else None
        self.merge4, self.merge5, self.merge6 = Merge(levels), Merge(levels), Merge(levels)
        self.decoder = DPADecoder(skips, levels, self.appearance.encoder.strides[0])

    @property
    def needs_references(self) -> bool:
        """Whether the network looks at other frames."""
        return self.ifa_appearance is not None

    def features(self, frame: Tensor, flow: Tensor) -> FrameMaps:
        """Blocks 1 to 4 of both encoders on B x 3 x H x W pictures of a frame and its flow."""
        check_input(frame, "frame")
        check_input(flow, "flow", frame)
        *_, f4_motion = self.motion.encoder(flow, last=4)
        return FrameMaps(*self.appearance.encoder(frame, last=4), f4_motion)

    def encode_reference(self, frame: Tensor, flow: Tensor) -> Reference:
        """What IFA needs of a reference frame: once per video, whatever number of queries.

        The encoders are bare (no IMA, even in version IV) and get no gradient from references.
        """
        with torch.no_grad():
            features = self.features(frame, flow)
        return self.remember(features)

    def remember(self, features: FrameMaps) -> Reference:
        """`encode_reference` from the maps of blocks 1 to 4."""
        if not self.needs_references:
            return Reference(None, None)
        with torch.no_grad():
            (f5_a,) = self.appearance.encoder(features.f4_appearance, first=5)
            (f5_m,) = self.motion.encoder(features.f4_motion, first=5)
        return Reference(
            self.ifa_appearance.memory(f5_a, self.appearance.squeeze5(f5_a)),
            self.ifa_motion.memory(f5_m, self.motion.squeeze5(f5_m)),
        )

    def forward(
        self, frame: Tensor, flow: Tensor, references: Sequence[Reference] = ()
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Four maps of probabilities, B x 1 x H x W, coarse to fine; the last is the mask's.

        `frame` is normalised with ImageNet's mean and deviation, `flow` a colour picture in
        [0, 1], both B x 3 x H x W with sides divisible by 16.
        """
        return self.predict(self.features(frame, flow), references)

    def predict(
        self, features: FrameMaps, references: Sequence[Reference] = ()
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """`forward` from the maps of blocks 1 to 4."""
        f1, f2, f3, f4_a, f4_m = features
        if self.needs_references and not references:
            raise InputError(
                "this version of DPA reads reference frames and got none: give `forward` at least "
                "one result of `encode_reference`"
            )

        # IMA at block 4: its maps replace the encoders' own
        g4_a, g4_m = f4_a, f4_m
        x4_a, x4_m = self.appearance.squeeze4(f4_a), self.motion.squeeze4(f4_m)
        if self.ima4 is not None:
            g4_a, g4_m = self.ima4(f4_a, f4_m, x4_a, x4_m)

        # IMA and IFA at block 5, side by side
        (f5_a,), (f5_m,) = (
            self.appearance.encoder(g4_a, first=5),
            self.motion.encoder(g4_m, first=5),
        )
        x5_a, x5_m = self.appearance.squeeze5(f5_a), self.motion.squeeze5(f5_m)
        g5_a, g5_m = f5_a, f5_m
        if self.ima5 is not None:
            g5_a, g5_m = self.ima5(f5_a, f5_m, x5_a, x5_m)
        if self.ifa_appearance is not None:
            ifa_a = self.ifa_appearance(f5_a, x5_a, [r.appearance for r in references])
            ifa_m = self.ifa_motion(f5_m, x5_m, [r.motion for r in references])
            g5_a = ifa_a if self.ima5 is None else self.fuse5_appearance(g5_a, ifa_a)
            g5_m = ifa_m if self.ima5 is None else self.fuse5_motion(g5_m, ifa_m)

        # both streams meet level by level
        levels_a, levels_m = self.appearance.neck(g4_a, g5_a), self.motion.neck(g4_m, g5_m)
        merges = (self.merge4, self.merge5, self.merge6)
        levels = [merge(a, m) for merge, a, m in zip(merges, levels_a, levels_m)]
        return self.decoder(levels, (f1, f2, f3))


def check_input(x: Tensor, what: str, like: Tensor | None = None) -> None:
    """Raise InputError for a batch of pictures that the network cannot take."""
    height, width = x.shape[-2:]
    if height % 16 or width % 16 or min(height, width) < 32:
        raise InputError(
            f"the {what} is {height} x {width}: resize it so that both sides are multiples of 16, "
            "32 at least"
        )
    if like is not None and x.shape != like.shape:
        raise InputError(
            f"the {what} is {tuple(x.shape)} and its frame {tuple(like.shape)}: give both the "
            "same shape"
        )


def build(config: Config) -> nn.Module:
    """The network of a configuration, with random weights: `DPA`, or `StillDPA` for stills.

    Raises InputError for unknown names.
    """
    from vosedu.papers.dpa import variants  # here, since variants are made of the parts above

    ima = choose(variants.IMA_PARTS, config.ima, "DPA has no IMA")
    ifa = choose(variants.IFA_PARTS, config.ifa, "DPA has no IFA")
    encoders = choose(variants.ENCODERS, config.encoder, "DPA has no encoder")
    if config.network == "stills":
        return variants.StillDPA(config, encoders[0](config), ima)
    appearance, motion = (make(config) for make in encoders)
    return DPA(config, (appearance, motion), ima, ifa)
