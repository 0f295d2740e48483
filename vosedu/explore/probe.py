"""The base of every paper's explorer: one frame, one setting of the switches, one `View`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from inspect import getdoc
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from matplotlib.figure import Figure
from torch import nn

from vosedu import metrics
from vosedu.clip import VOID, Clip
from vosedu.errors import InputError
from vosedu.explore.explorer import Explorer
from vosedu.explore.places import Place, on_object
from vosedu.explore.view import Choice, Picture, Rows, View, heat_map
from vosedu.figures.attention import ring
from vosedu.figures.overlay import overlay


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What a network computed for one frame under one setting of the switches.

    clip: number of the clip. frame: H x W x 3 uint8. Either probability, H x W float32, or labels,
    H x W uint8 ids, for methods that give no probability. A paper's subclass adds its tensors.
    """

    clip: int
    frame: np.ndarray
    probability: np.ndarray | None = None
    labels: np.ndarray | None = None

    @property
    def mask(self) -> np.ndarray:
        """H x W uint8 ids: `labels`, or the probability thresholded at one half."""
        if self.probability is None:
            return self.labels
        return (self.probability > 0.5).astype(np.uint8)

    def cell(self, x: int, y: int, grid: Sequence[int]) -> int:
        """The position, 0 .. hw - 1, in a map of `grid` = (h, w) that covers pixel (x, y)."""
        (height, width), (h, w) = self.frame.shape[:2], grid
        return y * h // height * w + x * w // width


T = TypeVar("T", bound=Trace)


