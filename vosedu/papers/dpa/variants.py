"""What DPA is only in the release, in an ablation or in pre-training, and what `build` chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.nn import imagenet_rgb
from vosedu.nn.attention import attention
from vosedu.nn.blockwise import BlockwiseMobileNet
from vosedu.nn.blockwise_tiny import BlockwiseTiny
from vosedu.nn.vgg import VGG16
from vosedu.papers.dpa.network import (
    Config,
    Correlation,
    DPADecoder,
    Fuse,
    Modality,
    Parts,
    PrototypeExchange,
    PrototypeMemory,
    PrototypeRead,
    check_input,
    cosine_map,
    prototypes,
)
from vosedu.record import tap

NEIGHBOURS = 10

# The released IMA --------------------------------------------------------------------------------


class NonLocal(nn.Module):
    """The parts of a non-local block (Wang et al., CVPR 2018) with half-width embeddings."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(hidden)
        self.theta = nn.Linear(hidden, hidden // 2)
        self.phi = nn.Linear(hidden, hidden // 2)
        self.g = nn.Linear(hidden, hidden // 2)
        self.out = nn.Linear(hidden // 2, hidden)

    def normalise(self, x: Tensor) -> Tensor:
        """ReLU(BN(x)) of B x N x C tokens; the statistics are per feature."""
        return F.relu(self.norm(x.transpose(1, 2))).transpose(1, 2)  # B N C -> B C N -> B N C

    def attend(self, a: Tensor, b: Tensor) -> Tensor:
        """W(softmax(theta(A) phi(B)^T) g(A)): B x N x C, B x N x C -> B x N x C."""
        return self.out(attention(self.theta(a), self.phi(b), self.g(a)))


class PrototypeAttention(NonLocal):
    """P + W(softmax(theta(F) phi(F)^T) g(F)) with F = ReLU(BN(P)); tokens are prototypes."""

    def forward(self, p: Tensor) -> Tensor:
        """B x P x C -> B x P x C."""
        f = self.normalise(p)
        return p + self.attend(f, f)


class EdgeConv(nn.Module):
    """One layer of a dynamic graph (Wang et al., TOG 2019) over the prototypes.

    p_i <- max over the neighbours j of i of LeakyReLU(BN(W [p_j - p_i, p_i])); a prototype's
    neighbours are the ten nearest, itself included, found anew in every layer.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.edge = nn.Sequential(
            nn.Conv2d(2 * hidden, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.LeakyReLU(0.2),
        )

    def forward(self, p: Tensor) -> Tensor:
        """B x P x C -> B x P x C."""
        batch = torch.arange(len(p), device=p.device).view(-1, 1, 1)
        neighbours = p[batch, tap("neighbours", nearest(p))]  # B P C -> B P K C
        centre = p.unsqueeze(2).expand_as(neighbours)  # B P C -> B P K C
        edges = torch.cat([neighbours - centre, centre], dim=3)  # -> B P K 2C
        return self.edge(edges.permute(0, 3, 1, 2)).amax(dim=3).transpose(1, 2)  # B C P K -> B P C


@torch.no_grad()
def nearest(p: Tensor, count: int = NEIGHBOURS) -> Tensor:
    """Indices of the `count` nearest rows of each row: B x P x C -> B x P x K, itself first.

    Distances come from differences, not from |x|^2 - 2xy + |y|^2, whose rounding can swap the
    tenth and the eleventh neighbour.
    """
    distance = torch.cdist(p, p, compute_mode="donot_use_mm_for_euclid_dist")
    return distance.topk(min(count, p.shape[1]), dim=2, largest=False).indices


class RefinedCorrelation(nn.Module):
    """The released description: prototypes are refined before the cosine map.

    First by self-attention, then by three layers of a graph that joins each to its nearest
    neighbours. The paper mentions neither.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.attention = PrototypeAttention(hidden)
        self.graph1 = EdgeConv(hidden)
        self.graph2 = EdgeConv(hidden)
        self.graph3 = EdgeConv(hidden)

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> B x C x H x W."""
        p = self.attention(prototypes(x))
        return cosine_map(x, self.graph3(self.graph2(self.graph1(p))))


class CrossAttention(NonLocal):
    """A' + W(softmax(theta(A') phi(B')^T) g(A')) with A' = ReLU(BN(A)), B' = ReLU(BN(B)).

    Tokens are positions. The values are A's own: the other modality B only decides the weights.
    """

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """B x C x H x W twice -> B x C x H x W."""
        own = self.normalise(a.flatten(2).transpose(1, 2))  # B C H W -> B HW C
        other = self.normalise(b.flatten(2).transpose(1, 2))  # B C H W -> B HW C
        read = own + self.attend(own, other)
        return read.transpose(1, 2).reshape(a.shape)  # B HW C -> B C H W


class PositionExchange(nn.Module):
    """The released exchange: attention between positions, a block of its own for each way."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.appearance = CrossAttention(hidden)
        self.motion = CrossAttention(hidden)

    def forward(self, psi_a: Tensor, psi_m: Tensor) -> tuple[Tensor, Tensor]:
        """Two descriptions B x C x H x W -> two transferred maps B x C x H x W."""
        return (
            tap("transferred_appearance", self.appearance(psi_a, psi_m)),
            tap("transferred_motion", self.motion(psi_m, psi_a)),
        )


# The released IFA --------------------------------------------------------------------------------


class ReleasedMemory(nn.Module):
    """Keys and values are the prototypes of two embeddings of the encoder map."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.key = nn.Conv2d(channels, hidden, 1)
        self.value = nn.Conv2d(channels, hidden, 1)

    def forward(self, f: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """A reference's maps (encoder, squeezed) -> keys, values, both B x D x D."""
        return prototypes(self.key(f)), prototypes(self.value(f))


class ReleasedRead(nn.Module):
    """As released: scaled, no embedding of the query, and the values are the keys.

    The values arrive, as in the authors' code, and are dropped, as in the authors' code.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.scale = hidden**-0.5

    def forward(self, y: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """The query's squeezed map and N memories (B x ND x D) -> B x D x H x W."""
        read = attention(prototypes(y), keys, keys, self.scale)  # -> B D D
        return cosine_map(y, tap("read", read))


class FixedRead(ReleasedRead):
    """The released read with the values that its memory computes."""

    def forward(self, y: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """The query's squeezed map and N memories (B x ND x D) -> B x D x H x W."""
        read = attention(prototypes(y), keys, values, self.scale)  # -> B D D
        return cosine_map(y, tap("read", read))


# Without prototypes: rows IX to XI of Table 1 ----------------------------------------------------


class PositionMemory(nn.Module):
    """Keys and values embedded from every position of the squeezed map."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.key = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, hidden)

    def forward(self, f: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """A reference's maps (encoder, squeezed) -> keys, values, both B x HW x D."""
        positions = y.flatten(2).transpose(1, 2)  # B D H W -> B HW D
        return self.key(positions), self.value(positions)


class PositionRead(nn.Module):
    """Every position reads; what it reads is a map already, so there is no cosine map."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden, hidden)

    def forward(self, y: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """The query's squeezed map and N memories (B x NHW x D) -> B x D x H x W."""
        positions = y.flatten(2).transpose(1, 2)  # B D H W -> B HW D
        read = tap("read", attention(self.query(positions), keys, values))
        return read.transpose(1, 2).reshape(y.shape)  # B HW D -> B D H W


# Pre-training on still images --------------------------------------------------------------------


class StillIMA(nn.Module):
    """IMA of a still image, which has one modality: describe and fuse, nothing to exchange."""

    def __init__(self, channels: int, hidden: int, describe: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.appearance = describe(hidden)
        self.fuse_appearance = Fuse(channels, hidden)

    def forward(self, f: Tensor, x: Tensor) -> Tensor:
        """The encoder map, refined by means of its squeezed map."""
        return self.fuse_appearance(f, self.appearance(x))


class StillDPA(nn.Module):
    """The appearance half of DPA, which is pre-trained on still images; `ima` as in `DPA`."""

    def __init__(self, config: Config, encoder: nn.Module, ima: Parts | None) -> None:
        super().__init__()
        self.config = config
        self.appearance = Modality(encoder, config)
        *skips, channels4, channels5 = self.appearance.encoder.channels
        self.ima4 = StillIMA(channels4, config.prototypes, ima[0]) if ima else None
        self.ima5 = StillIMA(channels5, config.prototypes, ima[0]) if ima else None
        self.decoder = DPADecoder(skips, config.decoder, self.appearance.encoder.strides[0])

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Four maps of probabilities, B x 1 x H x W, coarse to fine, of B x 3 x H x W images."""
        check_input(image, "image")
        stream = self.appearance
        *skips, f4 = stream.encoder(image, last=4)
        x4 = stream.squeeze4(f4)
        g4 = f4 if self.ima4 is None else self.ima4(f4, x4)
        (f5,) = stream.encoder(g4, first=5)
        x5 = stream.squeeze5(f5)
        g5 = f5 if self.ima5 is None else self.ima5(f5, x5)
        return self.decoder(stream.neck(g4, g5), skips)


def of_unit_pictures(pictures: Tensor) -> Tensor:
    """Pictures in 0..1, B x 3 x H x W, with ImageNet's mean and deviation taken off."""
    return imagenet_rgb(255 * pictures)


def _vgg(config: Config) -> nn.Module:
    return VGG16(config.width, config.norm)


ENCODERS: Mapping[str, tuple[Callable[[Config], nn.Module], Callable[[Config], nn.Module]]] = {
    "vgg16": (_vgg, _vgg),
    "mobilenet": (
        lambda config: BlockwiseMobileNet(),
        lambda config: BlockwiseMobileNet(of_unit_pictures),
    ),
    "tiny": (lambda config: BlockwiseTiny(), lambda config: BlockwiseTiny()),
}
"""What makes the encoders of appearance and of motion, by `Config.encoder`.

Flow pictures come in 0..1. MobileNetV2 is used as ImageNet left it and so sees them normalised.
"""

IMA_PARTS: Mapping[str, Parts | None] = {
    "none": None,
    "released": (RefinedCorrelation, PositionExchange),
    "paper": (Correlation, PrototypeExchange),
    "without-prototypes": (nn.Identity, PrototypeExchange),
}
"""What describes a modality and what exchanges descriptions, by `Config.ima`."""

IFA_PARTS: Mapping[str, Parts | None] = {
    "none": None,
    "released": (ReleasedMemory, ReleasedRead),
    "fixed": (ReleasedMemory, FixedRead),
    "paper": (PrototypeMemory, PrototypeRead),
    "without-prototypes": (PositionMemory, PositionRead),
}
"""What makes the memory of a reference and what reads it, by `Config.ifa`."""
