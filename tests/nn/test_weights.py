"""Loading weights: strict, readable, and no pickle is ever executed."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from vosedu.errors import InputError
from vosedu.nn import Renaming, load_weights, read_state


def network(width: int = 4) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.Conv2d(width, 1, 1))


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return network().state_dict()


def test_renaming_takes_the_first_prefix_that_fits() -> None:
    rename = Renaming([("encoder.last.", "side."), ("encoder.", "embedding.encoder.")])
    state = {"encoder.last.weight": torch.ones(1), "encoder.x": torch.ones(2), "w": torch.ones(3)}
    renamed = rename(state)
    assert list(renamed) == ["side.weight", "embedding.encoder.x", "w"]
    assert renamed["w"] is state["w"]
    assert rename.name("encoder.encoder.x") == "embedding.encoder.encoder.x"


def same(model: nn.Module, state: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(v, state[n]) for n, v in model.state_dict().items() if n in state)


@pytest.mark.parametrize("wrapper", [None, "model", "state_dict"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_file_loads_however_it_was_wrapped(tmp_path: Path, state, wrapper, prefix) -> None:
    content = {prefix + name: value for name, value in state.items()}
    torch.save({"epoch": 3, wrapper: content} if wrapper else content, tmp_path / "a.pth")
    model = network()
    report = load_weights(model, tmp_path / "a.pth")
    assert same(model, state)
    assert report.loaded == len(state)


def test_counters_may_be_absent(state) -> None:
    del state["1.num_batches_tracked"]
    model = network()
    assert load_weights(model, state).absent_counters == 1
    assert same(model, state)


def test_names_are_mapped_and_unused_entries_listed(state) -> None:
    theirs = {f"net.{name}": value for name, value in state.items()} | {"fc.w": torch.ones(2)}
    model = network()
    report = load_weights(
        model,
        theirs,
        rename=lambda s: {name.removeprefix("net."): v for name, v in s.items()},
        unused=("fc.",),
    )
    assert report.unused == ("fc.w",)
    assert same(model, state)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda s: s.pop("0.weight"), "1 missing (0.weight)"),
        (lambda s: s.update(fc=torch.ones(1)), "1 unexpected (fc)"),
        (
            lambda s: s.update({"0.bias": torch.ones(7)}),
            "1 of another shape (0.bias (7,) for (4,))",
        ),
    ],
    ids=["missing", "unexpected", "shape"],
)
def test_what_does_not_fit_is_reported_and_nothing_is_loaded(state, damage, words) -> None:
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    damage(state)
    with pytest.raises(InputError, match="checkpoint of another network") as error:
        load_weights(model, state)
    assert words in str(error.value)
    assert same(model, before)


def test_a_pickle_is_never_executed(tmp_path: Path) -> None:
    canary = tmp_path / "executed"

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(canary),)

    for name, save in (("torch.pth", torch.save), ("plain.pth", _plain_pickle)):
        save({"0.weight": Trap()}, tmp_path / name)
        with pytest.raises(InputError, match="run code"):
            load_weights(network(), tmp_path / name)
        assert not canary.exists()


def _plain_pickle(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content))


@pytest.mark.parametrize(
    "content", [b"", b"hello, this is no checkpoint", b"PK\x03\x04 a broken archive"]
)
def test_files_of_another_kind_are_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"weights\.pth"):
        read_state(file)


def test_a_cut_off_file_is_named(tmp_path: Path, state) -> None:
    file = tmp_path / "weights.pth"
    torch.save(state, file)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"weights\.pth"):
        read_state(file)


@pytest.mark.parametrize("content", [{}, [1, 2], {"epoch": 3}, torch.ones(2)])
def test_files_without_a_state_dict_are_refused(tmp_path: Path, content) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(InputError, match="no state dict"):
        read_state(tmp_path / "a.pth")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no checkpoint file"):
        load_weights(network(), tmp_path / "absent.pth")
