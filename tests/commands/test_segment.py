"""`vosedu segment` with several inputs: names, resume, soft masks, and what it does not touch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosedu.clip import Clip, read_mask
from vosedu.commands import main


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def frames(count: int, seed: int = 0) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    return [draw.integers(0, 256, (48, 80, 3), np.uint8) for _ in range(count)]


def folder(name: str, numbers: tuple[int, ...] = (0, 1, 2)) -> None:
    Path(name).mkdir(parents=True)
    for number, frame in zip(numbers, frames(len(numbers))):
        Image.fromarray(frame).save(Path(name) / f"{number:05d}.png")


def test_masks_take_their_frames_names(here: Path) -> None:
    folder("walk", (0, 5, 10))
    assert main(["segment", "walk", "--out", "out"]) == 0
    written = sorted(path.name for path in (here / "out/masks/walk").iterdir())
    assert written == ["00000.png", "00005.png", "00010.png"]


def test_several_inputs_and_patterns_resume(here: Path, capsys: pytest.CaptureFixture) -> None:
    for name in ("clips/one", "clips/two", "three"):
        folder(name)
    command = ["segment", "clips/*", "three", "--out", "out"]
    assert main(command) == 0
    masks = sorted(path.name for path in (here / "out/masks").iterdir())
    assert masks == ["one", "three", "two"]
    (here / "out/overlays/two.mp4").unlink()
    capsys.readouterr()
    assert main([*command, "--overwrite"]) == 0
    assert "done already" not in capsys.readouterr().out
    (here / "out/masks/three/00000.png").touch()
    assert main(command) == 0
    assert capsys.readouterr().out.count("done already") == 3


def test_other_settings_do_not_pass_for_done(here: Path, capsys: pytest.CaptureFixture) -> None:
    folder("one")
    folder("two")
    assert main(["segment", "one", "two", "--out", "out"]) == 0
    assert main(["segment", "one", "two", "--out", "out", "--references", "1"]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_soft_masks_have_the_bits_asked_for(here: Path) -> None:
    folder("walk")
    assert main(["segment", "walk", "--out", "out", "--soft", "16", "--fps", "10"]) == 0
    soft = np.asarray(Image.open("out/soft/walk/00001.png"))
    assert soft.dtype == np.uint16
    hard = read_mask("out/masks/walk/00001.png")
    assert np.array_equal(hard > 0, soft / 65535 > 0.5)


def test_ground_truth_is_not_replaced(here: Path, capsys: pytest.CaptureFixture) -> None:
    labels = {t: np.ones((48, 80), np.uint8) for t in range(3)}
    Clip("walk", frames(3), labels).write("walk")
    assert main(["segment", "walk", "--out", "walk", "--overwrite"]) == 2
    assert all((read_mask(path) == 1).all() for path in (here / "walk/masks").glob("*.png"))
    assert len(list((here / "walk/masks").glob("*.png"))) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing/*.mp4"], "no file or folder matches"),
        (["walk", "again/walk"], "two of the inputs are called 'walk'"),
        (["walk", "--fps", "0"], "no frame rate"),
        (["walk", "--size", "1000000", "1000000"], "at most 4096"),
        (["walk", "--method", "dpa", "--references", "1000000"], "give at most"),
    ],
)
def test_bad_input_creates_nothing(
    here: Path, capsys: pytest.CaptureFixture, arguments: list[str], says: str
) -> None:
    folder("walk")
    folder("again/walk")
    assert main(["segment", *arguments, "--out", "out"]) == 2
    assert says in capsys.readouterr().err
    assert not (here / "out").exists()


def test_the_version_is_told(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out.startswith("vosedu ")
