"""Pairs, intervals and verdicts, against values worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vosedu.ablation.compare import (
    Comparison,
    by_seed,
    compare,
    control_works,
    interval,
    rules_out,
    seeds_needed,
    verdict,
)
from vosedu.errors import InputError
from vosedu.papers.contract import Claim


def test_the_interval_is_the_t_interval_of_the_mean() -> None:
    # mean 2, standard deviation 1, three values, t(0.975, 2) = 4.3027
    low, high = interval([1.0, 2.0, 3.0])
    assert (low, high) == pytest.approx((2 - 4.3027 / 3**0.5, 2 + 4.3027 / 3**0.5), abs=1e-4)
    assert interval([2.0, 2.0]) == (2.0, 2.0)


@pytest.mark.parametrize("values", [[], [1.0]], ids=["none", "one"])
def test_fewer_than_two_values_have_no_interval(values: list[float]) -> None:
    assert np.isnan(interval(values)).all()


def test_enough_seeds_are_the_fewest_whose_interval_excludes_zero() -> None:
    # half-widths for a spread of 1: 2.48 with three seeds, 1.59 with four
    assert seeds_needed(-2.0, 1.0) == 4
    assert seeds_needed(2.5, 1.0) == 3
    assert seeds_needed(0.0, 1.0) is None
    assert seeds_needed(0.1, 1.0, most=10) is None


def test_a_row_has_one_mean_for_each_seed(record) -> None:
    records = [record("full", 1, 0.5), record("full", 0, 0.25), record("less", 0, 0.1)]
    assert by_seed(records, "full", "mixed") == {1: 50, 0: 25}
    assert by_seed(records, "full", "occlusion") == {}


def test_rows_cut_at_different_thresholds_are_not_compared(record) -> None:
    full = record("full", 0, 0.5)
    less = replace(record("less", 0, 0.4), hashes={"threshold": "cross-validated"})
    with pytest.raises(InputError, match="'less' and 'full' were not all cut at the same kind"):
        compare([full, less], "less", "full", "mixed")


def test_rows_are_paired_by_seed(record) -> None:
    records = [
        record("full", 0, 0.50),
        record("full", 1, 0.70),
        record("full", 2, 0.90),  # has no partner
        record("less", 0, 0.40),
        record("less", 1, 0.68),
        record("less", 0, 0.10, suite="occlusion"),
    ]
    found = compare(records, "less", "full", "mixed")
    assert found.seeds == (0, 1)
    assert found.differences == pytest.approx((-10, -2))
    assert found.difference == pytest.approx(-6)
    assert (found.row, found.base) == pytest.approx((54, 60))
    assert str(found).startswith("-6.00 [") and str(found).endswith("(2 seeds)")


def test_rows_without_a_common_seed_cannot_be_compared(record) -> None:
    assert (
        compare([record("full", 0, 0.5), record("less", 1, 0.4)], "less", "full", "mixed") is None
    )


@pytest.mark.parametrize(
    "other", [{"split": "val"}, {"profile": "quick"}], ids=["split", "profile"]
)
def test_a_mixture_of_splits_or_profiles_is_refused(record, other: dict) -> None:
    records = [record("full", 0, 0.5), record("full", 0, 0.6, **other)]
    with pytest.raises(InputError, match="one split and one profile"):
        compare(records, "full", "full", "mixed")


@pytest.mark.parametrize(
    "better, low, high, said",
    [
        ("lower", -3.0, -1.5, "seen"),
        ("lower", -3.0, -0.1, "seen"),  # reaches into the margin, but not inside it
        ("lower", -0.9, -0.1, "no effect"),
        ("lower", -0.9, 0.9, "no effect"),
        ("lower", -3.0, 0.5, "cannot tell"),
        ("lower", 0.1, 3.0, "reversed"),
        ("higher", 0.1, 3.0, "seen"),
        ("higher", -3.0, -0.1, "reversed"),
        ("higher", -0.5, 2.0, "cannot tell"),
        ("same", -0.9, 0.9, "seen"),
        ("same", 1.1, 2.0, "reversed"),
        ("same", -2.0, -1.1, "reversed"),
        ("same", -2.0, 0.5, "cannot tell"),
    ],
)
def test_verdicts_follow_from_interval_and_margin(better: str, low: float, high: float, said: str):
    comparison = Comparison(50.0, 50.0, (0, 1), (low, high), low, high)
    assert verdict(Claim("a claim", "mixed", better, margin=1.0), comparison) == said


def test_without_an_interval_one_cannot_tell() -> None:
    claim = Claim("a claim", "mixed", "lower")
    nan = float("nan")
    assert verdict(claim, None) == "cannot tell"
    assert verdict(claim, Comparison(40, 50, (0,), (-10.0,), nan, nan)) == "cannot tell"


def difference(low: float, high: float) -> Comparison:
    """Two seeds whose interval is that."""
    return Comparison(40, 50, (0, 1), (low, high), low, high)


@pytest.mark.parametrize(
    ("control", "said"),
    [
        (difference(-30, -20), "seen"),
        (difference(-30, -9), "not testable here"),
        (difference(-2, 3), "not testable here"),
        (None, "cannot tell"),
    ],
)
def test_a_claim_whose_control_failed_is_not_testable(control, said: str) -> None:
    claim = Claim("less is worse", "mixed", "lower", 1.0, control="wrong input", cost=10.0)
    assert verdict(claim, difference(-8, -4), control) == said
    if control is not None:
        assert control_works(claim, control) == (said == "seen")


def test_an_interval_rules_out_what_it_does_not_hold() -> None:
    assert rules_out(difference(-1, 1), -5.6)
    assert not rules_out(difference(-7, 1), -5.6)
    assert not rules_out(difference(float("nan"), float("nan")), -5.6)
