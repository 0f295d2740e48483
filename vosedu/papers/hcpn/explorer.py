"""HCPN's explorer: what a mask owes to the second frame, to the flow, and to the contours.

    explore(model, clips)              # widgets; needs a running notebook
    explore(model, clips).figure()     # the same as a figure

`HCPNProbe` computes what both show, for notebooks that measure it over many frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from vosedu.clip import Clip
from vosedu.errors import InputError
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
from vosedu.figures.attention import effective_support
from vosedu.nn import resize_image
from vosedu.papers.embedded import as_embedded
from vosedu.papers.hcpn.inference import (
    PRECISIONS,
    HCPNPictures,
    Inference,
    flow_input,
    frame_input,
)
from vosedu.papers.hcpn.network import HCPN, Encoder, resize
from vosedu.papers.streaming import results
from vosedu.record import record

STAGES = (1, 2, 3, 4)
TAPED = (
    "encoder.image_?.stages.?",
    "encoder.flow.stages.?",
    "encoder.blocks.?.pcm.appearance*.map",
    "encoder.blocks.?.pcm.motion*.map",
    "encoder.blocks.?.pcm.reading.*",
    "encoder.blocks.?.coattended",
    "encoder.blocks.?.ccm",
    "decoder.heads.?",
    "decoder.coarse",
    "decoder.mcr.votes",
)

# Sabotage ----------------------------------------------------------------------------------------

PARTNERS: Mapping[str, Callable[[Place, Place, Sequence[Clip]], Place]] = {
    "as it is": lambda own, partner, clips: partner,
    "the frame itself": lambda own, partner, clips: own,
    "another moment": lambda own, partner, clips: _later(partner, clips),
    "another clip": lambda own, partner, clips: _elsewhere(partner, clips),
}
"""The place of the pair's other frame, from the place of the frame, its partner and the clips."""

PARTNER_TIPS = {
    "as it is": "the neighbouring frame",
    "the frame itself": "a frozen video; show white flow as well",
    "another moment": "a frame of this clip, half its length later",
    "another clip": "a frame of the next clip",
}


