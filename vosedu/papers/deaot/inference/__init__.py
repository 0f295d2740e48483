"""From the first frame's mask to the masks of all frames with DeAOT or AOT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.contract import FeatureStore, FrameResult
from vosedu.papers.deaot.inference.engine import Engine, Engines
from vosedu.papers.deaot.inference.session import Inference, Session
from vosedu.papers.deaot.inference.sizes import input_size, to_input, to_size
from vosedu.papers.deaot.network import DeAOT

__all__ = [
    "Engine",
    "Engines",
    "Inference",
    "Session",
    "input_size",
    "segment",
    "to_input",
    "to_size",
]


def segment(
    model: DeAOT,
    clip: Clip,
    *,
    given: Mapping[int, np.ndarray] | None = None,
    inference: Inference | None = None,
    features: FeatureStore | None = None,
) -> Iterator[FrameResult]:
    """The object ids of every frame, H x W uint8, in order, each frame read once.

    given: frame -> ids, H x W uint8, 255 for void: the first frame's objects, and those that
    appear later (in a later mask 0 leaves the prediction). Before the first of them frames are
    background. Memory grows by a frame every `gap` frames unless `long_frames` limits it. Where
    the clip's references come from another one (a control), memory begins with the frame and the
    mask of that one.
    `features` is left aside. Raises InputError for a clip or masks it cannot use.
    """
    if not len(clip):
        raise InputError(f"the clip '{clip.name}' has no frames; choose another")
    if not given:
        raise InputError(
            f"DeAOT follows the objects of a given mask and has none for '{clip.name}'; give the "
            "first frame's, given={0: ids} or --first-mask MASK.png"
        )
    beyond = [frame for frame in given if not 0 <= frame < len(clip)]
    if beyond:
        raise InputError(
            f"a mask is given for frame {beyond[0]} of '{clip.name}', which has {len(clip)} "
            "frames, counted from 0; give masks of frames it has"
        )
    return _frames(model, clip, given, inference)


def _frames(
    model: DeAOT, clip: Clip, given: Mapping[int, np.ndarray], inference: Inference | None
) -> Iterator[FrameResult]:
    session, first = Session(model, inference), min(given)
    for index, frame in enumerate(clip.frames):
        if index < first:
            yield FrameResult(index, labels=np.zeros(frame.shape[:2], np.uint8))
        elif index == first:
            seen, ids = frame, given[index]
            if clip.references is not None:
                seen, ids = clip.references.frames[index], clip.references.labels[index]
            yield FrameResult(index, labels=session.start(seen, ids))
        else:
            yield FrameResult(index, labels=session.step(frame, given.get(index)))