class Probe(ABC, Generic[T]):
    """Runs a paper's networks on a few clips under switches; `look` shows the result as a `View`.

    A paper's `explorer.py` defines a subclass of `Trace`, functions that draw it, and this:

        class FlowNetTrace(Trace): ...                     # its tensors, as arrays

        def shown_gate(probe, trace, x, y):                # one function for each component
            return ((heat_map("gate", trace.frame, trace.gate, 1.0),),)      # rows of pictures

        class FlowNetProbe(Probe[FlowNetTrace]):
            question = "What does this mask owe to motion? Show the flow of another clip (1), ..."
            components: ClassVar = {"gate": shown_gate}

            def __init__(self, models, clips, inference=None):
                super().__init__(by_label(models, "FlowNet"), clips)
                self.inference = inference or as_embedded(self.first, Inference.paper())
                self._features = lru_cache(64)(self._encode)       # the costly part, once

            def switches(self):
                flows = available(FLOWS, len(self.clips))
                return (Choice("flow", "flow", flows, "as it is", tips=FLOW_TIPS),)

            def run(self, clip, frame, flow):                      # a keyword for each switch
                with record(model, "gate") as tape:
                    ...
                return FlowNetTrace(clip=clip, frame=..., probability=..., gate=...)

            def facts(self, trace, x, y):
                yield f"The gate of pixel ({x}, {y}) is {trace.gate[...]:.2f}."

        explore, figure = FlowNetProbe.explore, FlowNetProbe.figure

    The first component is shown first; the first line of each drawing function's docstring is the
    component's tooltip. A `Choice` with `changes=False` (say, which
    block to draw) goes to the drawing functions and to `facts` as a keyword, not to `run`.
    Interventions on flow and on modules are in `vosedu.explore.sabotage`; a test makes the three
    clicks of `question` and checks that the mask changed.

    networks: the networks by label. clips: what to look at; "another clip" of one is the next.
    """

    question: ClassVar[str]
    components: ClassVar[Mapping[str, Callable[..., Rows]]]
    traces_kept: ClassVar[int] = 4

    def __init__(self, networks: Mapping[str, nn.Module], clips: Sequence[Clip]) -> None:
        if not len(clips):
            raise InputError("an explorer needs at least one clip; give it a list of clips")
        self.networks, self.clips = dict(networks), clips
        for model in self.networks.values():
            model.eval()
        self._kept = lru_cache(self.traces_kept)(self.run)

    @property
    def first(self) -> nn.Module:
        """The network that is shown first."""
        return next(iter(self.networks.values()))

    @abstractmethod
    def switches(self) -> tuple[Choice, ...]:
        """What a user can set, apart from the component to be shown."""

    @abstractmethod
    def run(self, clip: int, frame: int, **switches: Any) -> T:
        """Run the network on one frame; called with every switch that changes the mask."""

    def facts(self, trace: T, x: int, y: int, **shown: Any) -> Iterable[str]:
        """Sentences with what was measured at pixel (x, y)."""
        return ()

    def pictures(self, trace: T) -> tuple[Picture, ...]:
        """What is shown whatever the component; by default the probability, if there is one."""
        if trace.probability is None:
            return ()
        return (heat_map("probability", trace.frame, trace.probability, 1.0),)

    def score(self, mask: np.ndarray, truth: np.ndarray) -> float:
        """J of a mask, H x W ids, against the labels; here of all objects as one foreground."""
        return metrics.region(mask, truth, void=truth == VOID)

    def in_next_clip(self, clip: int, frames: Iterable[int]) -> list[Place]:
        """As many places in the next clip, at the same frame numbers modulo its length."""
        other = (clip + 1) % len(self.clips)
        return [(other, frame % len(self.clips[other])) for frame in frames]

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """All switches, for `Explorer`; the component to be shown comes first."""
        component = Choice(
            "component",
            "show",
            tuple(self.components),
            next(iter(self.components)),
            changes=False,
            help="what to draw below the first row of pictures",
            tips={name: _first_line(draw) for name, draw in self.components.items()},
        )
        return (component, *self.switches())

    def trace(self, clip: int, frame: int, **switches: Any) -> T:
        """What `run` gives; switches that are left out stay untouched."""
        untouched = {choice.name: choice.untouched for choice in self.choices if choice.changes}
        return self._kept(clip, frame, **{**untouched, **switches})

    def look(self, clip: int, frame: int, x: int, y: int, component: str, **setting: Any) -> View:
        """The view of pixel (x, y) of a frame under a setting of every choice."""
        only_shown = {choice.name for choice in self.choices if not choice.changes}
        shown = {name: value for name, value in setting.items() if name in only_shown}
        switches = {name: value for name, value in setting.items() if name not in only_shown}
        trace = self.trace(clip, frame, **switches)
        facts = [*self.facts(trace, x, y, **shown)]
        truth = self.clips[clip].labels.get(frame)
        if truth is not None:
            facts.append(f"J of this frame: {100 * self.score(trace.mask, truth):.1f}.")
        target = Picture(
            f"{self.clips[clip].name}, frame {frame}: mask and pixel",
            ring(overlay(trace.frame, trace.mask), x, y),
        )
        rows = self.components[component](self, trace, x, y, **shown)
        return View(trace.frame, trace.mask, target, (self.pictures(trace), *rows), tuple(facts))

    @classmethod
    def explore(
        cls,
        models: Any,
        clips: Clip | Sequence[Clip],
        *,
        inference: Any = None,
        question: str = "",
        start: dict[str, Any] | None = None,
    ) -> Explorer:
        """The explorer: display it in a notebook, or draw it with `.figure()`.

        models: one network, or several by label. clips: one or several, of any size and source,
        e.g. [Clip.read("my_video.mp4")]; with two or more, inputs can be taken from another clip.
        inference: the paper's `Inference`; by default the one `segment` takes. question: stands
        above; by default the paper's own. start: the first state, e.g. {"frame": 20, "x": 80,
        "y": 40}; by default the object's middle in the middle frame, where there are labels.
        """
        clips = [clips] if isinstance(clips, Clip) else clips
        probe = cls(models, clips, inference)
        return Explorer(
            probe.look,
            clips,
            probe.choices,
            question=question or cls.question,
            start=start or on_object(clips[0]),
        )

    @classmethod
    def figure(
        cls,
        models: Any,
        clips: Clip | Sequence[Clip],
        *,
        inference: Any = None,
        question: str = "",
        **setting: Any,
    ) -> Figure:
        """The static twin of `explore` in one setting: clip, frame, x, y and any switch."""
        return cls.explore(models, clips, inference=inference, question=question).figure(**setting)


def _first_line(function: Callable[..., Any]) -> str:
    return (getdoc(function) or "").partition("\n")[0]


def by_label(models: nn.Module | Mapping[str, nn.Module], label: str) -> dict[str, nn.Module]:
    """Networks by label; a single one gets `label`."""
    return {label: models} if isinstance(models, nn.Module) else dict(models)
