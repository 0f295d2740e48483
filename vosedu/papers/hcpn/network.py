"""HCPN: two frames and the flow between them, three streams that propagate what they exchange.

Read it beside the method section of the paper (Pei et al., IEEE TIP 2023), in its order. Written a
and b for the two frames I_k and I_k+1; O for a stream's features at one stage; positions run row by
row, so flattened they are HW. This file is the paper's form, from the streams to the masks; what
only the authors' release or an ablation has stands in `variants`. Where the text leaves a choice,
the docstring says so ("our reading").

| recorded name | symbol | shape |
|---|---|---|
| `encoder.image_a.stages.S`, `image_b`, `flow` | O | B x C x h x w |
| `encoder.blocks.S.pcm.appearance.0.map` ..., `.motion.` | soft attention | B x 1 x h x w |
| `encoder.blocks.S.pcm.affinity` | S | B x hw of flow x hw of frame |
| `encoder.blocks.S.pcm.reading.rows`, `.columns` | softmax of its rows, columns | the same |
| `encoder.blocks.S.coattended` | N^, N^' : first of a, then of b | B x C x h x w |
| `encoder.blocks.S.softattended` | N: of a, then of b | B x C x h x w |
| `encoder.blocks.S.ccm` | N^+ | B x C x h x w |
| `encoder.blocks.S.ccm.fusion.weight` | GAF's weights | B x C x h x w |
| `decoder.bridges.S` | V^: of a, then of b | B x 2C x h x w |
| `decoder.heads.S` | c, contour logits of a, then of b | B x 1 x h x w |
| `decoder.deepest`, `decoder.refine.S` | decoder features | B x hidden x h x w |
| `decoder.coarse` | T^m, logits | B x 1 x h x w |
| `decoder.mcr.votes` | R(sum of P^r), logits | B x 1 x H x W |

S counts stages from 0 (stride 4). Without a block at stage S its names are not recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.errors import InputError
from vosedu.nn.gct import GatedChannels
from vosedu.nn.residual import PlainResidual
from vosedu.nn.stream import Stream
from vosedu.papers.hcpn.config import Config
from vosedu.record import tap

Size = tuple[int, int]


class HCPNPrediction(NamedTuple):
    """Logits of one pair, B x 1 x H x W each; contours B x 4 x H x W in the paper's form.

    Contours are None where the network has none.
    """

    mask_a: Tensor
    contour_a: Tensor | None
    mask_b: Tensor
    contour_b: Tensor | None


# The streams -------------------------------------------------------------------------------------


class AllInputs(nn.Module):
    """The streams see both frames and the flow."""

    def forward(self, a: Tensor, b: Tensor, flow: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Three pictures B x 3 x H x W, unchanged."""
        return a, b, flow


# PCM: parallel co-attention ----------------------------------------------------------------------


class Attended(NamedTuple):
    """Features of one frame (M) and of the flow (N), B x C x H x W each.

    appearance, motion: M^ and N^, what co-attention read.
    soft_appearance, soft_motion: M and N, which it read from.
    """

    appearance: Tensor
    motion: Tensor
    soft_appearance: Tensor
    soft_motion: Tensor


class SoftAttention(nn.Module):
    """A soft-attention unit: features weighted by a softmax over positions.

    Our reading: the weights are divided by the largest, so that a unit keeps features or damps
    them. (Weights that sum to 1 shrink features by HW in each unit; multiplied by HW, they raise
    the largest by up to HW in each of the stacked units, and training diverges.)
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> the same shape."""
        weights = tap("map", self.score(x).flatten(2).softmax(2).view_as(x[:, :1]))  # B 1 H W
        return x * (weights / weights.amax((2, 3), keepdim=True))


