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
from vosedu.clip import Clip
from vosedu.errors import InputError

GREY = 128


class _Changed(Sequence[Clip]):
    """Clips, each changed with the help of the next one when it is asked for."""

    def __init__(self, clips: Sequence[Clip], change: Callable[[Clip, Clip], Clip]) -> None:
        self._clips, self._change = clips, change

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, index):  # type: ignore[no-untyped-def, override]
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._change(self._clips[index], self._clips[(index + 1) % len(self)])


class _Grey(Sequence[np.ndarray]):
    """As many grey frames, H x W x 3 uint8, as a clip has."""

    def __init__(self, length: int, size: tuple[int, int]) -> None:
        self._length, self.size = length, size
        self._frame = np.full((*size, 3), GREY, np.uint8)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index):  # type: ignore[no-untyped-def, override]
        if isinstance(index, slice):
            return _Grey(len(range(*index.indices(self._length))), self.size)
        if not 0 <= index < self._length:
            raise IndexError(index)
        return self._frame


def other_references(clip: Clip, other: Clip) -> Clip:
    """The clip with the reference frames of another one."""
    return replace(clip, references=other)


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
    return replace(clip, frames=_Grey(len(clip), clip.size), flow=list(_fields(clip)))


def _fields(clip: Clip) -> Sequence[np.ndarray]:
    return flow.estimate(clip.frames) if clip.flow is None else clip.flow


INTERVENTIONS: Mapping[str, Callable[[Clip, Clip], Clip]] = MappingProxyType(
    {
        "references of another video": other_references,
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
    return _Changed(clips, INTERVENTIONS[intervention])
