"""COSNet to be touched: what a pixel reads from the references, and what the mask owes to them.

    explore(model, clips)              # widgets; needs a running notebook
    explore(model, clips).figure()     # the same as a figure

`Probe` computes what both show, for notebooks that measure it over many frames.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn

from vosedu import metrics
from vosedu.clip import VOID, Clip
from vosedu.errors import InputError
from vosedu.explore import Choice, Explorer, Picture, View, on_object
from vosedu.figures.attention import effective_support, heat, principal_colours, ring
from vosedu.figures.overlay import overlay
from vosedu.papers.cosnet.inference import (
    FUSIONS,
    Inference,
    attend,
    checked_plan,
    embed_frames,
    fuse,
)
from vosedu.papers.cosnet.network import SOFTMAXES, CoAttention, COSNet, VanillaAffinity
from vosedu.record import record

QUESTION = (
    "What does this mask owe to the references? Click on a look-alike (1), take the references "
    "from another clip (2), close the gate (3); each time, compare the mask."
)


# Switches ----------------------------------------------------------------------------------------


class FixedGate(nn.Module):
    """A gate that does not look: the same value at every position."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, z: Tensor) -> Tensor:
        return torch.full_like(z[:, :1], self.value)


GATES = {"open": FixedGate(1.0), "closed": FixedGate(0.0)}


def symmetric_part(w: Tensor) -> Tensor:
    """The symmetric matrix nearest to W."""
    return (w + w.T) / 2


def orthogonal_part(w: Tensor) -> Tensor:
    """The orthogonal matrix nearest to W, which the penalty of Eq. 12 would make of it."""
    u, _, v = torch.linalg.svd(w)
    return u @ v


def identity(w: Tensor) -> Tensor:
    """No W: the embeddings are compared as they are."""
    return torch.eye(len(w), dtype=w.dtype, device=w.device)


SAME_WEIGHTS = {
    "W symmetrised": symmetric_part,
    "W orthogonal": orthogonal_part,
    "W = I": identity,
}


def affinities(models: Mapping[str, COSNet]) -> dict[str, COSNet]:
    """The networks, and what the first becomes when its W is replaced; all else stays."""
    model = next(iter(models.values()))
    found = dict(models)
    if isinstance(getattr(model.coattention, "affinity", None), VanillaAffinity):
        for name, change in SAME_WEIGHTS.items():
            affinity = copy.deepcopy(model.coattention.affinity)
            with torch.no_grad():
                affinity.w.weight.copy_(change(affinity.w.weight))
            found[name] = with_coattention(model, affinity=affinity)
    return found


def with_coattention(model: COSNet, **parts: nn.Module) -> COSNet:
    """The network with other parts (affinity, normalise, gate) in its co-attention.

    All weights are shared with `model`. A network without co-attention comes back as it is.
    """
    if not model.coattention.uses_references:
        return model
    old = model.coattention
    kept = {"affinity": old.affinity, "normalise": old.normalise, "gate": old.gate}
    coattention = CoAttention(**{**kept, **parts})
    same = (model.config, model.embedding, model.side)
    return type(model)(*same, coattention, model.head, model.normalise).eval()


# Sabotage ----------------------------------------------------------------------------------------

Place = tuple[int, int]  # (clip, frame)
NOISE: Place = (-1, 0)
OTHER_CLIP = ("one wrong", "another clip")

SABOTAGE: Mapping[str, Callable[[list[Place], Place, list[Place]], list[Place]]] = {
    "as chosen": lambda chosen, target, others: chosen,
    "one wrong": lambda chosen, target, others: [*others[:1], *chosen[1:]],
    "another clip": lambda chosen, target, others: others,
    "the target itself": lambda chosen, target, others: [target] * len(chosen),
    "noise": lambda chosen, target, others: [NOISE] * len(chosen),
}
"""What becomes of the chosen references, given as many frames of another clip."""


# What one setting computes -----------------------------------------------------------------------


