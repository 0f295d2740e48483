"""COSNet's training: losses by hand, the full recipes at full width, a run that can be killed."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scenes import noisy_data

from vosedu import toyvos
from vosedu.clip import Clip
from vosedu.nn import read_state
from vosedu.papers.cosnet import PAPER
from vosedu.papers.cosnet.network import Config, build
from vosedu.papers.cosnet.training import (
    Samples,
    paper_loss,
    recipe,
    released_loss,
    stretched_crop,
    train,
)
from vosedu.training import Step
from vosedu.training.start import checkpoint

QUICK = Config.paper().scaled("quick")
STILL, VIDEO = Step(0, "still", 0.0), Step(0, "video", 0.0)


class Constant(torch.nn.Module):
    """Stands where a COSNet stands and predicts a half everywhere."""

    class coattention:
        @staticmethod
        def penalty() -> torch.Tensor:
            return torch.tensor(3.0)

    def normalise(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def saliency(self, v: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        return v.new_zeros(len(v), 1, *size)

    def forward(self, a: torch.Tensor, b: torch.Tensor):
        from vosedu.papers.cosnet.network import COSNetPrediction

        half = self.saliency(a, a.shape[-2:])
        return COSNetPrediction(half, half, half, half)


def batch() -> dict[str, torch.Tensor]:
    """Two samples of four pixels, one of the four foreground."""
    mask = torch.tensor([1.0, 0.0, 0.0, 0.0]).view(1, 1, 2, 2).repeat(2, 1, 1, 1)
    frames = torch.zeros(2, 3, 2, 2)
    return {"a": frames, "b": frames, "mask_a": mask, "mask_b": mask}


def test_paper_loss_by_hand() -> None:
    # eta = 1/4: -(3/4 log 1/2 + 3 * 1/4 log 1/2) / 4 = 3/8 log 2
    expected = 1.5 * math.log(2) / 4
    terms = paper_loss(Constant(), batch(), VIDEO)
    assert terms["a"].item() == pytest.approx(expected, rel=1e-5)
    assert terms["b"].item() == pytest.approx(expected, rel=1e-5)
    assert terms["penalty"].item() == pytest.approx(3e-4)  # lambda = 1e-4 of section 3.3
    assert paper_loss(Constant(), batch(), STILL)["side"].item() == pytest.approx(
        expected, rel=1e-5
    )


def test_released_loss_by_hand() -> None:
    # p = 1/4: log 2 / p + 0.8 * |1/2|
    expected = 4 * math.log(2) + 0.4
    terms = released_loss(Constant(), batch(), VIDEO)
    assert terms["a"].item() == pytest.approx(expected, rel=1e-5)
    assert set(terms) == {"a", "b"}
    still = released_loss(Constant(), batch(), STILL)["side"]
    assert still.item() == pytest.approx(0.1 * expected, rel=1e-5)


def test_released_loss_of_a_batch_without_foreground_is_finite() -> None:
    empty = {**batch(), "mask_a": torch.zeros(2, 1, 2, 2), "mask_b": torch.zeros(2, 1, 2, 2)}
    assert all(term.isfinite() for term in released_loss(Constant(), empty, VIDEO).values())


def test_symmetric_penalty_vanishes_for_an_orthogonal_matrix_only() -> None:
    model = build(replace(QUICK, affinity="symmetric"))
    weight = model.coattention.affinity.w.weight
    with torch.no_grad():
        weight.copy_(torch.linalg.qr(torch.randn_like(weight))[0])
    assert model.coattention.penalty().item() == pytest.approx(0, abs=1e-5)
    with torch.no_grad():
        weight.mul_(2)  # W W^T - I = 3 I, whose Frobenius norm is 3 sqrt(C)
    assert model.coattention.penalty().item() == pytest.approx(3 * len(weight) ** 0.5, rel=1e-4)
    assert build(replace(QUICK, affinity="vanilla")).coattention.penalty().item() == 0


@pytest.mark.parametrize("form", ["paper", "released"])
def test_one_step_of_each_full_recipe_at_full_width(form: str) -> None:
    config = replace(getattr(Config, form)(), size=(96, 96))
    stages = recipe("full", form).stages
    small = {
        stage.name: {"steps": 1, "batch_size": 2, "size": (96, 96), "cycle": stage.cycle[-1:]}
        for stage in stages
    }
    for stage in stages:  # a stage without its still steps has one rate per group left
        if stage.cycle[0] != stage.cycle[-1]:
            groups = tuple(
                replace(g, lr=g.lr[-1] if isinstance(g.lr, tuple) else g.lr) for g in stage.groups
            )
            small[stage.name]["groups"] = groups
    short = replace(recipe("full", form).change(**small), initial="")
    model, history = train(config, short, data=noisy_data)
    assert len(history) == len(stages)
    assert np.isfinite(history.column("loss")).all()
    assert all(value.isfinite().all() for value in model.state_dict().values())


def test_the_release_updates_its_parameters_as_often_as_it_lists_them() -> None:
    """Stem and side once, ASPP twice, layers three times, their shortcuts four times: 962."""
    model = build(Config.released())
    stage = recipe("full", "released").stages[0]
    listed = {
        group.name: len(taken) * group.updates
        for group, taken in stage.parameters(model)
        if group.name not in {"co-attention and head", "frozen"}
    }
    assert sum(listed.values()) == 962


def test_a_killed_run_resumes_bit_identically(tmp_path: Path) -> None:
    short = recipe("quick")
    whole, _ = train(QUICK, short, seed=1, data=noisy_data)

    class Killed(Exception):
        pass

    def kill(history) -> None:
        if len(history) == 4:
            raise Killed

    with pytest.raises(Killed):
        train(QUICK, short, seed=1, data=noisy_data, folder=tmp_path, on_step=kill)
    resumed, history = train(QUICK, short, seed=1, data=noisy_data, folder=tmp_path)
    assert len(history) == 6
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


@pytest.mark.parametrize(
    "change",
    [
        {"affinity": "none"},
        {"affinity": "channelwise"},
        {"softmax": "double"},
        {"head": "separate"},
    ],
    ids=str,
)
def test_variants_share_initial_weights_where_they_share_parts(change: dict[str, str]) -> None:
    torch.manual_seed(7)
    one = build(QUICK).state_dict()
    torch.manual_seed(7)
    other = build(replace(QUICK, **change)).state_dict()
    shared = [n for n in one if n in other and one[n].shape == other[n].shape]
    assert any(name.startswith("embedding.") for name in shared)
    assert all(torch.equal(one[name], other[name]) for name in shared)


def test_pairs_are_drawn_from_the_whole_clip() -> None:
    """Grey level = frame number, so that a sample says which frames it holds."""
    frames = [np.full((8, 8, 3), 10 * i, np.uint8) for i in range(6)]
    clip = Clip("levels", frames, {i: np.ones((8, 8), np.uint8) for i in range(6)})
    stage = replace(recipe("quick").stages[-1], size=(8, 8))
    draw = Samples(stage, QUICK, [clip], [])
    pairs = set()
    for seed in range(300):
        pair = draw(np.random.default_rng(seed), VIDEO)
        pairs.add((pair["a"][0, 0, 0].item(), pair["b"][0, 0, 0].item()))
    assert pairs == {(10.0 * a, 10.0 * b) for a in range(6) for b in range(6) if a != b}


def test_group_network_trains_on_two_references() -> None:
    config = Config.released("group").scaled("quick")
    _, history = train(config, recipe("quick", "released"), data=noisy_data)
    assert np.isfinite(history.column("loss")).all()


def test_released_augmentation_stretches_contrast() -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(100, 150, (50, 50, 3), dtype=np.uint8)
    image, mask = stretched_crop(rng, grey, np.ones((50, 50), np.uint8))
    assert image.min() == 0 and image.max() == 255
    assert image.shape[:2] == mask.shape


def test_every_profile_has_a_recipe() -> None:
    for profile in ("quick", "ablate", "course", "full"):
        assert all(stage.steps > 0 for stage in PAPER.recipe(profile).stages)


@pytest.mark.parametrize("affinity", ["symmetric", "channelwise", "none"])
def test_ablations_train_head_and_coattention_on_the_common_start(
    affinity: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path))
    clips = toyvos.split("train", "passers-by")[:2]
    config = Config.paper(affinity).scaled("ablate")
    short = recipe("ablate").change(steps=2, batch_size=2)
    model, history = train(config, short, data=lambda name: clips)
    start = read_state(checkpoint())
    for name, value in model.embedding.state_dict().items():
        assert torch.equal(value, start[name].to(value.dtype)), name
    torch.manual_seed(0)
    untrained = build(config)
    for part in ("coattention", "head"):
        before, after = (dict(getattr(m, part).named_parameters()) for m in (untrained, model))
        changed = any(not torch.equal(before[name], after[name]) for name in before)
        assert changed == bool(before)
    assert len(history) == 2 and set(history.rows[0]) >= {"a", "b", "penalty"}
