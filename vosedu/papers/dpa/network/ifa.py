"""IFA, inter-frame attention: a frame reads what reference frames know."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vosedu.papers.dpa.network.attention import attention
from vosedu.papers.dpa.network.ima import Fuse
from vosedu.papers.dpa.network.prototypes import cosine_map, prototypes
from vosedu.record import tap


class IFA(nn.Module):
    """Memory of the references, read by the query, fused with it: Y' = Conv(Y + Psi).

    `memory(f, y)` gives the keys and values of one reference (B x n x D each); those of several
    are concatenated over n. What "memory" and "read" are is chosen in `build_ifa`.
    """

    needs_references = True

    def __init__(self, channels: int, hidden: int, memory: type, read: type) -> None:
        super().__init__()
        self.memory = memory(channels, hidden)
        self.read = read(hidden)
        self.fuse = Fuse(channels, hidden)

    def forward(self, f: Tensor, y: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """The query's encoder map f, refined by means of its squeezed map y and the memory."""
        return self.fuse(f, self.read(y, keys, values))


class NoIFA(nn.Module):
    """Versions I and II: every frame on its own."""

    needs_references = False

    def __init__(self) -> None:
        super().__init__()
        self.memory = NoMemory()

    def forward(self, f: Tensor, y: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """The encoder map, unchanged."""
        return f


class NoMemory(nn.Module):
    """What version I and II remember of a reference: no tokens."""

    def forward(self, f: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """A reference's maps (encoder, squeezed) -> keys, values, both B x 0 x D."""
        nothing = y.new_empty(len(y), 0, y.shape[1])
        return nothing, nothing


class PaperMemory(nn.Module):
    """Keys and values embedded from the prototypes of the squeezed map."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.key = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, hidden)

    def forward(self, f: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """A reference's maps (encoder, squeezed) -> keys, values, both B x D x D."""
        p = prototypes(y)
        return tap("keys", self.key(p)), tap("values", self.value(p))


class ReleasedMemory(nn.Module):
    """Keys and values are the prototypes of two embeddings of the encoder map."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.key = nn.Conv2d(channels, hidden, 1)
        self.value = nn.Conv2d(channels, hidden, 1)

    def forward(self, f: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """A reference's maps (encoder, squeezed) -> keys, values, both B x D x D."""
        return tap("keys", prototypes(self.key(f))), tap("values", prototypes(self.value(f)))


class PositionMemory(nn.Module):
    """Without prototypes: keys and values embedded from every position of the squeezed map."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.key = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, hidden)

    def forward(self, f: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """A reference's maps (encoder, squeezed) -> keys, values, both B x HW x D."""
        positions = y.flatten(2).transpose(1, 2)  # B D H W -> B HW D
        return tap("keys", self.key(positions)), tap("values", self.value(positions))


class PaperRead(nn.Module):
    """Phi = Q^T K, R = softmax(Phi) V, Psi = N(R)^T N(Y)."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden, hidden)

    def forward(self, y: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """The query's squeezed map and N memories (B x ND x D) -> B x D x H x W."""
        read = attention(self.query(prototypes(y)), keys, values)
        return cosine_map(y, tap("read", read))


class ReleasedRead(nn.Module):
    """As released: scaled, no embedding of the query, and the values are the keys.

    The values arrive, as in the authors' code, and are dropped, as in the authors' code.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.scale = hidden**-0.5

    def forward(self, y: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """The query's squeezed map and N memories (B x ND x D) -> B x D x H x W."""
        read = attention(prototypes(y), keys, keys, self.scale)
        return cosine_map(y, tap("read", read))


class FixedRead(nn.Module):
    """The released read with its slip mended: the values are the values."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.scale = hidden**-0.5

    def forward(self, y: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """The query's squeezed map and N memories (B x ND x D) -> B x D x H x W."""
        read = attention(prototypes(y), keys, values, self.scale)
        return cosine_map(y, tap("read", read))


class PositionRead(nn.Module):
    """Without prototypes: every position reads; what it reads is a map already, no cosine map."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden, hidden)

    def forward(self, y: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """The query's squeezed map and N memories (B x NHW x D) -> B x D x H x W."""
        read = attention(self.query(y.flatten(2).transpose(1, 2)), keys, values)
        return tap("read", read).transpose(1, 2).reshape(y.shape)  # B HW D -> B D H W


_IFA = {
    "released": (ReleasedMemory, ReleasedRead),
    "fixed": (ReleasedMemory, FixedRead),
    "paper": (PaperMemory, PaperRead),
    "without-prototypes": (PositionMemory, PositionRead),
}


def build_ifa(kind: str, channels: int, hidden: int) -> nn.Module:
    """The IFA of one stream; `kind` as in `Config.ifa`."""
    return NoIFA() if kind == "none" else IFA(channels, hidden, *_IFA[kind])


class Both(nn.Module):
    """Version IV: what IMA and IFA made of block 5, fused by a 1 x 1 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fuse = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, ima: Tensor, ifa: Tensor) -> Tensor:
        """B x channels x H x W twice -> B x channels x H x W."""
        return tap("fused", self.fuse(torch.cat([ima, ifa], dim=1)))


class OnlyIMA(nn.Module):
    """Versions I and II."""

    def forward(self, ima: Tensor, ifa: Tensor) -> Tensor:
        """The first map."""
        return ima


class OnlyIFA(nn.Module):
    """Version III."""

    def forward(self, ima: Tensor, ifa: Tensor) -> Tensor:
        """The second map."""
        return ifa


def build_block5(ima: str, ifa: str, channels: int) -> nn.Module:
    """What becomes of the two refined maps of block 5."""
    if ifa == "none":
        return OnlyIMA()
    return OnlyIFA() if ima == "none" else Both(channels)
