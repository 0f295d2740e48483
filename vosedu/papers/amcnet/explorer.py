"""AMC-Net's explorer: how far each modality is trusted, and what a wrong flow does to it.

    explore(model, clips)              # widgets; needs a running notebook
    explore(model, clips).figure()     # the same as a figure

`AMCProbe` computes what both show, for notebooks that measure it over many frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from vosedu.clip import Clip
from vosedu.explore import Choice, Picture, Probe, Rows, Trace, available, by_label, linked
from vosedu.explore.sabotage import FLOW_TIPS, FLOWS, Hook, Sources, hooked
from vosedu.explore.view import distribution_map, heat_map
from vosedu.figures.attention import effective_support, ring
from vosedu.figures.overlay import COLOURS
from vosedu.papers.amcnet.inference import (
    AMCPictures,
    Inference,
    finish,
    predict,
    resized,
    to_input,
)
from vosedu.papers.amcnet.network import LEVELS, AMCNet
from vosedu.papers.embedded import as_embedded
from vosedu.record import record

STREAMS = ("appearance", "motion")
RECORDED = (
    "fusion.?.gate",
    "fusion.?.gate.maps",
    "fusion.?.spatial",
    "fusion.?.gated_*",
    "fusion.?.fused",
    "start.similarity.affinity",
    "decoder.?.attend",
    "reduce_motion.4",
)


@dataclass(frozen=True, kw_only=True)
class AMCTrace(Trace):
    """What AMC-Net computed for one frame.

    flow: its flow picture, H x W x 3 uint8, as the network saw it. gates: 5 x 2, g^a and g^m of
    levels 0 to 4; NaN at a level without an MCG. tensors: those of `RECORDED`, by name, without
    the batch axis.
    """

    flow: np.ndarray
    gates: np.ndarray
    tensors: Mapping[str, np.ndarray]

    def read(self, x: int, y: int) -> np.ndarray:
        """The row of the similarity of pixel (x, y): where its motion reads the frame, h x w."""
        h, w = self.grid
        return self.tensors["start.similarity.affinity"][self.cell(x, y, (h, w))].reshape(h, w)

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width of the deepest level."""
        h, w = self.tensors["reduce_motion.4"].shape[1:]
        return h, w


# What can be switched ----------------------------------------------------------------------------


def exchanged(sources: Sources, clip: int, frame: int) -> np.ndarray:
    """The frame's own flow picture with red and blue exchanged."""
    return np.ascontiguousarray(sources(clip).flow(frame)[..., ::-1])


def late(sources: Sources, clip: int, frame: int) -> np.ndarray:
    """The flow of the frame before; the first frame keeps its own."""
    return sources(clip).flow(max(frame - 1, 0))


FLOW_PICTURES = {**FLOWS, "red and blue exchanged": exchanged, "one frame late": late}
FLOW_PICTURE_TIPS = {
    **FLOW_TIPS,
    "red and blue exchanged": "this frame's flow as a program shows it that mistakes RGB for BGR",
    "one frame late": "the flow of the frame before",
}


def fixed(*values: float | None) -> Hook:
    """A hook that sets g^a, g^m to fixed values; None keeps what the network predicts."""

    def hook(module: nn.Module, inputs: Any, gates: Tensor) -> Tensor:
        columns = [
            gates[:, i] if value is None else torch.full_like(gates[:, i], value)
            for i, value in enumerate(values)
        ]
        return torch.stack(columns, dim=1)  # B 2

    return hook


def swapped(module: nn.Module, inputs: Any, gates: Tensor) -> Tensor:
    """A hook that gives each modality the other's gate."""
    return gates.flip(1)


GATES: Mapping[str, Hook | None] = {
    "as predicted": None,
    "motion 0": fixed(None, 0.0),
    "motion 1": fixed(None, 1.0),
    "appearance 0": fixed(0.0, None),
    "both 1": fixed(1.0, 1.0),
    "exchanged": swapped,
}
GATE_TIPS = {
    "as predicted": "what the network computes from frame and flow",
    "motion 0": "g^m = 0 at every level: nothing of the flow passes on",
    "motion 1": "g^m = 1 at every level: flow is trusted whatever it shows",
    "appearance 0": "g^a = 0 at every level: only motion passes on",
    "both 1": "no gating at all",
    "exchanged": "g^a and g^m exchanged at every level",
}

FRAMES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda frame: frame,
    "grey": lambda frame: np.full_like(frame, 128),
}

# What can be shown -------------------------------------------------------------------------------


