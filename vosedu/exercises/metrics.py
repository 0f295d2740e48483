"""Exercises on metrics: J, F, statistics of a sequence, means, intervals, assignment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from vosedu import metrics
from vosedu.exercises.grading import Case, Exercise
from vosedu.metrics.boundary_accuracy import disc


def _box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros((12, 16), bool)
    mask[top:bottom, left:right] = True
    return mask


EMPTY, FULL = np.zeros((12, 16), bool), np.ones((12, 16), bool)
BOX, MOVED = _box(3, 9, 3, 11), _box(3, 9, 5, 13)
DRAW = np.random.default_rng(0)
NOISE = DRAW.random((2, 12, 16)) < 0.3
PAIRS = (
    Case("a rectangle moved by two pixels", (MOVED, BOX)),
    Case("masks without an overlap", (_box(0, 3, 0, 4), BOX)),
    Case("a prediction inside the truth", (_box(4, 7, 4, 8), BOX)),
    Case("noise", (NOISE[0], NOISE[1])),
    Case("an empty prediction", (EMPTY, BOX)),
    Case("two empty masks", (EMPTY, EMPTY)),
)


def _ratio(above: float, below: float) -> float:
    return above / below if below else 1.0


REGION = Exercise(
    "region",
    metrics.region,
    PAIRS,
    {
        "This is the Dice coefficient; J divides by the union, not by the sum of both areas.": (
            lambda pred, gt: _ratio(2 * (pred & gt).sum(), pred.sum() + gt.sum())
        ),
        "This is precision: you divide by the predicted area.": (
            lambda pred, gt: _ratio((pred & gt).sum(), pred.sum())
        ),
        "This is recall: you divide by the true area.": (
            lambda pred, gt: _ratio((pred & gt).sum(), gt.sum())
        ),
        "This is the share of equal pixels; J leaves out the background that both agree on.": (
            lambda pred, gt: (pred == gt).mean()
        ),
        "The formula is right but for two empty masks, which agree: J is 1.": (
            lambda pred, gt: np.divide((pred & gt).sum(), (pred | gt).sum())
        ),
    },
)

VOID = _box(0, 12, 9, 16)
REGION_VOID = Exercise(
    "region_void",
    metrics.region,
    (
        Case("void beside the object", (MOVED, BOX & ~VOID, VOID)),
        Case("void everywhere", (BOX, BOX, FULL)),
        Case("no void", (MOVED, BOX, EMPTY)),
        Case("noise", (NOISE[0], NOISE[1] & ~VOID, VOID)),
    ),
    {
        "You count void as background: what is predicted there lowers J.": (
            lambda pred, gt, void: metrics.region(pred, gt)
        ),
        "You count void as foreground, as DAVIS 2016 reads 255; here it counts for nothing.": (
            lambda pred, gt, void: metrics.region(pred, gt | void)
        ),
    },
)


def _upper_left(mask: np.ndarray) -> np.ndarray:
    turned = metrics.boundary_map(mask[::-1, ::-1])
    return turned[::-1, ::-1]


def _eroded(mask: np.ndarray) -> np.ndarray:
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0)
    return mask & (inner == 0)


def _rolled(mask: np.ndarray) -> np.ndarray:
    return (
        (mask != np.roll(mask, -1, 0))
        | (mask != np.roll(mask, -1, 1))
        | (mask != np.roll(mask, (-1, -1), (0, 1)))
    )


def _two_neighbours(mask: np.ndarray) -> np.ndarray:
    edges = np.zeros_like(mask)
    edges[:, :-1] |= mask[:, :-1] != mask[:, 1:]
    edges[:-1] |= mask[:-1] != mask[1:]
    return edges


CONTOUR = Exercise(
    "contour",
    metrics.boundary_map,
    (
        Case("a rectangle", (BOX,)),
        Case("one pixel", (_box(3, 4, 4, 5),)),
        Case("a mask cut off by the frame", (_box(8, 12, 10, 16),)),
        Case("a mask at the upper left corner", (_box(0, 4, 0, 5),)),
        Case("noise", (NOISE[0],)),
        Case("a full frame", (FULL,)),
    ),
    {
        "You look at the upper and left neighbours; compare with the right and lower ones.": (
            _upper_left
        ),
        "These are the outermost pixels of the object; here pixels on both sides of an edge count, "
        "whichever is on the upper left.": _eroded,
        "np.roll wraps around: the last column is compared with the first. Outside the picture "
        "there is no neighbour.": _rolled,
        "The lower-right neighbour is missing, the one across the corner.": _two_neighbours,
    },
)


def _precision_recall(
    pred: np.ndarray, gt: np.ndarray, radius: int, window: np.ndarray | None = None
) -> tuple[float, float]:
    window = disc(radius) if window is None else window
    near_gt, near_pred = (cv2.dilate(e.astype(np.uint8), window) > 0 for e in (gt, pred))
    return float((pred & near_gt).sum() / pred.sum()), float((gt & near_pred).sum() / gt.sum())


def _square(pred: np.ndarray, gt: np.ndarray, radius: int) -> tuple[float, float]:
    return _precision_recall(pred, gt, radius, np.ones((2 * radius + 1,) * 2, np.uint8))


EDGES = [metrics.boundary_map(mask) for mask in (BOX, MOVED, _box(2, 5, 2, 6), NOISE[0])]
PRECISION_RECALL = Exercise(
    "precision_recall",
    _precision_recall,
    (
        Case("a rectangle moved by two pixels, radius 1", (EDGES[1], EDGES[0], 1)),
        Case("the same, radius 2", (EDGES[1], EDGES[0], 2)),
        Case("a small box against a large one, radius 2", (EDGES[2], EDGES[0], 2)),
        Case("a box against noise, radius 1", (EDGES[0], EDGES[3], 1)),
    ),
    {
        "Precision and recall have changed places.": (
            lambda pred, gt, radius: _precision_recall(gt, pred, radius)
        ),
        "You widen by a square; pixels at its corners are farther away than the radius.": _square,
        "You count only contour pixels in exactly the same place: the tolerance is missing.": (
            lambda pred, gt, radius: _precision_recall(pred, gt, 0)
        ),
    },
)


def _statistics(values: Sequence[float]) -> tuple[float, float, float]:
    return tuple(metrics.statistics(values))


def _quarters(values: Sequence[float]) -> tuple[float, float, float]:
    mean, recall, _ = metrics.statistics(values)
    parts = np.array_split(np.asarray(values), 4)
    return mean, recall, float(parts[0].mean() - parts[-1].mean())


def _loose(values: Sequence[float]) -> tuple[float, float, float]:
    mean, _, decay = metrics.statistics(values)
    return mean, float(np.mean(np.asarray(values) >= 0.5)), decay


def _growth(values: Sequence[float]) -> tuple[float, float, float]:
    mean, recall, decay = metrics.statistics(values)
    return mean, recall, -decay


STATISTICS = Exercise(
    "statistics",
    _statistics,
    (
        Case("an object lost half-way", (np.repeat([0.8, 0.0], 10),)),
        Case("values of exactly one half", (np.array([0.5, 0.5, 0.9, 0.1, 0.5, 0.7, 0.2, 0.6]),)),
        Case("a slow decline", (np.linspace(0.9, 0.3, 23),)),
    ),
    {
        "Decay has the wrong sign: first quarter minus last, so that a loss is positive.": _growth,
        "Recall counts values strictly above one half.": _loose,
        "Your quarters do not share their border frames; the official tool's do.": _quarters,
    },
)

FRAMES = {
    "short": np.array([0.9, 0.8]),
    "long": np.full(20, 0.2),
    "middle": np.array([0.1, 0.7, 0.6]),
}


def _over_sequences(frames: Mapping[str, np.ndarray]) -> float:
    return float(np.mean([values.mean() for values in frames.values()]))


DATASET_MEAN = Exercise(
    "dataset_mean",
    _over_sequences,
    (
        Case("sequences of different length", (FRAMES,)),
        Case("one sequence", ({"only": np.array([0.2, 0.4])},)),
    ),
    {
        "This is the mean over all frames: a long sequence counts more than a short one.": (
            lambda frames: float(np.concatenate(list(frames.values())).mean())
        ),
        "This is the mean of the sequences' medians.": (
            lambda frames: float(np.mean([np.median(v) for v in frames.values()]))
        ),
    },
)

HARD = DRAW.uniform(0.1, 0.9, 14)
BETTER = HARD + DRAW.normal(0.05, 0.03, 14)
PICKS = DRAW.integers(0, 14, (2000, 14))


def _interval(a: np.ndarray, b: np.ndarray, picks: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile((a - b)[picks].mean(1), (0.025, 0.975))
    return float(low), float(high)


def _unpaired(a: np.ndarray, b: np.ndarray, picks: np.ndarray) -> Any:
    return tuple(np.quantile(a[picks].mean(1) - b[picks[::-1]].mean(1), (0.025, 0.975)))


PAIRED_INTERVAL = Exercise(
    "paired_interval",
    _interval,
    (
        Case("a small gain on hard and easy sequences", (BETTER, HARD, PICKS)),
        Case("the same method twice", (HARD, HARD, PICKS)),
        Case("the other way round", (HARD, BETTER, PICKS)),
    ),
    {
        "This is the range of single differences, not of their mean: take the mean of each "
        "redrawn set first.": lambda a, b, picks: tuple(np.quantile(a - b, (0.025, 0.975))),
        "This is the mean difference plus and minus its spread over sequences; redraw instead.": (
            lambda a, b, picks: ((a - b).mean() - (a - b).std(), (a - b).mean() + (a - b).std())
        ),
        "These are the 5 % and 95 % bounds, a 90 % interval.": (
            lambda a, b, picks: tuple(np.quantile((a - b)[picks].mean(1), (0.05, 0.95)))
        ),
        "You redraw the two methods apart from each other: the pairs are lost.": _unpaired,
    },
)


def _assigned(scores: np.ndarray) -> float:
    _, proposals, objects = metrics.assign(scores[None], scores[None])
    return float(scores[proposals, objects].sum() / scores.shape[1])


def _greedy(scores: np.ndarray) -> float:
    left, total = scores.astype(float), 0.0
    for _ in range(min(scores.shape)):
        p, o = np.unravel_index(left.argmax(), left.shape)
        total += left[p, o]
        left[p, :] = left[:, o] = -1
    return total / scores.shape[1]


ASSIGNED_MEAN = Exercise(
    "assigned_mean",
    _assigned,
    (
        Case("the best pair first is not best", (np.array([[0.60, 0.55], [0.50, 0.10]]),)),
        Case("more proposals than objects", (np.array([[0.1, 0.2], [0.9, 0.3], [0.8, 0.7]]),)),
        Case("fewer proposals than objects", (np.array([[0.4, 0.9, 0.1]]),)),
        Case("six of each", (np.round(np.random.default_rng(3).random((6, 6)), 2),)),
    ),
    {
        "You take the best pair first, then the best of what is left; another assignment has a "
        "higher total.": _greedy,
        "Each object takes its best proposal, so one proposal may answer for two objects.": (
            lambda scores: float(scores.max(0).mean())
        ),
        "You divide by the number of pairs; an object without a proposal counts as 0.": (
            lambda scores: _assigned(scores) * scores.shape[1] / min(scores.shape)
        ),
    },
)

EXERCISES = (
    REGION,
    REGION_VOID,
    CONTOUR,
    PRECISION_RECALL,
    STATISTICS,
    DATASET_MEAN,
    PAIRED_INTERVAL,
    ASSIGNED_MEAN,
)
