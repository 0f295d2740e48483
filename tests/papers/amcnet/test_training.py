"""AMC-Net's training: its loss by hand, augmentation, full recipes, a run that can be killed."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scenes import noisy_data
from torch import nn

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.nn import ResNet, TinyEncoder
from vosedu.nn.weights import read_state
from vosedu.papers.amcnet.network import Config, Prediction, build
from vosedu.papers.amcnet.training import (
    AUGMENTATIONS,
    FrameSamples,
    cross_entropy,
    give_encoder,
    recipe,
    started,
    train,
)
from vosedu.training.flow_encoder import flow_encoder
from vosedu.training.start import checkpoint

QUICK = Config.paper().scaled("quick")

# Loss --------------------------------------------------------------------------------------------


class Constant(nn.Module):
    """Returns logits 0, five maps of one fixed probability each, and perhaps a second decoder."""

    def __init__(self, second: bool = False) -> None:
        super().__init__()
        self.second = second

    def forward(self, frame: torch.Tensor, flow: torch.Tensor) -> Prediction:
        maps = tuple(
            torch.full((1, 1, side, side), p)
            for side, p in ((1, 0.1), (1, 0.2), (2, 0.3), (4, 0.4), (4, 0.8))
        )
        second = torch.full((1, 1, 4, 4), math.log(3)) if self.second else None
        return Prediction(torch.zeros(1, 1, 4, 4), maps, second)


def batch() -> dict[str, torch.Tensor]:
    """The mask's upper left pixel alone, which every nearest resizing to 1 x 1 or 2 x 2 keeps."""
    mask = torch.zeros(1, 1, 4, 4)
    mask[0, 0, 0, 0] = 1
    return {"frame": torch.zeros(1, 3, 4, 4), "flow": torch.zeros(1, 3, 4, 4), "mask": mask}


def test_the_loss_by_hand() -> None:
    terms = cross_entropy(Constant(second=True), batch(), None)
    log = math.log
    expected = {
        "mask": log(2),
        "second": -(log(3 / 4) + 15 * log(1 / 4)) / 16,
        "attention 0": -log(0.1),
        "attention 1": -log(0.2),
        "attention 2": -(log(0.3) + 3 * log(0.7)) / 4,
        "attention 3": -(log(0.4) + 15 * log(0.6)) / 16,
        "attention 4": -(log(0.8) + 15 * log(0.2)) / 16,
    }
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-5)


def test_supervision_stops_after_so_many_maps_from_the_coarsest() -> None:
    for supervised in range(6):
        terms = cross_entropy(Constant(), batch(), None, supervised)
        assert list(terms) == ["mask", *(f"attention {i}" for i in range(supervised))]


def test_the_stage_says_how_many_maps_are_supervised() -> None:
    for supervised in (0, 2):
        short = recipe("quick").change(steps=1, supervised=supervised)
        _, history = train(QUICK, short, data=noisy_data)
        row = history.rows[0]
        names = [name for name in row if name.startswith("attention")]
        assert len(names) == supervised
        assert row["loss"] == pytest.approx(row["mask"] + sum(row[name] for name in names))


# Recipes -----------------------------------------------------------------------------------------


def test_biases_learn_twice_as_fast_as_released_and_are_not_decayed() -> None:
    stage = recipe("full", "released").stages[0]
    with torch.device("meta"):
        model = build(Config.released())
    dealt = {group.name: parameters for group, parameters in stage.parameters(model)}
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    assert {id(p) for p in dealt["biases"]} == {id(p) for p in biases}
    assert len(dealt["biases"]) + len(dealt["all others"]) == 878
    group = stage.groups[0]
    half = stage.steps // 2
    assert stage.learning_rate(group, 0) == pytest.approx(2e-3)
    assert stage.learning_rate(group, half) == pytest.approx(2e-3 * 0.5**0.9)
    assert group.weight_decay == 0
    assert (stage.optimiser, stage.momentum, stage.weight_decay) == ("sgd", 0.9, 5e-4)


@pytest.mark.parametrize("form", ["paper", "released"])
def test_one_step_of_each_full_recipe_at_full_width(form: str) -> None:
    config = Config.released() if form == "released" else Config.paper()
    small = recipe("full", form).change(steps=1, batch_size=2, size=(96, 96))
    model, history = train(
        replace(config, size=(96, 96)), replace(small, initial=""), data=noisy_data
    )
    assert len(history) == 1
    assert np.isfinite(history.column("loss")).all()
    assert all(value.isfinite().all() for value in model.state_dict().values())