def _later(place: Place, clips: Sequence[Clip]) -> Place:
    length = len(clips[place[0]])
    return place[0], (place[1] + length // 2) % length


def _elsewhere(place: Place, clips: Sequence[Clip]) -> Place:
    clip = (place[0] + 1) % len(clips)
    return clip, place[1] % len(clips[clip])


def _open_vote(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
    """A hook after which the contours vote for every pixel."""
    return torch.full_like(output, 20.0)


def _averaged(module: nn.Module, inputs: Any, output: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """A hook after which every position gets the mean of what all positions read."""
    return tuple(x.mean((2, 3), keepdim=True).expand_as(x) for x in output)


_BLOCKS = tuple(f"encoder.blocks.{stage}" for stage in range(4))
_HEADS = tuple(f"decoder.heads.{stage}" for stage in range(4))
OFF: Mapping[str, Mapping[str, Hook]] = {
    "nothing": {},
    "choice": {f"{block}.pcm.reading": _averaged for block in _BLOCKS},
    "PCM": {f"{block}.pcm.reading": zero_items(0, 1) for block in _BLOCKS},
    "CCM": {f"{block}.ccm": zero for block in _BLOCKS},
    "contours": {"decoder.mcr.vote": _open_vote, **dict.fromkeys(_HEADS, zero)},
}
"""What can be switched off, with the modules that compute it and what then replaces its output."""

OFF_TIPS = {
    "nothing": "the network as it is",
    "choice": "every position gets the mean of what all positions read",
    "PCM": "nothing is read from the other stream; the release's stacks go on without it",
    "CCM": "the flow stream gets nothing merged",
    "contours": "no contour restricts the mask, or enters the decoder",
}

# What one setting computes -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HCPNTrace(Trace):
    """One frame of a pair under one setting.

    flow: the pair's flow picture as the network took it, h x w x 3 uint8. own, partner: places
    (clip, frame). number: 0 where the frame is the first of the pair, 1 where it is the second.
    taped: the tensors of TAPED by name, arrays without the batch axis in call order.
    """

    flow: np.ndarray
    own: Place
    partner: Place
    number: int
    taped: Mapping[str, list[np.ndarray]]

    def tap(self, name: str, number: int | None = None) -> np.ndarray | None:
        """The tensor of that name, of this frame or of frame `number`; None without one."""
        if name not in self.taped:
            return None
        found = self.taped[name]
        return found[min(self.number if number is None else number, len(found) - 1)]

    def grid(self, stage: int) -> tuple[int, int]:
        """(h, w) of a stage, counted from 1."""
        return self.taped[f"encoder.flow.stages.{stage - 1}"][0].shape[1:]

    def reading(self, stage: int, x: int, y: int) -> dict[str, np.ndarray]:
        """Where the pixel reads: of the frame in the flow, of the flow in the frame, h x w each.

        Sums to 1 in the paper's form; in the release's the signed affinity of its last stack.
        """
        at, grid = self.cell(x, y, self.grid(stage)), self.grid(stage)
        name = f"encoder.blocks.{stage - 1}.pcm.reading"
        columns, rows = self.tap(f"{name}.columns"), self.tap(f"{name}.rows")
        signed = self.taped.get(f"{name}.weights")
        if signed is not None:
            stacks = len(signed) // 2  # of the first frame, then of the second
            columns = rows = signed[(self.number + 1) * stacks - 1]
        if columns is None:
            return {}
        return {"flow": columns[:, at].reshape(grid), "frame": rows[at].reshape(grid)}

    def shares(self, stage: int) -> dict[str, float]:
        """How much PCM and CCM add at a stage, as shares of the norm of what they are added to."""
        block = f"encoder.blocks.{stage - 1}"
        image = self.tap(f"encoder.image_{'ab'[self.number]}.stages.{stage - 1}")
        flow = self.tap(f"encoder.flow.stages.{stage - 1}")
        added = {
            "PCM": (self.tap(f"{block}.coattended"), image),
            "CCM": (self.tap(f"{block}.ccm"), flow),
        }
        return {
            name: float(np.linalg.norm(part) / max(np.linalg.norm(whole), 1e-12))
            for name, (part, whole) in added.items()
            if part is not None
        }


# What can be shown of it -------------------------------------------------------------------------


def shown_reading(probe: HCPNProbe, trace: HCPNTrace, x: int, y: int, stage: int) -> Rows:
    """Both co-attention maps: what the pixel reads in the flow, and in the frame."""
    grounds, other = {"flow": trace.flow, "frame": trace.frame}, {"flow": "frame", "frame": "flow"}
    row = []
    for where, read in trace.reading(stage, x, y).items():
        title = f"stage {stage}: where the pixel of the {other[where]} reads the {where}"
        if read.min() < 0:
            row.append(heat_map(title, grounds[where], read, read.max(), read.min()))
        else:
            row.append(distribution_map(title, grounds[where], read))
    return (tuple(row),) if row else ()


def shown_lines(probe: HCPNProbe, trace: HCPNTrace, x: int, y: int, stage: int) -> Rows:
    """Lines to the three positions that the pixel reads most, in the flow and in the frame.

    The release's affinity is signed and no share of anything: there are no lines for it.
    """
    if trace.tap(f"encoder.blocks.{stage - 1}.pcm.reading.weights") is not None:
        return ()
    grounds = {"flow": trace.flow, "frame": trace.frame}
    rows = []
    for (where, read), of in zip(trace.reading(stage, x, y).items(), ("frame", "flow")):
        title = f"stage {stage}: what the pixel of the {of} reads most in the {where}; share there"
        rows.append((linked(title, grounds[of], (x, y), [grounds[where]], read[None]),))
    return tuple(rows)


def shown_soft_attention(probe: HCPNProbe, trace: HCPNTrace, x: int, y: int, stage: int) -> Rows:
    """The soft attention of each unit, first to last, in both streams."""
    rows = []
    for stream, ground in (("appearance", trace.frame), ("motion", trace.flow)):
        prefix = f"encoder.blocks.{stage - 1}.pcm.{stream}"
        stacked = [name for name in sorted(trace.taped) if name.startswith(f"{prefix}.")]
        units = [trace.tap(name) for name in stacked if name != f"{prefix}.map"]
        if f"{prefix}.map" in trace.taped:  # the release: one unit, five times a frame
            maps = trace.taped[f"{prefix}.map"]
            units = maps[trace.number * len(maps) // 2 :][: len(maps) // 2]
        rows.append(
            tuple(
                distribution_map(f"{stream}, unit {n}", ground, unit[0])
                for n, unit in enumerate(units, 1)
            )
        )
    return tuple(row for row in rows if row)


def shown_contours(probe: HCPNProbe, trace: HCPNTrace, x: int, y: int, stage: int) -> Rows:
    """The four contour maps, and what they do to the coarse mask."""
    heads = [trace.tap(f"decoder.heads.{n}") for n in range(4)]
    contours = tuple(
        heat_map(f"contours of stage {n}", trace.frame, _sigmoid(head[0]), 1.0)
        for n, head in enumerate(heads, 1)
        if head is not None
    )
    coarse = _sigmoid(probe.enlarged(trace.tap("decoder.coarse")[0], trace.frame.shape[:2]))
    after = [heat_map("coarse mask, before the contours", trace.frame, coarse, 1.0)]
    votes = trace.tap("decoder.mcr.votes")
    if votes is not None:
        after.append(heat_map("vote of the contours", trace.frame, _sigmoid(votes[0]), 1.0))
    change = trace.probability - coarse
    limits = change.max(), change.min()
    after.append(heat_map("mask minus coarse mask", trace.frame, change, *limits))
    return (contours, tuple(after)) if contours else (tuple(after),)


def shown_strength(probe: HCPNProbe, trace: HCPNTrace, x: int, y: int, stage: int) -> Rows:
    """The strength of a stage's features and of what PCM and CCM add to them."""
    block = f"encoder.blocks.{stage - 1}"
    names = {
        "frame": (f"encoder.image_{'ab'[trace.number]}.stages.{stage - 1}", trace.frame),
        "added by PCM": (f"{block}.coattended", trace.frame),
        "flow": (f"encoder.flow.stages.{stage - 1}", trace.flow),
        "added by CCM": (f"{block}.ccm", trace.flow),
    }
    maps = {title: (trace.tap(name), ground) for title, (name, ground) in names.items()}
    return (
        tuple(
            heat_map(f"{title}, stage {stage}: length of the feature", ground, s, s.max())
            for title, (x, ground) in maps.items()
            if x is not None and (s := np.linalg.norm(x, axis=0)).max() > 0
        ),
    )


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


class Film:
    """A clip's flow as `vosedu.explore.sabotage` draws it."""

    def __init__(self, pictures: HCPNPictures) -> None:
        self.pictures, self.size, self.fields = pictures, pictures.size, pictures.flows.fields

    def flow(self, index: int) -> np.ndarray:
        """The flow picture from a frame to the next, h x w x 3 uint8."""
        return resize_image(self.pictures.flows[index], self.size)


class HCPNProbe(Probe[HCPNTrace]):
    """HCPN on a few clips.

    models: one network of three streams, or several by label, for example {"paper": ...,
    "released": ...}. inference: how flow is estimated where clips bring none, and frames are
    resized; its mirrored views are left out.
    """

    question = (
        "What does this mask owe to the second frame, and what to the flow? Take the second frame "
        "from another clip (1), show the flow of another clip (2), switch the contours off (3); "
        "each time, compare the mask."
    )
    components: ClassVar = {
        "co-attention": shown_reading,
        "lines": shown_lines,
        "soft attention": shown_soft_attention,
        "contours": shown_contours,
        "strength": shown_strength,
    }
    traces_kept = 16

    def __init__(
        self,
        models: HCPN | Mapping[str, HCPN],
        clips: Sequence[Clip],
        inference: Inference | None = None,
    ) -> None:
        super().__init__(by_label(models, "HCPN"), clips)
        self.inference = inference or as_embedded(self.first, Inference.paper())
        for label, model in self.networks.items():
            if not isinstance(model.encoder, Encoder):
                raise InputError(f"the network '{label}' has two streams; explore one with three")
            HCPNPictures(model, clips[0], self.inference)  # raises what a first look would raise
        self._film = lru_cache(None)(self._open)

    def switches(self) -> tuple[Choice, ...]:
        """Network, second frame, flow, and parts switched off; which stage is drawn."""
        clips = len(self.clips)
        return (
            Choice(
                "stage",
                "stage",
                STAGES,
                2,
                changes=False,
                help="the encoder stage whose co-attention is drawn",
            ),
            Choice(
                "network",
                "network",
                tuple(self.networks),
                next(iter(self.networks)),
                help="the network that segments the frame",
            ),
            Choice(
                "partner",
                "second frame",
                available(PARTNERS, clips),
                "as it is",
                help="the other frame of the pair",
                tips=PARTNER_TIPS,
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
                "off",
                "switch off",
                tuple(OFF),
                "nothing",
                help="what a part of the network gives is replaced",
                tips=OFF_TIPS,
            ),
        )

    def facts(self, trace: HCPNTrace, x: int, y: int, stage: int) -> Iterator[str]:
        """The second frame, the spread of both readings, the shares of PCM and CCM."""
        yield f"The pair's other frame is {place_name(trace.partner, trace.clip)}."
        for where, read in trace.reading(stage, x, y).items():
            if read.min() >= 0:
                support = effective_support(read.ravel())
                yield (
                    f"Stage {stage}: the pixel reads from {support:.1f} of {read.size} positions "
                    f"of the {where} (exp of the entropy)."
                )
        added = {"PCM": "the frame", "CCM": "the flow"}
        for name, share in trace.shares(stage).items():
            yield f"Stage {stage}: {name} adds {100 * share:.1f} % of the norm of {added[name]}."

    def pictures(self, trace: HCPNTrace) -> tuple[Picture, ...]:
        """The second frame, the flow, and the probability."""
        clip, frame = trace.partner
        second = self.clips[clip].frames[frame]
        return (
            Picture("second frame", resize_image(second, trace.frame.shape[:2])),
            Picture("flow, as the network takes it", trace.flow),
            *super().pictures(trace),
        )

    def enlarged(self, x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """A map, h x w, as the network enlarges it."""
        return resize(torch.from_numpy(x)[None, None], size)[0, 0].numpy()

    def _open(self, clip: int) -> Film:
        model = next(iter(self.networks.values()))
        return Film(HCPNPictures(model, self.clips[clip % len(self.clips)], self.inference))

    def run(
        self, clip: int, frame: int, network: str, partner: str, flow: str, off: str
    ) -> HCPNTrace:
        """One frame with the chosen partner and flow, and with a part switched off."""
        model, film = self.networks[network], self._film(clip)
        number = int(frame == len(self.clips[clip]) - 1)
        pair = frame - number
        own = (clip, frame)
        other = PARTNERS[partner](own, (clip, pair + 1 - number), self.clips)
        picture = FLOWS[flow](self._film, clip, pair)
        frames = [self._film(c).pictures.frames[f] for c, f in (own, other)]
        first, second = frames if number == 0 else frames[::-1]
        inputs = [frame_input([first], film.size), frame_input([second], film.size)]
        device = next(model.parameters()).device
        inputs = [x.to(device) for x in (*inputs, flow_input([picture], film.size))]
        with hooked_each(model, OFF[off]), record(model, *TAPED) as tape, torch.inference_mode():
            logits = model(*inputs)[2 * number]
        maps = PRECISIONS[self.inference.precision](logits.sigmoid(), self.clips[clip].size)
        (result,) = results("HCPN", self.clips[clip], [frame], maps)
        return HCPNTrace(
            clip=clip,
            frame=self.clips[clip].frames[frame],
            probability=result.probability,
            flow=picture,
            own=own,
            partner=other,
            number=number,
            taped={n: [x[0].float().cpu().numpy() for x in xs] for n, xs in tape.items()},
        )


def hooked_each(model: nn.Module, hooks: Mapping[str, Hook]) -> ExitStack:
    """Inside, each of the named modules runs with its own hook."""
    stack = ExitStack()
    for name, hook in hooks.items():
        stack.enter_context(hooked(model, (name,), hook))
    return stack


explore, figure = HCPNProbe.explore, HCPNProbe.figure
