"""DPA to be touched: what a mask owes to motion, and what to the other frames.

    explore(model, clips)              # widgets; needs a running notebook
    explore(model, clips).figure()     # the same as a figure

`Probe` computes what both show, for notebooks that measure it over many frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from vosedu import metrics
from vosedu.clip import VOID, Clip
from vosedu.errors import InputError
from vosedu.explore import Choice, Explorer, Picture, View, on_object
from vosedu.figures.attention import effective_support, heat, principal_colours, ring
from vosedu.figures.overlay import overlay
from vosedu.nn import imagenet_rgb, to_batch
from vosedu.papers.dpa.explorer.sabotage import (
    FLOWS,
    OTHER_CLIP,
    REFERENCES,
    SILENT,
    Place,
    silenced,
)
from vosedu.papers.dpa.explorer.trace import HEARD, STREAMS, Remembered, Trace
from vosedu.papers.dpa.inference import (
    Inference,
    Pictures,
    finish,
    predict,
    reference_indices,
    remember,
)
from vosedu.papers.dpa.network import DPA, Features, Reference
from vosedu.record import record

QUESTION = (
    "What does this mask owe to motion, and what to the other frames? Click on the ground (1), "
    "show the flow of another clip (2), take the references from another clip (3); each time, "
    "compare the mask."
)
COUNTS = (1, 2, 3, 4, 5)  # references, as in rows IV to VIII of Table 1

# What one setting computes -----------------------------------------------------------------------


class Probe:
    """DPA on a few clips; frames are encoded once, whatever is switched afterwards.

    models: one network, or several by label (say, versions I to IV). clips: what to look at;
    "another clip" of one is the next. inference: how references are chosen, flow is estimated
    where clips bring none, and frames are resized.
    """

    def __init__(
        self,
        models: DPA | Mapping[str, DPA],
        clips: Sequence[Clip],
        inference: Inference | None = None,
    ) -> None:
        if not len(clips):
            raise InputError("an explorer needs at least one clip; give it a list of clips")
        self.networks = {"DPA": models} if isinstance(models, nn.Module) else dict(models)
        self.clips, self.inference = clips, inference or Inference.paper()
        for model in self.networks.values():
            Pictures(model, clips[0], self.inference)  # say now what would be said later
            model.eval()
        self._film = lru_cache(None)(self._open)
        self._picture = lru_cache(64)(self._draw)
        self._features = lru_cache(8)(self._encode)
        self._memory = lru_cache(64)(self._remember)
        self._kept = lru_cache(16)(self._run)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The switches, for `Explorer`."""
        n = self.inference.references
        two = len(self.clips) > 1
        parts = {name for model in self.networks.values() for name, _ in model.named_modules()}
        silent = [what for what, (modules, _) in SILENT.items() if parts.issuperset(modules)]
        return (
            Choice("component", "show", tuple(COMPONENTS), "soft regions", changes=False),
            Choice("block", "block", (4, 5), 4, changes=False),
            Choice("network", "network", tuple(self.networks), next(iter(self.networks))),
            Choice("flow", "flow", _offered(FLOWS, two), "as it is"),
            Choice("broken", "flow of", ("this frame", "all frames"), "this frame"),
            Choice("references", "references", _offered(REFERENCES, two), "as chosen"),
            Choice("n", "N", tuple(sorted({*COUNTS, n})), n),
            Choice("silent", "silence", tuple(silent), "nothing"),
        )

    def trace(self, clip: int, frame: int, **switches: Any) -> Trace:
        """Run the network on one frame; switches are named and valued as in `choices`."""
        untouched = {choice.name: choice.untouched for choice in self.choices if choice.changes}
        return self._kept(clip, frame, **{**untouched, **switches})

    def look(
        self, clip: int, frame: int, x: int, y: int, component: str, block: int, **switches: Any
    ) -> View:
        """What pixel (x, y) belongs to and reads, and the mask, under the given switches."""
        trace = self.trace(clip, frame, **switches)
        facts = [*_facts(trace, block, x, y)]
        truth = self.clips[clip].labels.get(frame)
        if truth is not None:
            j = metrics.region(trace.mask, truth, void=truth == VOID)
            facts.append(f"J of this frame: {100 * j:.1f}.")
        target = Picture(
            f"{self.clips[clip].name}, frame {frame}: mask, pixel",
            ring(overlay(trace.frame, trace.mask), x, y),
        )
        seen = (
            Picture("flow, as the network sees it", trace.flow),
            Picture("probability, 0 to 1", heat(trace.frame, trace.probability, 1.0)),
        )
        rows = COMPONENTS[component](self, trace, block, x, y)
        return View(trace.frame, trace.mask, target, (seen, *rows), tuple(facts))

    def background(self, stream: str, place: Place) -> np.ndarray:
        """What maps of a stream are drawn over: the frame at a place, or its flow; uint8."""
        clip, frame = place
        if stream == "appearance":
            return self.clips[clip].frames[frame]
        return self._picture(clip, frame, "as it is")

    def _open(self, clip: int) -> Pictures:
        model = next(iter(self.networks.values()))
        return Pictures(model, self.clips[clip % len(self.clips)], self.inference)

    def _draw(self, clip: int, frame: int, how: str) -> np.ndarray:
        return FLOWS[how](self._film, clip, frame)

    def _encode(self, network: str, clip: int, frame: int, how: str) -> Features:
        model, film = self.networks[network], self._film(clip)
        device = next(model.parameters()).device
        pixels = imagenet_rgb(to_batch([film.frame(frame)], film.size))
        picture = to_batch([self._picture(clip, frame, how)], film.size) / 255
        with torch.inference_mode():
            return model.features(pixels.to(device), picture.to(device))

    def _remember(self, network: str, clip: int, frame: int, how: str) -> Remembered:
        with record(self.networks[network], "ifa_*.memory.regions") as tape:
            memory = remember(self.networks[network], self._encode(network, clip, frame, how))
        heard = _arrays(tape)  # of the key; the released form's values have regions as well
        regions = {s: heard.get(f"ifa_{s}.memory.regions", [None])[0] for s in STREAMS}
        return Remembered(memory, {s: r for s, r in regions.items() if r is not None})

    def _run(
        self,
        clip: int,
        frame: int,
        network: str,
        flow: str,
        broken: str,
        references: str,
        n: int,
        silent: str,
    ) -> Trace:
        model, inference = self.networks[network], replace(self.inference, references=n)
        chosen = (
            reference_indices(len(self.clips[clip]), inference) if model.needs_references else ()
        )
        other = (clip + 1) % len(self.clips)
        streams = REFERENCES[references](
            [(clip, b) for b in chosen],
            (clip, frame),
            [(other, b % len(self.clips[other])) for b in chosen],
        )
        theirs = flow if broken == "all frames" else "as it is"
        kept = [[self._memory(network, *place, theirs) for place in places] for places in streams]
        read = [Reference(a.memory.appearance, m.memory.motion) for a, m in zip(*kept)]
        features = self._features(network, clip, frame, flow)
        with silenced(model, silent), record(model, *HEARD) as tape:
            probability = predict(model, features, read)
        as_it_is = replace(inference, binarise="half")
        return Trace(
            clip,
            self.clips[clip].frames[frame],
            self._picture(clip, frame, flow),
            finish(self.clips[clip], frame, probability, as_it_is).probability,
            dict(zip(STREAMS, map(tuple, streams))),
            {s: tuple(r.regions[s] for r in k if s in r.regions) for s, k in zip(STREAMS, kept)},
            _arrays(tape),
        )


