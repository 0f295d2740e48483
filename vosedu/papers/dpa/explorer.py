"""DPA's explorer: how a mask depends on motion, and how on the other frames.

    explore(model, clips)              # widgets; needs a running notebook
    explore(model, clips).figure()     # the same as a figure

`DPAProbe` computes what both show, for notebooks that measure it over many frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from vosedu.clip import Clip
from vosedu.explore import (
    Choice,
    Picture,
    Place,
    Probe,
    Rows,
    Trace,
    available,
    by_label,
    distribution_map,
    heat_map,
    linked,
    place_name,
)
from vosedu.explore.sabotage import FLOW_TIPS, FLOWS, Hook, hooked, zero, zero_items
from vosedu.figures.attention import effective_support, enlarged, principal_colours
from vosedu.papers.dpa.inference import (
    DPAPictures,
    Inference,
    finish,
    flow_input,
    frame_input,
    predict,
    reference_indices,
    remember,
)
from vosedu.papers.dpa.network import DPA, FrameMaps, Reference
from vosedu.papers.embedded import as_embedded, cut
from vosedu.record import record

STREAMS = ("appearance", "motion")
COUNTS = (1, 2, 3, 4, 5)  # references, as in rows IV to VIII of Table 1
TAPED = (
    "*.squeeze?",
    "*.encoder.block5",
    "ima?.appearance",
    "ima?.motion",
    "ima?.exchange.*",
    "ima5.fuse_appearance",
    "ima5.fuse_motion",
    "ifa_*.read",
    "ifa_*.read.attention",
    "ifa_appearance",
    "ifa_motion",
    "fuse5_appearance",
    "fuse5_motion",
    "decoder.maps",
)


# Sabotage ----------------------------------------------------------------------------------------

REFERENCES: Mapping[str, Callable[[list[Place], Place, list[Place]], tuple[list[Place], ...]]] = {
    "as chosen": lambda chosen, query, others: (chosen, chosen),
    "shuffled": lambda chosen, query, others: (chosen[::-1], [*chosen[1:], *chosen[:1]]),
    "the query itself": lambda chosen, query, others: ([query] * len(chosen),) * 2,
    "another clip's motion": lambda chosen, query, others: (chosen, others),
    "another clip": lambda chosen, query, others: (others, others),
}
"""The places whose appearance and whose motion are read, from those chosen, the query's own, and
as many of another clip."""

REFERENCE_TIPS = {
    "as chosen": "the frames of Eq. 8, with their flow",
    "shuffled": "in another order, each appearance beside the flow of another reference",
    "the query itself": "every reference is the frame to be segmented",
    "another clip's motion": "the flow of the references comes from the next clip",
    "another clip": "frames and flow of the references come from the next clip",
}

_EXCHANGES, _READS = ("ima4.exchange", "ima5.exchange"), ("ifa_appearance.read", "ifa_motion.read")
ZEROED: Mapping[str, tuple[tuple[str, ...], Hook]] = {
    "nothing": ((), zero),
    "T_A": (_EXCHANGES, zero_items(0)),
    "T_M": (_EXCHANGES, zero_items(1)),
    "IMA": (_EXCHANGES, zero_items(0, 1)),
    "IFA": (_READS, zero),
}
"""What can be replaced by zeros, with the modules that compute it."""

ZERO_TIPS = {
    "nothing": "the network as it is",
    "T_A": "appearance gets nothing from motion (Eq. 6)",
    "T_M": "motion gets nothing from appearance (Eq. 6)",
    "IMA": "neither stream gets anything from the other",
    "IFA": "nothing is read from the references",
}


def without(model: DPA, what: str) -> AbstractContextManager[None]:
    """Inside, what a part transfers is zero; a part that the network lacks changes nothing."""
    return hooked(model, *ZEROED[what])


# What one setting computes -----------------------------------------------------------------------


@dataclass(frozen=True)
class ReferenceTrace:
    """A reference: what the network keeps of it, and its soft regions (C x h x w) by stream."""

    memory: Reference
    regions: Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class DPATrace(Trace):
    """One frame under one setting, with N references.

    flow: its flow picture, h x w x 3 uint8, as the network took it. references: by stream, N
    places (clip, frame). regions_kept: by stream, the soft regions of the references. taped: the
    tensors of TAPED by name, arrays without the batch axis in call order.
    """

    flow: np.ndarray
    references: Mapping[str, tuple[Place, ...]]
    regions_kept: Mapping[str, tuple[np.ndarray, ...]]
    taped: Mapping[str, list[np.ndarray]]

    def names(self, stream: str) -> list[str]:
        """What titles call the references of a stream."""
        return [place_name(place, self.clip) for place in self.references[stream]]

    def tap(self, name: str) -> np.ndarray | None:
        """The first tensor of that name; None where this network does not have it."""
        return self.taped[name][0] if name in self.taped else None

    def grid(self, block: int) -> tuple[int, int]:
        """(h, w) of block 4 or 5."""
        return self.taped[f"appearance.squeeze{block}"][0].shape[1:]

    def grounds(self) -> dict[str, np.ndarray]:
        """By stream, what its maps are drawn over."""
        return {"appearance": self.frame, "motion": self.flow}

    def regions(self, block: int, stream: str) -> np.ndarray:
        """S, the soft regions of block 4 or 5: C x h x w, each sums to one."""
        x = self.taped[f"{stream}.squeeze{block}"][0]
        return _over_positions(x)

    def owner(self, block: int, stream: str, x: int, y: int) -> int:
        """The prototype in whose soft region pixel (x, y) weighs most."""
        regions = self.regions(block, stream)
        return int(regions.reshape(len(regions), -1)[:, self.cell(x, y, self.grid(block))].argmax())

    def transfer(self, block: int, stream: str, x: int, y: int) -> np.ndarray | None:
        """Where in the other modality the pixel's prototype reads: h x w, sums to one.

        In the released form positions read, not prototypes. None without IMA; without prototypes
        a channel of the map stands where a prototype would.
        """
        other = STREAMS[stream == STREAMS[0]]
        mixing = self.tap(f"ima{block}.exchange.attention_{stream}")
        regions = self.regions(block, other)
        if mixing is not None:
            return np.tensordot(mixing[self.owner(block, stream, x, y)], regions, 1)
        attention = self.tap(f"ima{block}.exchange.{stream}.attention")
        if attention is not None:
            return attention[self.cell(x, y, self.grid(block))].reshape(regions.shape[1:])
        return None

    def attention(self, stream: str) -> np.ndarray | None:
        """softmax(Phi2): readers x N x tokens of each reference; None without IFA."""
        weights = self.tap(f"ifa_{stream}.read.attention")
        if weights is None:
            return None
        return weights.reshape(len(weights), len(self.references[stream]), -1)

    def mass(self, stream: str) -> np.ndarray:
        """The share of all attention that each of the N references gets; empty without IFA."""
        attention = self.attention(stream)
        return np.empty(0) if attention is None else attention.sum(2).mean(0)

    def reading(self, stream: str, x: int, y: int) -> np.ndarray | None:
        """Where the pixel's prototype reads: N x h x w, sums to one over all references."""
        attention = self.attention(stream)
        if attention is None:
            return None
        h, w = self.grid(5)
        if not self.regions_kept[stream]:  # without prototypes: positions read positions
            return attention[self.cell(x, y, self.grid(5))].reshape(-1, h, w)
        row = attention[self.owner(5, stream, x, y)]
        return np.stack([np.tensordot(a, s, 1) for a, s in zip(row, self.regions_kept[stream])])


