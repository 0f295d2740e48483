"""COSNet's explorer: what a pixel reads from the references, and how the mask depends on them.

    explore(model, clips)              # widgets; needs a running notebook
    explore(model, clips).figure()     # the same as a figure

`COSNetProbe` computes what both show, for notebooks that measure it over many frames.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import ClassVar

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.explore import (
    NOISE,
    Choice,
    Picture,
    Place,
    Probe,
    Rows,
    Trace,
    available,
    by_label,
    heat_map,
    linked,
    place_name,
)
from vosedu.figures.attention import effective_support, principal_colours
from vosedu.papers.cosnet.inference import (
    FUSIONS,
    Inference,
    attend,
    checked_plan,
    embed_frames,
    fuse,
)
from vosedu.papers.cosnet.network import CoAttention, COSNet, VanillaAffinity
from vosedu.papers.cosnet.variants import SOFTMAXES, FixedGate
from vosedu.papers.embedded import as_embedded
from vosedu.record import record
from vosedu.training.losses import prior_corrected

# Switches ----------------------------------------------------------------------------------------


GATES = {"open": FixedGate(1.0), "closed": FixedGate(0.0)}


def symmetric_part(w: Tensor) -> Tensor:
    """The symmetric matrix nearest to W."""
    return (w + w.T) / 2


def orthogonal_part(w: Tensor) -> Tensor:
    """The orthogonal matrix nearest to W; the penalty of Eq. 12 is zero for it."""
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
    """The networks by label, then the first one with its W replaced; all else stays."""
    model = next(iter(models.values()))
    variants = dict(models)
    if isinstance(getattr(model.coattention, "affinity", None), VanillaAffinity):
        for name, change in SAME_WEIGHTS.items():
            affinity = copy.deepcopy(model.coattention.affinity)
            with torch.no_grad():
                affinity.w.weight.copy_(change(affinity.w.weight))
            variants[name] = with_coattention(model, affinity=affinity)
    return variants


def with_coattention(model: COSNet, **parts: nn.Module) -> COSNet:
    """The network with other parts (affinity, attention, gate) in its co-attention.

    All weights are shared with `model`. A network without co-attention comes back as it is.
    """
    if not model.coattention.uses_references:
        return model
    old = model.coattention
    kept = {"affinity": old.affinity, "attention": old.attention, "gate": old.gate}
    coattention = CoAttention(**{**kept, **parts})
    same = (model.config, model.embedding, model.side)
    return type(model)(*same, coattention, model.head, model.normalise).eval()


# Sabotage ----------------------------------------------------------------------------------------

TAPED = ("coattention.attention", "coattention.gate", "coattention.summary")
SABOTAGE: Mapping[str, Callable[[list[Place], Place, list[Place]], list[Place]]] = {
    "as chosen": lambda chosen, target, others: chosen,
    "one of another clip": lambda chosen, target, others: [*others[:1], *chosen[1:]],
    "another clip": lambda chosen, target, others: others,
    "the target itself": lambda chosen, target, others: [target] * len(chosen),
    "noise": lambda chosen, target, others: [NOISE] * len(chosen),
}
"""The references that are read, from those chosen, the target, and as many of another clip."""

SABOTAGE_TIPS = {
    "as chosen": "the frames that the method chooses",
    "one of another clip": "the first reference comes from the next clip",
    "another clip": "all references come from the next clip",
    "the target itself": "every reference is the frame to be segmented",
    "noise": "every reference is an image of noise",
}


# What one setting computes -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class COSNetTrace(Trace):
    """One target frame under one setting, with N references.

    references: N places, (clip, frame) or NOISE. attention: N x hw of b x hw of a, Eq. 6.
    gate: N x h x w, Eq. 8. summary: N x C x h x w, Eq. 7, before the gate. each: N x H x W, the
    probability from each reference alone. embedding: C x h x w.
    """

    references: tuple[Place, ...]
    attention: np.ndarray
    gate: np.ndarray
    summary: np.ndarray
    each: np.ndarray
    embedding: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """What titles call the references."""
        return tuple(place_name(place, self.clip) for place in self.references)

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w) of the embedding."""
        return self.embedding.shape[1:]

    @cached_property
    def support(self) -> np.ndarray:
        """N x hw: exp(entropy) of what each position of the target reads, from 1 to hw."""
        return effective_support(self.attention, axis=1)


def share_read(trace: COSNetTrace, who: np.ndarray, where: Sequence[np.ndarray]) -> float:
    """Of all that some pixels of the target read, the share they read in given regions.

    who: H x W, True for pixels of the target. where: one such map for each reference. From 0 to 1,
    the mean over references; NaN where `who` is empty.
    """
    h, w = trace.grid

    def cells(region: np.ndarray) -> np.ndarray:
        return cv2.resize(region.astype(np.float32), (w, h), interpolation=cv2.INTER_AREA).ravel()

    readers = cells(who)
    if not readers.any():
        return float("nan")
    found = [cells(region) @ each @ readers for region, each in zip(where, trace.attention)]
    return float(np.mean(found) / readers.sum())