def _arrays(tape: Mapping[str, list[Tensor]]) -> dict[str, list[np.ndarray]]:
    return {name: [x[0].float().cpu().numpy() for x in heard] for name, heard in tape.items()}


def _offered(options: Mapping[str, Any], two_clips: bool) -> tuple[str, ...]:
    return tuple(option for option in options if two_clips or option not in OTHER_CLIP)


# What can be shown of it -------------------------------------------------------------------------


def _facts(trace: Trace, block: int, x: int, y: int) -> Iterator[str]:
    owners = {stream: trace.owner(block, stream, x, y) for stream in STREAMS}
    yield (
        f"Pixel ({x}, {y}) weighs most in soft region {owners['appearance']} of appearance and "
        f"{owners['motion']} of motion (block {block})."
    )
    for stream, other, name in (("appearance", "motion", "T_A"), ("motion", "appearance", "T_M")):
        read = trace.transfer(block, stream, x, y)
        if read is not None:
            yield (
                f"{name}: there {stream} reads from {effective_support(read.ravel()):.1f} of "
                f"{read.size} positions of {other} (exp of the entropy)."
            )
    for stream in STREAMS:
        if len(mass := trace.mass(stream)):
            shares = ", ".join(
                f"{name}: {100 * share:.0f} %" for name, share in zip(trace.names(stream), mass)
            )
            yield f"IFA, attention of {stream} on {shares}."


def _times_uniform(name: str, ground: np.ndarray, shares: np.ndarray) -> Picture:
    """A distribution over positions, as multiples of the uniform one."""
    times = shares * shares.size
    high = max(2.0, float(times.max()))
    return Picture(f"{name}, to {high:.1f} x uniform", heat(ground, times, high))


def _grounds(trace: Trace) -> dict[str, np.ndarray]:
    return {"appearance": trace.frame, "motion": trace.flow}


def shown_regions(
    probe: Probe, trace: Trace, block: int, x: int, y: int
) -> tuple[tuple[Picture, ...], ...]:
    """The soft regions of each modality in which the pixel weighs most."""
    rows = []
    for stream, ground in _grounds(trace).items():
        regions = trace.regions(block, stream)
        flat = regions.reshape(len(regions), -1)
        strongest = flat[:, trace.cell(block, x, y)].argsort()[::-1][:4]
        rows.append(
            tuple(_times_uniform(f"{stream}, region {c}", ground, regions[c]) for c in strongest)
        )
    return tuple(rows)


