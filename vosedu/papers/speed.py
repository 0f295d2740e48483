"""Two procedures with the same predictions, timed on one clip: a paper's released one and ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np

from vosedu.papers.contract import FrameResult

LARGEST_DIFFERENCE = 1e-5

Procedure = Callable[[], Iterable[FrameResult]]


def race(released: Procedure, ours: Procedure) -> dict[str, float]:
    """Run both once: the seconds of each, their ratio, and how their probabilities compare.

    Returns also the largest difference of probabilities, and their spread (which shows that
    agreeing is not trivial). Raises AssertionError if they differ by more than 1e-5.
    """
    theirs, slow = _timed(released)
    mine, fast = _timed(ours)
    difference = float(np.abs(theirs - mine).max())
    assert difference <= LARGEST_DIFFERENCE, f"probabilities differ by {difference:.1e}"
    return {
        "seconds_released": slow,
        "seconds_ours": fast,
        "ratio": slow / fast,
        "difference": difference,
        "spread": float(theirs.std()),
    }


def _timed(run: Procedure) -> tuple[np.ndarray, float]:
    """All probabilities, T x H x W, and the seconds they took."""
    start = time.perf_counter()
    probabilities = np.stack([result.probability for result in run()])
    return probabilities, time.perf_counter() - start
