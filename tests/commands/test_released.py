"""Rung 3 in one command: checkpoint files of the authors' layout, made here, are scored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import parity
import pytest
import torch
from PIL import Image
from torch import Tensor

from vosedu import api, commands
from vosedu.papers.cosnet import released as of_cosnet
from vosedu.papers.deaot import released as of_deaot
from vosedu.papers.hcpn import released as of_hcpn

Entries = list[tuple[str, list[int]]]
State = dict[str, Tensor]


def entries_of(key: str, *where: str) -> Entries:
    """The authors' entries at a place of a manifest; skips where no manifest here has them."""
    for folder in parity.folders(key):
        found = json.loads((folder / "manifest.json").read_text())
        try:
            for name in where:
                found = found[int(name)] if isinstance(found, list) else found[name]
        except KeyError:
            continue
        return found
    pytest.skip(f"no manifest here lists {'/'.join(where)} of {key}")


def prefixed(entries: Entries) -> State:
    """A state dict as a data-parallel network saves it."""
    return {f"module.{name}": value for name, value in parity.fill(entries).items()}


def cosnet(folder: Path) -> State:
    """One file: the number of the epoch and the state dict."""
    state = prefixed(entries_of("cosnet", "state_dict"))
    torch.save({"epoch": 49, "model": state}, folder / of_cosnet.WEIGHTS.name)
    return state


def hcpn(folder: Path) -> State:
    """A folder of two files, encoder and decoder."""
    (folder / "hcpn").mkdir()
    both: State = {}
    for part in ("encoder", "decoder"):
        entries = entries_of("hcpn", "variants", "0", part, "entries")
        torch.save(state := prefixed(entries), folder / "hcpn" / f"{part}_final.pt")
        both |= state
    return both


def deaot(folder: Path) -> State:
    """One file: the state dict beside what the authors' training needs to go on."""
    state = prefixed(entries_of("deaot", "variants", "deaotl", "entries"))
    optimizer = {
        "state": {0: {"step": 3, "exp_avg": torch.zeros(2)}},
        "param_groups": [{"lr": 0.1}],
    }
    name = of_deaot.file_of(api.paper("deaot").Config.released())
    torch.save(
        {"state_dict": state, "optimizer": optimizer, "scaler": {"scale": 65536.0}}, folder / name
    )
    return state


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """Two frames of one sequence of DAVIS 2016, small."""
    draw = np.random.default_rng(0)
    texture = draw.integers(0, 256, (8, 16, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    for kind in ("JPEGImages", "Annotations"):
        (tmp_path / "DAVIS" / kind / "480p" / "dog").mkdir(parents=True)
    for index in range(3):
        mask = np.zeros((64, 96), np.uint8)
        mask[16:48, 20 + 2 * index : 60] = 255
        name = f"480p/dog/{index:05d}"
        frame = Image.fromarray(texture[:, 2 * index : 2 * index + 96].copy())
        frame.save(tmp_path / "DAVIS" / "JPEGImages" / f"{name}.jpg")
        Image.fromarray(mask).save(tmp_path / "DAVIS" / "Annotations" / f"{name}.png")
    return tmp_path / "DAVIS"


@pytest.fixture(autouse=True)
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path / "downloads"))
    return tmp_path / "downloads"


CASES: dict[str, tuple[Callable[[Path], State], str, Callable[[State], State]]] = {
    "cosnet": (cosnet, "--size 64 96 --references 1", of_cosnet.to_ours),
    "hcpn": (hcpn, "--size 64 96 --flow dis-ultrafast", of_hcpn.to_ours),
    "deaot": (deaot, "", of_deaot.to_ours),
}


@pytest.mark.parametrize("key", CASES)
def test_the_authors_files_are_scored(
    key: str,
    davis: Path,
    downloads: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make, options, to_ours = CASES[key]
    words = f"evaluate --data davis16 --root {davis} --sequences dog --method {key} {options}"
    words += f" --weights released --csv {tmp_path / 'scores'}"
    assert commands.main(words.split()) == 2, "nothing was fetched yet"
    assert f"vosedu weights get {key}" in capsys.readouterr().err

    folder = downloads / "weights" / key
    folder.mkdir(parents=True)
    theirs = {name.removeprefix("module."): value for name, value in make(folder).items()}
    networks, load = [], api.load
    monkeypatch.setattr(api, "load", lambda *a, **k: networks.append(load(*a, **k)) or networks[0])
    assert commands.main(words.split()) == 0
    printed = capsys.readouterr().out
    assert "1 of the 20 sequences of davis16 val" in printed and "J-Mean" in printed
    assert len(list((tmp_path / "scores").iterdir())) > 0
    ours = to_ours(theirs)
    for name, value in networks[0].state_dict().items():
        assert name.endswith("num_batches_tracked") or torch.equal(value, ours[name]), name
