"""DPA on clips: references, binarising, streaming, equality with the released procedure, errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import Asked, noise

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.contract import FeatureStore
from vosedu.papers.dpa import speed
from vosedu.papers.dpa.inference import (
    DPAPictures,
    Inference,
    from_end_to_end,
    from_equal_parts,
    segment,
    segment_released,
)
from vosedu.papers.dpa.network import DPA, Config, build
from vosedu.papers.speed import compare, norms_of_one_pass

QUICK = Config.paper().scaled("quick")


def network(config: Config) -> DPA:
    torch.manual_seed(0)
    model = build(config)
    norms_of_one_pass(model)
    frame, flow = torch.randn(2, 8, 3, 48, 80)
    with torch.no_grad():
        model(frame, flow, [model.encode_reference(frame, flow)])
    return model.eval()


@pytest.fixture(scope="module")
def model() -> DPA:
    return network(QUICK)


def probabilities(model: DPA, clip: Clip, **fields) -> np.ndarray:
    results = list(segment(model, clip, inference=Inference(**fields)))
    assert [r.index for r in results] == list(range(len(clip)))
    return np.stack([r.probability for r in results])


def test_inferences_that_share_features_give_what_they_give_alone(
    model: DPA, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, other = noise(), replace(noise(), flow=list(noise(5).flow) + [noise(5).flow[0]] * 2)
    choices = [Inference(references=n) for n in (1, 3)] + [Inference(size=(32, 64))]
    alone = [[r.probability for r in segment(model, clip, inference=i)] for i in choices]
    encoded = []
    whole = DPA.features
    monkeypatch.setattr(DPA, "features", lambda *a: encoded.append(1) or whole(*a))
    features = FeatureStore(model, clip)
    for inference, expected in zip(choices, alone):
        results = segment(model, clip, inference=inference, features=features)
        assert all(np.array_equal(r.probability, p) for r, p in zip(results, expected))
    assert len(encoded) == 2 * len(clip)  # once for each size
    foreign = FeatureStore(model, replace(clip, references=other))
    shown = segment(model, foreign.clip, inference=choices[0], features=foreign)
    own = segment(model, foreign.clip, inference=choices[0])
    assert all(np.array_equal(a.probability, b.probability) for a, b in zip(shown, own))


# Which references


def test_references_of_the_paper_and_of_the_release() -> None:
    assert from_end_to_end(50, 4) == (0, 16, 32, 49)
    assert from_equal_parts(50, 4) == (0, 12, 24, 36)
    assert from_end_to_end(50, 1) == from_equal_parts(50, 1) == (0,)
    assert from_end_to_end(2, 4) == (0, 0, 0, 1)
    assert from_equal_parts(2, 4) == (0, 0, 0, 0)


# Equal to the released procedure, at a fraction of its work


@pytest.mark.parametrize("sampling", ["paper", "released"])
@pytest.mark.parametrize("variant", ["I", "III", "IV"])
def test_equal_to_encoding_the_references_again_for_every_frame(
    variant: str, sampling: str
) -> None:
    model = network(Config.released(variant).scaled("quick"))
    inference, clip = Inference(references=3, sampling=sampling), noise(9)
    ours = np.stack([r.probability for r in segment(model, clip, inference=inference)])
    theirs = np.stack([r.probability for r in segment_released(model, clip, inference=inference)])
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    assert theirs.std() > 1e-3


def test_equal_to_the_networks_own_forward(model: DPA) -> None:
    clip = noise(5)
    pictures = DPAPictures(model, clip, Inference())
    with torch.no_grad():
        references = [model.encode_reference(*pictures.batch([i])) for i in (0, 1, 2, 4)]
        expected = model(*pictures.batch([3]), references)[-1][0, 0].numpy()
    np.testing.assert_allclose(probabilities(model, clip)[3], expected, atol=1e-5)


def test_the_benchmark_agrees_and_reports() -> None:
    measured = compare(speed.RACE, "quick")
    assert measured["difference"] <= 1e-5
    assert measured["ratio"] == measured["seconds_released"] / measured["seconds_ours"]


@pytest.mark.parametrize("flow", [True, False], ids=["exact", "estimated"])
def test_two_passes_that_never_go_back(model: DPA, flow: bool) -> None:
    clip = noise(20, flow=flow)
    frames = Asked(clip.frames)
    for _ in segment(model, Clip("counted", frames, flow=clip.flow)):
        pass
    turns = [i for i, (a, b) in enumerate(zip(frames.asked, frames.asked[1:]), 1) if b <= a]
    assert len(turns) <= 1, "one backward step, between the passes"
    assert len(frames.asked) <= 20 + 2 * 4


def test_results_stream_before_the_clip_has_been_read(model: DPA) -> None:
    frames = Asked(noise(60, flow=False).frames)
    stream = segment(model, Clip("long", frames), inference=Inference(references=1))
    next(stream)
    assert max(frames.asked) < 5


# What the choices mean


def test_a_flat_map_stays_empty_unless_it_is_stretched(model: DPA) -> None:
    with torch.no_grad():
        bias = model.decoder.refine1.head.score.bias
        bias -= 8
    clip = noise(3)
    halves = list(segment(model, clip))
    stretched = list(segment(model, clip, inference=Inference.released()))
    with torch.no_grad():
        bias += 8
    assert all(r.mask.sum() == 0 for r in halves)
    assert all(r.mask.sum() > 0 for r in stretched)
    assert all(r.probability.min() == 0 and r.probability.max() > 0.9 for r in stretched)


def test_the_number_of_references_is_chosen_at_test_time(model: DPA) -> None:
    clip = noise()
    one, five = (probabilities(model, clip, references=n) for n in (1, 5))
    assert np.abs(one - five).max() > 1e-6


def test_results_have_the_clips_own_size(model: DPA) -> None:
    assert probabilities(model, noise(3, (50, 90))).shape == (3, 50, 90)
    assert probabilities(model, noise(3, (50, 90)), size=(64, 96)).shape == (3, 50, 90)


def test_the_last_frame_has_the_flow_that_ends_there(model: DPA) -> None:
    field = np.zeros((48, 80, 2), np.float32)
    field[10:20, 30:50] = (6, 0)
    clip = Clip("mover", noise(3).frames, flow=[field, field])
    pictures = DPAPictures(model, clip, Inference())
    moved = (pictures.flow(2) < 255).any(axis=2)
    assert moved[12:18, 38:50].all(), "the object has moved on by six pixels"
    assert not moved[:, :30].any() and not moved[:8].any()


# Bad input


def refused(model: DPA, clip: Clip, match: str, **fields) -> None:
    with pytest.raises(InputError, match=match):
        probabilities(model, clip, **fields)


@pytest.mark.parametrize("frames", [0, 1])
def test_too_short_clips(model: DPA, frames: int) -> None:
    clip = Clip("short", noise(2).frames[:frames])
    refused(model, clip, "'short' has")


def test_settings_that_do_not_exist(model: DPA) -> None:
    refused(model, noise(), "multiples of 16", size=(50, 80))
    refused(model, noise(), "no sampling 'random'", sampling="random")
    refused(model, noise(), "no binarise 'otsu'", binarise="otsu")
    refused(model, noise(), "0 references", references=0)
    refused(model, noise(flow=False), "no flow method", flow="magic")


def test_frames_and_flow_that_do_not_fit(model: DPA) -> None:
    clip = noise(4)
    mixed = [*clip.frames[:3], clip.frames[3][:40]]
    refused(model, Clip("mixed", mixed, flow=clip.flow), "frame 3 of 'mixed' is 80 x 40")
    refused(model, Clip("few", clip.frames, flow=clip.flow[:2]), "4 frames but 2 flow")
    small = [field[:40] for field in clip.flow]
    refused(model, Clip("small", clip.frames, flow=small), "flow of frame 1 of .small. has")


def test_numbers_that_are_none(model: DPA) -> None:
    clip = noise(4)
    clip.flow[1][3, 4] = np.nan
    refused(model, clip, "flow of frame 1 of 'noise'")
    broken = build(QUICK)
    with torch.no_grad():
        broken.decoder.reduce.weight.fill_(float("nan"))
    refused(broken, noise(), "output for frame 0")


def test_the_pretraining_network_segments_no_video() -> None:
    refused(build(QUICK.stills()), noise(), "StillDPA takes no flow")


def test_references_can_come_from_another_clip(model: DPA) -> None:
    clip, other = noise(), noise(frames=5, flow=False)
    own = probabilities(model, clip)
    assert np.allclose(probabilities(model, replace(clip, references=clip)), own, atol=1e-6)
    assert not np.allclose(probabilities(model, replace(clip, references=other)), own, atol=1e-6)
