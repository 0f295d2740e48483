"""The training loop: stages, resuming, repeated updates, averages, several processes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vosedu.errors import InputError
from vosedu.training import Batch, Group, History, Loss, Recipe, Sample, Stage, Step, fit


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 3))


def sample(rng: np.random.Generator, step: Step) -> Batch:
    x = torch.from_numpy(rng.standard_normal((3, 8, 8)).astype(np.float32))
    return {"x": x, "y": (x[:1, 2:-2, 2:-2] > 0).float()}


def loss(model: nn.Module, batch: Batch, step: Step) -> dict[str, torch.Tensor]:
    return {"squared": (model(batch["x"]) - batch["y"]).square().mean()}


def programme(stage: Stage) -> tuple[Sample, Loss]:
    return sample, loss


FIRST = Stage("first", "noise", "squared", steps=6, batch_size=4, size=(8, 8), lr=0.05)
SECOND = replace(FIRST, name="second", optimiser="adam", schedule="cosine", lr=0.01, ema=0.5)
RECIPE = Recipe((FIRST, SECOND))


class Killed(Exception):
    pass


def killer(at: int):
    """An `on_step` that stops a run after that many steps."""

    def kill(history: History) -> None:
        if len(history) == at:
            raise Killed

    return kill


def assert_equal(one: nn.Module, other: nn.Module) -> None:
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


# Stages and resuming


@pytest.mark.parametrize("killed_at", [1, 5, 6, 8, 11])
def test_a_killed_run_goes_on_from_its_last_save_bit_identically(
    tmp_path: Path, killed_at: int
) -> None:
    whole, history = fit(network(), RECIPE, programme, seed=3)
    again = {"seed": 3, "folder": tmp_path, "save_every": 2}
    with pytest.raises(Killed):
        fit(network(), RECIPE, programme, on_step=killer(killed_at), **again)
    lengths: list[int] = []
    resumed, story = fit(
        network(), RECIPE, programme, on_step=lambda history: lengths.append(len(history)), **again
    )
    assert story.rows == history.rows
    assert_equal(whole, resumed)
    saved = killed_at // 2 * 2
    assert lengths == list(range(saved + 1, 13)), "steps that were saved are not done again"


class Wide(nn.Module):
    """What the second stage of `test_a_stage_may_train_another_network` trains."""

    def __init__(self, narrow: nn.Module) -> None:
        super().__init__()
        self.narrow, self.last = narrow, nn.Conv2d(1, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.narrow(x))


@pytest.mark.parametrize("killed_at", [2, 4, 6, 7, 9, 12])
def test_a_stage_may_train_another_network(tmp_path: Path, killed_at: int) -> None:
    def convert(model: nn.Module, stage: Stage) -> nn.Module:
        return Wide(model) if stage.name == "second" else model

    options = {"convert": convert, "seed": 3}
    whole, history = fit(network(), RECIPE, programme, **options)
    assert isinstance(whole, Wide) and not whole.training
    with pytest.raises(Killed):
        fit(
            network(),
            RECIPE,
            programme,
            folder=tmp_path,
            save_every=2,
            on_step=killer(killed_at),
            **options,
        )
    resumed, story = fit(network(), RECIPE, programme, folder=tmp_path, **options)
    assert story.rows == history.rows
    assert_equal(whole, resumed)


def test_a_run_stops_after_the_stage_that_it_is_told(tmp_path: Path) -> None:
    _, history = fit(network(), RECIPE, programme, until="first", folder=tmp_path)
    assert [row["stage"] for row in history.rows] == ["first"] * 6
    _, history = fit(network(), RECIPE, programme, folder=tmp_path)
    assert [row["stage"] for row in history.rows] == ["first"] * 6 + ["second"] * 6
    with pytest.raises(InputError, match="gone past the stage 'first'"):
        fit(network(), RECIPE, programme, until="first", folder=tmp_path)
    with pytest.raises(InputError, match="no stage 'third'; it has first, second"):
        fit(network(), RECIPE, programme, until="third")


def test_a_state_of_another_run_is_refused(tmp_path: Path) -> None:
    fit(network(), RECIPE, programme, seed=0, folder=tmp_path)
    other = network()
    with torch.no_grad():
        other[0].bias += 1
    for model, recipe, seed in (
        (network(), RECIPE, 1),
        (network(), replace(RECIPE, initial="elsewhere"), 0),
        (other, RECIPE, 0),
    ):
        with pytest.raises(InputError, match="another recipe, network, seed or initial weights"):
            fit(model, recipe, programme, seed=seed, folder=tmp_path)


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    fit(network(), Recipe((FIRST,)), programme, folder=tmp_path)
    state = tmp_path / "state.pt"
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(InputError, match="cannot be read"):
        fit(network(), Recipe((FIRST,)), programme, folder=tmp_path)


def diverging(stage: Stage) -> tuple[Sample, Loss]:
    """The programme, with a loss that is infinite from the third step on."""

    def infinite(model: nn.Module, batch: Batch, step: Step) -> dict[str, torch.Tensor]:
        return {"squared": loss(model, batch, step)["squared"] * (1e39 if step.number > 1 else 1)}

    return sample, infinite


def test_training_does_not_go_on_from_nan_and_a_run_that_ended_in_it_is_returned(
    tmp_path: Path,
) -> None:
    recipe = Recipe((FIRST,))
    with pytest.raises(Killed):
        fit(network(), recipe, diverging, folder=tmp_path, save_every=2, on_step=killer(4))
    with pytest.raises(InputError, match="NaN or infinite values after 4 steps"):
        fit(network(), recipe, programme, folder=tmp_path)
    (tmp_path / "state.pt").unlink()
    fit(network(), recipe, diverging, folder=tmp_path)
    model, history = fit(network(), recipe, diverging, folder=tmp_path)
    assert len(history) == 6 and not model[0].weight.isfinite().all()
    fit(network(), RECIPE, diverging, folder=tmp_path / "two", until="first")
    fit(network(), RECIPE, diverging, folder=tmp_path / "two", until="first")
    with pytest.raises(InputError, match="NaN or infinite values after 6 steps"):
        fit(network(), RECIPE, diverging, folder=tmp_path / "two")


# Samples


def drawn(seed: int, workers: int = 0) -> list[torch.Tensor]:
    """The batches a run of both stages sees."""
    seen: list[torch.Tensor] = []

    def looking(model: nn.Module, batch: Batch, step: Step) -> dict[str, torch.Tensor]:
        seen.append(batch["x"])
        return loss(model, batch, step)

    fit(network(), RECIPE, lambda stage: (sample, looking), seed=seed, workers=workers)
    return seen


def test_samples_depend_on_seed_stage_step_and_their_number() -> None:
    batches = [*drawn(0), *drawn(1)]
    samples = torch.cat(batches).flatten(1)  # 2 seeds x 2 stages x 6 steps x 4
    assert len(samples.unique(dim=0)) == 2 * 2 * 6 * 4
    again = drawn(1)
    assert all(torch.equal(a, b) for a, b in zip(batches[12:], again))
    rng = np.random.default_rng([1, 1, 2, 3])  # seed, stage, step, number
    assert torch.equal(again[6 + 2][3], sample(rng, SECOND.step(2))["x"])


def test_workers_draw_the_same_samples() -> None:
    assert all(torch.equal(a, b) for a, b in zip(drawn(0), drawn(0, workers=2)))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_sample_that_cannot_be_drawn_is_named_in_one_sentence(workers: int) -> None:
    def broken(rng: np.random.Generator, step: Step) -> Batch:
        raise InputError("the clip has no labels; leave it out")

    with pytest.raises(InputError) as error:
        fit(network(), RECIPE, lambda stage: (broken, loss), workers=workers)
    assert str(error.value) == "the clip has no labels; leave it out"


def test_sample_and_loss_are_told_the_step() -> None:
    told: dict[str, list[Step]] = {"sample": [], "loss": []}

    def noting(rng: np.random.Generator, step: Step) -> Batch:
        told["sample"].append(step)
        return sample(rng, step)

    def looking(model: nn.Module, batch: Batch, step: Step) -> dict[str, torch.Tensor]:
        told["loss"].append(step)
        return loss(model, batch, step)

    stage = replace(FIRST, steps=4, batch_size=1, cycle=("still", "video"))
    fit(network(), Recipe((stage,)), lambda stage: (noting, looking))
    kinds = ("still", "video", "still", "video")
    assert told["loss"] == [Step(k, kind, k / 4) for k, kind in enumerate(kinds)]
    assert told["sample"] == told["loss"]


# Updates


class One(nn.Module):
    """A network of one number, 1 at first."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0]))
        self.register_buffer("steps", torch.zeros(1))