@dataclass(frozen=True)
class Trace:
    """One target frame seen by the network under one setting, with N references.

    clip: its number. frame: H x W x 3 uint8. probability: H x W float32. references: N places,
    (clip, frame) or NOISE. attention: N x hw of b x hw of a, Eq. 6. gate: N x h x w, Eq. 8.
    summary: N x C x h x w, Eq. 7, before the gate. each: N x H x W, the probability from each
    reference alone. embedding: C x h x w.
    """

    clip: int
    frame: np.ndarray
    probability: np.ndarray
    references: tuple[Place, ...]
    attention: np.ndarray
    gate: np.ndarray
    summary: np.ndarray
    each: np.ndarray
    embedding: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """What to call the references in titles."""
        return tuple(
            "noise"
            if place == NOISE
            else f"frame {place[1]}" + ("" if place[0] == self.clip else ", other clip")
            for place in self.references
        )

    @property
    def mask(self) -> np.ndarray:
        """H x W uint8, the probability thresholded at one half."""
        return (self.probability > 0.5).astype(np.uint8)

    @cached_property
    def support(self) -> np.ndarray:
        """N x hw: exp(entropy) of what each position of the target reads, from 1 to hw."""
        return effective_support(self.attention, axis=1)

    def cell(self, x: int, y: int) -> int:
        """The position, 0 .. hw - 1, in which pixel (x, y) of the frame lies."""
        (height, width), (h, w) = self.frame.shape[:2], self.embedding.shape[1:]
        return y * h // height * w + x * w // width


def share_read(trace: Trace, who: np.ndarray, where: Sequence[np.ndarray]) -> float:
    """Of all that some pixels of the target read, the share they read in given regions.

    who: H x W, True for pixels of the target. where: one such map for each reference. From 0 to 1,
    the mean over references; NaN where `who` is empty.
    """
    h, w = trace.embedding.shape[1:]

    def cells(region: np.ndarray) -> np.ndarray:
        return cv2.resize(region.astype(np.float32), (w, h), interpolation=cv2.INTER_AREA).ravel()

    readers = cells(who)
    if not readers.any():
        return float("nan")
    found = [cells(region) @ each @ readers for region, each in zip(where, trace.attention)]
    return float(np.mean(found) / readers.sum())


