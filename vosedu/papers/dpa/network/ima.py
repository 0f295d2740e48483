"""IMA, inter-modality attention: appearance and motion exchange what they know."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vosedu.papers.dpa.network.attention import NonLocal
from vosedu.papers.dpa.network.prototypes import Correlation, Features, RefinedCorrelation
from vosedu.record import tap


class IMA(nn.Module):
    """Describe each modality, exchange, fuse: X'_A = Conv(X_A + T_A), X'_M = Conv(X_M + T_M).

    What "describe" and "exchange" are is chosen in `build_ima`; + is concatenation of channels.
    """

    def __init__(self, channels: int, hidden: int, describe: type, exchange: type) -> None:
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


class StillIMA(nn.Module):
    """IMA of a still image, which has one modality: describe and fuse, nothing to exchange."""

    def __init__(self, channels: int, hidden: int, describe: type) -> None:
        super().__init__()
        self.appearance = describe(hidden)
        self.fuse_appearance = Fuse(channels, hidden)

    def forward(self, f: Tensor, x: Tensor) -> Tensor:
        """The encoder map, refined by means of its squeezed map."""
        return self.fuse_appearance(f, self.appearance(x))


class NoIMA(nn.Module):
    """Versions I and III: the maps stay as they are."""

    def forward(self, f_a: Tensor, f_m: Tensor, x_a: Tensor, x_m: Tensor) -> tuple[Tensor, Tensor]:
        """The encoder maps, unchanged."""
        return f_a, f_m


class NoStillIMA(nn.Module):
    """Pre-training of versions I and III: the map stays as it is."""

    def forward(self, f: Tensor, x: Tensor) -> Tensor:
        """The encoder map, unchanged."""
        return f


class PrototypeExchange(nn.Module):
    """The paper's exchange : attention between prototypes, one map for both ways.

    K = sigma_K(Psi), V = sigma_V(Psi) per modality, sigma a linear layer at every position.
    Phi = K_A K_M^T, C x C.
    T_A = softmax(Phi) V_M: what motion says, arranged by the prototypes of appearance.
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
        t_a = tap("attention_appearance", phi.softmax(dim=2)) @ v_m
        t_m = tap("attention_motion", phi.transpose(1, 2).softmax(dim=2)) @ v_a
        return (
            tap("transferred_appearance", t_a.view_as(psi_a)),
            tap("transferred_motion", t_m.view_as(psi_m)),
        )


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


class CrossAttention(NonLocal):
    """A' + W(softmax(theta(A') phi(B')^T) g(A')) with A' = ReLU(BN(A)), B' = ReLU(BN(B)).

    Tokens are positions. The values are A's own: the other modality B only says where to look.
    """

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """B x C x H x W twice -> B x C x H x W."""
        own = self.normalise(a.flatten(2).transpose(1, 2))  # B C H W -> B HW C
        other = self.normalise(b.flatten(2).transpose(1, 2))
        return (own + self.attend(own, other)).transpose(1, 2).reshape(a.shape)


class Fuse(nn.Sequential):
    """X' = Conv(X + T): 1 x 1 convolution, BatchNorm, ReLU on the concatenated channels."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__(
            nn.Conv2d(channels + hidden, channels, 1), nn.BatchNorm2d(channels), nn.ReLU()
        )

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """B x channels x H x W, B x hidden x H x W -> B x channels x H x W."""
        return tap("refined", super().forward(torch.cat([x, t], dim=1)))


_IMA = {
    "released": (RefinedCorrelation, PositionExchange),
    "paper": (Correlation, PrototypeExchange),
    "without-prototypes": (Features, PrototypeExchange),
}


def build_ima(kind: str, channels: int, hidden: int) -> nn.Module:
    """The IMA of a two-stream network; `kind` as in `Config.ima`."""
    return NoIMA() if kind == "none" else IMA(channels, hidden, *_IMA[kind])


def build_still_ima(kind: str, channels: int, hidden: int) -> nn.Module:
    """The IMA of the pre-training network; `kind` as in `Config.ima`."""
    return NoStillIMA() if kind == "none" else StillIMA(channels, hidden, _IMA[kind][0])
