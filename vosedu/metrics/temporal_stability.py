"""Temporal stability T: how much a mask's outline changes shape from frame to frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from vosedu.metrics.contours import longest_contour

RADIAL_BINS, ANGULAR_BINS = 5, 12
SCALE = 5.0
EPS = np.finfo(float).eps


def temporal(masks: Iterable[np.ndarray]) -> np.ndarray:
    """T of each pair of consecutive masks, lower is better; NaN where a mask has no contour.

    masks: N predicted masks, H x W, non-zero is foreground, one at a time (the ground truth is not
    asked). Returns N - 1 values. The number of a sequence is the NaN-ignoring mean over its scored
    frames, which under DAVIS-2016 leave out the first and the last.

    Perazzi et al., CVPR 2016, section 5.1: the longest contour of each mask, described at every
    point by its shape context (Belongie et al., 2002), matched by dynamic time warping.
    """
    return np.array(list(between(longest_contour(mask) for mask in masks)), float)


def between(contours: Iterable[np.ndarray | None]) -> Iterator[float]:
    """T of each pair of consecutive contours, N x 2 each, None where there is none."""
    before: np.ndarray | None = None
    for index, contour in enumerate(contours):
        now = None if contour is None else shape_contexts(contour)
        if index:
            if before is None or now is None:
                yield float("nan")
            else:
                yield SCALE * matching_cost(chi_squared(before, now))
        before = now


def shape_contexts(contour: np.ndarray) -> np.ndarray:
    """N x 2 points (x, y) -> N x 60 histograms that sum to 1.

    Each point counts where the others lie: 5 rings, log-spaced up to twice the mean distance, times
    12 sectors of 30 degrees. Translation and scale drop out, rotation does not.
    """
    x, y = contour.T.astype(float)
    dx, dy = x - x[:, None], y - y[:, None]
    distance = np.sqrt(dx * dx + dy * dy)
    distance /= distance.mean()
    edges = np.logspace(np.log10(1 / 8), np.log10(2), RADIAL_BINS)
    ring = RADIAL_BINS - np.searchsorted(edges, distance, side="right")
    angle = np.arctan2(dy, dx) % (2 * np.pi)
    sector = np.minimum(angle / (2 * np.pi / ANGULAR_BINS), ANGULAR_BINS - 1).astype(np.int64)
    inside = ring > 0
    row = np.broadcast_to(np.arange(len(x))[:, None], ring.shape)
    bins = (row * RADIAL_BINS + ring - 1) * ANGULAR_BINS + sector
    size = RADIAL_BINS * ANGULAR_BINS
    counts = np.bincount(bins[inside], minlength=len(x) * size).reshape(len(x), size)
    return counts / counts.sum(1, keepdims=True)


def chi_squared(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """N x B and M x B histograms -> N x M distances 0.5 sum (a - b)^2 / (a + b)."""
    cost = np.zeros((len(left), len(right)))
    used = np.flatnonzero(left.any(0) | right.any(0))
    columns = np.ascontiguousarray(right.T)
    step = max(1, 2**15 // len(right))  # rows whose temporaries stay in the cache
    for start in range(0, len(left), step):
        rows, block = left[start : start + step], cost[start : start + step]
        for b in used:
            a = rows[:, b, None]
            difference = a - columns[b]
            total = a + (columns[b] + EPS)
            difference *= difference
            difference /= total
            block += difference
    cost *= 0.5
    return cost


def matching_cost(cost: np.ndarray) -> float:
    """Mean cost of the one-to-one matching of two closed contours, N x M costs -> one number.

    The first alignment begins where the contours happen to begin; its best match tells where to
    begin the second one, which counts.
    """
    rows, columns = align(cost)
    on_path = cost[rows[1:], columns[1:]]
    best = len(on_path) - 1 - int(on_path[::-1].argmin()) if len(on_path) else -1
    i, j = int(rows[1 + best]) + 1, int(columns[1 + best]) + 1
    rows, columns = align(np.roll(cost, (-i, -j), (0, 1)))
    rows, columns = (rows + i) % cost.shape[0], (columns + j) % cost.shape[1]
    kept = _cheapest_of(rows, cost[rows, columns])
    rows, columns = rows[kept], columns[kept]
    kept = _cheapest_of(columns, cost[rows, columns])
    return float(cost[rows[kept], columns[kept]].mean())


def _cheapest_of(groups: np.ndarray, values: np.ndarray) -> np.ndarray:
    """For each distinct group the position of its smallest value, the first of equals."""
    order = np.lexsort((np.arange(len(groups)), values, groups))
    first = np.r_[True, np.diff(groups[order]) != 0]
    return order[first]


def _skew(cost: np.ndarray) -> np.ndarray:
    """N x M -> (N + M - 1) x N with skewed[i + j, i] = cost[i, j], infinite elsewhere."""
    n, m = cost.shape
    padded = np.full((n, n + m), np.inf)
    padded[:, :m] = cost
    # read with rows one shorter, so that each starts one place later than the one above
    shifted = padded.ravel()[: n * (n + m - 1)].reshape(n, n + m - 1)
    return np.ascontiguousarray(shifted.T)


def align(cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest path from (0, 0) to (N-1, M-1) with steps right, down and diagonal.

    A cell's cost is paid on entering it, so the first one is free. Of equally cheap predecessors
    the diagonal one is taken, then the one in the same row. Returns row and column indices.
    """
    n, m = cost.shape
    skewed = _skew(cost)
    total = np.full((n + m - 1, n + 1), np.inf)  # total[i + j, i + 1]
    total[0, 1] = 0
    for d in range(1, n + m - 1):
        here = total[d, 1:]
        np.minimum(total[d - 1, 1:], total[d - 1, :-1], out=here)
        if d > 1:
            np.minimum(here, total[d - 2, :-1], out=here)
        here += skewed[d]
    i, j = n - 1, m - 1
    path = [(i, j)]
    while i or j:
        d = i + j
        diagonal = total[d - 2, i] if d > 1 else np.inf
        left, up = total[d - 1, i + 1], total[d - 1, i]
        if diagonal <= left and diagonal <= up:
            i, j = i - 1, j - 1
        elif left <= up:
            j -= 1
        else:
            i -= 1
        path.append((i, j))
    rows, columns = np.array(path[::-1]).T
    return rows, columns
