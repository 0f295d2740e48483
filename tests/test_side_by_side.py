"""The five papers beside one another: tables against made-up results, pictures and costs as are."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pytest import approx

from vosedu import api, ladder, side_by_side, toyvos
from vosedu.errors import InputError
from vosedu.papers.contract import NEEDS

NAMES = ["blackswan", "cows", "goat", "dog", "parkour", "car-shadow"]


@pytest.fixture
def table() -> pd.DataFrame:
    """B is 10 better than A throughout, C beats A by 30 on the two with appearance change."""
    a = np.array([20.0, 40, 60, 50, 30, 70])
    change = np.array([0, 0, 0, 0, 30, 30])
    return pd.DataFrame({"A": a, "B": a + 10, "C": a + change}, index=NAMES)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(side_by_side, "data_dir", lambda name: tmp_path)
    return tmp_path


def test_what_is_given_is_what_a_paper_needs() -> None:
    table = side_by_side.given()
    for paper in api.papers().values():
        row = table.loc[paper.name]
        assert {need for need, words in NEEDS.items() if row[words] == "yes"} == paper.needs
        assert (row["gives"] == "object ids") == ("mask" in paper.needs)


def test_pairs_are_compared_on_the_same_rows(table: pd.DataFrame) -> None:
    found = side_by_side.paired(table).set_index(["better", "than"])
    assert found.loc[("B", "A"), ["difference", "from", "to"]].tolist() == approx([10] * 3)
    assert found.loc[("B", "A"), "told apart"] == "yes"
    assert found.loc[("B", "A"), "ahead on"] == "6 of 6"
    assert found.loc[("C", "A"), "difference"] == approx(10)
    assert found.loc[("C", "A"), "told apart"] == "no"  # two of six rows carry it
    assert found.loc[("C", "A"), "ahead on"] == "2 of 6"


def test_the_attribute_that_makes_a_difference_stands_first(table: pd.DataFrame) -> None:
    found = side_by_side.by_attribute(table, "C", "A", fewest=2)
    assert found.index[0].startswith("AC") or found.iloc[0]["difference"] == approx(30)
    row = found.loc["AC, appearance change"]
    assert row["sequences"] == 2 and row["difference"] == approx(30)
    assert row["on the others"] == approx(0)
    assert found["sequences"].min() >= 2


def test_a_leader_names_those_it_cannot_be_told_from(table: pd.DataFrame) -> None:
    found = side_by_side.leaders(table, fewest=2)
    every = found.loc["any sequence"]
    assert every["sequences"] == 6 and every["highest mean"] in ("B", "C")
    assert every["not told apart from it"] == ("C" if every["highest mean"] == "B" else "B")
    assert found.loc["AC, appearance change", "highest mean"] == "C"


def test_the_floor_of_a_setting_is_its_best_predictor(results: Path) -> None:
    with pytest.raises(InputError, match=r"run 'python tools/real_floor\.py'"):
        side_by_side.real_floors()
    j = {"without": {"a": {"cows": 0.1, "goat": 0.3}, "b": {"cows": 0.3, "goat": 0.5}}}
    (results / "davis16").mkdir()
    (results / "davis16" / "floors.json").write_text(json.dumps({"J": j}))
    ((name, values),) = side_by_side.real_floors().values()
    assert name == "b" and values.mean() == approx(40)


def test_the_table_of_scores_has_papers_floors_and_oracle() -> None:
    table = side_by_side.scores()
    assert set(side_by_side.names().values()) < set(table.index)
    assert sum("floor of real video" in row for row in table.index) == 2
    assert sum("floor of ToyVOS" in row for row in table.index) == 2
    assert float(table.loc["oracle of ToyVOS", ("ToyVOS", "J")]) > 90
    for name in side_by_side.names().values():
        assert all(
            cell == side_by_side.NOT_RUN or float(cell.split()[0]) for cell in table.loc[name]
        )


def test_scores_of_another_network_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    rung = {"weights": "those of before", "numbers": {"J": 0.9}}
    monkeypatch.setattr(ladder, "read", lambda key: {"1": rung, "3": rung})
    assert list(side_by_side.current("hcpn")) == ["3"]
    assert side_by_side.scores().loc["HCPN", ("ToyVOS", "J")] == side_by_side.NOT_RUN


def test_what_an_idea_is_worth_has_the_sign_of_with_minus_without() -> None:
    for _, row in side_by_side.ideas().iterrows():
        if row["without"] != side_by_side.NOT_RUN:
            worth = float(row["worth"].split()[0])
            assert worth == approx(float(row["J with"]) - float(row["J without"]), abs=0.16)


def test_masks_and_scores_of_a_clip_by_network() -> None:
    clip = toyvos.split("val", "similar-objects")[0].cut(0, 4)
    networks = {key: api.load(key) for key in ("cosnet", "deaot")}
    masks = side_by_side.segmented(networks, clip)
    assert {name: len(found) for name, found in masks.items()} == {"cosnet": 4, "deaot": 4}
    assert masks["deaot"][0].max() == clip.labels[0].max() > masks["cosnet"][0].max() == 1
    truth = {"truth": [clip.labels[t] for t in range(4)]}
    scores = side_by_side.frame_scores({**masks, **truth}, clip)
    assert list(scores.index) == [1, 2]
    assert (scores["truth"] == 100).all() and (scores["cosnet"] < 100).all()


def test_operations_do_not_depend_on_the_length_of_a_clip() -> None:
    """AMC-Net looks at one frame at a time, and its operations are those of its layers."""
    model, clip = api.load("amcnet"), toyvos.split("val")[0]
    short, longer = (side_by_side.cost(model, clip.cut(0, n)) for n in (2, 4))
    assert short == longer
    assert short["parameters"] == sum(p.numel() for p in model.parameters())
    assert short["operations a frame"] > short["parameters"]


def test_the_pictures_of_a_sequence_show_the_same_frame_under_every_paper() -> None:
    """Cut at a wrong place or in a wrong order, other frames would be more alike."""
    keys = ("cosnet", "dpa", "deaot")
    tiles = {key: side_by_side.real_pictures(key) for key in keys}
    assert len({frozenset(found) for found in tiles.values()}) == 1
    for one, other in permutations(keys, 2):
        for name, picture in tiles[one].items():
            distance = {n: _distance(picture, p) for n, p in tiles[other].items()}
            assert min(distance, key=distance.__getitem__) == name


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    h, w = np.minimum(a.shape[:2], b.shape[:2])
    return float(np.abs(a[:h, :w].astype(float) - b[:h, :w]).mean())