def shown_transfer(
    probe: Probe, trace: Trace, block: int, x: int, y: int
) -> tuple[tuple[Picture, ...], ...]:
    """What each modality says of itself, what it is handed, and where that comes from."""
    taps = {
        "Psi": [f"ima{block}.{stream}.cosine" for stream in STREAMS],
        "T": [f"ima{block}.exchange.transferred_{stream}" for stream in STREAMS],
    }
    maps = {name: [trace.tap(tap) for tap in names] for name, names in taps.items()}
    rows: list[tuple[Picture, ...]] = []
    grounds = _grounds(trace)
    for number, (stream, letter) in enumerate(zip(STREAMS, "AM")):
        row = [
            Picture(f"{name}_{letter}, its main directions", principal_colours(pair)[number])
            for name, pair in maps.items()
            if pair[number] is not None
        ]
        read = trace.transfer(block, stream, x, y)
        if read is not None:
            other = STREAMS[1 - number]
            title = f"for T_{letter} the pixel reads {other}"
            row.append(_times_uniform(title, grounds[other], read))
        rows.append(tuple(_as_large(picture, trace) for picture in row))
    return tuple(rows)


def shown_references(
    probe: Probe, trace: Trace, block: int, x: int, y: int
) -> tuple[tuple[Picture, ...], ...]:
    """Where the pixel's prototype of block 5 reads in each reference, appearance and motion."""
    rows = []
    for stream in STREAMS:
        read = trace.reading(stream, x, y)
        if read is None:
            continue
        times = read * read.size
        high = max(2.0, float(times.max()))
        rows.append(
            tuple(
                Picture(
                    f"{stream} of {name}: {100 * each.sum():.0f} %, to {high:.1f} x uniform",
                    heat(probe.background(stream, place), all_times, high),
                )
                for name, place, each, all_times in zip(
                    trace.names(stream), trace.references[stream], read, times
                )
            )
        )
    return tuple(rows)


def shown_block5(
    probe: Probe, trace: Trace, block: int, x: int, y: int
) -> tuple[tuple[Picture, ...], ...]:
    """Figure 1 of the paper: the strength of block 5 before and after each attention."""
    rows = []
    for stream, ground in _grounds(trace).items():
        taps = {
            "f5": f"f5_{stream}",
            "IMA": f"ima5.fuse_{stream}.refined",
            "IFA": f"ifa_{stream}.fuse.refined",
            "fused": f"fuse5_{stream}.fused",
        }
        found = {name: trace.tap(tap) for name, tap in taps.items()}
        strengths = {n: np.abs(x).mean(0) for n, x in found.items() if x is not None}
        rows.append(
            tuple(
                Picture(f"{stream}, {name}: mean |.|", heat(ground, s, s.max(), s.min()))
                for name, s in strengths.items()
            )
        )
    return tuple(rows)


def shown_outputs(
    probe: Probe, trace: Trace, block: int, x: int, y: int
) -> tuple[tuple[Picture, ...], ...]:
    """The four maps, coarse to fine; the first is the gate of every skip."""
    return (
        tuple(
            Picture(f"m{number}, 0 to 1", heat(trace.frame, each[0], 1.0))
            for number, each in zip((4, 3, 2, 1), trace.heard["decoder.maps"])
        ),
    )


def _as_large(picture: Picture, trace: Trace) -> Picture:
    """A small map as large as the frame, its positions visible."""
    white = np.full_like(trace.frame, 255)
    if picture.image.shape == white.shape:
        return picture
    h, w = picture.image.shape[:2]
    rows = np.arange(white.shape[0]) * h // white.shape[0]
    columns = np.arange(white.shape[1]) * w // white.shape[1]
    return Picture(picture.title, picture.image[rows][:, columns])


Rows = tuple[tuple[Picture, ...], ...]
COMPONENTS: Mapping[str, Callable[[Probe, Trace, int, int, int], Rows]] = {
    "soft regions": shown_regions,
    "transfer": shown_transfer,
    "references": shown_references,
    "block 5": shown_block5,
    "outputs": shown_outputs,
}


def explore(
    models: DPA | Mapping[str, DPA],
    clips: Clip | Sequence[Clip],
    *,
    inference: Inference | None = None,
    question: str = QUESTION,
    start: dict[str, Any] | None = None,
) -> Explorer:
    """The explorer of DPA: display it in a notebook, or draw it with `.figure()`.

    models: a network, or several by label, for example {"I": ..., "IV": ...}. clips: one or
    several, of any size and source, e.g. [Clip.read("my_video.mp4")]; with two or more, flow and
    references can be taken from the wrong one. start: the first state, e.g. {"frame": 20, "x": 80,
    "y": 40}; by default the object's middle in the middle frame, where there are labels.
    """
    clips = [clips] if isinstance(clips, Clip) else clips
    probe = Probe(models, clips, inference)
    return Explorer(
        probe.look, clips, probe.choices, question=question, start=start or on_object(clips[0])
    )


def figure(
    models: DPA | Mapping[str, DPA],
    clips: Clip | Sequence[Clip],
    *,
    inference: Inference | None = None,
    question: str = QUESTION,
    **setting: Any,
) -> Figure:
    """The static twin of `explore` in one setting: clip, frame, x, y and any switch."""
    return explore(models, clips, inference=inference, question=question).figure(**setting)
