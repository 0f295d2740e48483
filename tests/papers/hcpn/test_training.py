"""HCPN's training: contour targets, hard negatives, losses by hand, rates, full steps, resuming."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.nn import ResNet, TinyEncoder
from vosedu.nn.stream import Stream
from vosedu.papers.hcpn.network import Config, HCPNPrediction, build
from vosedu.papers.hcpn.training import (
    LOSSES,
    RATES,
    PairSamples,
    contour_of,
    cross_entropy,
    drawn_warp,
    hard_negatives_of,
    recipe,
    started,
    terms,
    to_stream,
    train,
)
from vosedu.training import Step
from vosedu.training.flow_encoder import flow_encoder
from vosedu.training.start import load_start

QUICK = Config.paper().scaled("quick")


def noise(name: str) -> list[Clip]:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (2, 4, 96, 96, 3), dtype=np.uint8)
    masks = np.zeros((2, 4, 96, 96), np.uint8)
    masks[..., 30:60, 20:70] = 1
    flow = list(rng.standard_normal((3, 96, 96, 2)).astype(np.float32))
    return [
        Clip(f"noise {i}", list(f), dict(enumerate(m)), flow)
        for i, (f, m) in enumerate(zip(frames, masks))
    ]


def by_definition(ids: np.ndarray, radius: int) -> np.ndarray:
    """A pixel is contour if any pixel within `radius` of it has another id."""
    height, width = ids.shape
    y, x = np.mgrid[:height, :width]
    found = np.zeros(ids.shape, np.uint8)
    for i in range(height):
        for j in range(width):
            near = (y - i) ** 2 + (x - j) ** 2 <= radius**2
            found[i, j] = (ids[near] != ids[i, j]).any()
    return found


def test_contours_by_definition() -> None:
    ids = np.zeros((24, 30), np.uint8)
    ids[5:15, 4:14], ids[8:20, 14:24] = 1, 2  # two objects that touch
    ids[0:3, 26:30] = 1  # one at the border
    expected = by_definition(ids, 2)
    assert np.array_equal(contour_of(ids), expected)
    assert expected[10, 12] and expected[10, 15], "the border between objects counts"
    assert not np.array_equal(expected, by_definition(ids, 1))


def test_hard_negatives_by_hand() -> None:
    mask, edges = np.zeros((40, 40), np.uint8), np.ones((40, 40), np.float32)
    mask[:20] = 1
    edges[35, 35] = 0.25
    expected = np.zeros((40, 40), np.float32)
    expected[33:38, 33:38] = 0.75  # dilated with 5 x 5; edges weigh least, as released
    np.testing.assert_allclose(hard_negatives_of(mask, edges), expected)
    edges[:] = 0
    assert hard_negatives_of(mask, edges)[:23].max() == 0, "near the object nothing is negative"
    assert hard_negatives_of(mask, edges)[27:].min() == 1


def test_loss_terms_by_hand() -> None:
    target = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    weights = torch.tensor([2.0, 1.0]).view(1, 1, 1, 2)
    even, sure = torch.zeros(1, 1, 1, 2), torch.tensor([3.0, 3.0]).view(1, 1, 1, 2)
    assert cross_entropy(even, target, weights).item() == pytest.approx(1.5 * math.log(2))
    right, wrong = math.log(1 + math.exp(-3)), math.log(1 + math.exp(3))
    expected = (2 * right + wrong) / 2
    assert cross_entropy(sure, target, weights).item() == pytest.approx(expected)
    both = {name: torch.stack([target, target], 1) for name in ("masks", "contours")}
    batch = {**both, "weights": torch.ones(1, 2, 1, 1, 2)}
    four = torch.cat([even] * 4, 1)
    found = terms(HCPNPrediction(even, four, sure, four), batch, contour_weight=0.5)
    assert found["mask"].item() == pytest.approx((math.log(2) + (right + wrong) / 2) / 2)
    assert found["contour"].item() == pytest.approx(0.5 * math.log(2))
    assert set(terms(HCPNPrediction(even, None, even, None), batch, 1.0)) == {"mask"}


def test_the_release_counts_contours_half() -> None:
    model = build(QUICK).eval()
    batch = {
        name: value[None]
        for name, value in PairSamples(_stage(), noise(""))(_rng(), _step()).items()
    }
    with torch.no_grad():
        paper, release = (LOSSES[form](model, batch, _step()) for form in ("paper", "released"))
    assert release["contour"].item() == pytest.approx(paper["contour"].item() / 2)
    assert release["mask"].item() == pytest.approx(paper["mask"].item())


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _step() -> Step:
    return Step(0, "video", 0.0)


def _stage(**changes) -> object:
    return replace(recipe("quick").stages[0], size=(96, 96), **changes)


def test_a_sample_warps_all_its_maps_alike() -> None:
    """Frames that show their own mask and a flow that does too: all still agree afterwards."""
    clip = noise("")[0]
    painted = [np.repeat(m[..., None] * 255, 3, 2).astype(np.uint8) for m in clip.labels.values()]
    for seed in range(4):
        sample = PairSamples(_stage(), [replace(clip, frames=painted)])(
            np.random.default_rng(seed), _step()
        )
        seen = sample["pictures"][:2].mean(1, keepdim=True) > 127
        assert (seen != sample["masks"].bool()).float().mean() < 0.02
        inside = sample["contours"].bool() & sample["masks"].bool()
        assert 0 < inside.sum() < sample["contours"].sum()


def test_a_warp_is_a_turn_about_the_centre() -> None:
    warps = [drawn_warp(np.random.default_rng(seed), (64, 96)) for seed in range(50)]
    centre = np.array([47.5, 31.5, 1])
    for warp in warps:
        np.testing.assert_allclose(warp.matrix @ centre, centre[:2], atol=1e-9)
        scale = np.hypot(warp.matrix[0, 0], warp.matrix[0, 1])
        assert 0.75 <= scale <= 1.25
        assert abs(np.degrees(np.arctan2(warp.matrix[0, 1], warp.matrix[0, 0]))) <= 10
    assert 10 < sum(warp.mirrored for warp in warps) < 40


def test_a_second_frame_without_labels_does_not_count() -> None:
    clip = noise("")[0]
    sample = PairSamples(_stage(), [replace(clip, labels={1: clip.labels[1]})])(_rng(), _step())
    assert sample["weights"][1].abs().max() == 0
    assert sample["weights"][0].max() == 2
    with pytest.raises(InputError, match="labelled frame"):
        PairSamples(_stage(), [replace(clip, labels={3: clip.labels[3]})])(_rng(), _step())


def test_hard_negatives_raise_the_weight_to_at_most_two() -> None:
    weights = PairSamples(_stage(hard_negatives=True), noise(""))(_rng(), _step())["weights"]
    inside = weights[weights > 0]  # what the warp brought in from outside weighs nothing
    assert 1 <= inside.min() < inside.max() <= 2


def test_the_decoder_learns_ten_times_as_fast() -> None:
    stage = recipe("full").stages[0]
    assert stage.groups == RATES
    with torch.device("meta"):
        model = build(Config.paper())
    (encoder, slow), (decoder, fast) = stage.parameters(model)
    bridges = sum(p.numel() for p in model.decoder.bridges.parameters())
    inside = sum(p.numel() for p in model.encoder.parameters())
    assert sum(p.numel() for p in slow) == inside + bridges
    assert (
        sum(p.numel() for p in fast)
        == sum(p.numel() for p in model.parameters()) - inside - bridges
    )
    assert stage.learning_rate(encoder, 0) == pytest.approx(1e-4)
    assert stage.learning_rate(decoder, 30_000) == pytest.approx(1e-3)
    assert stage.weight_decay == 1e-5
    assert recipe("full", "released").stages[0].weight_decay == 5e-4


@pytest.mark.parametrize("form", ["paper", "released"])
def test_one_step_of_each_full_recipe_at_full_width(form: str) -> None:
    config = replace(getattr(Config, form)(), size=(96, 96))
    small = {"steps": 1, "batch_size": 2, "size": (96, 96)}
    full = recipe("full", form).change(main=small)
    model, history = train(config, replace(full, stages=full.stages[1:], initial=""), data=noise)
    assert np.isfinite(history.column("loss")).all()
    assert all(value.isfinite().all() for value in model.state_dict().values())


@pytest.mark.parametrize("killed_at", [1, 3])
def test_a_killed_run_resumes_bit_identically(tmp_path: Path, killed_at: int) -> None:
    short = recipe("quick").change(steps=4)
    whole, _ = train(QUICK, short, seed=1, data=noise)

    class Killed(Exception):
        pass

    def kill(history) -> None:
        if len(history) == killed_at:
            raise Killed

    saving = {"seed": 1, "data": noise, "folder": tmp_path}
    with pytest.raises(Killed):
        train(QUICK, short, on_step=kill, **saving)
    resumed, history = train(QUICK, short, **saving)
    assert len(history) == 4
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_variants_share_their_initial_weights() -> None:
    full = started(build(QUICK), seed=3).state_dict()
    other = started(build(replace(QUICK, cascades=2, bridge="none")), seed=3).state_dict()
    shared = [name for name in other if name in full]
    assert len(shared) > 100
    assert all(torch.equal(full[name], other[name]) for name in shared)


def test_imagenet_s_names_fit_a_stream() -> None:
    with torch.device("meta"):
        model, theirs = build(Config.paper()), ResNet(101).state_dict()
    assert set(to_stream(theirs)) == set(model.encoder.image_a.state_dict())
    with pytest.raises(InputError, match="resnet101"):
        started(build(replace(Config.paper(), encoder="tiny", width=4)), 0, "imagenet")
    with pytest.raises(InputError, match="no start"):
        started(build(QUICK), 0, "saliency")


@pytest.mark.parametrize("variant", ["full", "two streams"])
def test_the_common_start_fills_every_stream_and_nothing_else(variant: str) -> None:
    config = Config.paper(variant).scaled("course")
    plain, begun = (started(build(config), 0, initial) for initial in ("", "common start"))
    start = TinyEncoder()
    load_start(start, "tiny", "encoder")
    streams = [part for part in begun.encoder.modules() if isinstance(part, Stream)]
    assert len(streams) == config.streams
    frames = torch.rand(1, 3, 32, 64)
    expected = start.eval()(frames)
    for stream in streams:
        x = stream.eval().stem(frames)
        for stage in stream.stages:
            x = stage(x)
        torch.testing.assert_close(x, expected[-1])
    inside = {f"encoder.{n}" for n, p in begun.encoder.named_parameters() if _of_a_stream(n)}
    differ = {
        name
        for (name, a), b in zip(begun.named_parameters(), plain.parameters())
        if not torch.equal(a, b)
    }
    assert differ == inside


@pytest.mark.parametrize("variant", ["full", "two streams"])
def test_in_the_tables_the_flow_stream_alone_starts_from_flow_pictures(variant: str) -> None:
    config = Config.paper(variant).scaled("ablate")
    common = started(build(config), 0, "common start")
    begun = started(build(config), 0, recipe("ablate").initial)
    differ = {
        name.split(".stem.")[0].split(".stages.")[0]
        for (name, a), b in zip(begun.named_parameters(), common.parameters())
        if not torch.equal(a, b)
    }
    (place,) = differ
    assert place.split(".")[-1] == "flow"
    stream, pictures = begun.get_submodule(place).eval(), torch.rand(1, 3, 64, 96)
    x = stream.stem(pictures)
    for stage in stream.stages:
        x = stage(x)
    torch.testing.assert_close(x, flow_encoder().eval()(pictures)[-1])


def _of_a_stream(name: str) -> bool:
    return any(part in name.split(".") for part in ("stem", "stages"))


def test_a_start_that_does_not_fit_is_named() -> None:
    with pytest.raises(InputError, match="no start 'imagenett'"):
        started(build(QUICK), 0, "imagenett")
    with pytest.raises(InputError):
        started(build(QUICK), 0, "common start")  # of another width