def gate_bars(gates: np.ndarray, height: int, width: int) -> np.ndarray:
    """Gates, 5 x 2, as bars from 0 to 1 in a picture of these proportions, 320 pixels wide.

    One pair of bars for each level: appearance at the left, motion at the right.
    """
    tall = round(320 * height / width)
    image = np.full((tall, 320, 3), 255, np.uint8)
    floor, room = tall - 18, tall - 36
    for half in (0, 1):
        y = floor - half * room // 2
        cv2.line(image, (0, y), (319, y), (210, 210, 210), 1)
    for level, pair in enumerate(gates):
        for number, value in enumerate(pair):
            left = 64 * level + 6 + 27 * number
            if np.isfinite(value):
                top = floor - round(float(value) * room)
                colour = tuple(map(int, COLOURS[STREAM_COLOURS[number]]))
                cv2.rectangle(image, (left, top), (left + 22, floor), colour, -1)
                _write(image, f"{value:.2f}", (left - 2, max(top - 3, 10)), 0.32)
        _write(image, f"level {level}", (64 * level + 10, tall - 5), 0.36)
    return image


STREAM_COLOURS = (4, 5)  # of `COLOURS`: blue for appearance, vermilion for motion


def _write(image: np.ndarray, text: str, at: tuple[int, int], size: float) -> None:
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)


def shown_gate_maps(probe: AMCProbe, trace: AMCTrace, x: int, y: int) -> Rows:
    """The gates before averaging: which places open them, over the frame and over the flow."""
    rows = []
    for number, (stream, ground) in enumerate(zip(STREAMS, (trace.frame, trace.flow))):
        row = [
            heat_map(f"level {i}, {stream}: mean {values[number].mean():.2f}", ground, each, 1.0)
            for i in range(LEVELS)
            if (values := trace.tensors.get(f"fusion.{i}.gate.maps")) is not None
            for each in (values[number],)
        ]
        rows.append(tuple(row))
    return tuple(row for row in rows if row)


def shown_similarity(probe: AMCProbe, trace: AMCTrace, x: int, y: int) -> Rows:
    """Where the motion at the pixel reads the frame (a row of Eq. 6), and all rows' mean."""
    affinity = trace.tensors["start.similarity.affinity"]
    return (
        (
            Picture("flow and the pixel that asks", ring(trace.flow, x, y)),
            distribution_map("it reads the frame here", trace.frame, trace.read(x, y)),
            distribution_map(
                "mean over all positions of the flow",
                trace.frame,
                affinity.mean(0).reshape(trace.grid),
            ),
        ),
    )


def shown_lines(probe: AMCProbe, trace: AMCTrace, x: int, y: int) -> Rows:
    """Lines from the pixel's motion to the three positions of the frame that it reads most."""
    title = "what the motion at the pixel (above, the flow) reads most in the frame; share there"
    shares = trace.read(x, y)[None]
    return ((linked(title, trace.flow, (x, y), [trace.frame], shares),),)


def shown_attention(probe: AMCProbe, trace: AMCTrace, x: int, y: int) -> Rows:
    """The decoder's attention A, coarse to fine, each supervised with the mask."""
    row = [
        heat_map(f"A of level {i}", trace.frame, trace.tensors[f"decoder.{i}.attend"][0], 1.0)
        for i in reversed(range(LEVELS))
        if f"decoder.{i}.attend" in trace.tensors
    ]
    return (tuple(row),) if row else ()


def shown_strengths(probe: AMCProbe, trace: AMCTrace, x: int, y: int) -> Rows:
    """What each modality gives to the sum E (Eq. 5): mean absolute value at each place."""
    rows = []
    for name, ground in (
        ("gated_appearance", trace.frame),
        ("gated_motion", trace.flow),
        ("fused", trace.frame),
    ):
        strengths = [
            np.abs(trace.tensors[f"fusion.{i}.{name}"]).mean(0)
            for i in range(LEVELS)
            if f"fusion.{i}.{name}" in trace.tensors
        ]
        title = name.replace("_", " ")
        rows.append(
            tuple(
                heat_map(f"{title}, level {i}", ground, s, max(float(s.max()), 1e-6))
                for i, s in enumerate(strengths)
            )
        )
    return tuple(row for row in rows if row)


def shown_motion_attention(probe: AMCProbe, trace: AMCTrace, x: int, y: int) -> Rows:
    """Eq. 4: which places of the gated motion are kept, level by level."""
    row = [
        heat_map(f"level {i}", trace.flow, trace.tensors[f"fusion.{i}.spatial"][0], 1.0)
        for i in range(LEVELS)
        if f"fusion.{i}.spatial" in trace.tensors
    ]
    return (tuple(row),) if row else ()


