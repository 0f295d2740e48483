"""Which embedded weights a command takes: those for real video, unless there are none."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from vosedu import api, toyvos
from vosedu.clip import Clip
from vosedu.commands import METHODS, main
from vosedu.errors import InputError


@pytest.fixture(autouse=True)
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """COSNet and DPA have both kinds of embedded weights here, HCPN only those of the course."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(api, "data_dir", lambda kind: tmp_path / kind)
    small = [(key, "davis-small") for key in ("cosnet", "dpa")]
    for key, folder in (("cosnet", ""), ("dpa", ""), ("hcpn", ""), *small):
        paper, place = api.paper(key), tmp_path / "checkpoints" / folder
        place.mkdir(parents=True, exist_ok=True)
        config = paper.Config.paper().scaled("quick")
        torch.save(paper.build(config).state_dict(), place / f"{key}.pt")
        (place / f"{key}.json").write_text(json.dumps({"config": asdict(config)}))
    frames = np.random.default_rng(0).integers(0, 256, (3, 48, 80, 3), np.uint8)
    Clip("walk", list(frames)).write(tmp_path / "walk")
    return tmp_path / "checkpoints"


def test_one_s_own_video_gets_the_network_for_real_video(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["segment", "walk/frames", "--out", "out"]) == 0
    assert "weights: davis-small" in capsys.readouterr().out


def test_a_method_without_one_falls_back_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["segment", "walk/frames", "--method", "hcpn", "--out", "out"]) == 0
    assert "weights: course" in capsys.readouterr().out


def test_what_is_asked_for_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["segment", "walk/frames", "--weights", "course", "--out", "out"]) == 0
    assert "weights:" not in capsys.readouterr().out
    command = ["segment", "walk/frames", "--method", "hcpn", "--weights", "davis-small"]
    assert main([*command, "--out", "other"]) == 2
    assert "no embedded weights 'davis-small'" in capsys.readouterr().err


def test_rendered_clips_get_the_network_that_was_trained_on_them() -> None:
    assert api.weights_for("cosnet", rendered=True) == "course"
    for key in ("cosnet", METHODS["segment"]):
        assert api.weights_for(key, rendered=False) == "davis-small"


def test_embedded_networks_predict_with_their_own_settings() -> None:
    paper = api.paper("cosnet")
    assert api.inference_of(api.load("cosnet", None)) == paper.Inference.paper()
    for weights, settings in paper.settings.items():
        found = api.inference_of(api.load("cosnet", weights))
        assert settings and {name: getattr(found, name) for name in settings} == dict(settings)
        assert found.references == paper.Inference.paper().references
    small = api.load("cosnet", "davis-small")
    clip = toyvos.split("val")[0].cut(0, 2)
    assert len(list(api.segment(small, clip))) == 2


def test_another_network_s_weights_are_not_looked_for_elsewhere() -> None:
    with pytest.raises(InputError, match="vosedu train amcnet --profile course"):
        api.load("amcnet")


def test_variants_of_the_course_s_network_have_names(checkpoints: Path) -> None:
    for ending in ("pt", "json"):
        (checkpoints / f"dpa.{ending}").rename(checkpoints / f"dpa-other.{ending}")
    (checkpoints / "davis-small" / "dpa.pt").unlink(missing_ok=True)
    assert api.embedded_names("dpa") == ["course-other"]
    assert "course" in api.embedded_names("cosnet")
    assert isinstance(api.load("dpa", "course-other").config, api.paper("dpa").Config)
    with pytest.raises(InputError, match=r"'course-none'.*--profile course' .*choose course-other"):
        api.load("dpa", "course-none")
    assert not api.is_embedded("course-other.pt") and not api.is_embedded("courses")
