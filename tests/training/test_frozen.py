"""Frozen parts: not trained, computed once per picture, and the same losses as without keeping."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from scenes import noisy_data
from torch import nn

from vosedu.errors import InputError
from vosedu.papers.cosnet import training as cosnet
from vosedu.papers.cosnet.network import Config as CosnetConfig
from vosedu.papers.cosnet.network import Embedding
from vosedu.papers.dpa import training as dpa
from vosedu.papers.dpa.network import Config as DpaConfig
from vosedu.training import Batch, Recipe, Stage, Step, fit
from vosedu.training.frozen import KeptOutputs, frozen


@pytest.fixture(autouse=True)
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path))
    return tmp_path


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


noise = partial(noisy_data, size=(48, 80))


# A module on its own


class Two(nn.Module):
    """One output, or two as a tuple; counts the samples it computes."""

    def __init__(self, both: bool = False) -> None:
        super().__init__()
        self.layer, self.both, self.computed = nn.Conv2d(3, 4, 3), both, 0

    def forward(self, x: torch.Tensor, times: float = 1.0):
        self.computed += len(x)
        out = times * self.layer(x)
        return (out, out[:, :1, ::2]) if self.both else out


@pytest.mark.parametrize("both", [False, True])
def test_every_sample_is_computed_once(tmp_path: Path, both: bool) -> None:
    module, x = Two(both), torch.rand(5, 3, 8, 8)
    expected = module(x)
    module.computed = 0
    with torch.no_grad():
        kept = KeptOutputs(module, tmp_path)
        kept(x[[0, 1, 1]])
        assert module.computed == 2
        again = kept(x[[4, 1, 2, 3, 0]])
    assert module.computed == 5
    order = [4, 1, 2, 3, 0]
    if both:
        assert isinstance(again, tuple)
        assert all(torch.allclose(a, e[order], atol=1e-6) for a, e in zip(again, expected))
    else:
        assert torch.allclose(again, expected[order], atol=1e-6)


def test_weights_and_arguments_decide_what_is_read(tmp_path: Path) -> None:
    module, x = Two(), torch.rand(1, 3, 8, 8)
    once = KeptOutputs(module, tmp_path)(x)
    assert torch.allclose(KeptOutputs(module, tmp_path)(x, times=2.0), 2 * once)
    assert torch.allclose(KeptOutputs(module, tmp_path)(x), once)
    with torch.no_grad():
        module.layer.bias += 1
    assert torch.allclose(KeptOutputs(module, tmp_path)(x), once + 1, atol=1e-6)


def test_what_training_has_touched_is_computed_and_not_kept(tmp_path: Path) -> None:
    module, x = Two(), torch.rand(1, 3, 8, 8, requires_grad=True)
    KeptOutputs(module, tmp_path)(x).sum().backward()
    assert x.grad is not None and not files(tmp_path)


def test_a_damaged_file_is_computed_again(tmp_path: Path) -> None:
    module, x = Two(), torch.rand(1, 3, 8, 8)
    once = KeptOutputs(module, tmp_path)(x)
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-7])
    assert torch.equal(KeptOutputs(module, tmp_path)(x), once)
    assert module.computed == 2


def test_afterwards_the_network_is_as_it_was(tmp_path: Path) -> None:
    model = nn.Sequential(Two(), nn.Conv2d(4, 1, 1))
    with frozen(model, "0", tmp_path) as modules:
        assert modules == [model[0]]
        assert [p.requires_grad for p in model.parameters()] == [False, False, True, True]
        model(torch.rand(1, 3, 8, 8))
        assert list(model.state_dict()) == ["0.layer.weight", "0.layer.bias", "1.weight", "1.bias"]
    assert all(p.requires_grad for p in model.parameters())
    stored = files(tmp_path)
    model(torch.rand(1, 3, 8, 8))
    assert files(tmp_path) == stored


def test_a_part_that_is_not_there_is_named() -> None:
    with (
        pytest.raises(InputError, match="no part of the network is called 'neck'"),
        frozen(nn.Sequential(Two()), "neck", None),
    ):
        pass


# Stages


def cosnet_recipe(**changes) -> Recipe:
    """Eight steps of pairs in which co-attention and head learn and the embedding is frozen."""
    main = replace(
        cosnet.recipe("quick").stages[-1],
        steps=8,
        cycle=("video",),
        groups=(cosnet.Group("co-attention and head", "coattention|head", 2.0),),
        frozen="embedding",
        augmentation="mirror",
    )
    return Recipe((replace(main, **changes),))


def cosnet_run(recipe: Recipe, **options):
    config = CosnetConfig.paper().scaled("quick")
    return cosnet.train(config, recipe, seed=4, data=noise, **options)


def test_cosnet_with_a_kept_embedding_has_the_losses_of_a_computed_one(
    downloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, history = cosnet_run(cosnet_recipe())
    assert 0 < len(files(downloads / "frozen")) <= 2 * 4 * 2  # clips, frames, mirrored or not
    monkeypatch.setattr(cosnet.Samples, "repeats", False)
    computed, plain = cosnet_run(cosnet_recipe())
    np.testing.assert_allclose(history.column("loss"), plain.column("loss"), rtol=1e-5)
    for name, value in kept.state_dict().items():
        assert torch.allclose(value, computed.state_dict()[name], atol=1e-5), name
    everything = (cosnet.Group("all", "", 2.0),)
    _, free = cosnet_run(cosnet_recipe(frozen="", groups=everything))
    assert not np.allclose(free.column("loss")[1:], plain.column("loss")[1:], rtol=1e-5)


def test_a_frozen_part_stays_as_it_is_and_the_rest_learns() -> None:
    stopped, _ = cosnet_run(cosnet_recipe(lr=0.0))
    model, _ = cosnet_run(cosnet_recipe())
    before, after = stopped.state_dict(), model.state_dict()
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert not {name for name in changed if name.startswith(("embedding.", "side."))}
    assert any(name.startswith("head.") for name in changed)
    assert any(name.startswith("coattention.") for name in changed)


def test_another_run_on_the_same_embedding_computes_nothing_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    computed = []
    forward = Embedding.forward

    def counted(self, frames):
        computed.append(len(frames))
        return forward(self, frames)

    monkeypatch.setattr(Embedding, "forward", counted)
    cosnet_run(cosnet_recipe(steps=20))
    assert 0 < sum(computed) <= 16
    computed.clear()
    cosnet_run(cosnet_recipe(steps=20, lr=1e-3))
    assert not computed


def test_augmented_frames_do_not_come_again_and_nothing_is_kept(downloads: Path) -> None:
    cosnet_run(cosnet_recipe(augmentation="paper", steps=2))
    assert not files(downloads)


@pytest.mark.parametrize("killed_at", [3, 5])
def test_a_killed_run_with_a_frozen_part_resumes_bit_identically(
    tmp_path: Path, killed_at: int
) -> None:
    whole, _ = cosnet_run(cosnet_recipe())

    class Killed(Exception):
        pass

    def kill(history) -> None:
        if len(history) == killed_at:
            raise Killed

    with pytest.raises(Killed):
        cosnet_run(cosnet_recipe(), folder=tmp_path / "run", on_step=kill)
    resumed, _ = cosnet_run(cosnet_recipe(), folder=tmp_path / "run")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_dpa_with_kept_encoders_has_the_losses_of_computed_ones(
    downloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = replace(
        dpa.recipe("quick").stages[-1],
        steps=4,
        frozen=r"(appearance|motion)\.encoder",
        augmentation="mirror",
        lr=0.0,  # at this size two samples together or apart, a rounding, grow apart by 1e-3
    )
    config = DpaConfig.paper().scaled("quick")

    def losses() -> np.ndarray:
        return dpa.train(config, Recipe((video,)), seed=4, data=noise)[1].column("loss")

    kept = losses()
    assert files(downloads / "frozen")
    monkeypatch.setattr(dpa.VideoSamples, "repeats", False)
    np.testing.assert_allclose(kept, losses(), rtol=2e-5)


def test_a_later_stage_trains_what_an_earlier_one_froze() -> None:
    stage = Stage("first", "none", "none", steps=2, batch_size=2, size=(8, 8), lr=0.1, frozen="0")
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Conv2d(2, 1, 3))
    before = model[0].weight.clone()
    seen = []

    def sample(rng: np.random.Generator, step: Step) -> Batch:
        return {"x": torch.from_numpy(rng.random((3, 8, 8), np.float32))}

    def loss(model: nn.Module, batch: Batch, step: Step) -> dict[str, torch.Tensor]:
        seen.append(torch.equal(model[0].weight, before))
        return {"mean": model(batch["x"]).square().mean()}

    stages = Recipe((stage, replace(stage, name="second", frozen="")))
    fit(model, stages, lambda stage: (sample, loss))
    assert seen == [True, True, True, False]
