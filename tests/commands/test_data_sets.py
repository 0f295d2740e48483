"""What `segment` writes of a data set is what `evaluate --masks` reads, whole or in part."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosedu import api, commands, toyvos
from vosedu.clip import write_mask
from vosedu.datasets import DAVIS16

NAMES = ["mixed-val-001", "mixed-val-003"]


def run(*arguments: object) -> int:
    return commands.main([str(argument) for argument in arguments])


def last_line(text: str, start: str) -> str:
    return [line for line in text.splitlines() if line.startswith(start)][-1]


def test_masks_of_some_sequences_are_scored_as_the_network_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = ("--data", "toyvos", "--sequences", *NAMES)
    options = ("--method", "cosnet", "--references", "2")
    assert run("segment", *some, "--out", tmp_path / "out", *options) == 0
    written = sorted(path.name for path in (tmp_path / "out" / "masks").iterdir())
    assert written == NAMES
    assert sorted(path.stem for path in (tmp_path / "out" / "overlays").iterdir()) == NAMES
    assert "2 of the 40 sequences of toyvos val" in capsys.readouterr().out
    masks = ("--masks", tmp_path / "out" / "masks")
    assert run("evaluate", *some, *masks, "--csv", tmp_path / "masks") == 0
    assert run("evaluate", *some, "--references", "2", "--csv", tmp_path / "network") == 0
    for file in sorted((tmp_path / "network").iterdir()):
        assert (tmp_path / "masks" / file.name).read_bytes() == file.read_bytes()


def test_masks_of_a_part_are_scored_and_the_missing_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in NAMES:
        clip = next(clip for clip in toyvos.split("val")[:4] if clip.name == name)
        (tmp_path / name).mkdir()
        for t, ids in clip.labels.items():
            write_mask(tmp_path / name / f"{t:05d}.png", ids)
    assert run("evaluate", "--masks", tmp_path) == 2
    assert "has no masks for mixed-val-000" in capsys.readouterr().err
    assert run("evaluate", "--masks", tmp_path, "--present-only") == 0
    said = capsys.readouterr().out
    assert "2 of the 40 sequences of toyvos val; 38 missing: mixed-val-000, mixed-val-002" in said
    assert run("evaluate", "--masks", tmp_path / NAMES[0], "--present-only") == 2
    assert "has no masks of any sequence" in capsys.readouterr().err


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """Two sequences of DAVIS-2016's val, a few frames each, whose names do not begin at 0."""
    root = tmp_path / "DAVIS"
    clip = toyvos.split("val")[1]
    for name in ("blackswan", "bmx-trees"):
        assert DAVIS16[name].split == "val"
        for folder in ("JPEGImages", "Annotations"):
            (root / folder / "480p" / name).mkdir(parents=True)
        for k, t in enumerate((5, 6, 7, 8)):
            frame = Image.fromarray(np.asarray(clip.frames[k]))
            frame.save(root / "JPEGImages" / "480p" / name / f"{t:05d}.jpg")
            mask = Image.fromarray((clip.labels[k] > 0).astype(np.uint8) * 255)
            mask.save(root / "Annotations" / "480p" / name / f"{t:05d}.png")
    return root


def test_davis_sequences_make_the_round_trip(
    davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--data", "davis16", "--root", davis)
    assert run("segment", *data, "--present-only", "--out", tmp_path / "out") == 0
    masks = tmp_path / "out" / "masks"
    assert [path.name for path in sorted((masks / "blackswan").iterdir())] == [
        f"{t:05d}.png" for t in (5, 6, 7, 8)
    ]
    assert "2 of the 20 sequences of davis16 val; 18 missing" in capsys.readouterr().out
    assert run("evaluate", *data, "--masks", masks, "--sequences", "bmx-trees") == 0
    assert "1 of the 20 sequences of davis16 val\n" in capsys.readouterr().out
    shutil.rmtree(masks / "blackswan")
    assert run("evaluate", *data, "--masks", masks, "--present-only") == 0
    said = capsys.readouterr().out
    assert "1 of the 20 sequences of davis16 val; 19 missing" in said


def test_one_davis_sequence_by_its_path_is_scored_too(davis: Path, tmp_path: Path) -> None:
    sequence = davis / "JPEGImages" / "480p" / "blackswan"
    assert run("segment", sequence, "--out", tmp_path / "out") == 0
    data = ("--data", "davis16", "--root", davis, "--sequences", "blackswan")
    assert run("evaluate", *data, "--masks", tmp_path / "out" / "masks") == 0


def test_no_reason_repeats_that_a_row_was_not_run() -> None:
    """Tables printed "not run here: ...; not run here"."""
    for paper in api.papers().values():
        for table in paper.tables:
            assert not [row.label for row in table.rows if "not run" in row.unavailable]
