"""A few hundred bad inputs: every answer is a result or one sentence, and nothing is lost."""

from __future__ import annotations

import hashlib
import json
import pickle
import random
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vosedu import api
from vosedu.commands import main

SEED = 20261121
COSNET = ("segment", "--method", "cosnet")  # the network of the fixture `weights`
SIZE = (48, 80)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small COSNet with random weights, and its note."""
    path = tmp_path_factory.mktemp("weights") / "own.pt"
    paper = api.paper("cosnet")
    torch.manual_seed(0)
    config = paper.Config.paper().scaled("quick")
    torch.save(paper.build(config).state_dict(), path)
    path.with_suffix(".json").write_text(json.dumps({"config": asdict(config)}))
    return path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder with a digest of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def answer(capsys: pytest.CaptureFixture, here: Path, *words: object) -> int:
    """The exit code of a command that must end in a result or one sentence, and lose nothing."""
    before = contents(here)
    try:
        code = main([str(word) for word in words])
    except SystemExit as stopped:  # argparse has its own sentence
        code = int(stopped.code or 0)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("vosedu: ")]
    assert code in (0, 2), words
    assert len(said) <= 1 and all(len(line) < 600 for line in said), said
    after = contents(here)
    assert {name: after.get(name) for name in before} == before, "a file was changed or lost"
    return code


# Frames and masks


def frames(draw: random.Random, folder: Path, count: int = 3) -> list[Path]:
    folder.mkdir(parents=True)
    noise = np.random.default_rng(draw.randrange(2**32))
    paths = [folder / f"{index:05d}.png" for index in range(count)]
    for path in paths:
        Image.fromarray(noise.integers(0, 256, (*SIZE, 3), np.uint8)).save(path)
    return paths


def truncated(draw: random.Random, path: Path) -> None:
    path.write_bytes(path.read_bytes()[: draw.randrange(1, 200)])


def scrambled(draw: random.Random, path: Path) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(20):
        data[draw.randrange(len(data))] = draw.randrange(256)
    path.write_bytes(bytes(data))


def of_mode(draw: random.Random, path: Path) -> None:
    mode = draw.choice(["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "I", "F"])
    suffix = ".tiff" if mode in ("CMYK", "F", "I") else ".png"
    path.unlink()
    Image.new(mode, SIZE[::-1]).save(path.with_suffix(suffix))


def of_size(draw: random.Random, path: Path) -> None:
    Image.new("RGB", (draw.randrange(1, 200), draw.randrange(1, 200))).save(path)


def doubled(draw: random.Random, path: Path) -> None:
    Image.new("RGB", SIZE[::-1]).save(path.with_suffix(draw.choice([".jpg", ".bmp"])))


def dangling(draw: random.Random, path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("gone.png"))


def renamed(draw: random.Random, path: Path) -> None:
    path.rename(path.with_name(draw.choice(["a b.png", ".hidden.png", "ä.png", "-1.png", "x.txt"])))


def emptied(draw: random.Random, path: Path) -> None:
    path.write_bytes(b"")


def removed(draw: random.Random, path: Path) -> None:
    path.unlink()


BROKEN: tuple[Callable[[random.Random, Path], None], ...] = (
    truncated,
    scrambled,
    of_mode,
    of_size,
    doubled,
    dangling,
    renamed,
    emptied,
    removed,
)


def test_frames(here: Path, weights: Path, capsys: pytest.CaptureFixture) -> None:
    draw = random.Random(SEED)
    codes = []
    for case in range(90):
        paths = frames(draw, here / f"clip{case}", draw.choice([1, 2, 3]))
        BROKEN[case % len(BROKEN)](draw, draw.choice(paths))
        out = here / f"out{case}"
        codes.append(
            answer(capsys, here, *COSNET, paths[0].parent, "--weights", weights, "--out", out)
        )
        assert codes[-1] == 0 or not (out / "masks").exists(), "a refused clip has no masks"
    assert {0, 2} == set(codes), "some are read and some are refused"


def test_masks(here: Path, capsys: pytest.CaptureFixture) -> None:
    draw = random.Random(SEED + 1)
    codes = []
    for case in range(60):
        data = here / f"data{case}"
        frames(draw, data / "frames" / "walk")
        for part in ("masks/walk", "results/walk"):
            (data / part).mkdir(parents=True)
            for index in range(3):
                ids = np.zeros(SIZE, np.uint8)
                ids[10:30, 20 + index : 50] = 1
                Image.fromarray(ids * 255).save(data / part / f"{index:05d}.png")
        part = draw.choice(["masks", "results"])
        path = data / part / "walk" / f"{draw.randrange(3):05d}.png"
        BROKEN[case % len(BROKEN)](draw, path)
        codes.append(answer(capsys, here, "evaluate", "--data", data, "--masks", data / "results"))
    assert {0, 2} == set(codes)


# Checkpoints and their notes


def checkpoints(draw: random.Random, state: dict[str, torch.Tensor], path: Path) -> None:
    """Something that is not that network's state dict, in one of a dozen ways."""
    name = draw.choice(list(state))
    content = draw.choice(
        [
            lambda: [1, 2, 3],
            dict,
            lambda: {"state_dict": {}},
            lambda: {"epoch": 3},
            lambda: {n: v for n, v in state.items() if n != name},
            lambda: state | {"extra": torch.zeros(2)},
            lambda: state | {name: torch.zeros(1, 2, 3)},
            lambda: {f"module.{n}": v for n, v in state.items()},
            lambda: {"model": state},
            lambda: state | {name: torch.full_like(state[name].float(), float("nan"))},
            lambda: b"bytes",
            lambda: random.Random,
        ]
    )()
    if draw.random() < 0.2:
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path)
    if draw.random() < 0.3:
        path.write_bytes(path.read_bytes()[: draw.randrange(2000)])