class Affinity(nn.Module):
    """S = N^T P(X) M: the C x C weight X is split into two projections to K channels.

    bias: of the projections; the paper writes none, the release has one.
    """

    def __init__(self, channels: int, reduction: int, bias: bool) -> None:
        super().__init__()
        self.appearance = nn.Conv2d(channels, max(1, channels // reduction), 1, bias=bias)
        self.motion = nn.Conv2d(channels, max(1, channels // reduction), 1, bias=bias)

    def forward(self, m: Tensor, n: Tensor) -> Tensor:
        """M and N, B x C x H x W -> S, B x HW of motion x HW of appearance."""
        q = self.appearance(m).flatten(2)  # B C H W -> B K HW
        k = self.motion(n).flatten(2)
        return k.transpose(1, 2) @ q  # B K HW, B K HW -> B HW HW


class SoftmaxReading(nn.Module):
    """M^ = M softmax_row(S) and N^ = N softmax_col(S).

    A row holds one position of the flow, its softmax says where in the frame to look; a column
    holds one position of the frame. So M^ is laid out on the flow's positions, N^ on the frame's.
    `affinity`: the class that computes S.
    """

    affinity = Affinity

    def forward(self, s: Tensor, m: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
        """S, B x HW of motion x HW of appearance, and M, N -> M^, N^, both like M."""
        rows, columns = tap("rows", s.softmax(2)), tap("columns", s.softmax(1))
        m_hat = (m.flatten(2) @ rows.transpose(1, 2)).view_as(m)  # B C HW -> B C H W
        n_hat = (n.flatten(2) @ columns).view_as(n)
        return m_hat, n_hat


class StackedPCM(nn.Module):
    """PCM: stacked soft attention in each stream, then one co-attention between them.

    Our reading of "multiple" units: five, as many as in the release, each with weights of its own.
    """

    stacks = 5

    def __init__(
        self,
        appearance: Callable[[], nn.Module],
        motion: Callable[[], nn.Module],
        affinity: nn.Module,
        reading: nn.Module,
    ) -> None:
        super().__init__()
        self.appearance = nn.Sequential(*(appearance() for _ in range(self.stacks)))
        self.motion = nn.Sequential(*(motion() for _ in range(self.stacks)))
        self.affinity = affinity
        self.reading = reading

    def forward(self, image: Tensor, flow: Tensor) -> Attended:
        """Features of a frame and of the flow, B x C x H x W each -> what each stream becomes."""
        m, n = self.appearance(image), self.motion(flow)
        return Attended(*self.reading(self.affinity(m, n), m, n), m, n)


# CCM: cross co-attention -------------------------------------------------------------------------


class GAF(nn.Module):
    """Global and local attention fusion: z sigmoid(global(z) + local(z)), z = x + y.

    Each branch is conv, ReLU, conv with C / 4 channels in between; the global one sees the mean
    over positions.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.local = self._branch(channels)
        self.whole = nn.Sequential(nn.AdaptiveAvgPool2d(1), *self._branch(channels))

    @staticmethod
    def _branch(channels: int) -> nn.Sequential:
        hidden = channels // 4
        return nn.Sequential(
            nn.Conv2d(channels, hidden, 1), nn.ReLU(inplace=True), nn.Conv2d(hidden, channels, 1)
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """B x C x H x W twice -> B x C x H x W."""
        z = x + y
        return z * tap("weight", torch.sigmoid(self.whole(z) + self.local(z)))


class CCM(nn.Module):
    """N^+ = C(N^) (*) C(N^'): the motion features of both frames become one.

    C is channel attention, the same for both; like the release we take gated channels for it.
    (*) is `fusion`.
    """

    def __init__(self, channels: int, fusion: nn.Module) -> None:
        super().__init__()
        self.attention = GatedChannels(channels)
        self.fusion = fusion

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """B x C x H x W twice -> B x C x H x W."""
        return self.fusion(self.attention(x), self.attention(y))


# Propagation: one HCPN block per stage -----------------------------------------------------------


class Add(nn.Module):
    """What was read is added to each stream, and V = [image, flow] of the updated streams.

    As released. The paper writes V = [N^+, N^] with N^+ in the flow's place (`variants.Replace`).
    Then nothing of a frame reaches the decoder but the places where motion is read, while the
    paper's own network without flow still has a J of 80.6 (Table I).
    """

    def image(self, image: Tensor, attended: Attended) -> Tensor:
        """The image stream's features for the next stage, B x C x H x W."""
        return F.relu(image + attended.motion)

    def flow(self, flow: Tensor, merged: Tensor) -> Tensor:
        """The flow stream's features for the next stage, B x C x H x W."""
        return F.relu(flow + merged)

    def output(self, image: Tensor, flow: Tensor, attended: Attended) -> Tensor:
        """V of one frame, B x 2C x H x W, from the streams' new features."""
        return torch.cat([image, flow], dim=1)  # B C H W, B C H W -> B 2C H W


class Block(nn.Module):
    """PCM on each frame with the flow, by the same weights, then CCM on what both gave."""

    def __init__(
        self,
        pcm: nn.Module,
        ccm: nn.Module,
        propagation: nn.Module,
        to_merge: Callable[[Attended], Tensor],
    ) -> None:
        super().__init__()
        self.pcm = pcm
        self.ccm = ccm
        self.propagation = propagation
        self.to_merge = to_merge

    def forward(self, a: Tensor, b: Tensor, flow: Tensor) -> tuple[Tensor, ...]:
        """O of both frames and of the flow, B x C x H x W -> the three updated, V_a and V_b."""
        of_a, of_b = self.pcm(a, flow), self.pcm(b, flow)
        for attended in (of_a, of_b):
            tap("coattended", attended.motion)
            tap("softattended", attended.soft_motion)
        merged = self.ccm(self.to_merge(of_a), self.to_merge(of_b))
        a, b = self.propagation.image(a, of_a), self.propagation.image(b, of_b)
        flow = self.propagation.flow(flow, merged)
        v_a, v_b = (self.propagation.output(o, flow, of) for o, of in ((a, of_a), (b, of_b)))
        return a, b, flow, v_a, v_b


class NoBlock(nn.Module):
    """A stage without exchange (Table III): V = [image, flow]."""

    def forward(self, a: Tensor, b: Tensor, flow: Tensor) -> tuple[Tensor, ...]:
        """As `Block`, with the streams unchanged."""
        return a, b, flow, torch.cat([a, flow], dim=1), torch.cat([b, flow], dim=1)


class Encoder(nn.Module):
    """Three streams without shared weights, and a block behind each of their stages."""

    def __init__(
        self,
        image_a: Stream,
        image_b: Stream,
        flow: Stream,
        blocks: Sequence[nn.Module],
        inputs: nn.Module,
    ) -> None:
        super().__init__()
        self.image_a, self.image_b, self.flow = image_a, image_b, flow
        self.blocks = nn.ModuleList(blocks)
        self.inputs = inputs

    def forward(self, a: Tensor, b: Tensor, flow: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Pictures B x 3 x H x W -> V_a and V_b of the four stages, fine to coarse."""
        a, b, flow = self.inputs(a, b, flow)
        a, b, flow = self.image_a.stem(a), self.image_b.stem(b), self.flow.stem(flow)
        vs_a, vs_b = [], []
        for stage, block in enumerate(self.blocks):
            a = self.image_a.stages[stage](a)
            b = self.image_b.stages[stage](b)
            flow = self.flow.stages[stage](flow)
            a, b, flow, v_a, v_b = block(a, b, flow)
            vs_a.append(v_a)
            vs_b.append(v_b)
        return vs_a, vs_b


# GAC: the bridge to the decoder ------------------------------------------------------------------


class GAC(nn.Module):
    """V^ = G(V) + L(V): each channel normalised, weighted, and raised or damped.

    G: W_g^c N_l(V^c), L: the same times tanh(W_l^c N_c(V^c) + b^c), W_g, W_l, b one number per
    channel. Our reading: the sum over c that the paper writes would leave one map, so every
    channel keeps its own term; N_l divides by the root mean square over positions (the l2 norm up
    to sqrt(HW)); N_c divides a channel's l2 norm by the root mean square of the channels'.
    """

    eps = 1e-5

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.w_g = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.w_l = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.b = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, v: Tensor) -> Tensor:
        """B x C x H x W -> the same shape."""
        power = v.pow(2).mean((2, 3), keepdim=True) + self.eps  # B C H W -> B C 1 1
        relative = (power / power.mean(1, keepdim=True)).sqrt()
        g = self.w_g * v / power.sqrt()
        return g + g * torch.tanh(self.w_l * relative + self.b)


# Decoder and MCR ---------------------------------------------------------------------------------


class ContourHead(nn.Module):
    """c, the logits of P^r at one stage."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, hidden, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(hidden),
            nn.Conv2d(hidden, hidden, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, 1, 1),
        )

    def forward(self, v: Tensor) -> Tensor:
        """B x inputs x h x w -> B x 1 x h x w."""
        return self.layers(v)


class Pyramid(nn.Module):
    """ASPP: a 1 x 1 and three dilated 3 x 3 convolutions side by side, then BatchNorm."""

    def __init__(self, inputs: int, hidden: int, rates: tuple[int, int, int]) -> None:
        super().__init__()
        self.near = nn.Conv2d(inputs, hidden // 4, 1)
        self.far = nn.ModuleList(
            nn.Conv2d(inputs, hidden // 4, 3, padding=rate, dilation=rate) for rate in rates
        )
        self.norm = nn.BatchNorm2d(hidden)

    def forward(self, x: Tensor) -> Tensor:
        """B x inputs x H x W -> B x hidden x H x W."""
        return self.norm(torch.cat([self.near(x), *(far(x) for far in self.far)], dim=1))


class Refine(nn.Module):
    """A skip connection: one stage's features through a pyramid, plus what came from below."""

    def __init__(self, pyramid: nn.Module, hidden: int) -> None:
        super().__init__()
        self.pyramid = pyramid
        self.skip = PlainResidual(hidden)
        self.merge = PlainResidual(hidden)

    def forward(self, features: Tensor, below: Tensor) -> Tensor:
        """B x inputs x H x W and B x hidden x h x w -> B x hidden x H x W."""
        s = self.skip(self.pyramid(features))
        return self.merge(s + resize(below, s.shape[-2:]))


class MCR(nn.Module):
    """P^m = R(sum over j of P^r_j) o T^m: the mask is kept where the contours vote for it.

    Our reading of the vote R: a 3 x 3 convolution of the sum and a sigmoid, near one at the start
    (sigmoid of `start`).
    (A plain share of votes is near zero off the contours and would erase the object's inside.)
    """

    extra_channels = 0
    uses_contours = True
    start = 2.0

    def __init__(self) -> None:
        super().__init__()
        self.vote = nn.Conv2d(1, 1, 3, padding=1)

    def feed(self, features: list[Tensor], contours: list[Tensor]) -> list[Tensor]:
        """What the decoder reads: V^ as it is."""
        return features

    def forward(self, mask: Tensor, contours: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits of T^m, B x 1 x H x W, and of P^r at that size -> of P^m, of the four P^r."""
        logits = torch.cat(contours, dim=1)  # four of B 1 H W -> B 4 H W
        vote = tap("votes", self.start + self.vote(logits.sigmoid().sum(1, keepdim=True)))
        return product_of_probabilities(mask, vote), logits


def product_of_probabilities(x: Tensor, y: Tensor) -> Tensor:
    """The logit of sigmoid(x) sigmoid(y), exact where either is close to 0 or 1; in float32."""
    x, y = x.float(), y.float()
    log_p = F.logsigmoid(x) + F.logsigmoid(y)
    log_rest = torch.logaddexp(F.logsigmoid(-x), F.logsigmoid(x) + F.logsigmoid(-y))
    return log_p - log_rest


class HCPNDecoder(nn.Module):
    """V of one frame -> its mask and contours; the same weights for both frames."""

    def __init__(
        self,
        bridges: Sequence[nn.Module],
        heads: Sequence[nn.Module],
        deepest: nn.Module,
        refine: Sequence[nn.Module],
        hidden: int,
        mcr: nn.Module,
    ) -> None:
        super().__init__()
        self.bridges = nn.ModuleList(bridges)
        self.heads = nn.ModuleList(heads)
        self.deepest = deepest
        self.deepest_residual = PlainResidual(hidden)
        self.refine = nn.ModuleList(refine)
        self.coarse = nn.Conv2d(hidden, 1, 3, padding=1)
        self.mcr = mcr

    def forward(self, vs: Sequence[Tensor], size: Size) -> tuple[Tensor, Tensor | None]:
        """V of the four stages, fine to coarse -> logits of mask and contours at `size`."""
        bridged = [bridge(v) for bridge, v in zip(self.bridges, vs, strict=True)]
        contours = [head(v) for head, v in zip(self.heads, bridged)]
        *skips, deepest = self.mcr.feed(bridged, contours)
        x = self.deepest_residual(self.deepest(deepest))
        for refine, skip in zip(reversed(self.refine), reversed(skips)):
            x = refine(skip, x)
        coarse = self.coarse(F.relu(x))
        return self.mcr(resize(coarse, size), [resize(c, size) for c in contours])


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear, corners not aligned."""
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


# The network -------------------------------------------------------------------------------------


class HCPN(nn.Module):
    """A pair of frames and its flow -> masks and contours of both frames; made by `build`.

    Pictures are B x 3 x H x W with sides divisible by 32, RGB with ImageNet's mean and deviation,
    the flow's colour picture too.
    """

    def __init__(
        self,
        config: Config,
        encoder: nn.Module,
        decoder: HCPNDecoder,
        output_size: Callable[[Tensor], Size],
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.decoder = decoder
        self.output_size = output_size

    def encode(self, a: Tensor, b: Tensor, flow: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """V_a and V_b of the four stages; raises InputError for pictures that do not fit."""
        check_pictures(a, b, flow)
        return self.encoder(a, b, flow)

    def forward(self, a: Tensor, b: Tensor, flow: Tensor) -> HCPNPrediction:
        """Both masks of a pair and both contours, as logits."""
        v_a, v_b = self.encode(a, b, flow)
        size = self.output_size(a)
        return HCPNPrediction(*self.decoder(v_a, size), *self.decoder(v_b, size))


def check_pictures(a: Tensor, b: Tensor, flow: Tensor) -> None:
    """Raise InputError for pictures that the network cannot take."""
    height, width = a.shape[-2:]
    if height % 32 or width % 32 or not height or not width:
        raise InputError(
            f"the frame is {height} x {width}: resize it so that both sides are multiples of 32"
        )
    for what, picture in (("second frame", b), ("flow picture", flow)):
        if picture.shape != a.shape:
            raise InputError(
                f"the {what} is {tuple(picture.shape)} and the first frame {tuple(a.shape)}: give "
                "both the same shape"
            )


# Making one from a Config ------------------------------------------------------------------------


def build(config: Config) -> HCPN:
    """The network a Config describes, with random weights; raises InputError for unknown names."""
    from vosedu.papers.hcpn.variants import CHOICES  # here: variants are made of the parts above

    of = SimpleNamespace(**{field: _choose(config, field, CHOICES[field]) for field in CHOICES})
    image, flow = of.encoder(config.width), of.encoder(config.width)
    without = len(image.channels) - of.cascades
    blocks = [NoBlock() for _ in range(without)] + [
        Block(
            of.pcm(channels, config.reduction, of.affinity()),
            of.fusion(channels),
            of.propagation(),
            of.merged,
        )
        for channels in image.channels[without:]
    ]
    encoder = of.streams(image, partial(of.encoder, config.width), flow, blocks, of.inputs())
    return HCPN(config, encoder, _decoder(config, of, image.channels), of.output)


def _decoder(config: Config, of: SimpleNamespace, channels: Sequence[int]) -> HCPNDecoder:
    mcr = of.contours()
    hidden, rates, extra = config.hidden, config.rates, mcr.extra_channels
    return HCPNDecoder(
        bridges=[of.bridge(2 * c) for c in channels],
        heads=[ContourHead(2 * c, hidden // 4) for c in channels if mcr.uses_contours],
        deepest=of.deepest(2 * channels[-1] + extra, hidden, rates),
        refine=[Refine(of.pyramid(2 * c + extra, hidden, rates), hidden) for c in channels[:-1]],
        hidden=hidden,
        mcr=mcr,
    )


def _choose(config: Config, field: str, table: Mapping[Any, Any]) -> Any:
    value = getattr(config, field)
    if value not in table:
        known = ", ".join(map(str, table))
        raise InputError(f"HCPN has no {field} '{value}'; choose one of {known}")
    return table[value]
