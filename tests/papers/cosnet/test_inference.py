"""COSNet on clips: references, fusions, streaming, equality with the released procedure, errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import Asked, noise

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.contract import FeatureStore
from vosedu.papers.cosnet import speed
from vosedu.papers.cosnet.inference import (
    Inference,
    embed_frames,
    reference_plan,
    segment,
    segment_released,
)
from vosedu.papers.cosnet.network import Config, COSNet, build
from vosedu.papers.speed import compare
from vosedu.record import record

QUICK = Config.paper().scaled("quick")


@pytest.fixture(scope="module")
def model() -> COSNet:
    return network(QUICK)


def network(config: Config) -> COSNet:
    torch.manual_seed(0)
    model = build(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "head" in name or "side" in name:
                parameter *= 5  # opinions, so that differences show
    return model


def probabilities(model: COSNet, clip: Clip, **fields) -> np.ndarray:
    results = list(segment(model, clip, inference=Inference(**fields)))
    assert [r.index for r in results] == list(range(len(clip)))
    return np.stack([r.probability for r in results])


# Which references


def test_uniform_references_are_evenly_spaced() -> None:
    assert reference_plan(100, Inference(references=5))[0] == (10, 30, 50, 70, 90)
    assert reference_plan(9, Inference(references=1))[0] == (4,)
    assert len(set(reference_plan(60, Inference()))) == 1


def test_random_references_are_one_draw_for_the_clip_unless_exact() -> None:
    pool = reference_plan(60, Inference(sampling="random"))
    assert len(set(pool)) == 1 and len(set(pool[0])) == 5
    assert pool != reference_plan(60, Inference(sampling="random", seed=1))
    exact = reference_plan(60, Inference.released())
    assert len(set(exact)) > 50
    assert all(len(set(refs)) == 5 for refs in exact)
    assert exact == reference_plan(60, Inference.released())


@pytest.mark.parametrize("exact", [False, True])
def test_random_references_come_from_the_whole_clip(exact: bool) -> None:
    """Each of 20 frames is drawn about as often as the others: 2,000 x 5 / 20 times a frame."""
    counts = np.zeros(20)
    for seed in range(100 if exact else 2000):
        inference = Inference(sampling="random", exact=exact, seed=seed)
        for refs in reference_plan(20, inference)[: 20 if exact else 1]:
            counts[list(refs)] += 1
    assert counts.sum() == 2000 * 5
    assert counts.min() > 400 and counts.max() < 600


def test_consecutive_references_are_the_nearest_frames_but_not_the_target() -> None:
    plan = reference_plan(10, Inference(references=4, sampling="consecutive"))
    assert plan[5] == (3, 4, 6, 7)
    assert plan[0] == (1, 2, 3, 4)
    assert plan[9] == (5, 6, 7, 8)
    assert reference_plan(10, Inference(references=1, sampling="consecutive"))[5] == (4,)


@pytest.mark.parametrize("sampling", ["uniform", "random", "consecutive"])
def test_short_clips_give_the_references_they_have(sampling: str) -> None:
    plan = reference_plan(3, Inference(references=5, sampling=sampling))
    assert {len(refs) for refs in plan} == {2 if sampling == "consecutive" else 3}
    assert all(len(set(refs)) == len(refs) for refs in plan)


# Equal to the released procedure, at a fraction of its work


@pytest.mark.parametrize("fusion", ["summary", "prediction"])
@pytest.mark.parametrize("sampling", ["uniform", "random", "exact", "consecutive"])
def test_equal_to_encoding_the_references_again_for_every_frame(
    model: COSNet, sampling: str, fusion: str
) -> None:
    inference = Inference(
        references=3,
        sampling="random" if sampling == "exact" else sampling,
        exact=sampling == "exact",
        fusion=fusion,
    )
    clip = noise(9)
    ours = np.stack([r.probability for r in segment(model, clip, inference=inference)])
    theirs = np.stack([r.probability for r in segment_released(model, clip, inference=inference)])
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    assert theirs.std() > 1e-3


def test_the_benchmark_agrees_and_reports() -> None:
    measured = compare(speed.RACE, "quick")
    assert measured["difference"] <= 1e-5
    assert measured["ratio"] == measured["seconds_released"] / measured["seconds_ours"]


@pytest.mark.parametrize("sampling", ["uniform", "random", "exact", "consecutive"])
def test_frames_are_decoded_once_in_two_forward_passes(model: COSNet, sampling: str) -> None:
    frames = Asked(noise(30).frames)
    inference = Inference(
        sampling="random" if sampling == "exact" else sampling, exact=sampling == "exact"
    )
    for _ in segment(model, Clip("counted", frames), inference=inference):
        pass
    assert sorted(frames.asked) == list(range(30))
    backwards = sum(b < a for a, b in zip(frames.asked, frames.asked[1:]))
    assert backwards <= 1


def test_results_stream_before_the_clip_has_been_read(model: COSNet) -> None:
    frames = Asked(noise(60).frames)
    stream = segment(model, Clip("long", frames), inference=Inference(references=2))
    next(stream)
    assert len(frames.asked) < 30


@pytest.mark.parametrize("sampling", ["uniform", "random", "consecutive"])
def test_memory_does_not_grow_with_the_clip(
    model: COSNet, sampling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of embeddings alive at any time is bounded by N and the batch."""
    import weakref

    from vosedu.papers.cosnet import inference as module

    alive: weakref.WeakSet = weakref.WeakSet()
    most = 0

    def counted(*arguments):
        embeddings = embed_frames(*arguments)
        alive.update(embeddings.values())
        nonlocal most
        most = max(most, len(alive))
        return embeddings

    monkeypatch.setattr(module, "embed_frames", counted)
    still = np.zeros((48, 80, 3), np.uint8)
    settings = Inference(references=3, sampling=sampling)
    for _ in segment(model, Clip("long", [still] * 120), inference=settings):
        pass
    assert most <= 2 * 3 + 3 * 8


