"""What `tools/suites.py` measures, and that its results belong to what is embedded."""

from __future__ import annotations

import json

import pytest
import suites
from pytest import approx

from vosedu import api, ladder, toyvos, two_trainings
from vosedu.paths import data_dir
from vosedu.toyvos.suites import NAMES

KEPT = [key for key in api.papers() if (data_dir("results") / key / "suites.json").is_file()]


def test_a_network_that_reads_flow_is_scored_with_both_kinds() -> None:
    exact, estimated = suites.rows("dpa", ["turns"], 1)
    assert (exact["flow"], estimated["flow"]) == ("exact", "dis-medium")
    assert exact["J"] != estimated["J"] and "threshold on this flow" in estimated
    test = toyvos.split("test", "turns")[:1]
    assert exact["J"] == approx(100 * api.evaluate(api.load("dpa"), test).summary()["J-Mean"], 0.01)


def test_a_network_without_flow_is_scored_once() -> None:
    (row,) = suites.rows("cosnet", ["turns"], 1)
    assert row["flow"] == "" and "threshold on this flow" not in row


@pytest.mark.parametrize("key", KEPT)
def test_what_is_kept_was_measured_with_what_is_embedded(key) -> None:
    kept = json.loads((data_dir("results") / key / "suites.json").read_text())
    assert kept["weights"] == ladder.checksum(key), f"run: python tools/suites.py {key}"
    assert {row["suite"] for row in kept["rows"]} == set(NAMES)
    table = two_trainings.by_suite(key)
    assert len(table) == len(kept["rows"])
    for shown, row in zip(table["J"], kept["rows"]):
        assert shown.startswith(f"{row['J']:.1f} [")


@pytest.mark.parametrize("key", KEPT)
def test_the_scores_of_another_network_are_not_shown(key, monkeypatch) -> None:
    monkeypatch.setattr(ladder, "checksum", lambda key: "of other bytes")
    assert two_trainings.by_suite(key).empty
