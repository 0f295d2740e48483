"""Judging a measured difference against a claim: paired seeds, intervals, verdicts by rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from vosedu.ablation.store import Record
from vosedu.errors import InputError
from vosedu.papers.contract import Claim

SEEN, REVERSED, NO_EFFECT, CANNOT_TELL = "seen", "reversed", "no effect", "cannot tell"
NOT_TESTABLE = "not testable here"


@dataclass(frozen=True)
class Comparison:
    """One row against the base row on one suite, in points of the measure.

    row, base: means over seeds. differences: one per seed, row minus base.
    low, high: the 95 % t-interval of the mean difference over seeds (NaN with fewer than two).
    """

    row: float
    base: float
    seeds: tuple[int, ...]
    differences: tuple[float, ...]
    low: float
    high: float

    @property
    def difference(self) -> float:
        """Mean over seeds of row minus base."""
        return float(np.mean(self.differences))

    def __str__(self) -> str:
        return stated(self.differences, "seeds")


def interval(differences: Iterable[float], level: float = 0.95) -> tuple[float, float]:
    """The t-interval of the mean; (NaN, NaN) for fewer than two values."""
    values = np.asarray(list(differences), float)
    if len(values) < 2:
        return float("nan"), float("nan")
    low, high = stats.t.interval(level, len(values) - 1)  # in standard errors of the mean
    error = stats.sem(values)
    return float(values.mean() + low * error), float(values.mean() + high * error)


def stated(differences: Iterable[float], what: str) -> str:
    """The mean, its 95 % t-interval and the number of values: "+0.51 [-0.20, +1.22] (5 seeds)"."""
    values = list(differences)
    if len(values) < 2:
        return f"{np.mean(values):+.2f} (1 {what.removesuffix('s')})"
    low, high = interval(values)
    return f"{np.mean(values):+.2f} [{low:+.2f}, {high:+.2f}] ({len(values)} {what})"


def seeds_needed(effect: float, spread: float, most: int = 1000) -> int | None:
    """How many pairs it takes until the interval of a mean difference `effect` excludes zero.

    spread: standard deviation of the differences over seeds. None when `most` do not suffice.
    """
    counts = np.arange(2, most + 1)
    halves = stats.t.ppf(0.975, counts - 1) * spread / counts**0.5
    enough = counts[halves < abs(effect)]
    return int(enough[0]) if len(enough) else None


def by_seed(
    records: Iterable[Record], row: str, suite: str, measure: str = "J"
) -> dict[int, float]:
    """Seed -> mean over the clips of a suite, in points, of one row.

    The records are those of one split and one profile; raises InputError for a mixture.
    """
    means: dict[int, float] = {}
    for record in records:
        if (record.row, record.suite) == (row, suite):
            if record.seed in means:
                raise InputError(
                    f"'{row}' has several results for seed {record.seed} on {suite}; "
                    "choose those of one split and one profile, as in store.find(split='test')"
                )
            means[record.seed] = record.mean(measure)
    return means


def compare(
    records: Iterable[Record], row: str, base: str, suite: str, measure: str = "J"
) -> Comparison | None:
    """Pair the records of two rows by seed; None when they share no seed on that suite.

    The records are those of one split, one profile and one kind of threshold; raises InputError for
    a mixture.
    """
    records = [r for r in records if r.row in (row, base) and r.suite == suite]
    if len({record.hashes.get("threshold") for record in records}) > 1:
        raise InputError(
            f"the masks of '{row}' and '{base}' were not all cut at the same kind of threshold; "
            "run them with one, as in ablation.run(..., threshold='cross-validated')"
        )
    mean = {label: by_seed(records, label, suite, measure) for label in (row, base)}
    seeds = tuple(sorted(mean[row].keys() & mean[base].keys()))
    if not seeds:
        return None
    differences = tuple(mean[row][seed] - mean[base][seed] for seed in seeds)
    return Comparison(
        row=float(np.mean([mean[row][seed] for seed in seeds])),
        base=float(np.mean([mean[base][seed] for seed in seeds])),
        seeds=seeds,
        differences=differences,
        low=interval(differences)[0],
        high=interval(differences)[1],
    )


def control_works(claim: Claim, control: Comparison) -> bool:
    """Whether the claim's control costs what it must, with its whole interval."""
    return bool(control.high <= -claim.cost)


def rules_out(comparison: Comparison, effect: float) -> bool:
    """Whether the interval excludes a difference of that size, for example the paper's."""
    return not np.isnan(comparison.low) and not comparison.low <= effect <= comparison.high


def verdict(claim: Claim, comparison: Comparison | None, control: Comparison | None = None) -> str:
    """By rule, from the intervals and from what stood in the claim before the run.

    "not testable here": the claim's control was run and did not cost what it must.
    "no effect": the interval lies inside the margin (for a claim of sameness that is "seen").
    "seen": the interval lies on the claimed side of zero, and not inside the margin.
    "reversed": it lies on the other side. Anything else, fewer than two seeds, or a control that
    was not run: "cannot tell".
    """
    if comparison is None or np.isnan(comparison.low):
        return CANNOT_TELL
    if claim.control:
        if control is None or np.isnan(control.low):
            return CANNOT_TELL
        if not control_works(claim, control):
            return NOT_TESTABLE
    low, high = comparison.low, comparison.high
    inside = -claim.margin < low and high < claim.margin
    if claim.better == "same":
        if inside:
            return SEEN
        return REVERSED if low > claim.margin or high < -claim.margin else CANNOT_TELL
    if inside:
        return NO_EFFECT
    if claim.better == "lower":
        low, high = -high, -low
    if low > 0:
        return SEEN
    return REVERSED if high < 0 else CANNOT_TELL
