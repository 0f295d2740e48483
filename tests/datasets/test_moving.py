"""Short videos made of still images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosedu import datasets, metrics
from vosedu.commands import main
from vosedu.datasets.moving import MovingStills
from vosedu.training.data import open_data


@pytest.fixture
def stills(tmp_path: Path) -> Path:
    """Two pictures of a bright disc on a dark, textured ground, with their masks."""
    rows, columns = np.mgrid[:120, :160]
    disc = (rows - 60) ** 2 + (columns - 80) ** 2 < 25**2
    for folder in ("images", "masks"):
        (tmp_path / "stills" / folder).mkdir(parents=True)
    for name in ("one", "two"):
        ground = np.random.default_rng(0).integers(20, 90, (120, 160, 3), np.uint8)
        image = np.where(disc[..., None], 230, ground).astype(np.uint8)
        Image.fromarray(image).save(tmp_path / "stills" / "images" / f"{name}.png")
        mask = Image.fromarray(disc.astype(np.uint8) * 255)
        mask.save(tmp_path / "stills" / "masks" / f"{name}.png")
    return tmp_path / "stills"


def test_the_mask_moves_with_the_object(stills: Path) -> None:
    clip = MovingStills(datasets.pairs(stills))[0]
    assert len(clip) == 3 and sorted(clip.labels) == [0, 1, 2]
    for t, ids in clip.labels.items():
        bright = clip.frames[t].min(2) > 150
        assert metrics.region(ids == 1, bright) > 0.95
    assert metrics.region(clip.labels[0] == 1, clip.labels[2] == 1) < 0.97


def test_what_the_object_leaves_is_filled_from_around_it(stills: Path) -> None:
    clip = MovingStills(datasets.pairs(stills))[0]
    left = (clip.labels[0] == 1) & (clip.labels[2] == 0)
    ground = clip.frames[2][left]
    assert len(ground) > 20
    assert np.median(ground) < 110


def test_a_clip_depends_on_seed_and_number_alone(stills: Path) -> None:
    first, second = (MovingStills(datasets.pairs(stills)) for _ in range(2))
    assert np.array_equal(first[1].frames[0], second[1].frames[0])
    assert not np.array_equal(first[0].frames[0], first[1].frames[0])
    other = MovingStills(datasets.pairs(stills), seed=1)
    assert not np.array_equal(first[1].frames[0], other[1].frames[0])


def test_a_picture_without_object_moves_as_a_whole(stills: Path) -> None:
    Image.fromarray(np.zeros((120, 160), np.uint8)).save(stills / "masks" / "one.png")
    clip = MovingStills(datasets.pairs(stills))[0]
    assert not any(ids.any() for ids in clip.labels.values())
    assert not np.array_equal(clip.frames[0], clip.frames[2])


def test_the_command_writes_what_a_training_can_open(
    stills: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "moving"
    assert main(["data", "animate", str(stills), "--root", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    clips = open_data(f"folder:{out}")
    made = MovingStills(datasets.pairs(stills))
    assert [clip.name for clip in clips] == [clip.name for clip in made]
    assert np.array_equal(clips[0].frames[1], made[0].frames[1])
    assert np.array_equal(clips[0].labels[1], made[0].labels[1])


def test_what_was_written_stays(stills: Path, tmp_path: Path) -> None:
    out = tmp_path / "moving"
    (out / "one").mkdir(parents=True)
    main(["data", "animate", str(stills), "--root", str(out)])
    assert not list((out / "one").iterdir())
    assert len(list((out / "two" / "frames").iterdir())) == 3