def _over_positions(x: np.ndarray) -> np.ndarray:
    """softmax over positions: C x h x w -> C x h x w."""
    e = np.exp(x - x.max(axis=(1, 2), keepdims=True))
    return e / e.sum(axis=(1, 2), keepdims=True)


# What can be shown of it -------------------------------------------------------------------------


def shown_regions(probe: DPAProbe, trace: DPATrace, x: int, y: int, block: int) -> Rows:
    """The four soft regions of each modality in which the pixel weighs most."""
    rows = []
    for stream, ground in trace.grounds().items():
        regions = trace.regions(block, stream)
        flat = regions.reshape(len(regions), -1)
        strongest = flat[:, trace.cell(x, y, trace.grid(block))].argsort()[::-1][:4]
        rows.append(
            tuple(distribution_map(f"{stream}, region {c}", ground, regions[c]) for c in strongest)
        )
    return tuple(rows)


def shown_transfer(probe: DPAProbe, trace: DPATrace, x: int, y: int, block: int) -> Rows:
    """IMA: each modality's own features, what it takes from the other, and where it reads."""
    taps = {
        "Psi": [f"ima{block}.{stream}" for stream in STREAMS],
        "T": [f"ima{block}.exchange.transferred_{stream}" for stream in STREAMS],
    }
    maps = {name: [trace.tap(tap) for tap in names] for name, names in taps.items()}
    rows: list[tuple[Picture, ...]] = []
    grounds = trace.grounds()
    for number, (stream, letter) in enumerate(zip(STREAMS, "AM")):
        row = [
            Picture(f"{name}_{letter}, principal components", principal_colours(pair)[number])
            for name, pair in maps.items()
            if pair[number] is not None
        ]
        read = trace.transfer(block, stream, x, y)
        if read is not None:
            other = STREAMS[1 - number]
            title = f"for T_{letter} the pixel reads {other}"
            row.append(distribution_map(title, grounds[other], read))
        rows.append(tuple(replace(p, image=enlarged(p.image, trace.frame)) for p in row))
    return tuple(rows)