NOTES = ("{", "[]", "{}", '{"config": 3}', '{"config": {"zzz": 1}}', '{"config": {"size": "a"}}')


def test_checkpoints(here: Path, weights: Path, capsys: pytest.CaptureFixture) -> None:
    draw = random.Random(SEED + 2)
    state = torch.load(weights, weights_only=True)
    clip = frames(draw, here / "clip")[0].parent
    for case in range(80):
        path = here / f"w{case}.{draw.choice(['pt', 'pth'])}"
        checkpoints(draw, state, path)
        note = weights.with_suffix(".json").read_text()
        path.with_suffix(".json").write_text(draw.choice([*NOTES, note, note]))
        answer(capsys, here, *COSNET, clip, "--weights", path, "--out", here / f"out{case}")


# Values


VALUES = (
    *("-1", "0", "3", "1e9", "1.5", "nan", "inf", "None", "True", "zzz", "''", "()", "(0,0)"),
    *("(1,)", "(1,2,3)", "(10**6,10**6)", "('a','b')", "[]", "{}", "{1: 2}", "b'x'", "1j"),
)


@pytest.mark.parametrize("key", sorted(api.papers()))
def test_settings_of_training(here: Path, key: str, capsys: pytest.CaptureFixture) -> None:
    draw = random.Random(f"{SEED} {key}")
    paper = api.paper(key)
    config = [f"config.{field.name}" for field in fields(paper.Config)]
    recipe = [f"recipe.{field.name}" for field in fields(paper.recipe("quick").stages[-1])]
    for case in range(60):
        change = f"{draw.choice(config + recipe)}={draw.choice(VALUES)}"
        command = ("train", key, "--profile", "quick", "--until", "nothing", "--set", change)
        assert answer(capsys, here, *command, "--out", here / f"{key}{case}") == 2


def test_options_of_inference(here: Path, weights: Path, capsys: pytest.CaptureFixture) -> None:
    draw = random.Random(SEED + 3)
    clip = frames(draw, here / "clip", 2)[0].parent
    names = [f.name for f in fields(api.paper("cosnet").Inference) if f.name != "crf"]
    for case in range(60):
        option = f"--{draw.choice(names)}"
        values = draw.choice([["-1"], ["0"], ["7"], ["zzz"], ["0.5"], ["nan"], ["9", "9"], []])
        words = (*COSNET, clip, "--weights", weights, "--out", here / f"out{case}")
        answer(capsys, here, *words, option, *values)