ONE = Stage(
    "main",
    "none",
    "none",
    steps=3,
    batch_size=1,
    size=(1, 1),
    lr=0.1,
    weight_decay=0.1,
    schedule="constant",
)


def fit_one(stage: Stage, slope: float = 1.0) -> tuple[One, list[float]]:
    """Minimise slope x weight^2; the trained network, and its weight after every step."""
    model, weights = One(), []

    def squared(model: One, batch: Batch, step: Step) -> dict[str, torch.Tensor]:
        model.steps += 1
        return {"square": slope * (model.weight * batch["x"]).square().sum()}

    fit(
        model,
        Recipe((stage,)),
        lambda stage: (lambda rng, step: {"x": torch.ones(1)}, squared),
        on_step=lambda history: weights.append(model.weight.item()),
    )
    return model, weights


def test_three_updates_are_what_a_parameter_listed_three_times_gets() -> None:
    weight = nn.Parameter(torch.tensor([1.0]))
    listed_thrice = torch.optim.SGD([weight], lr=0.1, momentum=0.9, weight_decay=0.1)
    model, _ = fit_one(replace(ONE, groups=(Group("all", updates=3),)))
    for _ in range(3):
        weight.grad = 2 * weight.detach()
        for _ in range(3):
            listed_thrice.step()
    assert torch.allclose(model.weight, weight)


