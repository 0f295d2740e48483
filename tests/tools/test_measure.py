"""What HCPN's notebooks read is measured as they say, on clips of three frames."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import measure
import numpy as np
import pytest
from PIL import Image

from vosedu import api, ladder, toyvos
from vosedu.datasets.sequences import DAVIS16
from vosedu.papers.stm.training import checkpoint


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the script writes in a test; data are the first frames of one clip a suite."""
    monkeypatch.setattr(measure, "data_dir", lambda kind: tmp_path)
    clips = {suite: [toyvos.split("val", suite)[2].cut(0, 3)] for suite in ("mixed", measure.SUITE)}
    monkeypatch.setattr(measure.api, "dataset", lambda name, split: clips["mixed"])
    monkeypatch.setattr(measure.toyvos, "split", lambda name, suite: clips[suite])
    return tmp_path / "hcpn"


def test_attributes_and_the_rung_come_from_the_same_scores(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rungs = {}
    monkeypatch.setattr(measure.ladder, "record", lambda *a, **k: rungs.update({a[1]: (a[2], k)}))
    measure.main(["attributes"])
    told = json.loads((results / "attributes-toyvos.json").read_text())
    (row,) = told["rows"]
    clip = measure.api.dataset("toyvos", "test")[0]
    assert row["clip"] == clip.name and row["attributes"] == sorted(clip.attributes)
    assert 0 < row["J"] < 1 and told["weights"] == {"hcpn": ladder.checksum("hcpn")}
    scores, about = rungs["1"]
    assert scores.summary()["J-Mean"] == pytest.approx(row["J"], abs=1e-5)
    assert about == {"where": "toyvos test, 1 clips, dis-medium flow", "weights": "course"}


def test_instances_compare_three_methods_and_two_bounds(results: Path) -> None:
    measure.main(["instances"])
    told = json.loads((results / "instances.json").read_text())
    assert list(told["rows"]) == ["COSNet", "AMC-Net", "HCPN", "everything", "truth"]
    assert told["stm"] == hashlib.sha256(checkpoint().read_bytes()).hexdigest()
    assert told["rows"]["truth"]["J-Mean"] > told["rows"]["everything"]["J-Mean"]
    assert told["on"] == f"toyvos test {measure.SUITE}, 1 clips"
    ((_, of_the_clip),) = told["J&F by clip"]["HCPN"].items()
    assert of_the_clip == pytest.approx(told["rows"]["HCPN"]["J&F-Mean"], abs=1e-5)


def test_attributes_of_the_davis_videos_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two videos of val in the data set's layout: its own attributes, no rung, no ToyVOS."""
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(measure, "data_dir", lambda kind: tmp_path)
    monkeypatch.setattr(measure.ladder, "record", lambda *a, **k: pytest.fail("no rung on DAVIS"))
    clip = toyvos.split("val")[2].cut(0, 3)
    names = ("car-shadow", "dog")
    for name in names:
        for kind, pictures in (("JPEGImages", clip.frames), ("Annotations", clip.labels)):
            folder = tmp_path / "data" / "davis16" / kind / "240p" / name
            folder.mkdir(parents=True)
            for t in range(3):
                ending = "jpg" if kind == "JPEGImages" else "png"
                picture = pictures[t] if ending == "jpg" else (pictures[t] > 0) * np.uint8(255)
                Image.fromarray(picture).save(folder / f"{t:05d}.{ending}")
    measure.main(["attributes", "--data", "davis16", "--resolution", "240p"])
    told = json.loads((tmp_path / "hcpn" / "attributes-davis16.json").read_text())
    assert told["on"] == told["data"] == "davis16 val 240p"
    assert {row["clip"]: set(row["attributes"]) for row in told["rows"]} == {
        name: set(DAVIS16[name].attributes) for name in names
    }
    assert all(0 <= row["J"] <= 1 for row in told["rows"])
    weights = api.weights_for("hcpn", rendered=False)
    assert told["weights"] == {"hcpn": ladder.checksum("hcpn", weights)}