def shown_references(probe: DPAProbe, trace: DPATrace, x: int, y: int, block: int) -> Rows:
    """IFA: where the pixel's prototype of block 5 reads in each reference."""
    rows = []
    for stream in STREAMS:
        read = trace.reading(stream, x, y)
        if read is None:
            continue
        times = read * read.size
        high = max(2.0, float(times.max()))
        rows.append(
            tuple(
                heat_map(
                    f"{stream} of {name}: {100 * share.sum():.0f} % of the attention",
                    probe.background(stream, place),
                    each,
                    high,
                    unit=" x uniform",
                )
                for name, place, share, each in zip(
                    trace.names(stream), trace.references[stream], read, times
                )
            )
        )
    return tuple(rows)


def shown_lines(probe: DPAProbe, trace: DPATrace, x: int, y: int, block: int) -> Rows:
    """IFA: lines to the three positions of each reference that the pixel's prototype reads most."""
    rows = []
    for stream, ground in trace.grounds().items():
        read = trace.reading(stream, x, y)
        if read is not None and len(read):
            names = ", ".join(trace.names(stream))
            title = f"what the pixel's prototype reads most in {stream} of {names}; share there"
            others = [probe.background(stream, place) for place in trace.references[stream]]
            rows.append((linked(title, ground, (x, y), others, read),))
    return tuple(rows)


def shown_block5(probe: DPAProbe, trace: DPATrace, x: int, y: int, block: int) -> Rows:
    """Figure 1 of the paper: the strength of block 5 before and after each attention."""
    rows = []
    for stream, ground in trace.grounds().items():
        taps = {
            "f5": f"{stream}.encoder.block5",
            "IMA": f"ima5.fuse_{stream}",
            "IFA": f"ifa_{stream}",
            "fused": f"fuse5_{stream}",
        }
        tensors = {name: trace.tap(tap) for name, tap in taps.items()}
        strengths = {n: np.abs(x).mean(0) for n, x in tensors.items() if x is not None}
        rows.append(
            tuple(
                heat_map(f"{stream}, {name}: mean absolute value", ground, s, s.max(), s.min())
                for name, s in strengths.items()
            )
        )
    return tuple(rows)


