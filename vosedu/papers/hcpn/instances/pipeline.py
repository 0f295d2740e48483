"""From proposals to object tracks: the foreground says which, a propagator follows them.

1. Proposals on the first frame; of overlapping ones the better stays (UnOVOST, step 1).
2. A proposal is kept where most of it is foreground.
3. Kept proposals become the first label map, best score first, ten at most.
4. The propagator follows them through the clip.
5. In each frame labels hold only on foreground, and foreground without a label takes the most
   probable object.

Objects that are absent from the first frame are never found, and no result is better than the
proposals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.contract import FrameResult
from vosedu.papers.hcpn.instances.merging import Proposal, without_overlaps
from vosedu.papers.hcpn.instances.proposals import Candidate

Foreground = Callable[[Clip], Iterable[FrameResult]]
"""A clip -> the foreground of its frames, in order, as results with a probability or a mask."""

Propose = Callable[[Clip], Sequence[Candidate]]
"""A clip -> the candidates of its first frame."""

Propagate = Callable[[Sequence[np.ndarray], np.ndarray], Iterable[np.ndarray]]
"""Frames and the first frame's ids, 1 to O -> per frame, in order, the probability of background
and of each object, O + 1 x H x W. (`vosedu.papers.stm.inference.propagate` with its model.)"""


@dataclass(frozen=True)
class Instances:
    """How instances are found.

    overlap: the IoU from which the weaker of two proposals goes. share: how much of a proposal
    must be foreground. most: objects at most.
    """

    overlap: float = 0.2
    share: float = 0.5
    most: int = 10


def segment_instances(
    clip: Clip,
    foreground: Foreground,
    propose: Propose,
    propagate: Propagate,
    instances: Instances = Instances(),
) -> Iterator[FrameResult]:
    """The object ids of every frame, H x W uint8, in order, streaming.

    Where no proposal is kept, the foreground of the first frame is one object; where there is none
    either, all frames are empty. Raises InputError where foreground or propagator give fewer
    frames than the clip has.
    """
    candidates = propose(clip)
    stream = iter(foreground(clip))
    first = next(stream, None)
    if first is None:
        raise _too_few(clip, "foreground", 0)
    ids = first_labels(candidates, first.mask > 0, instances)
    if not ids.any():
        ids = (first.mask > 0).astype(np.uint8)
    if not ids.any():
        yield from (FrameResult(t, labels=np.zeros_like(ids)) for t in range(len(clip)))
        return
    followed = iter(propagate(clip.frames, ids))
    for t in range(len(clip)):
        seen = first if t == 0 else next(stream, None)
        planes = next(followed, None)
        if seen is None or planes is None:
            raise _too_few(clip, "foreground" if seen is None else "propagator", t)
        yield FrameResult(t, labels=restricted(planes, seen.mask > 0))


def first_labels(
    candidates: Sequence[Candidate], foreground: np.ndarray, instances: Instances
) -> np.ndarray:
    """Steps 1 to 3: the first frame's ids, H x W uint8, 1 for the best score; it lies on top."""
    proposals = [Proposal(c.mask, c.score, np.zeros(1), c.mask) for c in candidates]
    apart = [candidates[i] for i in without_overlaps(proposals, instances.overlap)]
    kept = [c for c in apart if (c.mask & foreground).sum() > instances.share * c.mask.sum()]
    best = sorted(kept, key=lambda c: -c.score)[: instances.most]
    ids = np.zeros(foreground.shape, np.uint8)
    for number in range(len(best), 0, -1):
        ids[best[number - 1].mask] = number
    return _without_gaps(ids)


def _without_gaps(ids: np.ndarray) -> np.ndarray:
    """Ids renumbered 1 to O: one that others cover entirely is gone."""
    present = [number for number in np.unique(ids) if number]
    table = np.zeros(256, np.uint8)
    table[present] = np.arange(1, len(present) + 1)
    return table[ids]


def restricted(planes: np.ndarray, foreground: np.ndarray) -> np.ndarray:
    """Step 5: O + 1 x H x W probabilities and H x W foreground -> H x W uint8 ids.

    On foreground the most probable object, elsewhere 0: so a label keeps its place, and foreground
    that the propagator took for background gets the object it would have been.
    """
    return np.where(foreground, planes[1:].argmax(0) + 1, 0).astype(np.uint8)


def _too_few(clip: Clip, what: str, frames: int) -> InputError:
    return InputError(
        f"the {what} of '{clip.name}' ends after {frames} of {len(clip)} frames; give one result "
        "for every frame"
    )
