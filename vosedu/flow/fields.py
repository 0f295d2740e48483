"""The flow of a whole clip: which frames are compared, and the answer for the last one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.flow.cache import FlowCache
from vosedu.flow.estimators import ESTIMATORS, Estimator
from vosedu.flow.warp import advance
from vosedu.lazy import LazySequence

Direction = Literal["forward", "backward"]
Last = Literal["none", "negated-backward"]
METHODS = (*ESTIMATORS, "shuffled", "exact")


class _Frame:
    """A decoded frame with what was derived from it."""

    def __init__(self, pixels: np.ndarray, estimator: Estimator) -> None:
        self.pixels = pixels
        self._estimator = estimator

    @cached_property
    def prepared(self) -> Any:
        return self._estimator.prepare(self.pixels)

    @cached_property
    def digest(self) -> bytes:
        content = hashlib.blake2b(str(self.pixels.shape).encode(), digest_size=16)
        content.update(np.ascontiguousarray(self.pixels).data)
        return content.digest()


class Pair(NamedTuple):
    """The field `sign` x flow(source -> target), on the pixels of the source frame."""

    source: int
    target: int
    sign: int = 1


class Fields(LazySequence[np.ndarray]):
    """Flow fields computed when indexed: H x W x 2 float32 (dx, dy), pixels.

    Iterating decodes and prepares every frame once and holds two of them; nothing is kept of the
    fields unless there is a cache.
    """

    def __init__(
        self,
        frames: Sequence[np.ndarray],
        estimator: Estimator,
        pairs: Sequence[Pair],
        cache: FlowCache | None = None,
    ) -> None:
        self.frames, self.estimator, self.pairs, self.cache = frames, estimator, pairs, cache
        self._held: dict[int, _Frame] = {}

    def __len__(self) -> int:
        return len(self.pairs)

    def item(self, index: int) -> np.ndarray:
        source, target, sign = self.pairs[index]
        first, second = self._pair(source, target)
        if self.cache is None:
            field = self.estimator.between(first.prepared, second.prepared)
        else:
            field = self.cache.fetch(
                self.estimator.identity,
                first.digest,
                second.digest,
                lambda: self.estimator.between(first.prepared, second.prepared),
                first.pixels.shape[:2],
            )
        return field if sign == 1 else -field

    def _pair(self, source: int, target: int) -> tuple[_Frame, _Frame]:
        wanted = sorted({source, target})  # ascending, because videos decode forwards
        self._held = {index: self._held.get(index) or self._load(index) for index in wanted}
        first, second = self._held[source], self._held[target]
        _require_one_size(first.pixels, second.pixels, f"frame {source}", f"frame {target}")
        return first, second

    def _load(self, index: int) -> _Frame:
        return _Frame(_require_frame(self.frames[index], f"frame {index}"), self.estimator)


class Known(LazySequence[np.ndarray]):
    """Fields a clip brings along, read in either direction and completed for the last frame.

    The backward field of t+1 is the negated forward field of t carried along itself (`advance`), so
    it is exact to the rounding of positions, outside what the motion uncovers.
    """

    def __init__(self, forward: Sequence[np.ndarray], direction: Direction, last: Last) -> None:
        self.forward, self.direction = forward, direction
        self._extra = last == "negated-backward"

    def __len__(self) -> int:
        return len(self.forward) + self._extra

    def item(self, index: int) -> np.ndarray:
        if index == len(self.forward):
            return advance(self.forward[index - 1])
        if self.direction == "backward":
            return -advance(self.forward[index])
        return self.forward[index]


def estimate(
    frames: Clip | Sequence[np.ndarray],
    method: str | Estimator = "dis-medium",
    direction: Direction = "forward",
    last: Last = "none",
    cache: str | Path | FlowCache | None = None,
) -> Sequence[np.ndarray]:
    """The flow of a clip, one field per neighbouring pair, computed when it is asked for.

    frames: a Clip or T frames, H x W x 3 uint8 RGB, of one size; T at least 2.
    method: a name of METHODS, or an estimator such as RAFT("small", weights="file.pth"). "shuffled"
        gives every frame the flow of another pair, half a clip away (DIS medium); "exact" takes
        the fields the clip brings along (ToyVOS).
    direction: "forward": field t leads from frame t to t+1. "backward": field t leads from frame
        t+1 back to t.
    last: "none": T-1 fields. "negated-backward": forward flow gets a field for the last frame too,
        the negated flow from it back to the one before, so that every frame has one.
    cache: a folder (see FlowCache); None computes anew.
    Flow is computed at the size of the frames; resize pictures of it, not vectors.
    Returns a lazy sequence of H x W x 2 float32 fields, (dx, dy) in pixels.
    """
    if direction not in ("forward", "backward"):
        raise InputError(f"the direction '{direction}' is unknown; choose forward or backward")
    if last not in ("none", "negated-backward"):
        raise InputError(f"last='{last}' is unknown; choose none or negated-backward")
    if direction == "backward" and last != "none":
        raise InputError(
            "backward flow is missing for the first frame, not the last; choose last='none'"
        )
    clip, frames = (frames, frames.frames) if isinstance(frames, Clip) else (None, frames)
    name = f"the clip {clip.name}" if clip is not None else "the clip"
    if len(frames) < 2:
        raise InputError(f"{name} has {len(frames)} frame(s) but flow needs 2; use a longer clip")
    if method == "exact":
        if clip is None or clip.flow is None:
            raise InputError(f"{name} brings no exact flow along; use ToyVOS or choose dis-medium")
        return Known(clip.flow, direction, last)
    if isinstance(cache, (str, Path)):
        cache = FlowCache(cache)
    pairs = _wrong_pairs(len(frames), name) if method == "shuffled" else _neighbours(len(frames))
    if direction == "backward":
        pairs = [Pair(pair.target, pair.source) for pair in pairs]
    if last == "negated-backward":
        pairs.append(Pair(pairs[-1].target, pairs[-1].source, -1))
    return Fields(
        frames, _estimator("dis-medium" if method == "shuffled" else method), pairs, cache
    )


def of(
    clip: Clip,
    method: str | Estimator = "dis-medium",
    last: Last = "negated-backward",
    cache: str | Path | FlowCache | None = None,
) -> Sequence[np.ndarray]:
    """A clip's forward flow: what it brings along, else estimated; by default a field per frame."""
    return estimate(clip, "exact" if clip.flow is not None else method, last=last, cache=cache)