class Probe:
    """COSNet on a few clips; every frame is encoded once, whatever is switched afterwards.

    models: one network, or several by label (say, one for each affinity). clips: what to look at;
    "another clip" of one is the next. inference: how references are chosen and frames resized.
    """

    def __init__(
        self,
        models: COSNet | Mapping[str, COSNet],
        clips: Sequence[Clip],
        inference: Inference | None = None,
    ) -> None:
        if not len(clips):
            raise InputError("an explorer needs at least one clip; give it a list of clips")
        if isinstance(models, COSNet):
            models = {models.config.affinity: models}
        if any(model.config.group for model in models.values()):
            raise InputError(
                "the explorer shows one reference at a time, which the group network does not "
                "read; give it a network built with group=False"
            )
        self.networks = affinities(models)
        self.clips = clips
        self.inference = replace(inference or Inference.paper(), flip=False)
        self._first = next(iter(self.networks))
        self._frame = lru_cache(64)(self._read)
        self._embedding = lru_cache(64)(self._embed)
        self._kept = lru_cache(2)(self._run)  # at full size a trace takes 260 MB

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The switches, for `Explorer`."""
        softmax = self.networks[self._first].config.softmax
        n = self.inference.references
        swaps = [how for how in SABOTAGE if len(self.clips) > 1 or how not in OTHER_CLIP]
        return (
            Choice("component", "show", tuple(COMPONENTS), "attention", changes=False),
            Choice("affinity", "affinity", tuple(self.networks), self._first),
            Choice("softmax", "softmax", tuple(SOFTMAXES), softmax),
            Choice("gate", "gate", ("learned", *GATES), "learned"),
            Choice("n", "N", tuple(sorted({0, 1, 2, 5, n})), n),
            Choice("fusion", "fusion", tuple(FUSIONS), self.inference.fusion),
            Choice("references", "references", tuple(swaps), "as chosen"),
        )

    def trace(self, clip: int, frame: int, **switches: Any) -> Trace:
        """Run the network on one frame; switches are named and valued as in `choices`."""
        untouched = {choice.name: choice.untouched for choice in self.choices if choice.changes}
        return self._kept(clip, frame, **{**untouched, **switches})

    def look(self, clip: int, frame: int, x: int, y: int, component: str, **switches: Any) -> View:
        """What pixel (x, y) read, and the mask, under the given switches."""
        trace = self.trace(clip, frame, **switches)
        cell = trace.cell(x, y)
        facts = ["No reference is read: this is what the frame alone shows."]
        if trace.references:
            support, gate = trace.support, trace.gate.reshape(len(trace.gate), -1)
            facts = [
                f"Pixel ({x}, {y}) reads from {support[:, cell].mean():.1f} of "
                f"{support.shape[1]} positions per reference (exp of the entropy; mean over all "
                f"pixels {support.mean():.1f}); its gate is {gate[:, cell].mean():.2f}."
            ]
        truth = self.clips[clip].labels.get(frame)
        if truth is not None:
            j = metrics.region(trace.mask, truth, void=truth == VOID)
            facts.append(f"J of this frame: {100 * j:.1f}.")
        target = Picture(
            f"{self.clips[clip].name}, frame {frame}: mask, pixel",
            ring(overlay(trace.frame, trace.mask), x, y),
        )
        probability = Picture("probability, 0 to 1", heat(trace.frame, trace.probability, 1.0))
        pictures = COMPONENTS[component](self, trace, cell) if trace.references else ()
        return View(trace.frame, trace.mask, target, ((probability,), pictures), tuple(facts))

    def picture(self, place: Place) -> np.ndarray:
        """The frame at a place, H x W x 3 uint8."""
        return self._frame(*place)

    def _read(self, clip: int, frame: int) -> np.ndarray:
        if (clip, frame) == NOISE:
            size = self.inference.size or self.networks[self._first].config.size
            return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
        return self.clips[clip].frames[frame]

    def _embed(self, network: str, clip: int, frame: int) -> Tensor:
        """1 x C x h x w."""
        alone = Clip("frame", [self._frame(clip, frame)])
        return embed_frames(self.networks[network], alone, [0], self.inference)[0]

    def _run(
        self,
        clip: int,
        frame: int,
        affinity: str,
        softmax: str,
        gate: str,
        n: int,
        fusion: str,
        references: str,
    ) -> Trace:
        model = with_coattention(
            self.networks[affinity],
            normalise=SOFTMAXES[softmax](),
            **({} if gate == "learned" else {"gate": GATES[gate]}),
        )
        inference = replace(self.inference, references=n, fusion=fusion)
        plan = checked_plan(model, self.clips[clip], inference)[frame]
        other = (clip + 1) % len(self.clips)
        places = SABOTAGE[references](
            [(clip, b) for b in plan],
            (clip, frame),
            [(other, b % len(self.clips[other])) for b in plan],
        )
        # networks that differ in W alone share the embeddings of the one they were made from
        encoder = self._first if affinity in SAME_WEIGHTS else affinity
        va = self._embedding(encoder, clip, frame)
        with record(model, "coattention.*") as tape:
            zs = attend(model, va, [self._embedding(encoder, *b) for b in places]) if places else []
        shown = self._frame(clip, frame)

        def predict(summaries: list[Tensor]) -> np.ndarray:
            probability = fuse(model, va, summaries, inference)
            size = shown.shape[:2]
            probability = F.interpolate(probability, size, mode="bilinear", align_corners=False)
            return probability[0, 0].float().cpu().numpy()

        def heard(tap: str, *shape: int) -> np.ndarray:
            tensors = tape.get(f"coattention.{tap}", [torch.empty(0)])
            return torch.cat(tensors).float().cpu().numpy().reshape(len(places), *shape)

        channels, h, w = va.shape[1:]
        return Trace(
            clip,
            shown,
            predict(zs),
            tuple(places),
            heard("attention", h * w, h * w),
            heard("gate", h, w),
            heard("summary", channels, h, w),
            np.array([predict([z]) for z in zs]),
            va[0].float().cpu().numpy(),
        )


# What can be shown of it -------------------------------------------------------------------------


def shown_attention(probe: Probe, trace: Trace, cell: int) -> tuple[Picture, ...]:
    """Where the pixel reads in each reference, as multiples of reading everywhere alike."""
    h, w = trace.embedding.shape[1:]
    times = trace.attention[:, :, cell].reshape(-1, h, w) * h * w
    high = max(4.0, float(times.max()))
    return tuple(
        Picture(
            f"{name}: {support:.0f} of {h * w}, to {high:.0f} x uniform",
            heat(probe.picture(place), each, high),
        )
        for name, place, each, support in zip(
            trace.names, trace.references, times, trace.support[:, cell]
        )
    )


def shown_readers(probe: Probe, trace: Trace, cell: int) -> tuple[Picture, ...]:
    """How much of the whole target each position of a reference is read by."""
    h, w = trace.embedding.shape[1:]
    times = trace.attention.sum(2).reshape(-1, h, w)
    high = max(4.0, float(times.max()))
    return tuple(
        Picture(
            f"{name}: read by all, to {high:.0f} x uniform",
            heat(probe.picture(place), each, high),
        )
        for name, place, each in zip(trace.names, trace.references, times)
    )


def shown_gate(probe: Probe, trace: Trace, cell: int) -> tuple[Picture, ...]:
    """Where the target trusts what it read from each reference."""
    return tuple(
        Picture(f"gate for {name}, 0 to 1", heat(trace.frame, gate, 1.0))
        for name, gate in zip(trace.names, trace.gate)
    )


def shown_summary(probe: Probe, trace: Trace, cell: int) -> tuple[Picture, ...]:
    """The target's embedding and what it read, their principal components as colours."""
    size = trace.frame.shape[1::-1]
    names = ["embedding V of the target", *(f"Z from {name}" for name in trace.names)]
    return tuple(
        Picture(name, cv2.resize(colours, size, interpolation=cv2.INTER_NEAREST))
        for name, colours in zip(names, principal_colours([trace.embedding, *trace.summary]))
    )


