"""The tool that scores the networks for real video, on a data set of one short sequence."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import real

from vosedu import metrics
from vosedu.clip import Clip
from vosedu.errors import InputError


@pytest.fixture
def davis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """DAVIS 2016 with three frames of one sequence."""
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path))
    rng = np.random.default_rng(0)
    for t in range(3):
        mask = np.zeros((48, 80), np.uint8)
        mask[10:30, 20 + t : 50 + t] = 255
        write(tmp_path, "JPEGImages", f"{t:05}.jpg", rng.integers(0, 256, (48, 80, 3), np.uint8))
        write(tmp_path, "Annotations", f"{t:05}.png", mask)
    return tmp_path


def write(root: Path, part: str, name: str, picture: np.ndarray) -> None:
    folder = root / "davis16" / part / "240p" / "blackswan"
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / name), picture)


@pytest.mark.parametrize("key", ["amcnet", "deaot"])
@pytest.mark.usefixtures("davis")
def test_scores_and_pictures_are_those_of_the_masks(key: str) -> None:
    scores, middle, where = real.scored(key)
    assert [name.split("_")[0] for name in scores.sequences.index] == ["blackswan"]
    assert where.startswith("davis16 val 240p, 1 clips")
    assert where.endswith("dis-medium flow") == (key == "amcnet")
    pictures = real.drawn(middle)
    (title,) = pictures
    assert title.startswith("blackswan, J ") and pictures[title].shape == (48, 80, 3)
    assert 0 <= scores.summary()["J-Mean"] <= 1
    assert ("T-Mean" in scores.summary()) == (key == "amcnet")
    protocol = {"amcnet": "davis16", "deaot": "davis17-semi"}[key]
    assert scores.protocol == metrics.protocol_of(protocol)


@pytest.mark.parametrize("kind", real.KINDS)
def test_another_network_is_kept_beside_the_embedded_one(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = Clip("walk", list(np.zeros((3, 4, 4, 3), np.uint8)), dict.fromkeys(range(3), np.eye(4)))
    rules = metrics.protocol_of("davis16")
    scores = metrics.evaluate(lambda clip: dict(clip.labels), [clip], rules)
    weights = tmp_path / "dpa.pt"
    weights.with_suffix(".json").write_text('{"command": "told"}')
    monkeypatch.setattr(real, "DATA", tmp_path)
    monkeypatch.setattr(real, "scored", lambda key, file: (scores, {}, file))
    real.measure_beside("dpa", weights, kind)
    folder = tmp_path / "results" / "dpa" / "davis-small" / kind
    assert "walk,1.000" in (folder / "per-sequence_results.csv").read_text()
    assert (folder / "training.json").read_text() == '{"command": "told"}'


def test_the_same_network_is_scored_with_the_flow_of_raft(
    davis: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real, "DATA", davis)
    with pytest.raises(InputError, match="Flow"):
        real.measure_raft("amcnet")
    for t in range(2):
        write(davis, "Flow", f"{t:05}.jpg", np.full((48, 80, 3), (0, 0, 255), np.uint8))
    scores = real.measure_raft("amcnet")
    assert list(scores.sequences.index) == ["blackswan"]
    kept = davis / "results" / "amcnet" / "davis-small" / "raft" / "per-sequence_results.csv"
    assert "blackswan" in kept.read_text()
    with pytest.raises(SystemExit, match="cosnet reads no flow"):
        real.measure_raft("cosnet")