def between(
    first: np.ndarray, second: np.ndarray, method: str | Estimator = "dis-medium"
) -> np.ndarray:
    """Flow from the first to the second frame (H x W x 3 uint8 RGB): H x W x 2 float32 pixels."""
    if method in ("shuffled", "exact"):
        raise InputError(f"'{method}' flow needs a clip; call flow.estimate or choose dis-medium")
    _require_one_size(
        _require_frame(first, "the first frame"),
        _require_frame(second, "the second frame"),
        "the first frame",
        "the second frame",
    )
    estimator = _estimator(method)
    return estimator.between(estimator.prepare(first), estimator.prepare(second))


def _estimator(method: str | Estimator) -> Estimator:
    if not isinstance(method, str):
        return method
    if method not in ESTIMATORS:
        raise InputError(f"there is no flow method '{method}'; choose {', '.join(METHODS)}")
    return ESTIMATORS[method]()


def _neighbours(length: int) -> list[Pair]:
    return [Pair(index, index + 1) for index in range(length - 1)]


def _wrong_pairs(length: int, name: str) -> list[Pair]:
    """The right pairs at the wrong times: moved on by half a clip, around the end."""
    if length < 3:
        raise InputError(f"{name} has 2 frames but a shuffled pair needs 3; use a longer clip")
    pairs = _neighbours(length)
    return pairs[len(pairs) // 2 :] + pairs[: len(pairs) // 2]


def _require_frame(frame: np.ndarray, where: str) -> np.ndarray:
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise InputError(
            f"{where} is {' x '.join(map(str, frame.shape))} {frame.dtype} but flow needs "
            "H x W x 3 uint8 RGB; convert it"
        )
    return frame


def _require_one_size(first: np.ndarray, second: np.ndarray, name: str, other: str) -> None:
    if first.shape != second.shape:
        raise InputError(
            f"{name} is {first.shape[1]} x {first.shape[0]} but {other} is "
            f"{second.shape[1]} x {second.shape[0]}; flow needs frames of one size, resize them"
        )
