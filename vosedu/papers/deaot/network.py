"""DeAOT: decoupling features in hierarchical propagation (Yang and Yang, NeurIPS 2022).

Read it from top to bottom beside section 3 of the paper. A frame's features at the encoder's
last stride are h x w positions, n = h w, as a sequence B x n x C, row by row. Two streams pass
through L modules: the visual one, I, which finds where a position was before, and the
identification (ID) one, M, which carries which object it belongs to.

A memory holds for each module the keys and values of earlier frames: one reference frame and
more (long term), and the frame before (short term). The values of a frame are known only when its
mask is, so a module first returns an `Entry`, and `remember` makes it a `Memory` later.

| name | symbol | shape |
|---|---|---|
| `identity` | ID(Y), eq. 2 | B x n x C |
| `layers.0.gate` | sigma(U) of both branches, eq. 5 | B x n x 2 C_v |
| `layers.0.long.attention.attention` | Corr, eqs. 6, 9; newest frame first | B x heads x n x T n |
| `layers.0.short.attention.attention` | the same in the window | B x heads x n x window² |
| `layers.0.self_propagation.propagate.attention.attention` | eqs. 8, 11 | B x heads x n x n |
| `layers.0.visual`, `layers.0.id` | I and M after the module | B x n x C |
| `neck` | what the decoder reads | B x 2 C x h x w |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.errors import choose
from vosedu.nn import imagenet_rgb
from vosedu.nn.frozen import DropPath
from vosedu.nn.heads import GlobalAttention, LocalAttention, to_map, to_sequence
from vosedu.nn.initial import separately
from vosedu.papers.deaot.config import Config
from vosedu.record import tap

Streams = tuple[Tensor, ...]  # (I, M), each B x n x C; AOT has one stream
CLOSED = -1e10  # logit of an identity that no object has


class Features(NamedTuple):
    """A frame as the encoder sees it.

    maps: at strides 4, 8 and 16 (tiny encoder: 2, 4 and 8), B x . x . x .
    x: the last one projected, B x C x h x w.
    """

    maps: tuple[Tensor, ...]
    x: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """(h, w)."""
        return tuple(self.x.shape[-2:])


class Entry(NamedTuple):
    """What a module keeps of a frame whose mask is not known yet.

    key: B x n x C_k. value: what of the values is known, B x n x C_v. id: what the identity
    will be joined with, B x n x C, or None.
    """

    key: Tensor
    value: Tensor
    id: Tensor | None


class Memory(NamedTuple):
    """Keys, B x m x C_k, and values, B x m x 2 C_v, of m = T n positions of T frames."""

    key: Tensor
    value: Tensor


class Pass(NamedTuple):
    """A frame after all modules: its features, what the decoder reads, and a module's entries."""

    features: Features
    read: Tensor
    entries: list[Entry]


# 3.1 Identification mechanism (AOT, eq. 2) -----------------------------------------------------


def one_hot(ids: Tensor, objects: int) -> Tensor:
    """Object ids, B x H x W -> B x (1 + objects) x H x W float32; other ids give zeros."""
    known = torch.arange(objects + 1, device=ids.device).view(1, -1, 1, 1)
    return (ids.unsqueeze(1) == known).float()