def test_a_killed_run_resumes_bit_identically(tmp_path: Path) -> None:
    whole, _ = train(QUICK, recipe("quick"), seed=1, data=noisy_data)

    class Killed(Exception):
        pass

    def kill(history) -> None:
        if len(history) == 2:
            raise Killed

    halves = recipe("quick")
    with pytest.raises(Killed):
        train(QUICK, halves, seed=1, data=noisy_data, folder=tmp_path, on_step=kill)
    resumed, history = train(QUICK, halves, seed=1, data=noisy_data, folder=tmp_path)
    assert len(history) == 3
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_rows_share_initial_weights_where_they_share_parts() -> None:
    one = started(build(QUICK), 7, "").state_dict()
    row = replace(QUICK, gated=2, corrected=3, gate="open")
    other = started(build(row), 7, "").state_dict()
    shared = [n for n in one if n in other]
    assert {n.split(".")[0] for n in shared} >= {"appearance", "motion", "fusion", "decoder"}
    assert all(torch.equal(one[name], other[name]) for name in shared)
    assert not torch.equal(started(build(QUICK), 8, "").head.weight, one["head.weight"])


def test_ablations_begin_with_the_common_start_and_the_start_for_flow() -> None:
    config = Config.paper().scaled("ablate")
    model, _ = train(
        config, recipe("ablate").change(steps=1, lr=0.0, batch_size=2), data=noisy_data
    )
    common = read_state(checkpoint("tiny"))["encoder.stage4.1.conv2.weight"].float()
    flow = flow_encoder().stage4[1].conv2.weight
    assert torch.equal(model.appearance[4].conv2.weight, common)
    assert torch.equal(model.motion[4].conv2.weight, flow) and not torch.equal(flow, common)
    course = started(build(Config.paper().scaled("course")), 0, recipe("course").initial)
    assert torch.equal(course.motion[4].conv2.weight, common)


def test_both_encoders_start_from_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path))
    with pytest.raises(InputError, match="vosedu weights get imagenet resnet101"):
        started(build(replace(QUICK, encoder="resnet101")), 0, recipe("full").initial)
    with pytest.raises(InputError, match="no ImageNet weights for the encoder 'tiny'"):
        started(build(QUICK), 0, "imagenet")
    encoder = TinyEncoder()
    model = build(replace(QUICK, stem="prelu"))
    give_encoder(model, encoder)
    for stages in (model.appearance, model.motion):
        assert torch.equal(stages[0][0].weight, encoder.stage1[0].weight)
        assert torch.equal(stages[4].conv2.weight, encoder.stage4[1].conv2.weight)
    resnet = ResNet(18)
    model = build(replace(QUICK, encoder="resnet18"))
    give_encoder(model, resnet)
    assert torch.equal(model.motion[1][1].conv1.weight, resnet.layer1[0].conv1.weight)
    with pytest.raises(InputError, match="no initial weights 'magic'"):
        started(build(QUICK), 0, "magic")


# Samples -----------------------------------------------------------------------------------------


def square() -> tuple[np.ndarray, np.ndarray]:
    mask = np.zeros((64, 96), np.uint8)
    mask[20:40, 30:60] = 255
    return np.repeat(mask[..., None], 3, axis=2), mask


@pytest.mark.parametrize("form", AUGMENTATIONS)
def test_frame_mask_and_flow_picture_move_together(form: str) -> None:
    image, mask = square()
    areas = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        frame, moved, picture = AUGMENTATIONS[form](rng, image, mask, image)
        assert np.array_equal(frame, picture)
        union = ((frame[..., 0] > 127) | (moved > 127)).sum()
        assert ((frame[..., 0] > 127) & (moved > 127)).sum() / union > 0.9
        areas.append(moved.sum() / mask.sum())
    scaled = min(areas) < 0.8 and max(areas) > 1.2
    assert scaled == (form == "released")


def test_masks_become_soft_as_released_and_stay_hard_otherwise() -> None:
    image, mask = square()
    values = {
        form: np.unique(augment(np.random.default_rng(0), image, mask, image)[1])
        for form, augment in AUGMENTATIONS.items()
    }
    assert set(values["paper"]) == {0, 255}
    assert len(values["released"]) > 10


def test_samples_take_frames_with_an_object_and_the_flow_that_leaves_them() -> None:
    size = (48, 80)
    frames = [np.full((*size, 3), 40 * t, np.uint8) for t in range(4)]
    labels = {t: np.zeros(size, np.uint8) for t in range(4)}
    labels[2][10:30, 20:60] = 3
    labels[1][:] = 255  # void is no object
    flow = [np.zeros((*size, 2), np.float32) for _ in range(3)]
    flow[2][..., 0] = 5.0
    stage = recipe("quick").stages[0]
    draw = FrameSamples(stage, [Clip("one object", frames, labels, flow)])
    for seed in range(8):
        sample = draw(np.random.default_rng(seed), None)
        assert (sample["frame"][:, 24, 40] == 80).all()
        assert sample["mask"].max() == 1
        red, *_, blue = sample["flow"][:, 24, 40]
        assert red > 200 and blue < 50  # motion to the right is red
    with pytest.raises(InputError, match="have no object in their masks"):
        FrameSamples(stage, [Clip("bare", frames, {0: labels[0]}, flow)])(
            np.random.default_rng(0), None
        )


def test_batches_depend_on_the_seed() -> None:
    runs = [
        train(QUICK, recipe("quick"), seed=s, data=noisy_data)[1].column("loss") for s in (0, 0, 1)
    ]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])
