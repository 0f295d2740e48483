"""How good is a field? Against exact flow, against the next frame, and for finding an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from vosedu.clip import VOID, Clip
from vosedu.errors import InputError
from vosedu.flow.warp import inside, sample


class Score(NamedTuple):
    """Means over the pairs of a clip; NaN where the clip lacks what a measure needs."""

    end_point_error: float  # pixels, outside occlusions
    warp_error: float  # grey levels
    oracle: float  # J of the best threshold


class Oracle(NamedTuple):
    """The best that one threshold can do."""

    region: float  # J, 0..1
    threshold: float  # pixels of contrast; the object is what lies at or above it


def end_point_error(
    field: np.ndarray, exact: np.ndarray, occlusion: np.ndarray | None = None
) -> float:
    """Mean distance in pixels between two fields (H x W x 2), the usual EPE.

    Left out: pixels of `occlusion` (H x W bool: they have no counterpart in the next frame) and
    vectors that are not finite in either field. NaN if nothing is left.
    """
    if field.shape != exact.shape:
        raise InputError(
            f"the fields are {field.shape[1]} x {field.shape[0]} and {exact.shape[1]} x "
            f"{exact.shape[0]}; compare fields of one size"
        )
    distance = np.hypot(field[..., 0] - exact[..., 0], field[..., 1] - exact[..., 1])
    counted = np.isfinite(distance)
    if occlusion is not None:
        counted &= ~occlusion
    return float(distance[counted].mean()) if counted.any() else float("nan")


def warp_error(
    frame: np.ndarray, following: np.ndarray, field: np.ndarray, occlusion: np.ndarray | None = None
) -> float:
    """Mean |I_t(x) - I_t+1(x + flow)| in grey levels (0..255), over vectors that stay inside.

    frame, following: H x W x 3 uint8. Needs no ground truth and is blind where there is no texture.
    """
    grey, next_grey = (
        cv2.cvtColor(f, cv2.COLOR_RGB2GRAY).astype(np.float32) for f in (frame, following)
    )
    counted = inside(field)
    if occlusion is not None:
        counted &= ~occlusion
    difference = np.abs(grey - sample(next_grey, field))
    return float(difference[counted].mean()) if counted.any() else float("nan")


def contrast(field: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Distance of every vector from the background's median, H x W float32 pixels.

    The median makes it indifferent to a panning camera. labels: H x W ids, 0 is the background;
    without any the median is over the picture.
    """
    finite = np.isfinite(field).all(axis=2)
    background = finite & (labels == 0)
    vectors = field[background if background.any() else finite]
    median = np.median(vectors, axis=0) if len(vectors) else np.zeros(2, np.float32)
    return np.hypot(*np.moveaxis(field - median, 2, 0)).astype(np.float32)


def oracle_threshold(values: np.ndarray, labels: np.ndarray) -> Oracle:
    """The largest J that `values >= threshold` reaches against the labels, over all thresholds.

    values: H x W, for instance `contrast`; unknown (not finite) values are called background.
    labels: H x W ids; void (255) is left out. J is 1 where the object is absent: then no pixel
    needs to be chosen.
    """
    counted = labels != VOID
    foreground = labels[counted] > 0
    scores = np.where(np.isfinite(values[counted]), values[counted], -np.inf)
    total = int(foreground.sum())
    if total == 0:
        return Oracle(1.0, float("inf"))
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], np.cumsum(foreground[order])
    counts = np.arange(1, len(scores) + 1)
    region = hits / (total + counts - hits)
    # Equal values stand or fall together: only the last of each is a threshold.
    ends = np.append(scores[1:] != scores[:-1], True) & np.isfinite(scores)
    if not ends.any():
        return Oracle(0.0, float("inf"))
    best = np.flatnonzero(ends)[np.argmax(region[ends])]
    return Oracle(float(region[best]), float(scores[best]))


def score(clip: Clip, fields: Sequence[np.ndarray]) -> Score:
    """All three measures of the forward fields of a clip, averaged over its pairs.

    End-point error needs `clip.flow`. Where the clip has them (ToyVOS), `clip.occlusion` is left
    out of both errors and what `clip.flow_valid` denies (water, foliage) of the end-point error.
    The oracle counts frames that are labelled and hold an object.
    """
    occlusions, valid = (getattr(clip, name, None) for name in ("occlusion", "flow_valid"))
    rows = []
    following = clip.frames[0]
    for index, field in zip(range(len(clip) - 1), fields):
        frame, following = following, clip.frames[index + 1]
        occlusion = occlusions[index] if occlusions else None
        distance = region = float("nan")
        if clip.flow is not None:
            exact = clip.flow[index]
            exact = np.where(valid[index][..., None], exact, np.nan) if valid else exact
            distance = end_point_error(field, exact, occlusion)
        labels = clip.labels.get(index)
        if labels is not None and ((labels > 0) & (labels != VOID)).any():
            region = oracle_threshold(contrast(field, labels), labels).region
        rows.append(Score(distance, warp_error(frame, following, field, occlusion), region))
    return mean_score(rows)


def mean_score(scores: Sequence[Score]) -> Score:
    """The mean of each measure over what is known of it."""
    columns = [np.array(column)[np.isfinite(column)] for column in zip(*scores)]
    return Score(*(float(column.mean()) if column.size else float("nan") for column in columns))
