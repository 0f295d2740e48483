"""DeAOT's explorer: which memory decides an object's mask, and what carries its identity.

    explore(model, clips)              # widgets; needs a running notebook
    explore(model, clips).figure()     # the same as a figure

`DeAOTProbe` computes what both show, for notebooks that measure it over many frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from vosedu import metrics
from vosedu.clip import VOID, Clip, objects_of, permuted
from vosedu.errors import InputError
from vosedu.explore import (
    Choice,
    Picture,
    Probe,
    Rows,
    Trace,
    available,
    by_label,
    distribution_map,
    heat_map,
    linked,
)
from vosedu.figures.attention import effective_support, enlarged, principal_colours
from vosedu.metrics import PROTOCOLS
from vosedu.papers.deaot.inference import Inference, Session, to_size
from vosedu.papers.deaot.network import DeAOT, Entry, Features, Memory, enlarge, one_hot
from vosedu.record import record

LINKED = 5  # frames to which lines are drawn, at most

# A clip, frame by frame --------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """A frame as the network has it once its mask is settled.

    ids: at the network's size, 1 x H x W.
    """

    features: Features
    entries: list[Entry]
    ids: Tensor


Frames = Mapping[int, Seen]
Read = tuple[list[int], int, Frames]  # long-term frames, newest first; short-term frame; of which


MEMORIES: Mapping[str, Callable[[list[int], int], tuple[list[int], int]]] = {
    "as it is": lambda long, short: (long, short),
    "identities permuted": lambda long, short: (long, short),
    "reference only": lambda long, short: (long[-1:], long[-1]),
    "frame before only": lambda long, short: ([short], short),
    "oldest dropped": lambda long, short: (long[:-1] or [short], short),
    "another clip": lambda long, short: (long, short),
}
"""What is done to the memory of the frame shown: long-term frames and short-term frame of it."""

TIPS = {
    "as it is": "the frames that inference keeps",
    "identities permuted": "in memory each object carries the identity of the next one",
    "reference only": "the first frame is long- and short-term memory",
    "frame before only": "the frame before is long- and short-term memory",
    "oldest dropped": "the first frame leaves the long-term memory",
    "another clip": "keys and values come from the next clip, with its own objects",
}


# What one setting computes -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class DeAOTTrace(Trace):
    """What DeAOT looked at in one frame.

    grid: (h, w). frames: long-term frames, newest first. long: heads x n x T n; short: heads x
    n x window²; own: heads x n x n; of the last module. streams: name -> one map per module,
    C x h x w. objects: (1 + M) x H x W probabilities.
    """

    grid: tuple[int, int]
    window: int
    frames: tuple[int, ...]
    short_frame: int
    foreign: bool
    long: np.ndarray
    short: np.ndarray
    own: np.ndarray
    streams: Mapping[str, list[np.ndarray]]
    objects: np.ndarray

    def reading(self, x: int, y: int) -> np.ndarray:
        """What the pixel reads in long-term memory, mean over heads: T x h x w, sums to one."""
        weights = self.long.mean(0)[self.cell(x, y, self.grid)]
        return weights.reshape(len(self.frames), *self.grid)

    def displacement(self, cell: int) -> tuple[float, float]:
        """Mean offset (dx, dy) in positions of what a position reads in the frame before."""
        weights = self.short.mean(0)[cell].reshape(self.window, self.window)
        offset = np.arange(self.window) - self.window // 2
        return float(weights.sum(0) @ offset), float(weights.sum(1) @ offset)


def shown_long(probe: DeAOTProbe, trace: DeAOTTrace, x: int, y: int) -> Rows:
    """Where the pixel reads in each frame of long-term memory."""
    shares = trace.reading(x, y)
    high = max(2.0, float(shares.max() * shares.size))
    clip = probe.other(trace.clip) if trace.foreign else trace.clip
    maps = []
    for frame, share in zip(trace.frames, shares):
        picture = heat_map(
            f"long term: frame {frame}", probe.picture(clip, frame), share * shares.size, high
        )
        maps.append(picture)
    return tuple(tuple(maps[k : k + 3]) for k in range(0, len(maps), 3))


def shown_lines(probe: DeAOTProbe, trace: DeAOTTrace, x: int, y: int) -> Rows:
    """Lines from the pixel to the three positions it reads most in each frame of long-term memory.

    Of more than `LINKED` frames those of which it reads most, from left to right as in the clip.
    """
    shares = trace.reading(x, y)
    most = shares.sum((1, 2)).argsort()[::-1][:LINKED]
    most = sorted(most, key=lambda number: trace.frames[number])
    frames = [trace.frames[number] for number in most]
    clip = probe.other(trace.clip) if trace.foreign else trace.clip
    title = (
        f"what the pixel reads most in long-term memory, frame {', '.join(map(str, frames))}; "
        "share of its attention there"
    )
    pictures = [probe.picture(clip, frame) for frame in frames]
    return ((linked(title, trace.frame, (x, y), pictures, shares[most]),),)


def shown_short(probe: DeAOTProbe, trace: DeAOTTrace, x: int, y: int) -> Rows:
    """Where the pixel reads around its own place in the frame before."""
    cell = trace.cell(x, y, trace.grid)
    weights = trace.short.mean(0)[cell].reshape(trace.window, trace.window)
    clip = probe.other(trace.clip) if trace.foreign else trace.clip
    placed = np.zeros([side + trace.window for side in trace.grid])
    row, column = divmod(cell, trace.grid[1])
    placed[row : row + trace.window, column : column + trace.window] = weights
    half = trace.window // 2
    inner = placed[half : half + trace.grid[0], half : half + trace.grid[1]]
    frame = probe.picture(clip, trace.short_frame)
    white = np.full_like(frame, 255)
    return (
        (
            distribution_map(f"short term: frame {trace.short_frame}", frame, inner),
            heat_map("the window itself", white, weights, float(weights.max())),
        ),
    )


def shown_own(probe: DeAOTProbe, trace: DeAOTTrace, x: int, y: int) -> Rows:
    """Where the pixel reads inside its own frame (self propagation)."""
    weights = trace.own.mean(0)[trace.cell(x, y, trace.grid)].reshape(trace.grid)
    return ((distribution_map("self", trace.frame, weights),),)


def shown_streams(probe: DeAOTProbe, trace: DeAOTTrace, x: int, y: int) -> Rows:
    """Features after each module: their three main directions as colours."""
    rows = []
    for name, maps in trace.streams.items():
        colours = principal_colours(maps)
        pictures = [
            Picture(f"{name}, module {n}", enlarged(colour, trace.frame))
            for n, colour in enumerate(colours, 1)
        ]
        rows.append(tuple(pictures))
    return tuple(rows)


def shown_objects(probe: DeAOTProbe, trace: DeAOTTrace, x: int, y: int) -> Rows:
    """The probability of the background and of each object."""
    count = probe.count(trace.clip)
    names = ["background", *(f"object {k}" for k in range(1, count + 1))]
    maps = [heat_map(n, trace.frame, p, 1.0) for n, p in zip(names, trace.objects)]
    return tuple(tuple(maps[k : k + 3]) for k in range(0, len(maps), 3))


class DeAOTProbe(Probe[DeAOTTrace]):
    """DeAOT or AOT on a few clips, started from their first labels.

    models: one network, or several by label, such as {"DeAOT-T": ..., "AOT-T": ...}. The memory is
    changed for the frame shown alone; the frames before it are as inference left them.
    """

    question = (
        "Which memory holds this object? Permute the identities in memory (1), leave the reference "
        "frame alone in it (2), take the memory of another clip (3); each time, compare the mask."
    )
    components: ClassVar = {
        "long-term memory": shown_long,
        "lines": shown_lines,
        "short-term window": shown_short,
        "self propagation": shown_own,
        "streams": shown_streams,
        "objects": shown_objects,
    }
    traces_kept = 16

    def __init__(
        self,
        models: DeAOT | Mapping[str, DeAOT],
        clips: Sequence[Clip],
        inference: Inference | None = None,
    ) -> None:
        super().__init__(by_label(models, "DeAOT"), clips)
        self.inference = inference or Inference.paper()
        if self.inference.flip or len(self.inference.scales) > 1 or self.inference.skip > 1:
            raise InputError(
                "the explorer of DeAOT shows one view with the frame before as short-term memory; "
                "leave flip, scales and skip out"
            )
        self._video = lru_cache(16)(self._run_video)

    def switches(self) -> tuple[Choice, ...]:
        """Network and memory."""
        return (
            Choice(
                "network",
                "network",
                tuple(self.networks),
                next(iter(self.networks)),
                help="the network that segments the clip",
            ),
            Choice(
                "memory",
                "memory",
                available(MEMORIES, len(self.clips)),
                "as it is",
                help="what the frame shown reads",
                tips=TIPS,
            ),
        )

    def picture(self, clip: int, frame: int) -> np.ndarray:
        """A frame of a clip, H x W x 3 uint8."""
        return self.clips[clip].frames[frame]

    def other(self, clip: int) -> int:
        """The number of the next clip."""
        return (clip + 1) % len(self.clips)

    def count(self, clip: int) -> int:
        """Objects that the clip starts with."""
        ids = self._given(clip)
        return len(set(np.unique(ids).tolist()) - {0, VOID})

    def score(self, mask: np.ndarray, truth: np.ndarray) -> float:
        """J of each object, averaged."""
        void = truth == VOID
        each = [metrics.region(mask == k, truth == k, void=void) for k in objects_of(truth)]
        return float(np.mean(each)) if each else 1.0

    @torch.inference_mode()
    def run(self, clip: int, frame: int, network: str, memory: str) -> DeAOTTrace:
        """The frame read from the memory that the setting leaves; frame 0 reads itself."""
        model = self.networks[network]
        seen = self._video(clip, network)
        foreign = memory == "another clip"
        source = self._video(self.other(clip), network) if foreign else seen
        long, short = MEMORIES[memory](*self._kept_frames(model, frame))
        long, short = [min(k, len(source) - 1) for k in long], min(short, len(source) - 1)
        exchanged = range(1, self.count(clip) + 1) if memory == "identities permuted" else ()
        with record(model, "layers.*") as tape:
            passed = model.propagate(
                seen[frame].features,
                self._memory(model, [source[k] for k in long], exchanged),
                self._memory(model, [source[short]], exchanged),
            )
        size = self.clips[clip].size
        logits = model.decode(passed, max(self.count(clip), self.count(self.other(clip))))
        objects = enlarge(logits, size, model.align).softmax(1)[0]
        names = self._names(clip)
        labels = np.array([*names, *range(len(names), 256)], np.uint8)[objects.argmax(0).cpu()]
        last = len(model.layers) - 1
        far, near, own = _attention_names(model, last)
        return DeAOTTrace(
            clip=clip,
            frame=self.picture(clip, frame),
            labels=labels,
            grid=passed.features.size,
            window=model.config.window,
            frames=tuple(long),
            short_frame=short,
            foreign=foreign,
            long=tape[far][0][0].cpu().numpy(),
            short=tape[near][0][0].cpu().numpy(),
            own=tape[own][0][0].cpu().numpy(),
            streams=_streams(tape, passed.features.size, len(model.layers)),
            objects=objects.cpu().numpy(),
        )

    def facts(self, trace: DeAOTTrace, x: int, y: int) -> Iterator[str]:
        """The object at the pixel, the spread of its reading, the motion its window says."""
        cell = trace.cell(x, y, trace.grid)
        found = int(trace.labels[y, x])
        yield f"Pixel ({x}, {y}) is {f'object {found}' if found else 'background'}."
        support = effective_support(trace.long.mean(0)[cell])
        yield (
            f"In long-term memory it reads {support:.1f} of {trace.long.shape[-1]} positions "
            f"(exponential of the entropy), of {len(trace.frames)} frame(s)."
        )
        dx, dy = trace.displacement(cell)
        yield (
            f"In the frame before it reads {dx:+.1f} positions to the right and {dy:+.1f} down on "
            "average."
        )

    def _kept_frames(self, model: DeAOT, frame: int) -> tuple[list[int], int]:
        """Long-term frames, newest first, and the short-term frame that `frame` reads."""
        gap = model.config.gap if self.inference.gap is None else self.inference.gap or None
        later = [] if gap is None else list(range(gap, frame, gap))
        if self.inference.long_frames is not None:
            later = (
                later[-(self.inference.long_frames - 1) :] if self.inference.long_frames > 1 else []
            )
        return [*later[::-1], 0], max(frame - 1, 0)

    def _memory(
        self, model: DeAOT, frames: Sequence[Seen], exchanged: Sequence[int]
    ) -> list[Memory]:
        """The memory of some frames, newest first, per module, with some identities exchanged."""
        each = []
        for seen in frames:
            ids = torch.from_numpy(permuted(seen.ids.cpu().numpy(), exchanged))
            mask = one_hot(ids.to(seen.ids.device), model.config.objects)
            each.append(model.remember(seen.entries, model.identify(mask)))
        return [Memory(*(torch.cat(x, 1) for x in zip(*layer))) for layer in zip(*each)]

    def _given(self, clip: int) -> np.ndarray:
        given = PROTOCOLS["davis17-semi"].given(self.clips[clip])
        if 0 not in given:
            raise InputError(
                f"the explorer starts from labels of frame 0, and '{self.clips[clip].name}' has "
                "none; give the clip a mask, labels={0: ids}"
            )
        return given[0]

    def _names(self, clip: int) -> list[int]:
        ids = self._given(clip)
        return [0, *objects_of(ids)]

    @torch.inference_mode()
    def _run_video(self, clip: int, network: str) -> list[Seen]:
        """Every frame of a clip with its entries and the ids that inference settled on."""
        model, video = self.networks[network], self.clips[clip]
        session = Session(model, replace(self.inference, long_frames=self.inference.long_frames))
        given, seen = self._given(clip), []
        names = np.zeros(256, np.int64)
        names[self._names(clip)] = np.arange(len(self._names(clip)))
        for frame in video.frames:
            labels = session.step(frame) if seen else session.start(frame, given)
            passed = session.engines[0].each[0].passed
            ids = torch.from_numpy(names[labels])[None].to(session.device)
            seen.append(Seen(passed.features, passed.entries, to_size(ids, session.views[0].size)))
        return seen


def _attention_names(model: DeAOT, layer: int) -> tuple[str, str, str]:
    """Recorded names of the long-term, short-term and self attention of a module."""
    start = f"layers.{layer}."
    parts = ("long.attention", "short.attention", "self_propagation.propagate.attention")
    if model.config.block == "lstt":
        parts = ("long_attention", "short_attention", "self_attention")
    elif model.config.block != "gpm":
        parts = (*parts[:2], "self_propagation.attention")
    return tuple(f"{start}{part}.attention" for part in parts)


def _streams(
    tape: Mapping[str, list[Tensor]], size: tuple[int, int], layers: int
) -> dict[str, list[np.ndarray]]:
    """Stream -> its map after each module, C x h x w."""
    found: dict[str, list[np.ndarray]] = {}
    for name in ("visual", "id", "stream"):
        for layer in range(layers):
            if f"layers.{layer}.{name}" in tape:
                x = tape[f"layers.{layer}.{name}"][0][0].T  # n C -> C n
                found.setdefault(name, []).append(x.unflatten(1, size).cpu().numpy())
    return found


explore, figure = DeAOTProbe.explore, DeAOTProbe.figure