# What the choices mean


def test_fusions_differ_with_several_references_and_agree_with_one(model: COSNet) -> None:
    clip = noise()
    one, other = (
        probabilities(model, clip, references=1, fusion=f) for f in ("summary", "prediction")
    )
    np.testing.assert_allclose(one, other, atol=1e-6)
    three, four = (
        probabilities(model, clip, references=3, fusion=f) for f in ("summary", "prediction")
    )
    assert np.abs(three - four).max() > 1e-6


def test_no_references_is_the_side_prediction_or_the_closed_gate(model: COSNet) -> None:
    clip = noise()
    side = probabilities(model, clip, references=0)
    closed = probabilities(model, clip, references=0, alone="zero")
    inference = Inference(references=0)
    v = torch.cat(list(embed_frames(model, clip, range(7), inference).values()))
    with torch.no_grad():
        expected_side = model.saliency(v, (48, 80)).sigmoid()
        expected_closed = model.segment(v, torch.zeros_like(v), (48, 80)).sigmoid()
    np.testing.assert_allclose(side, expected_side[:, 0].numpy(), atol=1e-5)
    np.testing.assert_allclose(closed, expected_closed[:, 0].numpy(), atol=1e-5)
    assert np.abs(side - closed).max() > 1e-3


def test_a_network_without_coattention_takes_its_head_whatever_n() -> None:
    alone = network(replace(QUICK, affinity="none"))
    clip = noise()
    zero = probabilities(alone, clip, references=0)
    np.testing.assert_array_equal(zero, probabilities(alone, clip, references=5))
    np.testing.assert_array_equal(zero, probabilities(alone, clip, references=0, alone="zero"))
    assert len(probabilities(alone, noise(1))) == 1


def test_references_change_the_prediction(model: COSNet) -> None:
    clip, other = noise(), noise(seed=1)
    swapped = Clip("swapped", [clip.frames[0], *other.frames[1:]])
    before, after = (probabilities(model, c, references=2)[0] for c in (clip, swapped))
    assert np.abs(before - after).max() > 1e-6


def test_flipping_makes_the_prediction_mirror_symmetric(model: COSNet) -> None:
    clip = noise()
    mirrored = Clip("mirrored", [np.ascontiguousarray(f[:, ::-1]) for f in clip.frames])
    flipped = probabilities(model, clip, flip=True)
    np.testing.assert_allclose(
        flipped, probabilities(model, mirrored, flip=True)[..., ::-1], atol=1e-5
    )
    assert np.abs(flipped - probabilities(model, clip)).max() > 1e-4


@pytest.mark.parametrize("size", [(50, 91), (48, 80), (31, 33)])
def test_probabilities_come_at_the_clips_own_size(model: COSNet, size: tuple[int, int]) -> None:
    found = probabilities(model, noise(3, size), references=2)
    assert found.shape == (3, *size)
    assert found.dtype == np.float32
    assert found.min() >= 0 and found.max() <= 1


def test_the_input_size_can_be_set(model: COSNet) -> None:
    with record(model, "embedding") as tape:
        probabilities(model, noise(2), references=1, size=(64, 64))
    assert tape["embedding"][0].shape[2:] == (8, 8)


@pytest.mark.parametrize("form", [Config.released("group"), Config.released("first")])
def test_released_forms_run_on_a_clip(form: Config) -> None:
    found = probabilities(network(form.scaled("quick")), noise(4), references=2)
    assert np.isfinite(found).all()