def shown_outputs(probe: DPAProbe, trace: DPATrace, x: int, y: int, block: int) -> Rows:
    """The four maps, coarse to fine; the first is the gate of every skip."""
    return (
        tuple(
            heat_map(f"decoder output m{number}", trace.frame, each[0], 1.0)
            for number, each in zip((4, 3, 2, 1), trace.taped["decoder.maps"])
        ),
    )


class DPAProbe(Probe[DPATrace]):
    """DPA on a few clips; frames are encoded once, whatever is switched afterwards.

    models: one network, or several by label, for example {"I": ..., "IV": ...}. inference: how
    references are chosen, flow is estimated where clips bring none, and frames are resized.
    """

    question = (
        "How does this mask depend on motion, and how on the other frames? Click on the ground "
        "(1), show the flow of another clip (2), take the references from another clip (3); each "
        "time, compare the mask."
    )
    components: ClassVar = {
        "soft regions": shown_regions,
        "transfer": shown_transfer,
        "references": shown_references,
        "lines": shown_lines,
        "block 5": shown_block5,
        "outputs": shown_outputs,
    }
    traces_kept = 16

    def __init__(
        self,
        models: DPA | Mapping[str, DPA],
        clips: Sequence[Clip],
        inference: Inference | None = None,
    ) -> None:
        super().__init__(by_label(models, "DPA"), clips)
        self.inference = inference or as_embedded(self.first, Inference.paper())
        for model in self.networks.values():
            DPAPictures(model, clips[0], self.inference)  # raises what a first look would raise
        self._film = lru_cache(None)(self._open)
        self._picture = lru_cache(64)(self._draw)
        self._features = lru_cache(8)(self._encode)
        self._memory = lru_cache(64)(self._remember)

    def switches(self) -> tuple[Choice, ...]:
        """Network, flow, references, their number, and parts set to zero; which block is drawn."""
        n, clips = self.inference.references, len(self.clips)
        parts = {name for model in self.networks.values() for name, _ in model.named_modules()}
        removable = [what for what, (modules, _) in ZEROED.items() if parts.issuperset(modules)]
        return (
            Choice(
                "block",
                "block",
                (4, 5),
                4,
                changes=False,
                help="the encoder block whose soft regions and transfer are drawn",
            ),
            Choice(
                "network",
                "network",
                tuple(self.networks),
                next(iter(self.networks)),
                help="the network that segments the frame",
            ),
            Choice(
                "flow",
                "flow",
                available(FLOWS, clips),
                "as it is",
                help="the flow picture that the network takes",
                tips=FLOW_TIPS,
            ),
            Choice(
                "broken",
                "flow of",
                ("this frame", "all frames"),
                "this frame",
                help="whether that flow replaces only this frame's, or that of the references too",
            ),
            Choice(
                "references",
                "references",
                available(REFERENCES, clips),
                "as chosen",
                help="which frames are the references",
                tips=REFERENCE_TIPS,
            ),
            Choice("n", "N", tuple(sorted({*COUNTS, n})), n, help="the number of references"),
            Choice(
                "zeroed",
                "set to zero",
                tuple(removable),
                "nothing",
                help="what a part of the network transfers is replaced by zeros",
                tips=ZERO_TIPS,
            ),
        )

    def facts(self, trace: DPATrace, x: int, y: int, block: int) -> Iterator[str]:
        """The pixel's soft regions, the spread of its transfer, the attention on references."""
        owners = {stream: trace.owner(block, stream, x, y) for stream in STREAMS}
        yield (
            f"Pixel ({x}, {y}) weighs most in soft region {owners['appearance']} of appearance and "
            f"{owners['motion']} of motion (block {block})."
        )
        for stream, other, letter in zip(STREAMS, STREAMS[::-1], "AM"):
            read = trace.transfer(block, stream, x, y)
            if read is not None:
                support = effective_support(read.ravel())
                yield (
                    f"T_{letter}: there {stream} reads from {support:.1f} of {read.size} positions "
                    f"of {other} (exp of the entropy)."
                )
        for stream in STREAMS:
            if len(mass := trace.mass(stream)):
                shares = ", ".join(
                    f"{name}: {100 * share:.0f} %" for name, share in zip(trace.names(stream), mass)
                )
                yield f"IFA, attention of {stream} on {shares}."

    def pictures(self, trace: DPATrace) -> tuple[Picture, ...]:
        """The flow and the probability."""
        return (Picture("flow, as the network takes it", trace.flow), *super().pictures(trace))

    def background(self, stream: str, place: Place) -> np.ndarray:
        """What maps of a stream are drawn over: the frame at a place, or its flow; uint8."""
        clip, frame = place
        if stream == "appearance":
            return self.clips[clip].frames[frame]
        return self._picture(clip, frame, "as it is")

    def _open(self, clip: int) -> DPAPictures:
        model = next(iter(self.networks.values()))
        return DPAPictures(model, self.clips[clip % len(self.clips)], self.inference)

    def _draw(self, clip: int, frame: int, how: str) -> np.ndarray:
        return FLOWS[how](self._film, clip, frame)

    def _encode(self, network: str, clip: int, frame: int, how: str) -> FrameMaps:
        model, film = self.networks[network], self._film(clip)
        device = next(model.parameters()).device
        pixels = frame_input([film.frame(frame)], film.size)
        picture = flow_input([self._picture(clip, frame, how)], film.size)
        with torch.inference_mode():
            return model.features(pixels.to(device), picture.to(device))

    def _remember(self, network: str, clip: int, frame: int, how: str) -> ReferenceTrace:
        with record(self.networks[network], "ifa_*.memory.regions") as tape:
            memory = remember(self.networks[network], self._encode(network, clip, frame, how))
        taped = _arrays(tape)  # of the key; the released form's values have regions as well
        regions = {s: taped.get(f"ifa_{s}.memory.regions", [None])[0] for s in STREAMS}
        return ReferenceTrace(memory, {s: r for s, r in regions.items() if r is not None})

    def run(
        self,
        clip: int,
        frame: int,
        network: str,
        flow: str,
        broken: str,
        references: str,
        n: int,
        zeroed: str,
    ) -> DPATrace:
        """One frame with the chosen flow and references, and with a part set to zero."""
        model, inference = self.networks[network], replace(self.inference, references=n)
        chosen = (
            reference_indices(len(self.clips[clip]), inference) if model.needs_references else ()
        )
        streams = REFERENCES[references](
            [(clip, b) for b in chosen], (clip, frame), self.in_next_clip(clip, chosen)
        )
        theirs = flow if broken == "all frames" else "as it is"
        memories = [
            [self._memory(network, *place, theirs) for place in places] for places in streams
        ]
        read = [Reference(a.memory.appearance, m.memory.motion) for a, m in zip(*memories)]
        features = self._features(network, clip, frame, flow)
        with without(model, zeroed), record(model, *TAPED) as tape:
            probability = predict(model, features, read)
        result = finish(self.clips[clip], frame, probability, replace(inference, binarise="half"))
        return DPATrace(
            clip=clip,
            frame=self.clips[clip].frames[frame],
            probability=cut(model, result.probability),
            flow=self._picture(clip, frame, flow),
            references=dict(zip(STREAMS, map(tuple, streams))),
            regions_kept={
                stream: tuple(r.regions[stream] for r in kept if stream in r.regions)
                for stream, kept in zip(STREAMS, memories)
            },
            taped=_arrays(tape),
        )


def _arrays(tape: Mapping[str, list[Tensor]]) -> dict[str, list[np.ndarray]]:
    return {name: [x[0].float().cpu().numpy() for x in tensors] for name, tensors in tape.items()}


explore, figure = DPAProbe.explore, DPAProbe.figure
