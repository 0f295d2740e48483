"""DPA's training: the copy between its stages, losses, full recipes, a run that can be killed."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scenes import noisy_data

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.nn import VGG16
from vosedu.nn.weights import read_state
from vosedu.papers.dpa.network import Config, build
from vosedu.papers.dpa.training import (
    VIDEO_LOSSES,
    VideoSamples,
    augmented,
    copy_appearance,
    initialised,
    paper_term,
    recipe,
    released_term,
    started,
    train,
)
from vosedu.training import Step, flow_start, start

QUICK = Config.paper().scaled("quick")


def test_the_appearance_branch_is_copied_into_both_branches() -> None:
    """Section 6: 276 entries under their own names, 186 to the motion branch, 126 stay random.

    Our network builds nothing that the release never runs: 4 entries of every OCR's `out` and
    `fc` (weights, biases, BatchNorm and its counter) are missing, so ours are counted with them.
    """
    config = replace(Config.released("IV"), width=1 / 16, prototypes=16, decoder=8)
    stills, model = build(config.stills()), build(config)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    copied = copy_appearance(stills, model)
    unused = 9  # of each OCR: fc (2), out (2) and its norm (5)
    assert copied.direct == 276 - 2 * unused
    assert copied.to_motion == 186 - 2 * unused
    assert copied.random == 126
    after, theirs = model.state_dict(), stills.state_dict()
    for name, value in theirs.items():
        assert torch.equal(after[name], value), name
    twin = "motion.encoder.features.0.weight"
    assert torch.equal(after[twin], theirs["appearance.encoder.features.0.weight"])
    untouched = [n for n in before if n not in theirs and n.startswith(("merge", "ifa", "fuse5"))]
    assert untouched
    assert all(torch.equal(before[name], after[name]) for name in untouched)


def test_released_and_paper_loss_by_hand() -> None:
    mask = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    half, sure = torch.full_like(mask, 0.5), mask.clone()
    # soft IoU of the half: 0.5 / (1 + 0.5); of the mask itself: 1
    assert released_term([half, sure], mask).item() == pytest.approx((2 / 3 + 0) / 2)
    assert paper_term([half, half], mask).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("form", ["paper", "released"])
def test_one_step_of_each_full_recipe_at_full_width(form: str) -> None:
    config = replace(Config.released("IV") if form == "released" else Config.paper(), size=(96, 96))
    small = {"steps": 1, "batch_size": 2, "size": (96, 96)}
    sides = {"sides": (64, 96)} if form == "released" else {}
    changes = {name: {**small, **sides} for name in ("stills", "video")}
    short = replace(recipe("full", form).change(**changes), initial="")
    model, history = train(config, short, data=noisy_data)
    assert [row["stage"] for row in history.rows] == ["stills", "video"]
    assert np.isfinite(history.column("loss")).all()
    assert all(value.isfinite().all() for value in model.state_dict().values())


@pytest.mark.parametrize("killed_at", [1, 2, 3])
def test_a_killed_run_resumes_bit_identically(tmp_path: Path, killed_at: int) -> None:
    whole, _ = train(QUICK, recipe("quick"), seed=1, data=noisy_data)

    class Killed(Exception):
        pass

    def kill(history) -> None:
        if len(history) == killed_at:
            raise Killed

    with pytest.raises(Killed):
        train(QUICK, recipe("quick"), seed=1, data=noisy_data, folder=tmp_path, on_step=kill)
    steps: list[str] = []
    resumed, history = train(
        QUICK,
        recipe("quick"),
        seed=1,
        data=noisy_data,
        folder=tmp_path,
        on_step=lambda history: steps.append(history.rows[-1]["stage"]),
    )
    assert len(history) == 4
    assert steps == (["video"] * 2 if killed_at >= 2 else ["stills"] * 2 + ["video"] * 2)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_a_run_from_other_initial_weights_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder once took a run from other initial weights for its own and returned its weights."""
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path))
    config, short = Config.paper().scaled("ablate"), recipe("ablate").change(steps=1, batch_size=2)
    train(config, short, data=noisy_data, folder=tmp_path)
    with pytest.raises(InputError, match="initial weights"):
        train(config, replace(short, initial=""), data=noisy_data, folder=tmp_path)


def test_the_stages_see_other_samples() -> None:
    """The number of the stage is part of a sample's seed: once it was 0 in both stages."""
    seen: dict[str, list[int]] = {"stills": [], "video": []}

    class Noting(list):
        def __init__(self, name: str) -> None:
            super().__init__(noisy_data(name) * 500)
            self.name = "stills" if "stills" in name else "video"

        def __getitem__(self, index):
            seen[self.name].append(index)
            return super().__getitem__(index)

    train(QUICK, recipe("quick"), data=Noting)
    assert len(seen["stills"]) == len(seen["video"]) == 4  # two steps of two
    assert seen["stills"] != seen["video"]


def test_stopping_after_the_stills_returns_the_video_network_with_the_copy() -> None:
    model, history = train(QUICK, recipe("quick"), data=noisy_data, until="stills")
    assert [row["stage"] for row in history.rows] == ["stills"] * 2
    state = model.state_dict()
    name = "encoder.features.0.weight"
    assert torch.equal(state[f"motion.{name}"], state[f"appearance.{name}"])
    assert model.config == QUICK and not model.training


