"""The tables of the results on real video, against numbers made up for three sequences."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from pytest import approx

from vosedu import real_video
from vosedu.errors import InputError

NAMES = ["blackswan", "cows", "goat"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results of a paper: J 0.2, 0.4, 0.9, and without its idea a tenth less."""
    monkeypatch.setattr(real_video, "data_dir", lambda name: tmp_path / name)
    folder = tmp_path / "results" / "dpa" / "davis-small"
    (folder / "without").mkdir(parents=True)
    scores = {"Sequence": NAMES, "J-Mean": [0.2, 0.4, 0.9], "F-Mean": [0.1, 0.1, 0.1]}
    table = pd.DataFrame(scores)
    table.to_csv(folder / "per-sequence_results.csv", index=False)
    table["J-Mean"] -= 0.1
    table["Sequence"] += "_1"  # as a protocol with objects writes them
    table.to_csv(folder / "without" / "per-sequence_results.csv", index=False)
    command = "vosedu train dpa --profile davis-small --set exchange=none"
    (folder / "without" / "training.json").write_text(json.dumps({"command": command}))
    empty = {"Sequence": ["surf"] * 3, "marked": [5, 0.0, 3.0], "object": [1.0, 0.0, 0.0]}
    pd.DataFrame(empty).to_csv(folder / "without_object.csv", index=False)
    return folder


def test_sequences_come_with_their_attributes_and_the_best_first(folder: Path) -> None:
    table = real_video.sequences("dpa")
    assert list(table.index) == NAMES[::-1]
    assert table.loc["goat", "J"] == approx(90)
    assert "BC" in table.loc["goat", "attributes"].split()


def test_objects_of_a_clip_keep_their_names(folder: Path) -> None:
    (folder / "pair").mkdir()
    scores = {"Sequence": ["pair_1", "pair_2"], "J-Mean": [0.2, 0.4], "F-Mean": [0.1, 0.3]}
    pd.DataFrame(scores).to_csv(folder / "pair" / "per-sequence_results.csv", index=False)
    table = real_video.objects("dpa", "pair")
    assert table.loc["pair_2", "J"] == approx(40) and table.loc["pair_1", "F"] == approx(10)


def test_attributes_compare_with_the_sequences_that_lack_them(folder: Path) -> None:
    row = real_video.by_attribute("dpa").loc["OC, occlusion"]  # the cows alone have it
    assert row["sequences"] == 1
    assert row["J"] == approx(40) and row["J of the others"] == approx(55)
    assert row["difference"] == approx(-15)


def test_frames_with_an_object_are_not_counted_as_empty(folder: Path) -> None:
    row = real_video.without_object("dpa").loc["surf"]
    assert row["frames"] == 2 and row["frames left empty"] == 1
    assert row["marked, mean"] == approx(1.5) and row["marked, at most"] == approx(3)


def test_the_difference_is_paired_by_sequence(folder: Path) -> None:
    table = real_video.without_idea("dpa")
    assert table.index.name == "without: exchange=none"
    row = table.loc["J"]
    assert row["with"] == approx(50) and row["without"] == approx(40)
    assert [row[name] for name in ("difference", "from", "to")] == approx([-10] * 3)


def test_an_earlier_recipe_stands_beside_the_embedded_network(folder: Path) -> None:
    (folder / "without").rename(folder / "earlier")
    row = real_video.earlier("dpa").loc["J"]
    assert row["embedded"] == approx(50) and row["earlier"] == approx(40)
    with pytest.raises(InputError, match="no network without the paper's idea"):
        real_video.without_idea("dpa")


def test_another_flow_stands_beside_the_one_of_the_training(folder: Path) -> None:
    with pytest.raises(InputError, match="was not scored with RAFT's flow"):
        real_video.other_flow("dpa")
    (folder / "without").rename(folder / "raft")
    row = real_video.other_flow("dpa").loc["J"]
    assert row["DIS"] == approx(50) and row["RAFT-small"] == approx(40)
    assert row["difference"] == approx(-10)


def test_what_was_not_measured_says_so(folder: Path) -> None:
    with pytest.raises(InputError, match=r"run 'python tools/real\.py cosnet'"):
        real_video.sequences("cosnet")
    (folder / "without" / "training.json").unlink()
    with pytest.raises(InputError, match="no network without the paper's idea"):
        real_video.without_idea("dpa")


def test_an_embedded_network_says_how_it_was_trained() -> None:
    assert "steps in" in real_video.trained("amcnet")
    assert (
        real_video.scores("amcnet").loc["J", "from"] < real_video.scores("amcnet").loc["J", "mean"]
    )
    assert list(real_video.stages("amcnet").index) == ["moving stills", "frames", "enlarged"]
