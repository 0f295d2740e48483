"""Tables with the paper's numbers and ours side by side."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vosedu import ablation, api
from vosedu.papers.contract import Claim, Row, Table

TABLE = Table(
    "t",
    "a table",
    "full",
    (
        Row("full", reported={"DAVIS": 80.5, "FBMS": 75.0}),
        Row("full, once more"),
        Row(
            "less",
            config={"a": 1},
            reported={"DAVIS": 77.2, "FBMS": None},
            claim=Claim("less is worse", "occlusion", "lower", 1.0),
        ),
        Row("other", config={"a": 2}, claim=Claim("other is the same", "occlusion", "same", 1.0)),
        Row("never", reported={"DAVIS": 90.0}, unavailable="needs the moon"),
    ),
)

BOUNDS = ["floor: best trivial predictor", "oracle"]


@pytest.fixture
def records(record) -> list:
    scores = {"full": (0.60, 0.62, 0.64), "less": (0.50, 0.53, 0.53)}
    return [
        record(row, seed, j + (0.1 if suite == "mixed" else 0), suite=suite)
        for row, values in scores.items()
        for seed, j in enumerate(values)
        for suite in ("mixed", "occlusion")
    ]


def test_a_line_has_the_papers_numbers_ours_the_difference_and_the_verdict(records) -> None:
    found = ablation.table("cosnet", TABLE, records)
    assert list(found.index) == ["full", "full, once more", "less", "other", "never", *BOUNDS]
    less = found.loc["less"]
    assert less["DAVIS"] == "77.2 (-3.30)"
    assert less["FBMS"] == ""
    assert less["our J, mixed"] == "62.00"
    assert less["our J, occlusion"] == "52.00"
    assert less["difference, occlusion"].startswith("-10.00 [")
    assert (less["claim"], less["verdict"]) == ("less is worse", "seen")
    assert less["paper's size"] == "-3.30 ruled out"
    floor, oracle = (float(found.loc[name, "our J, occlusion"]) for name in BOUNDS)
    assert 0 < floor < oracle <= 100
    full = found.loc["full"]
    assert (full["DAVIS"], full["our J, mixed"]) == ("80.5", "72.00")
    assert full["difference, mixed"] == full["verdict"] == ""


def test_a_method_that_is_given_the_first_mask_has_that_mask_as_its_floor(records) -> None:
    found = ablation.table("deaot", TABLE, records)
    floor, oracle = found.index[-2:]
    assert (floor, oracle) == ("floor: first mask kept", "oracle")
    kept, whole = (float(found.loc[name, "our J, occlusion"]) for name in (floor, oracle))
    assert 0 < kept < 60 < whole <= 100


def test_what_was_not_run_says_so_and_why(records) -> None:
    found = ablation.table("cosnet", TABLE, records)
    assert found.loc["never", "our J, mixed"] == "not run here: needs the moon"
    assert found.loc["never", "verdict"] == ""
    assert found.loc["other", "our J, occlusion"] == "not run here"
    assert found.loc["other", "verdict"] == "not run here"


def test_other_splits_and_profiles_do_not_enter(record, records) -> None:
    stray = [record("other", seed, 0.9, suite="occlusion", split="val") for seed in range(3)]
    stray += [record("other", seed, 0.9, suite="occlusion", profile="quick") for seed in range(3)]
    found = ablation.table("cosnet", TABLE, [*records, *stray])
    assert found.loc["other", "verdict"] == "not run here"
    val = ablation.table("cosnet", TABLE, [*records, *stray], split="val")
    assert val.loc["less", "our J, mixed"] == "not run here"


@pytest.mark.parametrize("key", ["1", "2", "3", "softmax"])
def test_the_committed_tables_of_cosnet_read(key: str) -> None:
    table = api.paper("cosnet").table(key)
    found = ablation.table("cosnet", key)
    bounds = BOUNDS if key != "3" else []
    assert list(found.index) == [*(row.label for row in table.rows), *bounds]
    assert found.index.name == f"Table {key}"


def test_a_forest_has_a_line_for_every_row_but_the_base(records) -> None:
    axes = ablation.forest("cosnet", TABLE, records).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["less", "other", "never"]
    notes = [text.get_text() for text in axes.texts]
    assert notes == ["seen", "not run here", "not run here"]
    assert "occlusion" in axes.get_xlabel()
    whole = next(line for line in axes.lines if len(line.get_xdata()) == 3)
    assert whole.get_xdata() == pytest.approx([-10, -9, -11])


def test_a_forest_of_another_suite_judges_nothing(records) -> None:
    axes = ablation.forest("cosnet", TABLE, records, suite="mixed").axes[0]
    assert [text.get_text() for text in axes.texts] == ["", "not run here", "not run here"]


def test_a_row_without_a_claim_stands_where_the_others_are_judged(record, records) -> None:
    rows = (*TABLE.rows, Row("plain", config={"a": 3}), Row("control", intervention="grey frames"))
    table = replace(TABLE, rows=rows, suites=("mixed", "occlusion"))
    records += [
        record("plain", seed, 0.9 if suite == "mixed" else 0.2, suite=suite)
        for seed in range(3)
        for suite in ("mixed", "occlusion")
    ]
    axes = ablation.forest("cosnet", table, records).axes[0]
    drawn = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 3]
    assert drawn[-1] == pytest.approx([-40, -42, -44])


def test_a_forest_leaves_controls_to_their_own_table(records) -> None:
    table = replace(TABLE, rows=(*TABLE.rows, Row("control", intervention="grey frames")))
    axes = ablation.forest("cosnet", table, records).axes[0]
    assert "control" not in [label.get_text() for label in axes.get_yticklabels()]
