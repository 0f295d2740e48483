"""Protocols: which frames count, how 255 is read, what is averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vosedu.clip import VOID, Clip
from vosedu.errors import InputError


@dataclass(frozen=True)
class Protocol:
    """How masks become the numbers of one benchmark's tables.

    objects: "merged" (every non-zero id is one foreground), "given" (ids as in the first mask), or
        "matched" (the method's ids are proposals, assigned to objects after the fact).
    frames: "inner" (all but the first and the last), "all", "annotated" (those with a label), or
        "later" (per object, annotated frames after its first).
    void: what 255 in the ground truth is: "foreground", "background" or "ignored".
    measures: of J and F, which the benchmark reports.
    unit: what the plain mean runs over: "sequence", "object", or "group" (first within groups of
        sequences or objects, then over groups).
    fit_truth: where sizes differ, resize the ground truth to the prediction (nearest neighbour);
        otherwise differing sizes are an error.
    source: where this is written down.
    """

    name: str
    title: str
    objects: str
    frames: str
    void: str
    measures: tuple[str, ...] = ("J", "F")
    unit: str = "sequence"
    fit_truth: bool = False
    source: str = ""

    def scored_frames(self, clip: Clip) -> list[int]:
        """The frames of a clip that count; InputError where their annotations are missing."""
        labelled = sorted(clip.labels)
        if not labelled:
            raise InputError(
                f"{clip.name} has no annotations; give the clip its masks or leave it out of the "
                "evaluation"
            )
        if self.frames == "annotated":
            return labelled
        if self.frames == "later":
            return labelled[1:]
        frames = list(range(len(clip)))[1:-1] if self.frames == "inner" else list(range(len(clip)))
        if not frames:
            raise InputError(
                f"{clip.name} has {len(clip)} frames, of which {self.title} scores none (the first "
                "and the last do not count); use a longer clip"
            )
        missing = sorted(set(frames) - set(labelled))
        if missing:
            raise InputError(
                f"{clip.name} has annotations for {len(labelled)} of {len(clip)} frames, the first "
                f"one missing is frame {missing[0]}; {self.title} needs every frame it scores, the "
                "protocol 'fbms' scores annotated frames alone"
            )
        return frames

    def given(self, clip: Clip) -> dict[int, np.ndarray]:
        """What a semi-supervised method is given: frame number -> H x W uint8 ids.

        The first annotation, without its void; where objects may enter later, also the annotation
        that each of those is first seen in, of which the object alone is left. InputError for a
        clip without annotations or whose first one holds no object.
        """
        labelled = sorted(clip.labels)
        given: dict[int, np.ndarray] = {}
        seen = {0, VOID}
        for t in labelled if self.frames == "later" else labelled[:1]:
            ids = np.asarray(clip.labels[t])
            fresh = set(np.unique(ids).tolist()) - seen
            if fresh:
                given[t] = np.where(np.isin(ids, list(fresh)), ids, 0).astype(np.uint8)
                seen |= fresh
        if not given:
            raise InputError(
                f"{clip.name} has no annotated object in its first annotation, and the method "
                "needs its mask; give the clip that label or leave it out of the evaluation"
            )
        return given


_ALL = (
    Protocol(
        "davis16",
        "DAVIS 2016",
        objects="merged",
        frames="inner",
        void="foreground",
        source="Perazzi et al., CVPR 2016; the DAVIS-2016 toolkit",
    ),
    Protocol(
        "davis17-semi",
        "DAVIS 2017 semi-supervised",
        objects="given",
        frames="inner",
        void="background",
        unit="object",
        source="Pont-Tuset et al., 2017; davis2017-evaluation",
    ),
    Protocol(
        "davis17-unsup",
        "DAVIS 2017 unsupervised",
        objects="matched",
        frames="all",
        void="ignored",
        unit="object",
        source="Caelles et al., 2019; davis2017-evaluation",
    ),
    Protocol(
        "fbms",
        "FBMS-59",
        objects="merged",
        frames="annotated",
        void="foreground",
        measures=("J",),
        fit_truth=True,
        source="the papers' scripts: mean J over annotated frames, then over sequences",
    ),
    Protocol(
        "youtube-objects",
        "YouTube-Objects",
        objects="merged",
        frames="annotated",
        void="foreground",
        measures=("J",),
        unit="group",
        fit_truth=True,
        source="the papers' scripts; the mean over categories and the mean over videos are both "
        "in use",
    ),
    Protocol(
        "youtube-vos",
        "YouTube-VOS",
        objects="given",
        frames="later",
        void="background",
        unit="group",
        source="Xu et al., 2018; computed offline, the official numbers come from a server",
    ),
    Protocol(
        "toyvos",
        "ToyVOS",
        objects="merged",
        frames="inner",
        void="ignored",
        source="as DAVIS 2016, so that numbers are read alike",
    ),
    Protocol(
        "toyvos-objects",
        "ToyVOS, each object",
        objects="given",
        frames="inner",
        void="ignored",
        unit="object",
        source="as DAVIS 2017 semi-supervised",
    ),
)
PROTOCOLS = {protocol.name: protocol for protocol in _ALL}


def protocol_of(protocol: str | Protocol) -> Protocol:
    """A protocol by name, or itself."""
    if isinstance(protocol, Protocol):
        return protocol
    if protocol not in PROTOCOLS:
        raise InputError(f"there is no protocol '{protocol}'; choose one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[protocol]
