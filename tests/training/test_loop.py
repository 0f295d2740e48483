"""The training loop: resuming, repeated updates, cycles, averages, several processes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vosedu.errors import InputError
from vosedu.training import Group, Programme, Recipe, Stage, fit


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 3))


def sample(rng: np.random.Generator, kind: str) -> dict[str, torch.Tensor]:
    x = torch.from_numpy(rng.standard_normal((3, 8, 8)).astype(np.float32))
    return {"x": x, "y": (x[:1, 2:-2, 2:-2] > 0).float()}


def loss(model: nn.Module, batch: dict[str, torch.Tensor], kind: str) -> dict[str, torch.Tensor]:
    return {"squared": (model(batch["x"]) - batch["y"]).square().mean()}


PROGRAMMES = {"first": Programme(sample, loss), "second": Programme(sample, loss)}
FIRST = Stage("first", "noise", "squared", steps=6, batch_size=4, size=(8, 8), lr=0.05)
SECOND = replace(FIRST, name="second", optimiser="adam", schedule="cosine", lr=0.01, ema=0.5)
RECIPE = Recipe((FIRST, SECOND))


class Killed(Exception):
    pass


@pytest.mark.parametrize("killed_at", [1, 5, 6, 8, 11])
def test_a_killed_run_resumes_bit_identically(tmp_path: Path, killed_at: int) -> None:
    whole = network()
    history = fit(whole, RECIPE, PROGRAMMES, seed=3)

    def kill(history) -> None:
        if len(history) == killed_at:
            raise Killed

    with pytest.raises(Killed):
        fit(network(), RECIPE, PROGRAMMES, seed=3, folder=tmp_path, save_every=2, on_step=kill)
    resumed = network()
    again = fit(resumed, RECIPE, PROGRAMMES, seed=3, folder=tmp_path, save_every=2)
    assert again.rows == history.rows
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_a_state_of_another_run_is_refused(tmp_path: Path) -> None:
    fit(network(), RECIPE, PROGRAMMES, seed=0, folder=tmp_path)
    with pytest.raises(InputError, match="another recipe, network or seed"):
        fit(network(), RECIPE, PROGRAMMES, seed=1, folder=tmp_path)


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    fit(network(), Recipe((FIRST,)), PROGRAMMES, folder=tmp_path)
    state = tmp_path / "state.pt"
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(InputError, match="cannot be read"):
        fit(network(), Recipe((FIRST,)), PROGRAMMES, folder=tmp_path)


def test_three_updates_are_what_a_parameter_listed_three_times_gets() -> None:
    weight = nn.Parameter(torch.tensor([1.0]))
    listed_thrice = torch.optim.SGD([weight], lr=0.1, momentum=0.9, weight_decay=0.1)

    class One(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([1.0]))

    model = One()
    stage = Stage(
        "main",
        "none",
        "none",
        steps=3,
        batch_size=1,
        size=(1, 1),
        lr=0.1,
        weight_decay=0.1,
        schedule="constant",
        groups=(Group("all", updates=3),),
    )
    programme = Programme(
        lambda rng, kind: {"x": torch.ones(1)},
        lambda model, batch, kind: {"square": (model.weight * batch["x"]).square().sum()},
    )
    fit(model, Recipe((stage,)), {"main": programme})
    for _ in range(3):
        weight.grad = 2 * weight.detach()
        for _ in range(3):
            listed_thrice.step()
    assert torch.allclose(model.weight, weight)


def test_data_and_rates_part_ways_when_the_epoch_is_no_multiple_of_the_cycle() -> None:
    stage = replace(
        FIRST,
        steps=8,
        cycle=("still", "video", "video"),
        epoch=4,
        groups=(Group("all", lr=(1.0, 0.0)),),
    )
    kinds = [stage.kind(step) for step in range(8)]
    assert kinds == ["still", "video", "video", "still"] * 2
    rates = [stage.learning_rate(stage.groups[0], step) > 0 for step in range(8)]
    assert rates == [True, False, False, True, False, False, True, False]


def test_parameters_no_group_takes_stay_as_they_are() -> None:
    model = network()
    before = model[0].weight.clone()
    fit(model, Recipe((replace(FIRST, groups=(Group("head", r"3\."),)),)), PROGRAMMES)
    assert torch.equal(model[0].weight, before)
    assert not torch.equal(model[3].weight, network()[3].weight)


def _worker(rank: int, rendezvous: str, out: str) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2
    )
    model = network()
    fit(model, Recipe((replace(FIRST, frozen_norms=".*"),)), PROGRAMMES, seed=5)
    if rank == 0:
        torch.save(model.state_dict(), out)
    torch.distributed.destroy_process_group()


def test_two_processes_train_what_one_trains(tmp_path: Path) -> None:
    alone = network()
    fit(alone, Recipe((replace(FIRST, frozen_norms=".*"),)), PROGRAMMES, seed=5)
    out = tmp_path / "two.pt"
    torch.multiprocessing.spawn(_worker, (str(tmp_path / "meet"), str(out)), nprocs=2)
    together = torch.load(out, weights_only=True)
    for name, value in alone.state_dict().items():
        assert torch.allclose(value, together[name], atol=1e-5), name
