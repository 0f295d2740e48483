"""Score anybody's masks under a protocol, one frame in memory at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from vosedu.clip import VOID, Clip
from vosedu.errors import InputError
from vosedu.metrics.boundary_accuracy import TOLERANCE, boundary_of_bytes, tolerance_radius
from vosedu.metrics.contours import longest_contour
from vosedu.metrics.matching import MAX_PROPOSALS, assign, label_matrix
from vosedu.metrics.protocols import Protocol, protocol_of
from vosedu.metrics.region_similarity import region_of_bytes
from vosedu.metrics.scores import Scores, Track
from vosedu.metrics.temporal_stability import between

Results = Mapping[str, Any] | Callable[[Clip], Any]
Groups = Mapping[str, Any] | Callable[[str, int], str | None]


def evaluate(
    results: Results,
    clips: Iterable[Clip],
    protocol: str | Protocol = "davis16",
    *,
    temporal: bool | Collection[str] = False,
    groups: Groups | None = None,
    threads: int | None = None,
) -> Scores:
    """Score predicted masks against the labels of clips.

    results: clip name -> masks, or a function of the clip that gives them. The masks of a clip are
        a mapping from frame number, a sequence over all frames, or a stream in frame order, of
        H x W arrays or of objects with `index` and `mask`. Integer masks are ids, boolean ones
        foreground, real-valued ones probabilities, cut at one half.
    clips: with labels; read once, in order.
    protocol: one of `PROTOCOLS`.
    temporal: also T: for all sequences, or for those named (DAVIS leaves out half of them). T
        takes a tenth of a second to a second a frame at 480p.
    groups: sequence -> category, or sequence -> {object: "seen" or "unseen"}, or a function of
        both; by default YouTube-Objects names start with their category.
    threads: workers per clip where masks can be had in any order; by default one per core, 8 at
        most.

    InputError names the sequence and the frame where a mask is missing, of another size, of an id
    that does not exist, or not finite.
    """
    rules = protocol_of(protocol)
    if temporal and (rules.objects != "merged" or rules.frames == "annotated"):
        raise InputError(
            f"T is not defined for {rules.title}; it needs one foreground on consecutive frames, "
            "as under davis16"
        )
    group_of = _group_function(groups, rules)
    tracks: list[Track] = []
    stability: dict[str, np.ndarray] = {}
    attributes: dict[str, frozenset[str]] = {}
    threads = threads or min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        over_frames = pool.map if threads > 1 else map
        for clip in clips:
            wants_t = temporal is True or (temporal is not False and clip.name in temporal)
            job = _ClipJob(clip, rules, wants_t)
            scored = job.run(_masks_of(results, clip), over_frames)
            tracks += job.tracks(scored, group_of)
            attributes[clip.name] = frozenset(clip.attributes)
            if wants_t:
                stability[clip.name] = _stability(scored)
    if not tracks:
        raise InputError("there is nothing to score; give at least one clip with labelled objects")
    return Scores(rules, tuple(tracks), stability, attributes, getattr(results, "how_read", ()))


@dataclass(frozen=True)
class _Frame:
    """Scores of one frame: J and F per object, or per proposal (up to `highest`) and object."""

    index: int
    J: np.ndarray
    F: np.ndarray
    highest: int = 0
    contour: np.ndarray | None = None


class _ClipJob:
    """Scores one clip frame by frame."""

    def __init__(self, clip: Clip, protocol: Protocol, temporal: bool) -> None:
        self.clip, self.protocol, self.temporal = clip, protocol, temporal
        self.frames = protocol.scored_frames(clip)
        self.first_seen = _first_seen(clip, protocol)
        self.objects = len(self.first_seen)
        self.most_proposals = max(MAX_PROPOSALS, self.objects)

    def run(self, masks: Any, over_frames: Callable[..., Iterable[_Frame]]) -> list[_Frame]:
        if isinstance(masks, Mapping):
            self._refuse_gaps(masks)
            return list(over_frames(lambda t: self.score(t, masks[t]), self.frames))
        if isinstance(masks, Sequence | np.ndarray):
            if len(masks) != len(self.clip):
                raise InputError(
                    f"the result of {self.clip.name} has {len(masks)} masks for {len(self.clip)} "
                    "frames; give one per frame, or a mapping from frame number to mask"
                )
            return list(over_frames(lambda t: self.score(t, masks[t]), self.frames))
        wanted = set(self.frames)
        scored = [self.score(t, mask) for t, mask in _numbered(masks) if t in wanted]
        self._refuse_gaps({frame.index for frame in scored})
        return scored

    def _refuse_gaps(self, given: Iterable[int]) -> None:
        missing = sorted(set(self.frames) - set(given))  # `in` would read a lazy mapping's mask
        if missing:
            raise InputError(
                f"the result of {self.clip.name} lacks {len(missing)} of {len(self.frames)} scored "
                f"frames, the first is frame {missing[0]}; {self.protocol.title} needs them all"
            )

    def score(self, t: int, value: Any) -> _Frame:
        """J and F of frame t."""
        where = f"{self.clip.name}, frame {t}"
        pred = as_ids(value, where)
        truth = np.asarray(self.clip.labels[t])
        pred, truth = self._same_size(pred, truth, where)
        if self.protocol.objects == "merged":
            truth, void = _read_void(truth, self.protocol.void)
            pred, truth = _foreground(pred), _foreground(truth)
        else:
            self._refuse_unknown_ids(pred, where)
            truth, void = _read_void(truth, self.protocol.void)
        if void is not None:
            pred = np.where(void, np.uint8(0), pred)
        radius = tolerance_radius(truth.shape, TOLERANCE)
        if self.protocol.objects == "matched":
            J, F = label_matrix(pred, truth, self.most_proposals, self.objects, radius)
            return _Frame(t, J, F, int(pred.max(initial=0)))
        pairs = [((pred == k).view(np.uint8), (truth == k).view(np.uint8)) for k in self.first_seen]
        return _Frame(
            t,
            np.array([region_of_bytes(*pair) for pair in pairs]),
            np.array([boundary_of_bytes(*pair, radius) for pair in pairs]),
            contour=longest_contour(pred) if self.temporal else None,
        )

    def _same_size(
        self, pred: np.ndarray, truth: np.ndarray, where: str
    ) -> tuple[np.ndarray, np.ndarray]:
        if pred.shape == truth.shape:
            return pred, truth
        if self.protocol.fit_truth:
            size = pred.shape[::-1]
            nearest = Image.Resampling.NEAREST
            return pred, np.asarray(Image.fromarray(truth).resize(size, nearest))
        raise InputError(
            f"{where}: the mask is {pred.shape[1]} x {pred.shape[0]} but the annotation is "
            f"{truth.shape[1]} x {truth.shape[0]}; resize probabilities to the annotation's size "
            "and threshold them afterwards"
        )

    def _refuse_unknown_ids(self, pred: np.ndarray, where: str) -> None:
        highest = int(pred.max(initial=0))
        if self.protocol.objects == "matched":
            if highest > MAX_PROPOSALS:
                raise InputError(
                    f"{where}: the mask has id {highest} but {self.protocol.title} takes up to "
                    f"{MAX_PROPOSALS} proposals; keep the best and number them from 1"
                )
        elif highest > max(self.first_seen, default=0):
            raise InputError(
                f"{where}: the mask has id {highest} but the annotations know "
                f"{self.objects} objects; write the ids of the first mask (0/255 files are "
                "for merged foreground)"
            )

    def tracks(
        self, scored: Sequence[_Frame], group_of: Callable[[str, int], str | None]
    ) -> list[Track]:
        """Per-frame scores -> one track per object."""
        name, frames = self.clip.name, tuple(frame.index for frame in scored)
        J, F = np.array([f.J for f in scored]), np.array([f.F for f in scored])  # T (P) O
        if self.protocol.objects == "matched":
            used = max(self.objects, *(frame.highest for frame in scored))
            J, F = J[:, :used], F[:, :used]
            _, proposals, objects = assign(J, F)
            return [
                Track(name, o + 1, frames, {"J": J[:, p, o], "F": F[:, p, o]}, proposal=p + 1)
                for o, p in sorted(zip(objects.tolist(), proposals.tolist()))
            ]
        tracks = []
        for k, (number, first) in enumerate(self.first_seen.items()):
            kept = [i for i, t in enumerate(frames) if self.protocol.frames != "later" or t > first]
            if kept:
                values = {"J": J[kept, k], "F": F[kept, k]}
                counted = tuple(frames[i] for i in kept)
                tracks.append(Track(name, number, counted, values, group_of(name, number)))
        return tracks


def as_ids(value: Any, where: str) -> np.ndarray:
    """A mask, probabilities, or an object with `.mask` -> H x W uint8 ids."""
    mask = np.asarray(getattr(value, "mask", value) if not isinstance(value, np.ndarray) else value)
    if mask.ndim != 2:
        raise InputError(f"{where}: the mask has shape {mask.shape}; give H x W ids")
    if mask.dtype.kind == "f":
        if not np.isfinite(mask).all():
            raise InputError(
                f"{where}: the probabilities hold NaN or infinity; find out where the method "
                "divides by zero"
            )
        return (mask > 0.5).view(np.uint8)
    if mask.dtype == bool:
        return np.ascontiguousarray(mask).view(np.uint8)
    if mask.dtype == np.uint8:
        return mask
    if mask.dtype.kind not in "iu" or (mask.size and not 0 <= mask.min() <= mask.max() <= 255):
        raise InputError(f"{where}: the mask holds values outside 0..255; give uint8 ids")
    return np.ascontiguousarray(mask, np.uint8)


def _first_seen(clip: Clip, protocol: Protocol) -> dict[int, int]:
    """Object id -> the first frame that it is annotated in."""
    if protocol.objects == "merged":
        return {1: -1}
    labelled = sorted(clip.labels)
    first = np.asarray(clip.labels[labelled[0]])
    count = int(first[first != VOID].max(initial=0))
    seen = dict.fromkeys(range(1, count + 1), labelled[0])
    if protocol.frames == "later":
        for t in labelled:
            for number in np.unique(clip.labels[t]).tolist():
                if number not in (0, VOID):
                    seen.setdefault(number, t)
    if not seen:
        raise InputError(
            f"{clip.name}: the first annotation (frame {labelled[0]}) holds no object; "
            "give ids from 1 on, or score it under a protocol of merged foreground"
        )
    return dict(sorted(seen.items()))


def _foreground(ids: np.ndarray) -> np.ndarray:
    """Ids -> 0 and 1."""
    return ids if ids.max(initial=0) <= 1 else (ids > 0).view(np.uint8)


def _read_void(truth: np.ndarray, reading: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Labels with 255 read as the protocol says, and the pixels to ignore."""
    if reading == "foreground":
        return truth, None
    void = truth == VOID
    cleared = np.where(void, np.uint8(0), truth)
    return cleared, void if reading == "ignored" else None


def _stability(scored: Sequence[_Frame]) -> np.ndarray:
    return np.array(list(between(frame.contour for frame in scored)), float)


def _group_function(groups: Groups | None, protocol: Protocol) -> Callable[[str, int], str | None]:
    if callable(groups):
        return groups
    if groups is None:
        by_name = protocol.unit == "group" and protocol.objects == "merged"
        return lambda sequence, number: sequence.split("_")[0] if by_name else None

    def look_up(sequence: str, number: int) -> str:
        entry = groups.get(sequence)
        group = entry.get(number) if isinstance(entry, Mapping) else entry
        if group is None:
            raise InputError(
                f"no group is given for object {number} of {sequence}; name its category, or "
                '"seen" or "unseen"'
            )
        return group

    return look_up


def _masks_of(results: Results, clip: Clip) -> Any:
    if callable(results):
        return results(clip)
    if clip.name not in results:
        raise InputError(
            f"there is no result for {clip.name}; segment it too, or leave it out of the clips"
        )
    return results[clip.name]


def _numbered(masks: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    for position, value in enumerate(masks):
        yield int(getattr(value, "index", position)), value
