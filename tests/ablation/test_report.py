"""Tables and sentences about the records of a table, against values worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from vosedu.ablation import report
from vosedu.ablation.compare import stated
from vosedu.ablation.tables import reported_difference
from vosedu.figures.curves import seed_curves, sorted_differences
from vosedu.papers.contract import Claim, Row, Table

TABLE = Table(
    "1",
    "A table",
    "full",
    (
        Row("full", reported={"J": 80.5}),
        Row("less", {"x": 1}, reported={"J": 78.0}, claim=Claim("less is lower", "mixed", "lower")),
        Row(
            "other",
            {"x": 2},
            reported={"J": None},
            claim=Claim("it is equal", "resting", "same"),
        ),
    ),
)


@pytest.fixture
def records(record) -> list:
    two = {"J": [0.30, 0.50]}
    return [
        record("full", 0, 0.0, metrics={"J": [0.60, 0.60]}),
        record("full", 1, 0.0, metrics={"J": [0.62, 0.58]}),
        record("less", 0, 0.0, metrics=two),
        record("less", 1, 0.0, metrics=two),
    ]


def test_what_the_paper_prints(records) -> None:
    assert report.printed(TABLE).loc["less", "J"] == 78.0
    assert reported_difference(TABLE, TABLE.row("less")) == -2.5
    assert reported_difference(TABLE, TABLE.row("full"), base="less") == 2.5
    assert np.isnan(reported_difference(TABLE, TABLE.row("other")))


def test_the_papers_difference_is_of_the_measure_that_we_compare() -> None:
    rows = (
        Row("full", reported={"DAVIS16 G": 86.0, "DAVIS16 J": 85.0}),
        Row("less", {"x": 1}, reported={"DAVIS16 G": 80.0, "DAVIS16 J": 84.0}),
    )
    table = Table("1", "", "full", rows)
    assert reported_difference(table, rows[1]) == -1.0
    assert reported_difference(table, rows[1], measure="G") == -6.0


def test_seeds_are_counted_by_suite(records) -> None:
    seeds = report.seeds_run(TABLE, records)
    assert seeds.loc["less", "mixed"] == 2
    assert seeds.loc["less", "resting"] == "not run here"


def test_differences_by_clip_are_means_over_common_seeds(records, record) -> None:
    alone = [*records, record("less", 7, 0.0, metrics={"J": [1.0, 1.0]})]  # the base lacks seed 7
    assert report.per_clip(alone, "less", "full", "mixed") == pytest.approx((-31, -9))
    assert report.per_clip(records, "other", "full", "mixed") is None


def test_verdicts_stand_beside_the_claims(records) -> None:
    found = report.verdicts(TABLE, records, factors=(0.5, 100))
    assert found.loc["less", "verdict"] == "seen"
    assert found.loc["less", "margin x 100"] == "no effect"
    assert found.loc["less", "paper"] == "-2.50"
    assert found.loc["less", "paper's size"] == "-2.50 ruled out"  # ours: -20.00 for both seeds
    assert found.loc["other", "verdict"] == "not run here"
    assert found.loc["other", "paper"] == ""


def test_a_claim_whose_control_failed_says_nothing_of_the_papers_size(records, record) -> None:
    claim = Claim("less is lower", "mixed", "lower", control="wrong", cost=20.0)
    rows = (TABLE.rows[0], replace(TABLE.rows[1], claim=claim), Row("wrong", intervention="grey"))
    table = replace(TABLE, rows=rows)
    idle = [record("wrong", seed, 0.59) for seed in (0, 1)]  # the control must cost 20, costs 1
    found = report.verdicts(table, [*records, *idle], factors=())
    assert found.loc["less", "verdict"] == "not testable here"
    assert found.loc["less", "paper's size"] == "control failed"


def test_spread_over_seeds_and_over_clips(records) -> None:
    spread = report.spread(TABLE, records)
    assert spread.loc["less", ["SD, row", "SD, base"]].tolist() == ["0.00", "0.00"]
    assert spread.loc["other", "ours"] == "not run here"
    clips = report.over_clips(TABLE, records)
    assert clips.loc["less", "over clips"] == stated([-31.0, -9.0], "clips")
    assert clips.loc["less", "clips that get worse"] == "100 %"
    assert clips.loc["other", "over clips"] == "not run here"


def test_conclusions_in_words(records) -> None:
    lines = report.conclusions(TABLE, records).splitlines()
    assert lines[0].startswith("- *less* (mixed): less is lower: **we saw it**, -20.00 [")
    assert lines[1] == "- *other* (resting): it is equal: **not run here**."
    assert report.unseen(TABLE, records) == ["- Table 1, other: it is equal: not run here"]
    assert report.counts([(TABLE, records)]).startswith("Of 2 claims: **1** seen, **0** reversed")


def test_a_single_value_has_no_interval() -> None:
    assert stated([1.5], "seeds") == "+1.50 (1 seed)"


def axes():
    return Figure().subplots()


def test_seeds_are_thin_lines_and_their_mean_a_thick_one() -> None:
    scores = pd.DataFrame({1: [50.0, 54.0], 4: [60.0, 66.0]}, index=[0, 1])
    drawn = axes()
    seed_curves(drawn, scores, span=30)
    assert [line.get_ydata().tolist() for line in drawn.lines] == [[50, 60], [54, 66], [52, 63]]
    assert drawn.lines[0].get_xdata().tolist() == [1, 4]
    assert np.ptp(drawn.get_ylim()) == pytest.approx(30)
    named = axes()
    seed_curves(named, scores.rename(columns={1: "full", 4: "less"}))
    assert [label.get_text() for label in named.get_xticklabels()] == ["full", "less"]


def test_what_was_not_run_is_said_in_the_panel() -> None:
    for draw in (
        lambda a: seed_curves(a, pd.DataFrame({1: [], 4: []})),
        lambda a: sorted_differences(a, {"less": None}),
    ):
        empty = axes()
        draw(empty)
        assert [text.get_text() for text in empty.texts] == ["not run here"]


def test_differences_are_sorted_for_each_row() -> None:
    drawn = axes()
    sorted_differences(drawn, {"less": [3.0, -1.0, 2.0], "other": None})
    assert drawn.lines[0].get_ydata().tolist() == [-1, 2, 3]
    assert [text.get_text() for text in drawn.get_legend().get_texts()] == ["less"]