# The probe ---------------------------------------------------------------------------------------


class AMCProbe(Probe[AMCTrace]):
    """AMC-Net on a few clips.

    models: one network, or several by label. clips: what to look at; "another clip" of one is the
    next. inference: how flow is estimated where clips bring none, and how pictures are resized.
    """

    question = (
        "Which modality does the network trust, and does it notice a wrong one? Look at the bars, "
        "show the flow of another clip (1), or noise (2), then set the gate of motion to 0 (3); "
        "each time, compare bars and mask."
    )
    components: ClassVar = {
        "gate maps": shown_gate_maps,
        "similarity": shown_similarity,
        "lines": shown_lines,
        "decoder attention": shown_attention,
        "strengths": shown_strengths,
        "motion attention": shown_motion_attention,
    }

    def __init__(
        self,
        models: AMCNet | Mapping[str, AMCNet],
        clips: Sequence[Clip],
        inference: Inference | None = None,
    ) -> None:
        super().__init__(by_label(models, "AMC-Net"), clips)
        self.inference = inference or as_embedded(self.first, Inference.paper())
        for model in self.networks.values():
            AMCPictures(model, clips[0], self.inference)  # raises now what it would raise later
        self._open = lru_cache(None)(self._opened)

    def switches(self) -> tuple[Choice, ...]:
        """Network, flow picture, frame and gates."""
        flows = available(FLOW_PICTURES, len(self.clips))
        networks = tuple(self.networks)
        return (
            Choice("network", "network", networks, networks[0]),
            Choice("flow", "flow", flows, "as it is", tips=FLOW_PICTURE_TIPS),
            Choice("picture", "frame", tuple(FRAMES), "as it is"),
            Choice("gates", "gates", tuple(GATES), "as predicted", tips=GATE_TIPS),
        )

    def run(
        self, clip: int, frame: int, network: str, flow: str, picture: str, gates: str
    ) -> AMCTrace:
        """One frame under one setting of the switches."""
        model, pictures = self.networks[network], self._open(clip)
        shown = pictures.frames[frame]
        drawn = FLOW_PICTURES[flow](self._open, clip, frame)
        inputs = [to_input(rgb) for rgb in (FRAMES[picture](pictures.frame(frame)), drawn)]
        hook = GATES[gates]
        gated = [] if hook is None else [f"fusion.{i}.gate" for i in range(LEVELS)]
        with hooked(model, gated, hook), record(model, *RECORDED) as tape:
            probability = predict(model, *inputs)
        tensors = {name: values[0][0].float().cpu().numpy() for name, values in tape.items()}
        nothing = np.full(2, np.nan, np.float32)
        levels = [tensors.get(f"fusion.{i}.gate", nothing) for i in range(LEVELS)]
        result = finish(pictures, frame, probability, Inference())
        return AMCTrace(
            clip=clip,
            frame=shown,
            probability=result.probability,
            flow=resized(drawn, shown.shape[:2], "nearest"),
            gates=np.stack(levels),
            tensors=tensors,
        )

    def pictures(self, trace: AMCTrace) -> tuple[Picture, ...]:
        """The flow, the gates as bars, the probability."""
        bars = gate_bars(trace.gates, *trace.frame.shape[:2])
        return (
            Picture("flow, as the network sees it", trace.flow),
            Picture("gates: appearance (blue), motion (vermilion)", bars),
            *super().pictures(trace),
        )

    def facts(self, trace: AMCTrace, x: int, y: int) -> Iterator[str]:
        """The gates' means, and over how much of the frame the pixel's motion reads."""
        if np.isfinite(trace.gates).any():
            a, m = np.nanmean(trace.gates, axis=0)
            yield f"Mean of the gates over levels: appearance {a:.2f}, motion {m:.2f}."
        weights = trace.read(x, y).ravel()
        yield (
            f"The motion at ({x}, {y}) reads from {effective_support(weights):.1f} of "
            f"{weights.size} positions of the frame (exp of the entropy)."
        )

    def _opened(self, clip: int) -> AMCPictures:
        model = next(iter(self.networks.values()))
        return AMCPictures(model, self.clips[clip % len(self.clips)], self.inference)


explore, figure = AMCProbe.explore, AMCProbe.figure


def gates_over(
    probe: AMCProbe, clip: int, frames: Sequence[int] | None = None, **switches: Any
) -> np.ndarray:
    """g^a and g^m of every level and frame of a clip under some switches, T x 5 x 2."""
    frames = range(len(probe.clips[clip])) if frames is None else frames
    return np.stack([probe.trace(clip, frame, **switches).gates for frame in frames])