# What can be shown of it -------------------------------------------------------------------------


def shown_attention(probe: COSNetProbe, trace: COSNetTrace, x: int, y: int) -> Rows:
    """Where the pixel reads in each reference (Eq. 6), as multiples of the uniform share."""
    (h, w), cell = trace.grid, trace.cell(x, y, trace.grid)
    times = trace.attention[:, :, cell].reshape(-1, h, w) * h * w
    high = max(4.0, times.max(initial=0.0))
    titles = (
        f"{name}: reads {support:.0f} of {h * w} positions"
        for name, support in zip(trace.names, trace.support[:, cell])
    )
    return (_over_references(probe, trace, titles, times, high),)


def shown_lines(probe: COSNetProbe, trace: COSNetTrace, x: int, y: int) -> Rows:
    """Lines from the pixel to the three positions of each reference that it reads most (Eq. 6)."""
    if not trace.references:
        return ()
    shares = trace.attention[:, :, trace.cell(x, y, trace.grid)].reshape(-1, *trace.grid)
    title = f"what the pixel reads most in {', '.join(trace.names)}; share of its attention there"
    frames = [probe.picture(place) for place in trace.references]
    return ((linked(title, trace.frame, (x, y), frames, shares),),)


def shown_readers(probe: COSNetProbe, trace: COSNetTrace, x: int, y: int) -> Rows:
    """How much all pixels of the target together read each position of a reference."""
    times = trace.attention.sum(2).reshape(-1, *trace.grid)
    high = max(4.0, times.max(initial=0.0))
    titles = (f"{name}, read by all pixels" for name in trace.names)
    return (_over_references(probe, trace, titles, times, high),)


def _over_references(
    probe: COSNetProbe,
    trace: COSNetTrace,
    titles: Iterator[str],
    times: np.ndarray,
    high: float,
) -> tuple[Picture, ...]:
    return tuple(
        heat_map(title, probe.picture(place), each, high, unit=" x uniform")
        for title, place, each in zip(titles, trace.references, times)
    )


def shown_gate(probe: COSNetProbe, trace: COSNetTrace, x: int, y: int) -> Rows:
    """The gate on what was read from each reference, by position (Eq. 8)."""
    return (
        tuple(
            heat_map(f"gate on what was read from {name}", trace.frame, gate, 1.0)
            for name, gate in zip(trace.names, trace.gate)
        ),
    )


def shown_summary(probe: COSNetProbe, trace: COSNetTrace, x: int, y: int) -> Rows:
    """The target's embedding and what it read (Z, Eq. 7), principal components as colours."""
    if not trace.references:
        return ()
    size = trace.frame.shape[1::-1]
    names = ["embedding V of the target", *(f"Z from {name}" for name in trace.names)]
    return (
        tuple(
            Picture(name, cv2.resize(colours, size, interpolation=cv2.INTER_NEAREST))
            for name, colours in zip(names, principal_colours([trace.embedding, *trace.summary]))
        ),
    )


def shown_predictions(probe: COSNetProbe, trace: COSNetTrace, x: int, y: int) -> Rows:
    """The probability from each reference alone, and where they disagree."""
    if not trace.references:
        return ()
    pictures = [
        heat_map(f"probability from {name} alone", trace.frame, each, 1.0)
        for name, each in zip(trace.names, trace.each)
    ]
    spread = heat_map("their standard deviation", trace.frame, trace.each.std(0), 0.5)
    return ((*pictures, spread),)


