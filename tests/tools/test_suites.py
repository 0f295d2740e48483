"""What `tools/suites.py` measures, and that its results belong to what is embedded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import suites
from pytest import approx

from vosedu import api, ladder, two_trainings
from vosedu.paths import data_dir
from vosedu.toyvos import baselines

KEPT = [key for key in api.papers() if (data_dir("results") / key / "suites.json").is_file()]


def test_a_network_that_reads_flow_is_scored_with_both_kinds_on_mixed() -> None:
    (exact, scores), (estimated, _) = suites.rows("dpa", ["mixed"], 1)
    assert (exact["flow"], estimated["flow"]) == ("exact", "dis-medium")
    assert exact["J"] != estimated["J"] and "threshold on this flow" in estimated
    assert exact["J"] == approx(100 * scores.summary()["J-Mean"], abs=0.01)


def test_a_network_without_flow_is_scored_once() -> None:
    ((row, _),) = suites.rows("cosnet", ["mixed"], 1)
    assert row["flow"] == "" and "threshold on this flow" not in row


def test_lines_and_rung_are_written_and_shown(tmp_path: Path, monkeypatch) -> None:
    shutil.copytree(data_dir("results") / "toyvos", tmp_path / "toyvos")
    (tmp_path / "cosnet").mkdir()
    for module in (suites, ladder, two_trainings, baselines):
        monkeypatch.setattr(module, "data_dir", lambda name: tmp_path)
    suites.measure("cosnet", ["mixed"], 1)
    rung = ladder.read("cosnet")["1"]
    shown = two_trainings.by_suite("cosnet")
    assert rung["on"] == "toyvos test, 1 clips"
    assert shown.loc["mixed", "J"].startswith(f"{100 * rung['numbers']['J']:.1f} [")
    assert shown.loc["turns", "J"] == "not run here"


@pytest.mark.parametrize("key", KEPT)
def test_what_is_kept_was_measured_with_what_is_embedded(key) -> None:
    kept = json.loads((data_dir("results") / key / "suites.json").read_text())
    assert kept["weights"] == ladder.checksum(key), f"run: python tools/suites.py {key}"
    mixed = [row for row in kept["rows"] if row["suite"] == "mixed"][-1]
    assert mixed["J"] == approx(100 * ladder.read(key)["1"]["numbers"]["J"], abs=0.01)


@pytest.mark.parametrize("key", KEPT)
def test_the_scores_of_another_network_are_not_shown(key, monkeypatch) -> None:
    assert two_trainings.by_suite(key)["J"].iloc[0] != "not run here"
    monkeypatch.setattr(ladder, "checksum", lambda key: "of other bytes")
    assert set(two_trainings.by_suite(key)["J"]) == {"not run here"}
