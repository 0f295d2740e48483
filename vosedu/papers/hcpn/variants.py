"""Parts of HCPN that exist only in the authors' release or in an ablation.

Each is a sibling of a class of `network`, with the same signature; `network.build` chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.nn.gct import GatedChannels
from vosedu.nn.stream import Stream, mobilenet_stream, resnet_stream, tiny_stream
from vosedu.papers.hcpn.network import (
    CCM,
    GAC,
    GAF,
    MCR,
    Add,
    Affinity,
    AllInputs,
    Attended,
    Encoder,
    Pyramid,
    SoftAttention,
    SoftmaxReading,
    StackedPCM,
)
from vosedu.record import tap

# Inputs (Table I) --------------------------------------------------------------------------------


class OnlyFrames(nn.Module):
    """Table I, without flow: the flow picture is replaced by the mean colour, which is 0."""

    def forward(self, a: Tensor, b: Tensor, flow: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Three pictures B x 3 x H x W, the last one empty."""
        return a, b, torch.zeros_like(flow)


class OnlyFlow(nn.Module):
    """Table I, without frames: both frames are replaced by the mean colour, which is 0."""

    def forward(self, a: Tensor, b: Tensor, flow: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Three pictures B x 3 x H x W, the first two empty."""
        return torch.zeros_like(a), torch.zeros_like(b), flow


# PCM ---------------------------------------------------------------------------------------------


class DiffuseAttention(nn.Module):
    """Soft attention as released: the map is not rescaled, so features shrink by about HW."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> the same shape."""
        weights = self.score(x).flatten(2).softmax(2).view_as(x[:, :1])  # B 1 HW -> B 1 H W
        return x * tap("map", weights)


class TanhReading(nn.Module):
    """As released: tanh of the affinity, no softmax; what is read has length 1 at each position."""

    affinity = Affinity

    def forward(self, s: Tensor, m: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
        """S, B x HW of motion x HW of appearance, and M, N -> M^, N^, both like M."""
        s = tap("weights", torch.tanh(s))
        m_hat = (m.flatten(2) @ s.transpose(1, 2)).view_as(m)  # B C HW -> B C H W
        n_hat = (n.flatten(2) @ s).view_as(n)
        return F.normalize(m_hat, dim=1), F.normalize(n_hat, dim=1)


class FactoredAffinity(Affinity):
    """S = k^T q, kept as its factors: the product of HW x HW numbers is never formed."""

    def forward(self, m: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
        """M and N, B x C x H x W -> q of the appearance and k of the motion, B x K x HW each."""
        return self.appearance(m).flatten(2), self.motion(n).flatten(2)  # B C H W -> B K HW


class LinearReading(nn.Module):
    """`TanhReading` with tanh(S) = S, which holds for small S: linear attention.

    M^ = M S^T = (M q^T) k and N^ = N S = (N k^T) q take 4 C K HW multiplications; with tanh in
    between S has to be formed, which takes K HW^2, and read twice, 2 C HW^2.
    """

    affinity = FactoredAffinity

    def forward(self, s: tuple[Tensor, Tensor], m: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
        """The factors q, k of S, B x K x HW each, and M, N -> M^, N^, both like M."""
        q, k = s
        m_hat = (m.flatten(2) @ q.transpose(1, 2) @ k).view_as(m)  # B C HW -> B C K -> B C H W
        n_hat = (n.flatten(2) @ k.transpose(1, 2) @ q).view_as(n)
        return F.normalize(m_hat, dim=1), F.normalize(n_hat, dim=1)


class InterleavedPCM(nn.Module):
    """PCM as released: soft attention, then co-attention, `stacks` times with the same weights.

    Between two stacks each stream takes up what was read from it: m <- ReLU(m + M^). Computed in
    float32 also under autocast: attended features are of order 1 / HW, affinities smaller still.
    """

    stacks = 5

    def __init__(
        self, appearance: nn.Module, motion: nn.Module, affinity: nn.Module, reading: nn.Module
    ) -> None:
        super().__init__()
        self.appearance = appearance
        self.motion = motion
        self.affinity = affinity
        self.reading = reading

    def forward(self, image: Tensor, flow: Tensor) -> Attended:
        """Features of a frame and of the flow, B x C x H x W each -> what each stream becomes."""
        with torch.autocast(image.device.type, enabled=False):
            m, n = image.float(), flow.float()
            for _ in range(self.stacks - 1):
                attended = self.stack(m, n)
                m, n = F.relu(m + attended.appearance), F.relu(n + attended.motion)
            return self.stack(m, n)

    def stack(self, m: Tensor, n: Tensor) -> Attended:
        """One soft attention and one co-attention."""
        m, n = self.appearance(m), self.motion(n)
        return Attended(*self.reading(self.affinity(m, n), m, n), m, n)


class NoPCM(nn.Module):
    """Table II, without PCM: no attention; each stream is handed on as it is."""

    def forward(self, image: Tensor, flow: Tensor) -> Attended:
        """Features of a frame and of the flow, B x C x H x W each, twice."""
        return Attended(image, flow, image, flow)


# CCM ---------------------------------------------------------------------------------------------


class Addition(nn.Module):
    """Table I: the two motion features are added."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """B x C x H x W twice -> B x C x H x W."""
        return x + y


class ConcatenatedMotion(nn.Module):
    """Table I: the two motion features are concatenated, a 1 x 1 convolution halves them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.halve = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """B x C x H x W twice -> B x C x H x W."""
        return self.halve(torch.cat([x, y], dim=1))


class MeanMotion(nn.Module):
    """Table II, without CCM: neither channel attention nor fusion, the mean of both."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """B x C x H x W twice -> B x C x H x W."""
        return (x + y) / 2


class ReleasedGAF(nn.Module):
    """GAF as released: w x + (1 - w) y, twice, the second w from the first blend.

    The second weight takes a local branch of its own and the global branch of the first.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.local1 = self._branch(channels)
        self.local2 = self._branch(channels)
        self.whole = nn.Sequential(nn.AdaptiveAvgPool2d(1), *self._branch(channels))

    @staticmethod
    def _branch(channels: int) -> nn.Sequential:
        hidden = channels // 4
        return nn.Sequential(
            nn.Conv2d(channels, hidden, 1),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels, 1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """B x C x H x W twice -> B x C x H x W."""
        z = x + y
        w = tap("weight1", torch.sigmoid(self.local1(z) + self.whole(z)))
        z = w * x + (1 - w) * y
        w = tap("weight2", torch.sigmoid(self.local2(z) + self.whole(z)))
        return w * x + (1 - w) * y


# From stage to stage -----------------------------------------------------------------------------


class Replace(nn.Module):
    """Propagation as the paper writes it: N^+ replaces the flow, V = [N^+, N^].

    The paper does not say how the image streams go on; here what was read from the frame, M^, is
    added.
    """

    def image(self, image: Tensor, attended: Attended) -> Tensor:
        """The image stream's features for the next stage, B x C x H x W."""
        return F.relu(image + attended.appearance)

    def flow(self, flow: Tensor, merged: Tensor) -> Tensor:
        """The flow stream's features for the next stage, B x C x H x W."""
        return merged

    def output(self, image: Tensor, flow: Tensor, attended: Attended) -> Tensor:
        """V of one frame, B x 2C x H x W, from the streams' new features."""
        return torch.cat([flow, attended.motion], dim=1)  # B C H W, B C H W -> B 2C H W


class TwoStreams(nn.Module):
    """Table I, two streams: each frame meets the flow alone, through the same image stream.

    encoder: a `network.Encoder` whose two image streams are one module.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, a: Tensor, b: Tensor, flow: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Pictures B x 3 x H x W -> V_a and V_b of the four stages, fine to coarse."""
        return self.encoder(a, a, flow)[0], self.encoder(b, b, flow)[0]


# Decoder -----------------------------------------------------------------------------------------


class RepeatedPyramid(nn.Module):
    """The pyramid as released: its first dilated branch stands in for the other two."""

    def __init__(self, inputs: int, hidden: int, rates: tuple[int, int, int]) -> None:
        super().__init__()
        self.near = nn.Conv2d(inputs, hidden // 4, 1)
        self.far = nn.Conv2d(inputs, hidden // 4, 3, padding=rates[0], dilation=rates[0])
        self.norm = nn.BatchNorm2d(hidden)

    def forward(self, x: Tensor) -> Tensor:
        """B x inputs x H x W -> B x hidden x H x W."""
        far = self.far(x)
        return self.norm(torch.cat([self.near(x), far, far, far], dim=1))


class LargeKernel(nn.Module):
    """The decoder's first layer as released: 7 x 1 then 1 x 7, and the other way round, added."""

    def __init__(self, inputs: int, hidden: int, rates: tuple[int, int, int]) -> None:
        super().__init__()
        self.tall_first = self._pair(inputs, hidden, (7, 1), (1, 7))
        self.wide_first = self._pair(inputs, hidden, (1, 7), (7, 1))

    @staticmethod
    def _pair(
        inputs: int, hidden: int, first: tuple[int, int], second: tuple[int, int]
    ) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inputs, hidden, first, padding=(first[0] // 2, first[1] // 2)),
            nn.Conv2d(hidden, hidden, second, padding=(second[0] // 2, second[1] // 2)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """B x inputs x H x W -> B x hidden x H x W."""
        return self.tall_first(x) + self.wide_first(x)


# MCR ---------------------------------------------------------------------------------------------


class ContourInput(nn.Module):
    """As released: contours are one more channel of the decoder's input; no product with the mask.

    The four contour maps are fused by a 3 x 3 convolution into the one that is trained.
    """

    extra_channels = 1
    uses_contours = True

    def __init__(self) -> None:
        super().__init__()
        self.fuse = nn.Conv2d(4, 1, 3, padding=1)

    def feed(self, features: list[Tensor], contours: list[Tensor]) -> list[Tensor]:
        """V_L and c_L of the four stages -> what the decoder reads, one channel more."""
        return [torch.cat(pair, dim=1) for pair in zip(features, contours, strict=True)]

    def forward(self, mask: Tensor, contours: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits of the coarse mask, B x 1 x H x W, and c_2 to c_5 at that size -> both results."""
        return mask, self.fuse(torch.cat(contours, dim=1))


class NoContours(nn.Module):
    """Table II, without MCR: no contours at all."""

    extra_channels = 0
    uses_contours = False

    def feed(self, features: list[Tensor], contours: list[Tensor]) -> list[Tensor]:
        """What the decoder reads: V_L as it is."""
        return features

    def forward(self, mask: Tensor, contours: list[Tensor]) -> tuple[Tensor, None]:
        """The coarse mask is the mask."""
        return mask, None


# What `network.build` chooses from ---------------------------------------------------------------


def _stacked(channels: int, reduction: int, reading: Any) -> nn.Module:
    unit = partial(SoftAttention, channels)
    return StackedPCM(unit, unit, reading.affinity(channels, reduction, bias=False), reading)


def _interleaved(channels: int, reduction: int, reading: Any) -> nn.Module:
    unit = partial(DiffuseAttention, channels)
    return InterleavedPCM(unit(), unit(), reading.affinity(channels, reduction, bias=True), reading)


def _three_streams(
    image: Stream, make: Callable[[], Stream], flow: Stream, *rest: Any
) -> nn.Module:
    return Encoder(image, make(), flow, *rest)


def _two_streams(image: Stream, make: Callable[[], Stream], flow: Stream, *rest: Any) -> nn.Module:
    return TwoStreams(Encoder(image, image, flow, *rest))


CHOICES: Mapping[str, Mapping[Any, Any]] = {
    "encoder": {
        "resnet101": partial(resnet_stream, 101),
        "resnet18": partial(resnet_stream, 18),
        "mobilenet": mobilenet_stream,
        "tiny": tiny_stream,
    },
    "inputs": {"all": AllInputs, "frames": OnlyFrames, "flow": OnlyFlow},
    "streams": {2: _two_streams, 3: _three_streams},
    "cascades": {n: n for n in (1, 2, 3, 4)},
    "pcm": {"stacked": _stacked, "interleaved": _interleaved, "none": lambda *rest: NoPCM()},
    "affinity": {"softmax": SoftmaxReading, "tanh": TanhReading, "linear": LinearReading},
    "merged": {"coattended": attrgetter("motion"), "softattended": attrgetter("soft_motion")},
    "fusion": {
        "gaf": lambda channels: CCM(channels, GAF(channels)),
        "released-gaf": lambda channels: CCM(channels, ReleasedGAF(channels)),
        "addition": lambda channels: CCM(channels, Addition()),
        "concatenation": lambda channels: CCM(channels, ConcatenatedMotion(channels)),
        "none": lambda channels: MeanMotion(),
    },
    "propagation": {"add": Add, "replace": Replace},
    "bridge": {"gac": GAC, "gct": GatedChannels, "none": lambda channels: nn.Identity()},
    "contours": {"product": MCR, "input": ContourInput, "none": NoContours},
    "pyramid": {"dilations": Pyramid, "repeated": RepeatedPyramid},
    "deepest": {"pyramid": Pyramid, "large-kernel": LargeKernel},
    "output": {"input": lambda frame: tuple(frame.shape[-2:]), "512": lambda frame: (512, 512)},
}
"""Field of a Config -> its values -> what makes the part."""