def shown_predictions(probe: Probe, trace: Trace, cell: int) -> tuple[Picture, ...]:
    """The probability from each reference alone, and where they disagree."""
    pictures = [
        Picture(f"from {name} alone, 0 to 1", heat(trace.frame, each, 1.0))
        for name, each in zip(trace.names, trace.each)
    ]
    spread = Picture(
        "their standard deviation, 0 to 0.5", heat(trace.frame, trace.each.std(0), 0.5)
    )
    return (*pictures, spread)


COMPONENTS: Mapping[str, Callable[[Probe, Trace, int], tuple[Picture, ...]]] = {
    "attention": shown_attention,
    "readers": shown_readers,
    "gate": shown_gate,
    "summary": shown_summary,
    "prediction": shown_predictions,
}


def explore(
    models: COSNet | Mapping[str, COSNet],
    clips: Clip | Sequence[Clip],
    *,
    inference: Inference | None = None,
    question: str = QUESTION,
    start: dict[str, Any] | None = None,
) -> Explorer:
    """The explorer of COSNet: display it in a notebook, or draw it with `.figure()`.

    models: a network, or several by label, for example {"symmetric": ..., "channelwise": ...}.
    clips: one or several, of any size and source, e.g. [Clip.read("my_video.mp4")].
    start: the first state, e.g. {"frame": 20, "x": 80, "y": 40}; by default the object's middle
        in the middle frame, where there are labels.
    """
    clips = [clips] if isinstance(clips, Clip) else clips
    probe = Probe(models, clips, inference)
    return Explorer(
        probe.look, clips, probe.choices, question=question, start=start or on_object(clips[0])
    )


def figure(
    models: COSNet | Mapping[str, COSNet],
    clips: Clip | Sequence[Clip],
    *,
    inference: Inference | None = None,
    question: str = QUESTION,
    **setting: Any,
) -> Figure:
    """The static twin of `explore` in one setting: clip, frame, x, y and any switch."""
    return explore(models, clips, inference=inference, question=question).figure(**setting)
