"""Positive controls: interventions on the input that must destroy the mask.

A network whose mask survives the references of another video does not use its references, and no
row about references can then show anything. A control is a row of a table with an `intervention`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from types import MappingProxyType

import numpy as np

from vosedu import flow
from vosedu.clip import Clip, objects_of, permuted
from vosedu.errors import InputError
from vosedu.lazy import Made

GREY = 128


def other_references(clip: Clip, other: Clip) -> Clip:
    """The clip with the reference frames of another one, and of its masks the first.

    In that mask only ids that the clip's own first mask has are kept; other objects become
    background, because scores know no other ids.
    """
    if not (clip.labels and other.labels):
        return replace(clip, references=other)
    first = min(other.labels)
    ids, known = other.labels[first], objects_of(clip.labels[min(clip.labels)])
    return replace(
        clip, references=replace(other, labels={first: np.where(np.isin(ids, known), ids, 0)})
    )


def permuted_identities(clip: Clip, other: Clip) -> Clip:
    """The clip with references in whose first mask each object has the number of the next one."""
    first = min(clip.labels)
    ids = clip.labels[first]
    return replace(clip, references=replace(clip, labels={first: permuted(ids, objects_of(ids))}))


def other_flow(clip: Clip, other: Clip) -> Clip:
    """The clip with the flow of another one of the same frame size, repeated where it is short."""
    if clip.size != other.size:
        raise InputError(
            f"the flow of '{other.name}' ({other.size[1]} x {other.size[0]}) does not fit "
            f"'{clip.name}' ({clip.size[1]} x {clip.size[0]}); score clips of one frame size"
        )
    fields = list(islice(_fields(other), len(clip) - 1))
    return replace(clip, flow=[fields[t % len(fields)] for t in range(len(clip) - 1)])


def grey_frames(clip: Clip, other: Clip) -> Clip:
    """The clip with grey frames and the flow of the true ones."""
    frame = np.full((*clip.size, 3), GREY, np.uint8)
    return replace(
        clip, frames=Made(len(clip), lambda _: frame, clip.size), flow=list(_fields(clip))
    )


def _fields(clip: Clip) -> Sequence[np.ndarray]:
    return flow.estimate(clip.frames) if clip.flow is None else clip.flow


INTERVENTIONS: Mapping[str, Callable[[Clip, Clip], Clip]] = MappingProxyType(
    {
        "references of another video": other_references,
        "identities permuted": permuted_identities,
        "flow of another video": other_flow,
        "grey frames": grey_frames,
    }
)
"""Name -> what is done to a clip; the second argument is the next clip of the set."""


def intervened(clips: Sequence[Clip], intervention: str) -> Sequence[Clip]:
    """The clips after an intervention; without one, the clips themselves."""
    if not intervention:
        return clips
    if intervention not in INTERVENTIONS:
        raise InputError(
            f"there is no intervention '{intervention}'; choose one of {', '.join(INTERVENTIONS)}"
        )
    change, count = INTERVENTIONS[intervention], len(clips)
    return Made(count, lambda i: change(clips[i], clips[(i + 1) % count]))
