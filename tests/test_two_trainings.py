"""The course training beside the embedded network's: the committed results, and a stale rung."""

from __future__ import annotations

import json

import pytest

from vosedu import api, ladder, two_trainings
from vosedu.errors import InputError
from vosedu.paths import data_dir

LONG = [key for key in api.papers() if "long" in api.paper(key).profiles]


@pytest.mark.parametrize("key", LONG)
def test_both_trainings_stand_beside_floor_and_oracle(key) -> None:
    course = json.loads((data_dir("results") / key / "course.json").read_text())
    table = two_trainings.compared(key)
    assert table.loc["J", "course, to rerun"] == f"{100 * course['scored']['numbers']['J']:.1f}"
    assert table.loc["starts from", "long, embedded"] == api.paper(key).recipe("long").initial
    floor, oracle = (float(table.loc["J", name]) for name in table.columns[2:])
    assert 0 < floor < oracle <= 100


def test_the_score_of_another_network_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "checksum", lambda key: "of other bytes")
    table = two_trainings.compared(LONG[0])
    assert table.loc["J", "long, embedded"] == "not run here"
    assert table.loc["J", "course, to rerun"] != "not run here"


def test_a_paper_without_a_longer_training_is_refused() -> None:
    with pytest.raises(InputError, match="deaot"):
        two_trainings.compared("deaot")
