"""What the papers' ways of inference share: checked frames, two passes over a clip, results.

A method with references passes over a clip twice: first the reference frames that lie ahead, then
every frame in order. `two_passes` does that for any method that can say which frames it compares,
encode a frame, and predict from encoded frames; a method without references has an empty plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.lazy import LazySequence
from vosedu.papers.contract import FrameResult

Encoded = TypeVar("Encoded")
Remembered = TypeVar("Remembered")
Predict = Callable[[Sequence[int], list[Encoded], list[list[Remembered]]], Iterator[FrameResult]]


class CheckedFrames(LazySequence[np.ndarray]):
    """The frames of a clip, H x W x 3 uint8; InputError for one of another size than the clip's.

    The last two that were decoded are held: a frame and its successor, for their flow.
    """

    def __init__(self, clip: Clip) -> None:
        self._frames, self._name, self.size = clip.frames, clip.name, clip.size
        self._held: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def item(self, index: int) -> np.ndarray:
        if index not in self._held:
            if len(self._held) == 2:
                del self._held[next(iter(self._held))]
            self._held[index] = self._checked(index)
        return self._held[index]

    def _checked(self, index: int) -> np.ndarray:
        frame = self._frames[index]
        if frame.shape[:2] != self.size:
            raise InputError(
                f"frame {index} of '{self._name}' is {frame.shape[1]} x {frame.shape[0]} but the "
                f"clip is {self.size[1]} x {self.size[0]}; all frames must have one size"
            )
        return frame


def two_passes(
    plan: Sequence[Sequence[int]],
    encode: Callable[[Sequence[int]], Mapping[int, Encoded]],
    remember: Callable[[Encoded], Remembered],
    predict: Callable[
        [Sequence[int], list[Encoded], list[list[Remembered]]], Iterator[FrameResult]
    ],
    *,
    batch: int = 1,
    ahead: int = 0,
    encode_references: Callable[[Sequence[int]], Mapping[int, Encoded]] | None = None,
) -> Iterator[FrameResult]:
    """The results of a clip's frames, in order; every frame is encoded once.

    plan: the reference frames of every target.
    encode(indices): frame -> what its own prediction needs. remember(encoded): what a target needs
        of a reference. predict(targets, encoded, references): the targets' results.
    batch: how many frames to take at once. ahead: references at most that many frames after their
        target are encoded in the second pass, which then runs ahead of the results.
    encode_references: encodes the references of the plan where they are frames of another clip.

    In memory are what frames need until their own turn, and what references give until the last
    target that reads them.
    """
    last_read = {index: target for target, chosen in enumerate(plan) for index in chosen}
    encoded: dict[int, Encoded] = {}
    memory: dict[int, Remembered] = {}

    def take(indices: Sequence[int]) -> None:
        for index, each in encode(indices).items():
            encoded[index] = each
            if encode_references is None and index in last_read:
                memory[index] = remember(each)

    far: set[int] = set()
    if encode_references is None:
        far |= {i for target, chosen in enumerate(plan) for i in chosen if i - target > ahead}
    else:
        for some in _chunks(sorted(last_read), batch):
            memory |= {i: remember(each) for i, each in encode_references(some).items()}
    for some in _chunks(sorted(far), batch):
        take(some)
    done = 0
    for chunk in _chunks(range(len(plan)), batch):
        take([index for index in chunk if index not in far])
        ready = done
        while ready <= chunk[-1] and all(index in memory for index in plan[ready]):
            ready += 1
        for targets in _chunks(range(done, ready), batch):
            references = [[memory[index] for index in plan[target]] for target in targets]
            yield from predict(targets, [encoded.pop(target) for target in targets], references)
        done = ready
        memory = {index: each for index, each in memory.items() if last_read[index] >= done}


def results(
    method: str, clip: Clip, targets: Sequence[int], maps: Tensor, mirrored: bool = False
) -> Iterator[FrameResult]:
    """The results of a few frames at the clip's size.

    maps: probabilities, BV x 1 x h x w, the V views of a frame one after another; they are
    averaged. mirrored: the second of two views is of the mirrored frame. Raises InputError, in the
    name of `method`, for values that are not numbers.
    """
    views = maps.unflatten(0, (len(targets), -1))  # BV 1 h w -> B V 1 h w
    if mirrored:
        views = views.clone()
        views[:, 1] = views[:, 1].flip(-1)
    mean = views.mean(1)  # B 1 h w
    if mean.shape[-2:] != clip.size:
        mean = F.interpolate(mean, clip.size, mode="bilinear", align_corners=False)
    for target, each in zip(targets, mean[:, 0].float().cpu().numpy()):
        if not np.isfinite(each).all():
            raise InputError(
                f"{method}'s output for frame {target} of '{clip.name}' is not a number; its "
                "weights are damaged or its training diverged, use another checkpoint"
            )
        yield FrameResult(target, probability=each)


def _chunks(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (items[start : start + size] for start in range(0, len(items), size))