def test_a_group_can_be_spared_weight_decay() -> None:
    still = replace(ONE, steps=1, momentum=0.0)
    decayed, _ = fit_one(still, slope=0.0)
    spared, _ = fit_one(replace(still, groups=(Group("all", weight_decay=0.0),)), slope=0.0)
    assert decayed.weight.item() == pytest.approx(1 - 0.1 * 0.1)
    assert spared.weight.item() == 1


def test_gradients_are_clipped_to_a_norm() -> None:
    plain = replace(ONE, steps=1, momentum=0.0, weight_decay=0.0)
    free, _ = fit_one(plain, slope=50.0)  # gradient 100
    clipped, _ = fit_one(replace(plain, clip_gradient=5.0), slope=50.0)
    assert free.weight.item() == pytest.approx(1 - 0.1 * 100)
    assert clipped.weight.item() == pytest.approx(1 - 0.1 * 5, rel=1e-5)


def test_the_moving_average_is_left_in_the_network_at_the_end() -> None:
    stage = replace(ONE, momentum=0.0, ema=0.25)
    model, weights = fit_one(stage)
    average = 1.0
    for update, weight in enumerate(weights, 1):
        decay = min(0.25, (1 + update) / (10 + update))  # 2/11, then 1/4
        average = decay * average + (1 - decay) * weight
    assert model.weight.item() == pytest.approx(average)
    assert model.weight.item() != pytest.approx(weights[-1])
    assert model.steps.item() == 3, "buffers are those of the trained network"


def test_parameters_no_group_takes_stay_as_they_are() -> None:
    model = network()
    before = model[0].weight.clone()
    fit(model, Recipe((replace(FIRST, groups=(Group("head", r"3\."),)),)), programme)
    assert torch.equal(model[0].weight, before)
    assert not torch.equal(model[3].weight, network()[3].weight)


# Several processes


def _worker(rank: int, rendezvous: str, out: str) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2
    )
    model = network()
    fit(model, Recipe((replace(FIRST, frozen_norms=".*"),)), programme, seed=5)
    if rank == 0:
        torch.save(model.state_dict(), out)
    torch.distributed.destroy_process_group()


def test_two_processes_train_what_one_trains(tmp_path: Path) -> None:
    alone = network()
    fit(alone, Recipe((replace(FIRST, frozen_norms=".*"),)), programme, seed=5)
    out = tmp_path / "two.pt"
    torch.multiprocessing.spawn(_worker, (str(tmp_path / "meet"), str(out)), nprocs=2)
    together = torch.load(out, weights_only=True)
    for name, value in alone.state_dict().items():
        assert torch.allclose(value, together[name], atol=1e-5), name
