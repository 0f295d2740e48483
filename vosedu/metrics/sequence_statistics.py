"""From per-frame values to the three numbers that tables print."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from vosedu.errors import InputError

RECALL_THRESHOLD = 0.5
DECAY_BINS = 4


class Statistics(NamedTuple):
    """Mean, recall and decay of a measure over one sequence.

    mean: average over frames. recall: share of frames above one half. decay: first quarter of the
    sequence minus last quarter (positive: the method loses the object over time).
    """

    mean: float
    recall: float
    decay: float


def statistics(values: ArrayLike) -> Statistics:
    """Mean, recall and decay of one measure over the scored frames of one object.

    values: N per-frame values; NaN frames are left out of mean and decay and are not recalled.
    Recall counts values strictly above 0.5. Decay compares the first with the last of four bins
    that share their border frames. An all-NaN input gives NaN.

    Perazzi et al., CVPR 2016, section 5.2. The official tools keep bin borders in 8 bits, so that
    their decay is wrong, or NaN, for sequences of more than 255 scored frames (none in DAVIS is
    that long); here borders are wide integers and decay means the same at any length.
    """
    values = np.asarray(values, float)
    if values.ndim != 1 or not values.size:
        raise InputError(
            f"statistics need the values of at least one frame, got an array of shape "
            f"{values.shape}; check that the sequence has scored frames"
        )
    borders = np.round(np.linspace(1, values.size, DECAY_BINS + 1) + 1e-10).astype(np.int64) - 1
    first = values[borders[0] : borders[1] + 1]
    last = values[borders[-2] : borders[-1] + 1]
    return Statistics(
        nanmean(values),
        float(np.mean(values > RECALL_THRESHOLD)),
        nanmean(first) - nanmean(last),
    )


def nanmean(values: ArrayLike) -> float:
    """The mean of what is not NaN; NaN where nothing is left."""
    values = np.asarray(values, float)
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def bootstrap_interval(
    values: ArrayLike,
    share: float = 0.95,
    draws: int = 10_000,
    seed: int = 0,
    weights: ArrayLike | None = None,
) -> tuple[float, float]:
    """Between which bounds `share` of the means of redrawn values lie, e.g. one value a sequence.

    The n values are drawn anew `draws` times, n of them with replacement (percentile bootstrap):
    how far the mean would move with other sequences of the same kind. NaN is left out. InputError
    without any value.

    weights: one for each value; the means are weighted by them. By default all are equal.
    """
    each = np.asarray(values, np.float64)
    known = ~np.isnan(each)
    each = each[known]
    if not len(each):
        raise InputError("there is no value to take an interval of; score at least one sequence")
    drawn = np.random.default_rng(seed).choice(len(each), (draws, len(each)))
    if weights is None:
        redrawn = each[drawn].mean(1)
    else:
        redrawn = np.average(each[drawn], 1, np.asarray(weights, np.float64)[known][drawn])
    low, high = np.quantile(redrawn, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
