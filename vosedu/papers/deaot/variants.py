"""What exists only in AOT, in the release or in an ablation, and what `build` chooses from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.nn import MobileNetV2, ResNet, TinyEncoder
from vosedu.nn.frozen import DropPath, freeze_norms
from vosedu.nn.heads import (
    GlobalAttention,
    LocalAttention,
    in_window,
    join_heads,
    split_heads,
    to_map,
    to_sequence,
)
from vosedu.nn.swin import Swin
from vosedu.papers.deaot.network import (
    BranchProjection,
    Config,
    Entry,
    IdentityBank,
    JointMatching,
    LastStreams,
    Memory,
    Streams,
    VisualMatching,
    gated_module,
    key_width,
    propagation,
)
from vosedu.record import tap

# The release's parts ----------------------------------------------------------------------------


class MixedProjection(nn.Module):
    """As released: one W_O across both branches, so that each output reads both branches' values.

    The paper's branches share nothing but attention maps.
    """

    def __init__(self, value: int, channels: int) -> None:
        super().__init__()
        self.mix = nn.Linear(2 * value, 2 * channels)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """B x n x 2 C_v -> visual and ID output, each B x n x C."""
        visual, identity = self.mix(x).chunk(2, dim=-1)
        return visual, identity


class NormedIdentityBank(IdentityBank):
    """As released: a LayerNorm after the bank."""

    def __init__(self, objects: int, channels: int, stride: int, align: bool) -> None:
        super().__init__(objects, channels, stride, align)
        self.norm = nn.LayerNorm(channels)

    def forward(self, mask: Tensor) -> Tensor:
        return self.norm(super().forward(mask))


# AOT: the long short-term transformer (Yang et al., NeurIPS 2021) -------------------------------


class LocalAttentionWithValues(LocalAttention):
    """AOT's short-term attention: each place of the window also has a learned value."""

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__(channels, heads, window)
        self.relative_value = nn.Parameter(torch.zeros(heads, channels // heads, window**2))

    def forward(self, q: Tensor, k: Tensor, v: Tensor, size: tuple[int, int]) -> Tensor:
        attention = self.weights(q, k, size)  # B heads n n
        local = tap("attention", in_window(attention, size, self.window))
        x = attention @ split_heads(v, self.heads) + local @ self.relative_value.mT
        return join_heads(x)  # B heads n d -> B n C


class FeedForward(nn.Module):
    """Two fully connected layers with GroupNorm, GELU and a depth-wise convolution between."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = 4 * channels
        self.enter = nn.Linear(channels, hidden)
        self.norm = nn.GroupNorm(32, hidden)
        self.conv = nn.Conv2d(hidden, hidden, 5, padding=2, groups=hidden, bias=False)
        self.leave = nn.Linear(hidden, channels)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        x = to_map(self.enter(x), size)  # B n C -> B 4C h w
        return self.leave(to_sequence(self.conv(F.gelu(self.norm(x)))))


class LSTT(nn.Module):
    """AOT's block, eqs. 1 to 3 of its paper: self, long- and short-term attention, feed-forward.

    One stream carries appearance and identity: the identity is added to the values of memory.
    """

    def __init__(self, config: Config, number: int) -> None:
        super().__init__()
        c = config.channels
        self.self_norm = nn.LayerNorm(c)
        self.self_q, self.self_k, self.self_v = (nn.Linear(c, c) for _ in range(3))
        self.self_attention = GlobalAttention(config.heads)
        self.self_out = nn.Linear(c, c)
        self.memory_norm = nn.LayerNorm(c)
        self.q, self.v = nn.Linear(c, c), nn.Linear(c, c)
        self.long_attention = GlobalAttention(config.heads)
        self.long_out = nn.Linear(c, c)
        self.short_attention = LocalAttentionWithValues(c, config.heads, config.window)
        self.short_out = nn.Linear(c, c)
        self.last_norm = nn.LayerNorm(c)
        self.feed_forward = FeedForward(c)
        self.drop = DropPath(config.drop)

    @staticmethod
    def start(x: Tensor) -> Streams:
        """The stream before the first block: the projected feature."""
        return (x,)

    def forward(
        self,
        streams: Streams,
        size: tuple[int, int],
        long: Memory | None,
        short: Memory | None,
        identity: Tensor | None = None,
    ) -> tuple[Streams, Entry]:
        """As in `GPM`."""
        (x,) = streams
        x = x + self.drop(self.attend_to_self(self.self_norm(x), size))
        a = self.memory_norm(x)
        q = self.q(a)
        entry = Entry(q, a, None)
        if identity is not None:
            long = short = self.remember(entry, identity)
        far = self.long_out(self.long_attention(q, long.key, long.value, size))
        near = self.short_out(self.short_attention(q, short.key, short.value, size))
        x = x + (far + near)
        x = x + self.drop(self.feed_forward(self.last_norm(x), size))
        return (tap("stream", x),), entry

    def attend_to_self(self, a: Tensor, size: tuple[int, int]) -> Tensor:
        """Attention inside the frame; queries and keys carry the position."""
        placed = a + sine_positions(*size, a.shape[-1], a.device)
        q, k = self.self_q(placed), self.self_k(placed)
        return self.self_out(self.self_attention(q, k, self.self_v(a), size))

    def remember(self, entry: Entry, identity: Tensor) -> Memory:
        """V = (X + ID(Y)) W_V."""
        return Memory(entry.key, self.v(entry.value + identity))


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # kept tensors serve training too
def sine_positions(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """n x C: sines and cosines of the row in the first half of the channels, of the column then."""
    half = channels // 2
    step = torch.arange(half, device=device)
    period = 10000 ** (2 * (step // 2) / half)

    def waves(count: int) -> Tensor:
        place = torch.arange(count, device=device).float()
        angle = (place / (count - 1 + 1e-6) * 2 * torch.pi)[:, None] / period
        return torch.where(step % 2 == 0, angle.sin(), angle.cos())  # count half

    rows = waves(height).unsqueeze(1).expand(height, width, half)
    columns = waves(width).unsqueeze(0).expand(height, width, half)
    return torch.cat([rows, columns], dim=-1).flatten(0, 1)


class EveryLayer(nn.Module):
    """What AOT's decoder reads: the projected feature and each block's normalised output."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.channels = (1 + config.layers) * config.channels
        self.norms = nn.ModuleList(nn.LayerNorm(config.channels) for _ in range(config.layers))

    def forward(self, x: Tensor, outputs: Sequence[Streams]) -> Tensor:
        """The projected feature, B x C x h x w, and each block's stream -> a map."""
        size = tuple(x.shape[-2:])
        read = [to_map(norm(stream), size) for norm, (stream,) in zip(self.norms, outputs)]
        return torch.cat([x, *read], dim=1)


# Table 3a: GPM without decoupling ---------------------------------------------------------------


class SingleProjection(nn.Linear):
    """W_O of the only branch: B x n x C_v -> a tuple of one, B x n x C."""

    def forward(self, x: Tensor) -> Streams:
        return (super().forward(x),)


class SingleGPM(nn.Module):
    """A gated propagation module with one stream: identities enter the values, as in AOT.

    V = X W_V + ID(Y), gate from the stream. The paper does not write this row out.
    """

    def __init__(self, config: Config, number: int) -> None:
        super().__init__()
        c, cv, width = config.channels, config.value, key_width(config)

        def propagate(attention: nn.Module) -> nn.Module:
            return propagation(config, attention, SingleProjection(cv, c), branches=1)

        self.norm = nn.LayerNorm(c)
        self.qk, self.v, self.u = nn.Linear(c, width), nn.Linear(2 * c, cv), nn.Linear(c, cv)
        self.values = VALUES[config.values]()
        self.long = propagate(GlobalAttention(config.heads))
        self.short = propagate(LocalAttention(width, config.heads, config.window))
        self.self_norm = nn.LayerNorm(c)
        self.self_qk = nn.Linear(c, width)
        self.self_v, self.self_u = nn.Linear(c, cv), nn.Linear(c, cv)
        self.self_propagation = propagate(GlobalAttention(config.heads))
        self.drop = DropPath(config.drop)

    @staticmethod
    def start(x: Tensor) -> Streams:
        """The stream before the first module: the projected feature."""
        return (x,)

    def forward(
        self,
        streams: Streams,
        size: tuple[int, int],
        long: Memory | None,
        short: Memory | None,
        identity: Tensor | None = None,
    ) -> tuple[Streams, Entry]:
        """As in `GPM`."""
        (x,) = streams
        a = self.norm(x)
        q = self.qk(a)
        entry = Entry(q, a, None)
        if identity is not None:
            long = short = self.remember(entry, identity)
        gate = tap("gate", F.silu(self.u(a)))
        (far,) = self.long(gate, q, long.key, long.value, size)
        (near,) = self.short(gate, q, short.key, short.value, size)
        x = x + (far + near)
        a = self.self_norm(x)
        qk, v, gate = self.self_qk(a), self.values(self.self_v(a)), F.silu(self.self_u(a))
        (own,) = self.self_propagation(gate, qk, qk, v, size)
        return (tap("stream", x + self.drop(own)),), entry

    def remember(self, entry: Entry, identity: Tensor) -> Memory:
        """V = X W_V + ID(Y), as one matrix on [X, ID(Y)]."""
        joined = torch.cat([entry.value, identity], dim=-1)  # B n 2C
        return Memory(entry.key, self.values(self.v(joined)))


# What build chooses from ------------------------------------------------------------------------

ENCODERS: Mapping[str, tuple[Callable[[], nn.Module], bool]] = {
    "mobilenet": (
        lambda: freeze_norms(MobileNetV2(output_stride=16, taken=(3, 6, 13, 18))),
        True,
    ),
    "resnet50": (lambda: freeze_norms(ResNet(50, stages=3, output_stride=16)), True),
    "swin": (Swin, False),
    "tiny": (partial(TinyEncoder, output_stride=8), False),
}
"""Encoder, and whether it takes sizes of a multiple of the stride plus 1, corners aligned."""

Block = tuple[Callable[[Config, int], nn.Module], Callable[[Config], nn.Module], int]
BLOCKS: Mapping[str, Block] = {
    "gpm": (gated_module, LastStreams, 1),
    "lstt": (LSTT, EveryLayer, 1),
    "single": (SingleGPM, partial(LastStreams, streams=1), 1),
    "wide": (SingleGPM, partial(LastStreams, streams=1), 2),
}
"""Module, what the decoder reads after the last, and the factor of channels and values."""

PROJECTIONS = {"branches": BranchProjection, "mixed": MixedProjection}
MATCHINGS = {"visual": VisualMatching, "both": JointMatching}
VALUES = {"linear": nn.Identity, "silu": nn.SiLU}
IDENTITIES = {"plain": IdentityBank, "normed": NormedIdentityBank}
