"""HCPN's two checkpoint files: read from one folder, strictly, with a readable complaint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from vosedu import api
from vosedu.errors import InputError
from vosedu.papers.hcpn import released
from vosedu.papers.hcpn.network import Config, build

SMALL = replace(Config.released(), encoder="resnet18", hidden=8)


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return build(SMALL)


def theirs(name: str) -> str:
    """The authors' name of one of our entries."""
    for their, ours in released._NAMES:
        if name.startswith(ours):
            return their + name.removeprefix(ours)
    raise AssertionError(f"{name} has no name of theirs")


@pytest.fixture
def folder(model: nn.Module, tmp_path: Path) -> Path:
    """Both files as the authors' training code writes them, an unused entry in each."""
    parts: dict[str, dict[str, torch.Tensor]] = {"encoder": {}, "decoder": {}}
    for name, value in model.state_dict().items():
        bridge = name.startswith("decoder.bridges.")
        part = "decoder" if name.startswith("decoder.") and not bridge else "encoder"
        parts[part][f"module.{theirs(name)}"] = value + 1
    parts["encoder"]["module.pca_res2.p_f1.bias"] = torch.zeros(8)
    parts["decoder"]["module.pred5.bias"] = torch.zeros(1)
    for part, state in parts.items():
        torch.save(state, tmp_path / f"{part}_final.pt")
    return tmp_path


def test_both_files_of_a_folder_make_one_network(model: nn.Module, folder: Path) -> None:
    loaded = build(SMALL)
    report = released.load(loaded, folder)
    assert report.unused == ("pca_res2.p_f1.bias", "pred5.bias")
    for name, value in loaded.state_dict().items():
        assert torch.equal(value, model.state_dict()[name] + 1), name


def test_the_folder_is_a_path_of_weights(model: nn.Module, folder: Path) -> None:
    loaded = api.load("hcpn", folder, config=SMALL)
    assert loaded.form == "released"
    assert torch.equal(loaded.decoder.coarse.weight, model.decoder.coarse.weight + 1)


def test_a_missing_file_and_one_too_many_are_said_so(model: nn.Module, folder: Path) -> None:
    (folder / "encoder_older.pt").write_bytes((folder / "encoder_final.pt").read_bytes())
    with pytest.raises(InputError, match="several encoders"):
        released.load(model, folder)
    (folder / "decoder_final.pt").unlink()
    (folder / "encoder_older.pt").unlink()
    with pytest.raises(InputError, match=r"no decoder_\*.pt"):
        released.load(model, folder)


def test_the_files_of_another_network_load_nothing(folder: Path) -> None:
    other = build(replace(SMALL, hidden=16))
    before = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(InputError, match="of another shape"):
        released.load(other, folder)
    assert all(torch.equal(value, before[name]) for name, value in other.state_dict().items())
