"""Weights of one paper given for another: the refusal says whose they are, by the names inside."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path

import pytest
import torch

from vosedu import api
from vosedu.commands import main
from vosedu.errors import InputError
from vosedu.paths import data_dir

PAPERS = api.papers()
GOLDEN = Path(__file__).parent.parent / "golden"
THEIRS: Mapping[str, Mapping[str, tuple[str | int, ...]]] = {
    "cosnet": {"weights.pth": ("state_dict",)},
    "amcnet": {"weights.pth": ("variants", 0, "state_dict")},
    "hcpn": {
        "encoder_final.pt": ("variants", 0, "encoder", "entries"),
        "decoder_final.pt": ("variants", 0, "decoder", "entries"),
    },
    "dpa": {"weights.pth": ("networks", "video", "state_dict")},
    "deaot": {"weights.pth": ("variants", "deaott", "entries")},
}
"""Paper -> the files that its authors' code writes, and where a manifest lists their entries."""


def authors(key: str, folder: Path) -> Path:
    """The authors' checkpoint of a paper, as its code names entries; of two files the folder."""
    manifest = json.loads((GOLDEN / key / "manifest.json").read_text())
    for name, where in THEIRS[key].items():
        entries = manifest
        for step in where:
            entries = entries[step]
        torch.save({f"module.{entry}": torch.zeros(1) for entry, _ in entries}, folder / name)
    return folder / "weights.pth" if len(THEIRS[key]) == 1 else folder


def ours(key: str, folder: Path) -> Path:
    """A paper's embedded checkpoint without the note that lies beside it."""
    shutil.copy(data_dir("checkpoints") / f"{key}.pt", folder / "mine.pt")
    return folder / "mine.pt"


@pytest.mark.parametrize("make", [authors, ours])
@pytest.mark.parametrize("key, asked", list(permutations(PAPERS, 2)))
def test_the_paper_of_the_weights_is_named(make, key: str, asked: str, tmp_path: Path) -> None:
    weights, small = make(key, tmp_path), PAPERS[asked].Config.released().scaled("quick")
    with pytest.raises(InputError) as refusal:
        api.load(asked, weights, config=small)
    said = str(refusal.value)
    assert f"holds weights of {PAPERS[key].name}, not of {PAPERS[asked].name}" in said
    assert f"--method {key}" in said and str(weights) in said


@pytest.mark.parametrize("key", PAPERS)
def test_one_s_own_weights_of_another_scale_are_no_other_paper_s(key: str, tmp_path: Path) -> None:
    small = data_dir("checkpoints") / "davis-small" / f"{key}.pt"
    shutil.copy(small, tmp_path / "small.pt")
    assert api.owner(tmp_path / "small.pt") is PAPERS[key]
    with pytest.raises(InputError, match="choose the configuration it was made with"):
        api.load(key, tmp_path / "small.pt")


def test_weights_of_no_paper_have_no_owner(tmp_path: Path) -> None:
    torch.save({"fc.weight": torch.zeros(1)}, tmp_path / "other.pt")
    assert api.owner(tmp_path / "other.pt") is None
    assert api.owner(tmp_path / "nowhere.pt") is None


def test_the_command_says_it_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = ours("deaot", tmp_path)
    assert main(["evaluate", "--method", "cosnet", "--weights", str(weights)]) == 2
    assert "holds weights of DeAOT, not of COSNet" in capsys.readouterr().err