def test_per_reference_tensors_can_be_recorded(model: COSNet) -> None:
    with record(model, "coattention.attention", "head") as tape:
        probabilities(model, noise(2), references=2, fusion="prediction")
    assert [t.shape for t in tape["coattention.attention"]] == [(2, 60, 60)] * 2
    assert len(tape["head"]) == 2


def test_a_model_in_training_mode_predicts_in_evaluation_mode(model: COSNet) -> None:
    expected = probabilities(model, noise(3), references=2)
    model.train()
    np.testing.assert_array_equal(probabilities(model, noise(3), references=2), expected)
    assert not model.training


# Bad input


@pytest.mark.parametrize(
    ("clip", "fields", "words"),
    [
        (noise(1), {}, "has one frame"),
        (Clip("empty", []), {}, "has no frames"),
        (noise(3, (4, 80)), {}, "smaller than the network's stride"),
        (noise(3), {"size": (4, 80)}, "smaller than the network's stride"),
        (noise(3), {"references": -1}, "cannot use -1 references"),
        (noise(3), {"sampling": "best"}, "no sampling 'best'; choose one of uniform"),
        (noise(3), {"fusion": "best"}, "no fusion 'best'"),
        (noise(3), {"alone": "best"}, "no alone 'best'"),
        (
            Clip("mixed", [*noise(2).frames, *noise(1, (48, 64)).frames]),
            {"references": 2},
            "frame 2 of 'mixed' is 64 x 48",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_is_named_in_one_sentence(model: COSNet, clip, fields, words) -> None:
    with pytest.raises(InputError, match=words) as error:
        list(segment(model, clip, inference=Inference(**fields)))
    assert "\n" not in str(error.value)


def test_one_frame_is_enough_without_references(model: COSNet) -> None:
    assert probabilities(model, noise(1), references=0).shape == (1, 48, 80)


def test_weights_that_are_not_numbers_are_named() -> None:
    broken = network(QUICK)
    with torch.no_grad():
        broken.side.bias.fill_(float("nan"))
    with pytest.raises(InputError, match="not a number"):
        list(segment(broken, noise(2), inference=Inference(references=0)))


def test_a_store_embeds_every_frame_once_and_changes_nothing() -> None:
    torch.manual_seed(0)
    model = build(Config.paper().scaled("quick")).eval()
    rng = np.random.default_rng(0)
    clip = Clip("noise", list(rng.integers(0, 256, (6, 48, 80, 3), dtype=np.uint8)))
    plain = [r.probability for r in segment(model, clip, inference=Inference(references=2))]
    embedded = []
    hook = model.embedding.register_forward_hook(lambda _m, x, _y: embedded.append(len(x[0])))
    features = FeatureStore(model, clip)
    for references in (2, 1, 3):
        inference = Inference(references=references)
        results = list(segment(model, clip, inference=inference, features=features))
        if references == 2:
            assert all(np.array_equal(a, r.probability) for a, r in zip(plain, results))
    assert sum(embedded) == len(clip)
    list(segment(model, clip, inference=Inference(references=2)))
    hook.remove()
    assert sum(embedded) == 2 * len(clip)


def test_two_clips_of_one_name_do_not_share_features() -> None:
    """A store was once kept by the clip's name: the second clip got the first one's embeddings."""
    model, one, other = network(QUICK), noise(3), noise(3, seed=1)
    plain = probabilities(model, other, references=2)
    for clip in (one, other):
        features = FeatureStore(model, clip)
        results = segment(model, clip, inference=Inference(references=2), features=features)
        shared = [r.probability for r in results]
    assert np.array_equal(np.stack(shared), plain)


@pytest.mark.parametrize("sampling", ["uniform", "consecutive"])
def test_references_can_come_from_another_clip(model: COSNet, sampling: str) -> None:
    clip, other = noise(), noise(frames=5, seed=1)
    fields = {"references": 2, "sampling": sampling}
    own = probabilities(model, clip, **fields)
    same = probabilities(model, replace(clip, references=clip), **fields)
    assert np.allclose(same, own, atol=1e-6)
    foreign = probabilities(model, replace(clip, references=other), **fields)
    assert not np.allclose(foreign, own, atol=1e-6)
    alone = probabilities(model, replace(clip, references=other), references=0)
    assert np.allclose(alone, probabilities(model, clip, references=0), atol=1e-6)


def test_the_prior_of_the_balanced_loss_can_be_taken_back(model: COSNet) -> None:
    as_trained = probabilities(model, noise())
    corrected = probabilities(model, noise(), prior=0.1)
    shift = np.log(as_trained / (1 - as_trained)) - np.log(corrected / (1 - corrected))
    assert shift == pytest.approx(np.log(0.9 / 0.1), abs=1e-4)
    with pytest.raises(InputError, match="share of foreground"):
        probabilities(model, noise(), prior=0.0)
