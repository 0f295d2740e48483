"""Running rows: what they change, what they share, what is kept."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from vosedu import ablation, api
from vosedu.ablation.run import Setup, change_row, score, stale
from vosedu.errors import InputError
from vosedu.papers.contract import Claim, Row, Table

pytestmark = pytest.mark.usefixtures("trainings")
run = partial(ablation.run, "cosnet")


def test_fields_are_told_apart_by_name() -> None:
    paper = api.paper("cosnet")
    row = change_row(paper, {"affinity": "none", "references": 0, "lr": 0.1})
    assert (dict(row.config), dict(row.inference)) == ({"affinity": "none"}, {"references": 0})
    assert dict(row.recipe) == {"lr": 0.1}
    setup = Setup.of(paper, row, "quick")
    assert (setup.config.affinity, setup.inference.references) == ("none", 0)
    assert [stage.lr for stage in setup.recipe.stages] == [2e-3, 0.1]


def test_a_part_may_be_named_where_two_have_the_field() -> None:
    row = change_row(api.paper("cosnet"), {"size": (24, 40), "inference.size": (48, 80)})
    assert dict(row.config) == {"size": (24, 40)}
    assert dict(row.inference) == {"size": (48, 80)}


@pytest.mark.parametrize("name", ["colour", "inference.affinity", "training.lr"])
def test_a_setting_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"no setting '{name}'"):
        run({name: 1})


def test_a_run_keeps_what_it_did_and_is_not_repeated(tmp_path: Path, trainings) -> None:
    store = ablation.Store(tmp_path / "table1.json")
    steps = []
    records = run({"affinity": "vanilla"}, seeds=(0, 1), store=store, on_step=steps.append)
    assert [record.seed for record in records] == [0, 1]
    assert records[0].row == "affinity = vanilla"
    assert records[0].config["affinity"] == "vanilla"
    assert len(records[0].metrics["J"]) == 2
    assert all(0 <= j <= 1 for j in records[0].metrics["J"])
    assert len(steps) == 2 * records[0].steps == 12
    again = run({"affinity": "vanilla"}, seeds=(0, 1, 2), store=ablation.Store(store.path))
    assert trainings == [0, 1, 2]
    assert [r.metrics["J"][0] for r in again[:2]] == pytest.approx(
        [r.metrics["J"][0] for r in records], abs=1e-5
    )


def test_the_same_seed_gives_the_same_numbers() -> None:
    assert run(seeds=(3,))[0].metrics == run(seeds=(3,))[0].metrics


TABLE = Table(
    "t",
    "a table",
    "full",
    (
        Row("full"),
        Row("averaged", inference={"fusion": "prediction"}),
        Row("none", config={"affinity": "none"}, claim=Claim("worse", "occlusion", "lower")),
        Row("moon", unavailable="needs the moon"),
    ),
)


def test_a_table_trains_once_for_rows_that_differ_at_test_time(tmp_path: Path, trainings) -> None:
    store = ablation.Store(tmp_path / "tablet.json")
    ablation.run_table("cosnet", TABLE, seeds=range(2), profile="quick", store=store)
    assert sorted(trainings) == [0, 0, 1, 1]
    assert {(r.row, r.suite) for r in store} == {
        ("full", "mixed"),
        ("full", "occlusion"),
        ("averaged", "mixed"),
        ("none", "mixed"),
        ("none", "occlusion"),
    }
    assert len(store) == 10
    assert not stale(store, api.paper("cosnet"), TABLE)
    ablation.run_table("cosnet", TABLE, seeds=range(2), profile="quick", store=store)
    assert len(trainings) == 4


def test_a_record_of_other_code_is_stale(tmp_path: Path) -> None:
    store = ablation.Store(tmp_path / "tablet.json")
    run(TABLE.row("none"), store=store)
    assert not stale(store, api.paper("cosnet"), TABLE)
    (record,) = store
    store.add(replace(record, hashes={**record.hashes, "config": "another"}))
    assert stale(store, api.paper("cosnet"), TABLE) == [*store]


def test_a_diverged_network_scores_zero_and_counts(clips) -> None:
    paper = api.paper("cosnet")
    model = paper.build(paper.Config.paper().scaled("quick"))
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    assert score(model, clips, paper.Inference.paper()) == {"J": [0.0] * 2, "F": [0.0] * 2}
    both = score(model, clips, paper.Inference.paper(), "cross-validated")
    assert both["J"] == both["J at one half"] == [0.0] * 2


def test_a_table_says_how_far_it_is(
    trainings: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["vosedu.ablation.run"], "SECONDS_BETWEEN_LINES", 0.0)
    said: list[str] = []
    store = ablation.Store(tmp_path / "tablet.json")
    options = {"seeds": range(1), "profile": "quick", "rows": ["none"], "store": store}
    ablation.run_table("cosnet", TABLE, say=said.append, **options)
    count = len(trainings)
    assert said[0] == f"{count} trainings of table t are to be run"
    assert "seed 0: step 1 of 6" in said
    assert said[-1] == f"{count} of {count} trainings of table t scored, 0 s left"