class IdentityBank(nn.Module):
    """ID(Y): each patch's mask -> the sum of the learned identities of the pixels in it.

    One convolution of the patch's size over the one-hot mask, so that an identity is a vector per
    pixel of a patch. Sizes that follow the rule 16 a + 1 overlap by a pixel.
    """

    def __init__(self, objects: int, channels: int, stride: int, align: bool) -> None:
        super().__init__()
        kernel, padding = (stride + 1, stride // 2) if align else (stride, 0)
        self.bank = nn.Conv2d(objects + 1, channels, kernel, stride, padding)
        flat = self.bank.weight.new_empty(channels, (objects + 1) * kernel**2)
        nn.init.orthogonal_(flat, gain=kernel**-2)
        self.bank.weight.data.copy_(flat.view_as(self.bank.weight))

    def forward(self, mask: Tensor) -> Tensor:
        """B x (1 + M) x H x W -> B x n x C."""
        return to_sequence(self.bank(mask))


# 3.3 Gated propagation, eq. 5 ------------------------------------------------------------------


class PositionConvolution(nn.Module):
    """F_dw: a depth-wise convolution over the positions, B x n x C in and out."""

    def __init__(self, channels: int, kernel: int, drop: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False
        )
        self.drop = nn.Dropout2d(drop)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        return to_sequence(self.drop(self.conv(to_map(x, size))))


class BranchProjection(nn.Module):
    """W_O, one per branch: B x n x 2 C_v -> visual and ID output, each B x n x C."""

    def __init__(self, value: int, channels: int) -> None:
        super().__init__()
        self.visual = nn.Linear(value, channels)
        self.id = nn.Linear(value, channels)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        visual, identity = x.chunk(2, dim=-1)
        return self.visual(visual), self.id(identity)


class GatedPropagation(nn.Module):
    """Eq. 5: GP(U, Q, K, V) = F_dw(sigma(U) * Corr(Q, K) V) W_O, of both branches at once.

    The branches share Corr(Q, K), so their values stand side by side and are moved together.
    """

    def __init__(
        self, attention: nn.Module, local: PositionConvolution | None, project: nn.Module
    ) -> None:
        super().__init__()
        self.attention = attention
        self.local = local
        self.project = project

    def forward(
        self, gate: Tensor, q: Tensor, k: Tensor, v: Tensor, size: tuple[int, int]
    ) -> tuple[Tensor, ...]:
        """sigma(U), B x n x 2 C_v, queries, keys and values -> one output per branch."""
        x = gate * self.attention(q, k, v, size)
        if self.local is not None:
            x = self.local(x, size)
        return self.project(x)


# What an attention map is computed from --------------------------------------------------------


class VisualMatching(nn.Module):
    """Q = K = I W_K: attention maps come from the visual stream alone."""

    def __init__(self, channels: int, key: int) -> None:
        super().__init__()
        self.qk = nn.Linear(channels, key)

    def forward(self, visual: Tensor, identity: Tensor | None) -> Tensor:
        """Streams, each B x n x C -> B x n x C_k."""
        return self.qk(visual)


class JointMatching(nn.Module):
    """Q = K = [I, M] W_K: attention maps come from both streams."""

    def __init__(self, channels: int, key: int) -> None:
        super().__init__()
        self.qk = nn.Linear(2 * channels, key)

    def forward(self, visual: Tensor, identity: Tensor) -> Tensor:
        return self.qk(torch.cat([visual, identity], dim=-1))


# 3.4 The gated propagation module, eqs. 6 to 11 ------------------------------------------------


class SelfPropagation(nn.Module):
    """Eqs. 8 and 11: GP inside the frame; the map comes from both streams together."""

    def __init__(
        self, config: Config, matching: nn.Module, values: nn.Module, propagate: GatedPropagation
    ) -> None:
        super().__init__()
        c, cv = config.channels, config.value
        self.norm, self.id_norm = nn.LayerNorm(c), nn.LayerNorm(c)
        self.matching = matching
        self.v, self.id_v = nn.Linear(c, cv), nn.Linear(c, cv)
        self.u, self.id_u = nn.Linear(c, cv), nn.Linear(c, cv)
        self.values = values
        self.propagate = propagate

    def forward(self, visual: Tensor, identity: Tensor, size: tuple[int, int]) -> Streams:
        """I and M, each B x n x C -> what to add to each."""
        i, m = self.norm(visual), self.id_norm(identity)
        qk = self.matching(i, m)
        v = self.values(torch.cat([self.v(i), self.id_v(m)], dim=-1))  # B n 2C_v
        gate = F.silu(torch.cat([self.u(i), self.id_u(m)], dim=-1))
        return self.propagate(gate, qk, qk, v, size)


class GPM(nn.Module):
    """One gated propagation module: long-term, short-term and self propagation of both branches.

    The current frame's queries, gates and keys; `Memory` brings other frames' keys and values.
    Long and short term share W_K, W_V, W_V' and gates. The first module has no ID stream yet: its
    ID gate is 1 and its ID values are the identity alone, in the paper's form as in the release.
    """

    def __init__(
        self,
        config: Config,
        first: bool,
        matching: nn.Module,
        values: nn.Module,
        long: GatedPropagation,
        short: GatedPropagation,
        self_propagation: SelfPropagation,
    ) -> None:
        super().__init__()
        c, cv = config.channels, config.value
        self.norm = nn.LayerNorm(c)
        self.id_norm = None if first else nn.LayerNorm(c)
        self.matching = matching
        self.v = nn.Linear(c, cv)
        self.id_v = nn.Linear(c if first else 2 * c, cv)
        self.u = nn.Linear(c, cv)
        self.id_u = None if first else nn.Linear(c, cv)
        self.values = values
        self.long = long
        self.short = short
        self.self_propagation = self_propagation
        self.drop = DropPath(config.drop)

    @staticmethod
    def start(x: Tensor) -> Streams:
        """The streams before the first module: the projected feature, and nothing."""
        return x, torch.zeros_like(x)

    def forward(
        self,
        streams: Streams,
        size: tuple[int, int],
        long: Memory | None,
        short: Memory | None,
        identity: Tensor | None = None,
    ) -> tuple[Streams, Entry]:
        """Streams (I, M) -> (I, M) after the module, and the frame's entry.

        identity: given for a reference frame, B x n x C, which then reads its own memory.
        """
        visual, ids = streams
        i = self.norm(visual)
        m = None if self.id_norm is None else self.id_norm(ids)
        q = self.matching(i, m)
        entry = Entry(q, self.values(self.v(i)), m)
        if identity is not None:
            long = short = self.remember(entry, identity)
        gate = tap("gate", self.gate(i, m))
        far, far_ids = self.long(gate, q, long.key, long.value, size)
        near, near_ids = self.short(gate, q, short.key, short.value, size)
        visual, ids = visual + (far + near), ids + (far_ids + near_ids)
        own, own_ids = self.self_propagation(visual, ids, size)
        visual, ids = visual + self.drop(own), ids + self.drop(own_ids)
        return (tap("visual", visual), tap("id", ids)), entry

    def gate(self, visual: Tensor, identity: Tensor | None) -> Tensor:
        """sigma(U) of both branches side by side, B x n x 2 C_v."""
        u = F.silu(self.u(visual))
        id_u = torch.ones_like(u) if identity is None else F.silu(self.id_u(identity))
        return torch.cat([u, id_u], dim=-1)

    def remember(self, entry: Entry, identity: Tensor) -> Memory:
        """V = [I W_V, M W_V' + ID(Y)]: the values of a frame whose mask is known.

        ID(Y) has C channels and the values C_v, so the sum is taken as [M, ID(Y)] times one
        matrix.
        """
        joined = identity if entry.id is None else torch.cat([entry.id, identity], dim=-1)
        values = torch.cat([entry.value, self.values(self.id_v(joined))], dim=-1)  # B n 2C_v
        return Memory(entry.key, values)


class LastStreams(nn.Module):
    """What the decoder reads: the streams after the last module, each normalised, side by side."""

    def __init__(self, config: Config, streams: int = 2) -> None:
        super().__init__()
        self.channels = streams * config.channels
        self.norm = nn.GroupNorm(streams, self.channels)

    def forward(self, x: Tensor, outputs: Sequence[Streams]) -> Tensor:
        """The projected feature, B x C x h x w, and each module's streams -> a map."""
        return self.norm(to_map(torch.cat(outputs[-1], dim=-1), tuple(x.shape[-2:])))


# Decoder (an FPN, as in AOT) -------------------------------------------------------------------


class NormedConvolution(nn.Sequential):
    """Convolution, GroupNorm with 8 groups, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
            nn.GroupNorm(8, outputs),
            nn.ReLU(),
        )


class Decoder(nn.Module):
    """A feature pyramid: what was read, and the encoder's maps from coarse to fine -> logits."""

    def __init__(
        self, inputs: int, maps: Sequence[int], width: int, outputs: int, align: bool
    ) -> None:
        super().__init__()
        fine, middle, coarse = maps
        self.align = align
        self.skip16, self.conv16 = nn.Conv2d(coarse, width, 1), NormedConvolution(width, width, 3)
        half = width // 2
        self.skip8, self.conv8 = nn.Conv2d(middle, width, 1), NormedConvolution(width, half, 3)
        self.skip4, self.conv4 = nn.Conv2d(fine, half, 1), NormedConvolution(half, half, 3)
        # last, so that other inputs and outputs leave the start of the parts above alone
        self.start = NormedConvolution(inputs, width, 1)
        self.out = nn.Conv2d(half, outputs, 1)

    def forward(self, read: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """B x inputs x h x w and three maps, fine to coarse -> logits of the finest map's size."""
        fine, middle, coarse = maps
        x = self.conv16(self.start(read) + self.skip16(coarse))
        x = self.conv8(enlarge(x, middle.shape[-2:], self.align) + self.skip8(middle))
        x = self.conv4(enlarge(x, fine.shape[-2:], self.align) + self.skip4(fine))
        return self.out(x)


def enlarge(x: Tensor, size: Sequence[int], align: bool) -> Tensor:
    """Bilinear resize of B x C x h x w; `align`: corners are aligned."""
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=align)


# The network -----------------------------------------------------------------------------------


class DeAOT(nn.Module):
    """Masks of one frame in, masks of another out; made by `build`, AOT too.

    Its steps: `encode` a frame, `propagate` its features from memory, `decode` to logits, and,
    once the mask is settled, `remember`. `vosedu.papers.deaot.inference.Engine` runs them over a
    video. Frames are B x 3 x H x W, made by `normalise` from RGB, 0..255; with `align` H and W are
    a multiple of the stride plus 1, else a multiple.
    """

    def __init__(
        self,
        config: Config,
        encoder: nn.Module,
        align: bool,
        projector: nn.Conv2d,
        identity: nn.Module,
        layers: Sequence[nn.Module],
        neck: nn.Module,
        decoder: Decoder,
    ) -> None:
        super().__init__()
        self.config = config
        self.align = align
        self.stride = encoder.strides[-1]
        self.normalise = imagenet_rgb
        self.encoder = encoder
        self.projector = projector
        self.identity = identity
        self.layers = nn.ModuleList(layers)
        self.neck = neck
        self.decoder = decoder

    def encode(self, frames: Tensor) -> Features:
        """Frames, B x 3 x H x W -> their features."""
        maps = self.encoder(frames)
        return Features(tuple(maps[:3]), self.projector(maps[-1]))

    def identify(self, mask: Tensor) -> Tensor:
        """ID(Y): a one-hot mask at the frame's size, B x (1 + M) x H x W -> B x n x C."""
        return self.identity(mask)

    def propagate(
        self,
        features: Features,
        long: Sequence[Memory] | None = None,
        short: Sequence[Memory] | None = None,
        identity: Tensor | None = None,
    ) -> Pass:
        """Features through all modules, reading one memory per module.

        identity: of a reference frame, which reads itself; then no memory is given.
        """
        x = to_sequence(features.x)  # B C h w -> B n C
        streams = self.layers[0].start(x)
        outputs, entries = [], []
        none = [None] * len(self.layers)
        for layer, far, near in zip(self.layers, long or none, short or none):
            streams, entry = layer(streams, features.size, far, near, identity)
            outputs.append(streams)
            entries.append(entry)
        return Pass(features, self.neck(features.x, outputs), entries)

    def remember(self, entries: Sequence[Entry], identity: Tensor) -> list[Memory]:
        """Entries and the identity of the frame's mask -> one memory per module."""
        return [layer.remember(entry, identity) for layer, entry in zip(self.layers, entries)]

    def decode(self, passed: Pass, objects: int | Tensor) -> Tensor:
        """A pass -> logits, B x (1 + M) x h' x w', at the finest map's size.

        objects: how many of the M identities are in use, one number or one per sample (B); the
        others get the logit `CLOSED`.
        """
        logits = self.decoder(passed.read, passed.features.maps)
        number = torch.arange(logits.shape[1], device=logits.device).view(1, -1, 1, 1)
        used = torch.as_tensor(objects, device=logits.device).view(-1, 1, 1, 1)
        return logits.masked_fill(number > used, CLOSED)

    def forward(self, reference: Tensor, ids: Tensor, frame: Tensor, objects: int) -> Tensor:
        """A reference frame, its ids (B x H x W) and another frame -> logits of the other one.

        Frames are B x 3 x H x W; the logits B x (1 + M) x H x W.
        """
        identity = self.identify(one_hot(ids, self.config.objects))
        entries = self.propagate(self.encode(reference), identity=identity).entries
        memory = self.remember(entries, identity)
        passed = self.propagate(self.encode(frame), memory, memory)
        return enlarge(self.decode(passed, objects), frame.shape[-2:], self.align)


# Making one from a Config ----------------------------------------------------------------------


def key_width(config: Config) -> int:
    """Channels of queries and keys, of all heads together."""
    return config.key if config.heads == 1 else config.channels


def propagation(
    config: Config, attention: nn.Module, project: nn.Module, branches: int = 2
) -> GatedPropagation:
    """GP of Eq. 5 with the configuration's F_dw."""
    local = None
    if config.kernel:
        local = PositionConvolution(branches * config.value, config.kernel, config.drop)
    return GatedPropagation(attention, local, project)


def gated_module(config: Config, number: int) -> GPM:
    """The `number`-th gated propagation module, from 0."""
    from vosedu.papers.deaot import variants

    matching = choose(variants.MATCHINGS, config.matching, "DeAOT has no matching")
    self_matching = choose(variants.MATCHINGS, config.self_matching, "DeAOT has no self_matching")
    projection = choose(variants.PROJECTIONS, config.projection, "DeAOT has no projection")
    values = choose(variants.VALUES, config.values, "DeAOT has no values")
    first = number == 0
    c, heads, width = config.channels, config.heads, key_width(config)

    def propagate(attention: nn.Module) -> GatedPropagation:
        return propagation(config, attention, projection(config.value, c))

    return GPM(
        config,
        first,
        (VisualMatching if first else matching)(c, width),
        values(),
        propagate(GlobalAttention(heads, parts=2)),
        propagate(LocalAttention(width, heads, config.window, parts=2)),
        SelfPropagation(
            config, self_matching(c, width), values(), propagate(GlobalAttention(heads, parts=2))
        ),
    )


def build(config: Config) -> DeAOT:
    """The network a Config describes, with random weights; raises InputError for unknown names.

    Each part draws from its own generator, so that two configurations built from one seed share
    the initial weights of the parts they share.
    """
    from vosedu.papers.deaot import variants  # here, since variants are made of the parts above

    make_encoder, align = choose(variants.ENCODERS, config.encoder, "DeAOT has no encoder")
    make_block, make_neck, wide = choose(variants.BLOCKS, config.block, "DeAOT has no block")
    make_identity = choose(variants.IDENTITIES, config.identity, "DeAOT has no identity")
    inner = replace(config, channels=wide * config.channels, value=wide * config.value)
    draw = separately(2 * config.layers + 8)

    def drawn(make: Callable[[], nn.Module]) -> nn.Module:
        """Made, then spread, each from a generator of its own: sizes of one leave others alone."""
        module = draw(make)
        return draw(lambda: spread(module))

    encoder = draw(make_encoder)
    projector = drawn(lambda: nn.Conv2d(encoder.channels[-1], inner.channels, 1))
    neck = make_neck(inner)
    maps, identities = encoder.channels[:3], config.objects + 1
    decoder = drawn(lambda: Decoder(neck.channels, maps, config.decoder, identities, align))
    identity = draw(
        lambda: make_identity(config.objects, inner.channels, encoder.strides[-1], align)
    )
    layers = [drawn(lambda n=n: make_block(inner, n)) for n in range(config.layers)]
    return DeAOT(config, encoder, align, projector, identity, layers, neck, decoder)


def spread(module: nn.Module) -> nn.Module:
    """Xavier's uniform start for every parameter of more than one axis, as released."""
    for parameter in module.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)
    return module