def test_flow_pictures_enter_the_network_in_0_to_1_and_frames_normalised() -> None:
    """Section 5 of the reference: ImageNet's mean and deviation for frames, not for flow."""
    seen: dict[str, torch.Tensor] = {}

    class Noting(torch.nn.Module):
        needs_references = True

        def encode_reference(self, frame: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
            seen["reference"], seen["reference flow"] = frame, flow
            return frame

        def forward(self, frame, flow, references):
            seen["frame"], seen["flow"] = frame, flow
            return [frame.mean((1, 2, 3), keepdim=True).expand(-1, 1, 4, 4).sigmoid()] * 4

    white, black = torch.full((2, 3, 4, 4), 255.0), torch.zeros(2, 3, 4, 4)
    batch = {
        "side": torch.zeros(2, dtype=torch.int64),
        "frame": white,
        "flow": white,
        "mask": torch.ones(2, 1, 4, 4),
        "references": black[:, None],
        "reference_flows": white[:, None] / 5,
    }
    VIDEO_LOSSES["paper"](Noting(), batch, Step(0, "video", 0.0))
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    assert torch.allclose(seen["frame"][0, :, 0, 0], (1 - mean) / deviation)
    assert torch.allclose(seen["reference"][0, :, 0, 0], -mean / deviation)
    assert torch.allclose(seen["flow"], torch.ones(()))
    assert torch.allclose(seen["reference flow"], torch.tensor(0.2))


def test_snippets_are_drawn_from_the_whole_clip() -> None:
    """Grey level = frame number, so that a sample says which frames it holds."""
    frames = [np.full((32, 32, 3), 20 * i, np.uint8) for i in range(5)]
    labels = {i: np.ones((32, 32), np.uint8) for i in range(5)}
    clip = Clip("levels", frames, labels, [np.zeros((32, 32, 2), np.float32)] * 4)
    stage = replace(recipe("quick").stages[-1], size=(32, 32), references=1)

    class Plain(VideoSamples):
        def _frame(self, rng, clip, fields, index):
            level = torch.full((3, 32, 32), float(index))
            return level, level[:1], level

    draw = Plain(stage, [clip])
    pairs = set()
    for seed in range(300):
        snippet = draw(np.random.default_rng(seed), Step(0, "video", 0.0))
        pairs.add((snippet["frame"][0, 0, 0].item(), snippet["references"][0, 0, 0, 0].item()))
    assert pairs == {(float(a), float(b)) for a in range(5) for b in range(5)}


def test_variants_share_initial_weights_where_they_share_parts() -> None:
    one = initialised(build(QUICK), 7).state_dict()
    other = initialised(build(replace(QUICK, ima="none")), 7).state_dict()
    shared = [n for n in one if n in other and one[n].shape == other[n].shape]
    assert any(name.startswith("decoder.") for name in shared)
    assert all(torch.equal(one[name], other[name]) for name in shared)
    different = initialised(build(QUICK), 8).state_dict()
    name = "decoder.reduce.weight"
    assert not torch.equal(one[name], different[name])


def test_full_recipes_start_from_imagenet_encoders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path))
    with pytest.raises(InputError, match="vosedu weights get imagenet vgg16"):
        started(build(replace(QUICK, norm=False)), 0, recipe("full").initial)
    torchvision = {**VGG16(1 / 16).state_dict(), "classifier.0.bias": torch.zeros(2)}
    (tmp_path / "weights" / "imagenet").mkdir(parents=True)
    torch.save(torchvision, tmp_path / "weights" / "imagenet" / "vgg16-397923af.pth")
    first = "features.0.weight"
    for form, small in (("paper", False), ("released", True)):
        model = started(build(replace(QUICK, norm=False)), 0, recipe("full", form).initial)
        for branch in (model.appearance, model.motion):
            assert torch.equal(branch.encoder.state_dict()[first], torchvision[first])
        convolution = model.appearance.squeeze5
        assert (convolution.weight.std() < 0.02) == small
        assert bool((convolution.bias == 0).all()) == small


@pytest.mark.parametrize("ima", ["paper", "none", "without-prototypes"])
def test_ablations_train_what_lies_behind_the_encoders_of_the_common_start(
    ima: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path))
    config = replace(Config.paper(), ima=ima).scaled("ablate")
    untrained = started(build(config), 0, "common").state_dict()
    short = recipe("ablate").change(steps=2, batch_size=2)
    trained = train(config, short, data=noisy_data)[0].state_dict()
    for branch, file in (("appearance", start.checkpoint()), ("motion", flow_start.checkpoint())):
        stored = read_state(file)
        names = [name for name in trained if name.startswith(f"{branch}.encoder.")]
        assert names
        for name in names:
            theirs = stored[name.removeprefix(f"{branch}.")]
            assert torch.equal(trained[name], theirs.to(trained[name].dtype)), name
    for part in ("squeeze5", "neck", "merge4", "decoder", "ifa_motion"):
        names = [name for name in trained if f"{part}." in name and name.endswith("weight")]
        assert any(not torch.equal(trained[name], untrained[name]) for name in names), part


def test_augmentation_moves_image_mask_and_flow_together() -> None:
    square = np.zeros((64, 96), np.uint8)
    square[20:40, 30:60] = 1
    image = np.repeat(square[..., None] * 200, 3, axis=2)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        _, mask, picture = augmented(rng, image, square, image)
        assert mask.shape == picture.shape[:2]
        overlap = ((picture[..., 0] > 100) & (mask > 0)).sum() / max((mask > 0).sum(), 1)
        assert overlap > 0.95