class COSNetProbe(Probe[COSNetTrace]):
    """COSNet on a few clips; every frame is encoded once, whatever is switched afterwards.

    models: one network, or several by label, for example {"symmetric": ..., "channelwise": ...}.
    inference: how references are chosen, frames resized, and probabilities corrected.
    """

    question = (
        "How does this mask depend on the references? Click on an object of similar look (1), "
        "take the references from another clip (2), close the gate (3); each time, compare the "
        "mask."
    )
    components: ClassVar = {
        "attention": shown_attention,
        "lines": shown_lines,
        "readers": shown_readers,
        "gate": shown_gate,
        "summary": shown_summary,
        "prediction": shown_predictions,
    }
    traces_kept = 2  # at full size a trace takes 260 MB

    def __init__(
        self,
        models: COSNet | Mapping[str, COSNet],
        clips: Sequence[Clip],
        inference: Inference | None = None,
    ) -> None:
        if isinstance(models, COSNet):
            models = by_label(models, models.config.affinity)
        if any(model.config.group for model in models.values()):
            raise InputError(
                "the explorer shows one reference at a time, which the group network does not "
                "read; give it a network built with group=False"
            )
        super().__init__(affinities(models), clips)
        usual = inference or as_embedded(self.first, Inference.paper())
        self.inference = replace(usual, flip=False)
        self._first = next(iter(self.networks))
        self._frame = lru_cache(64)(self._read)
        self._embedding = lru_cache(64)(self._embed)

    def switches(self) -> tuple[Choice, ...]:
        """Affinity, softmax, gate, number of references, fusion, and which frames they are."""
        softmax = self.first.config.softmax
        n = self.inference.references
        return (
            Choice(
                "affinity",
                "affinity",
                tuple(self.networks),
                self._first,
                help="the matrix W by which two embeddings are compared (Eqs. 2 to 5)",
                tips={
                    "W symmetrised": "(W + W^T) / 2, all other weights kept",
                    "W orthogonal": "the orthogonal matrix nearest to W, all other weights kept",
                    "W = I": "embeddings compared as they are, all other weights kept",
                },
            ),
            Choice(
                "softmax",
                "softmax",
                tuple(SOFTMAXES),
                softmax,
                help="one softmax (Eq. 6) or, as first released, a second one over the first",
            ),
            Choice(
                "gate",
                "gate",
                ("learned", *GATES),
                "learned",
                help="the factor on what was read: the network's, 1 everywhere, or 0 everywhere",
            ),
            Choice(
                "n",
                "N",
                tuple(sorted({0, 1, 2, 5, n})),
                n,
                help="the number of reference frames; 0: the frame alone",
            ),
            Choice(
                "fusion",
                "fusion",
                tuple(FUSIONS),
                self.inference.fusion,
                help="what is averaged over references: the summaries (Eq. 13) or the predictions",
            ),
            Choice(
                "references",
                "references",
                available(SABOTAGE, len(self.clips)),
                "as chosen",
                help="which frames are the references",
                tips=SABOTAGE_TIPS,
            ),
        )

    def facts(self, trace: COSNetTrace, x: int, y: int) -> Iterator[str]:
        """From how many positions the pixel reads, and its gate."""
        if not trace.references:
            yield "No reference is read: the mask comes from this frame alone."
            return
        support, cell = trace.support, trace.cell(x, y, trace.grid)
        gate = trace.gate.reshape(len(trace.gate), -1)
        yield (
            f"Pixel ({x}, {y}) reads from {support[:, cell].mean():.1f} of "
            f"{support.shape[1]} positions per reference (exp of the entropy; mean over all "
            f"pixels {support.mean():.1f}); its gate is {gate[:, cell].mean():.2f}."
        )

    def picture(self, place: Place) -> np.ndarray:
        """The frame at a place, H x W x 3 uint8."""
        return self._frame(*place)

    def _read(self, clip: int, frame: int) -> np.ndarray:
        if (clip, frame) == NOISE:
            size = self.inference.size or self.first.config.size
            return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
        return self.clips[clip].frames[frame]

    def _embed(self, network: str, clip: int, frame: int) -> Tensor:
        """1 x C x h x w."""
        alone = Clip("frame", [self._frame(clip, frame)])
        return embed_frames(self.networks[network], alone, [0], self.inference)[0]

    def run(
        self,
        clip: int,
        frame: int,
        affinity: str,
        softmax: str,
        gate: str,
        n: int,
        fusion: str,
        references: str,
    ) -> COSNetTrace:
        """One frame: its references attended, gated, fused and segmented."""
        model = with_coattention(
            self.networks[affinity],
            attention=SOFTMAXES[softmax](),
            **({} if gate == "learned" else {"gate": GATES[gate]}),
        )
        inference = replace(self.inference, references=n, fusion=fusion)
        plan = checked_plan(model, self.clips[clip], inference)[frame]
        places = SABOTAGE[references](
            [(clip, b) for b in plan], (clip, frame), self.in_next_clip(clip, plan)
        )
        # networks that differ in W alone share the embeddings of the one they were made from
        encoder = self._first if affinity in SAME_WEIGHTS else affinity
        va = self._embedding(encoder, clip, frame)
        with record(model, *TAPED) as tape:
            zs = attend(model, va, [self._embedding(encoder, *b) for b in places]) if places else []
        shown = self._frame(clip, frame)

        def predict(summaries: list[Tensor]) -> np.ndarray:
            probability = fuse(model, va, summaries, inference)
            size = shown.shape[:2]
            probability = F.interpolate(probability, size, mode="bilinear", align_corners=False)
            trained = probability[0, 0].float().cpu().numpy()
            prior = self.inference.prior
            return trained if prior is None else prior_corrected(trained, prior)

        def taped(name: str, *shape: int) -> np.ndarray:
            tensors = tape.get(f"coattention.{name}", [torch.empty(0)])
            return torch.cat(tensors).float().cpu().numpy().reshape(len(places), *shape)

        channels, h, w = va.shape[1:]
        return COSNetTrace(
            clip=clip,
            frame=shown,
            probability=predict(zs),
            references=tuple(places),
            attention=taped("attention", h * w, h * w),
            gate=taped("gate", h, w),
            summary=taped("summary", channels, h, w),
            each=np.array([predict([z]) for z in zs]),
            embedding=va[0].float().cpu().numpy(),
        )


explore, figure = COSNetProbe.explore, COSNetProbe.figure
