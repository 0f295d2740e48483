"""Flow that lies on disk as pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vosedu
from vosedu import InputError, datasets, flow
from vosedu.commands import main
from vosedu.datasets.flow_folder import from_colour


def test_a_field_comes_back_from_its_picture() -> None:
    field = np.random.default_rng(0).normal(size=(60, 80, 2)).astype(np.float32)
    found = from_colour(flow.to_colour(field))
    assert found.dtype == np.float32
    lengths = np.hypot(*np.moveaxis(field, 2, 0))
    assert np.abs(found - field / lengths.max()).max() < 0.01
    again = flow.to_colour(found).astype(int)
    assert np.abs(again - flow.to_colour(field)).max() <= 1


def test_no_motion_stays_none() -> None:
    assert not from_colour(np.full((4, 5, 3), 255, np.uint8)).any()


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """One sequence of DAVIS of three frames, with the pictures of a field to the right."""
    field = np.zeros((48, 80, 2), np.float32)
    field[10:30, 20:50, 0] = 4.0
    for index in range(3):
        pictures = {
            "JPEGImages": np.full((48, 80, 3), 90, np.uint8),
            "Annotations": (field[..., 0] > 0).astype(np.uint8) * 255,
            "Flow": flow.to_colour(field),
        }
        for kind, picture in pictures.items():
            if (kind, index) != ("Flow", 2):
                folder = tmp_path / kind / "480p" / "blackswan"
                folder.mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture).save(folder / f"{index:05d}.png")
    return tmp_path


def test_davis_with_the_flow_beside_it(davis: Path) -> None:
    (clip,) = datasets.open_dataset("davis16-flow", "val", davis, present_only=True)
    assert clip.flow is not None and len(clip.flow) == 2
    assert np.allclose(clip.flow[0][20, 30], (1, 0), atol=0.05)
    assert not clip.flow[0][0].any()
    (bare,) = datasets.open_dataset("davis16", "val", davis, present_only=True)
    assert bare.flow is None


def test_a_network_reads_it(davis: Path) -> None:
    """What it predicts depends on the pictures beside the frames."""
    (clip,) = datasets.davis16_flow("val", davis, present_only=True)
    model = vosedu.load("dpa")
    seen = vosedu.segment(model, clip, decision="half")
    drawn = vosedu.segment(model, vosedu.Clip("still", clip.frames), decision="half")
    assert not all(np.allclose(a.probability, b.probability) for a, b in zip(seen, drawn))


def test_the_command_scores_it(davis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "--method", "dpa", "--data", "davis16-flow", "--root", str(davis)]
    assert main([*words, "--present-only"]) == 0
    assert "DAVIS 2016" in capsys.readouterr().out


def test_a_missing_picture_is_named(davis: Path) -> None:
    (davis / "Flow" / "480p" / "blackswan" / "00001.png").unlink()
    with pytest.raises(InputError, match=r"blackswan lacks .* 1 of 3 frames \(00001\)"):
        datasets.davis16_flow("val", davis, present_only=True)[0]


def test_a_picture_of_another_size_is_named(davis: Path) -> None:
    path = davis / "Flow" / "480p" / "blackswan" / "00001.png"
    Image.fromarray(np.full((24, 40, 3), 255, np.uint8)).save(path)
    with pytest.raises(InputError, match=r"00001.png is 40 x 24 but its frame"):
        datasets.davis16_flow("val", davis, present_only=True)[0]
