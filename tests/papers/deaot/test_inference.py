"""Memory, new objects, many objects, views: the engine and the session over videos."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.deaot.inference import (
    Engine,
    Engines,
    Inference,
    Session,
    input_size,
    segment,
    to_size,
)
from vosedu.papers.deaot.inference.engine import merged
from vosedu.papers.deaot.network import Config, DeAOT, build, one_hot
from vosedu.papers.deaot.speed import memory_over

SIZE = (32, 48)


@cache
def network(variant: str = "deaot-s", objects: int = 10) -> DeAOT:
    torch.manual_seed(0)
    config = Config.paper(variant).scaled("quick")
    return build(replace(config, objects=objects)).eval()


def video(frames: int = 6, size: tuple[int, int] = SIZE) -> Clip:
    """Coarse noise that slides, with ids of a sliding 2 x 2 pattern."""
    draw = np.random.default_rng(0)
    height, width = size
    picture = draw.integers(0, 256, (height // 4, width, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    pictures = [picture[:, 2 * t : 2 * t + width] for t in range(frames)]
    ids = np.zeros(size, np.uint8)
    ids[4:14, 4:20], ids[16:30, 24:44] = 1, 2
    return Clip("texture", pictures, labels={0: ids})


def run(clip: Clip, inference: Inference | None = None, **options) -> np.ndarray:
    """The ids of all frames, T x H x W."""
    given = options.pop("given", dict(clip.labels))
    results = segment(network(**options), clip, given=given, inference=inference)
    return np.stack([result.labels for result in results])


def features(t: int) -> Tensor:
    torch.manual_seed(t)
    return network().encode(torch.randn(1, 3, *SIZE))


def some_ids() -> Tensor:
    return torch.from_numpy(video().labels[0].astype(np.int64))[None]


# The engine


@pytest.mark.parametrize(("gap", "expected"), [(None, [1] * 7), (2, [1, 1, 2, 2, 3, 3, 4])])
def test_long_term_memory_grows_by_the_gap(gap: int | None, expected: list[int]) -> None:
    engine = Engine(network(), gap)
    lengths = []
    with torch.inference_mode():
        engine.reference(features(0), some_ids(), 2)
        lengths.append(len(engine.kept))
        for t in range(1, 7):
            engine.propagate(features(t))
            engine.update(some_ids())
            lengths.append(len(engine.kept))
    assert lengths == expected
    assert engine.long[0].key.shape[1] == expected[-1] * 24


def test_the_newest_frame_stands_first_in_long_term_memory() -> None:
    engine = Engine(network(), gap=1)
    with torch.inference_mode():
        engine.reference(features(0), some_ids(), 2)
        engine.propagate(features(1))
        key = engine.passed.entries[0].key
        engine.update(some_ids())
    assert torch.equal(engine.long[0].key[:, :24], key)


def test_a_limit_keeps_references_and_the_newest_frames() -> None:
    limited, free = Engine(network(), gap=1, long_frames=3), Engine(network(), gap=1)
    keys = []
    with torch.inference_mode():
        for engine in (limited, free):
            engine.reference(features(0), some_ids(), 2)
            for t in range(1, 6):
                engine.propagate(features(t))
                engine.update(some_ids())
            keys.append(engine.long[0].key.unflatten(1, (-1, 24)))
    assert keys[0].shape[1] == 3 and keys[1].shape[1] == 6
    # the first module's keys come from the frame alone: frames 5, 4 and the reference
    assert torch.equal(keys[0], keys[1][:, [0, 1, 5]])


def test_short_term_memory_lies_skip_frames_back() -> None:
    engine = Engine(network(), gap=None, skip=2)
    seen = []
    with torch.inference_mode():
        engine.reference(features(0), some_ids(), 2)
        for t in range(1, 5):
            seen.append(engine.recent[0][0].key)
            engine.propagate(features(t))
            engine.update(some_ids())
        wanted = [network().layers[0] for _ in seen]
        keys = []
        for t, layer in enumerate(wanted):
            x = features(t).x.flatten(2).mT
            keys.append(layer.matching(layer.norm(x), None))
    for k, t in enumerate((0, 0, 1, 2)):  # what frames 1, 2, 3, 4 read
        torch.testing.assert_close(seen[k], keys[t])


def test_objects_are_shared_out_over_engines() -> None:
    """Three objects, two identities: the third object is the second engine's first."""
    small = network(objects=2)
    torch.manual_seed(0)
    ids = torch.randint(0, 4, (1, *SIZE))
    ids[0, 0, 0] = 255
    engines, own = Engines(small, None), Engine(small, None)
    with torch.inference_mode():
        frame = small.encode(torch.randn(1, 3, *SIZE))
        engines.reference(frame, ids, 3)
        third = torch.where(ids == 3, 1, 0)
        third[0, 0, 0] = 255
        own.reference(frame, third, 1)
        assert [engine.objects for engine in engines.each] == [2, 1]
        torch.testing.assert_close(engines.each[1].logits(), own.logits())
        assert engines.logits().shape[1] == 5


def test_merged_backgrounds_multiply() -> None:
    torch.manual_seed(0)
    logits = [torch.randn(1, 3, 2, 2) for _ in range(2)]
    p, q = (each.softmax(1) for each in logits)
    expected = torch.cat([p[:, :1] * q[:, :1], p[:, 1:], q[:, 1:]], 1)
    torch.testing.assert_close(merged(logits).sigmoid(), expected)
    assert merged(logits[:1]) is logits[0]


# Sizes


@pytest.mark.parametrize(
    ("size", "aligned", "plain"),
    [
        ((480, 854), (481, 849), (480, 848)),
        ((480, 910), (481, 913), (480, 912)),
        ((720, 1280), (577, 1041), (592, 1040)),
        ((1080, 1920), (577, 1041), (592, 1040)),
        ((360, 480), (353, 481), (352, 480)),
        ((10, 40), (17, 33), (16, 32)),
    ],
)
def test_input_sizes_as_released(size: tuple, aligned: tuple, plain: tuple) -> None:
    assert input_size(size, 16, True) == aligned
    assert input_size(size, 16, False) == plain


def test_ids_are_resized_in_float32_arithmetic() -> None:
    """150 -> 145 rows: float64 takes another row where the ratio meets a whole number."""
    ids = torch.arange(150).view(1, 150, 1)
    ratio = np.float32(150) / np.float32(145)
    expected = np.floor(np.arange(145, dtype=np.float32) * ratio).astype(int)
    assert to_size(ids, (145, 1)).flatten().tolist() == expected.tolist()
    assert expected.tolist() != [int(y * 150 / 145) for y in range(145)]


# The session


def test_ids_come_back_under_their_own_names() -> None:
    clip = video()
    renamed = {0: np.array([0, 7, 3], np.uint8)[clip.labels[0]]}
    plain, named = run(clip), run(clip, given=renamed)
    assert set(np.unique(named)) <= {0, 3, 7} and len(np.unique(named)) > 1
    # numbers follow the rising order of ids, so objects 3 and 7 are the network's first two
    swapped = run(clip, given={0: np.array([0, 2, 1], np.uint8)[clip.labels[0]]})
    assert np.array_equal(np.array([0, 3, 7])[swapped], named)
    assert plain.shape == named.shape


def test_a_new_object_appears_where_it_is_given_and_stays_known() -> None:
    clip = video()
    late = np.zeros(SIZE, np.uint8)
    late[20:28, 4:12] = 9
    out = run(clip, given={0: clip.labels[0], 3: late})
    assert (out[3][late == 9] == 9).all()
    assert not (out[:3] == 9).any()
    before = run(clip)
    assert np.array_equal(out[:3], before[:3])  # the past does not change
    assert np.array_equal(out[3][late == 0], before[3][late == 0])


def test_objects_beyond_the_bank_need_no_other_network() -> None:
    clip = video()
    many = (np.arange(SIZE[1]) // 4 + 1 + 0 * np.arange(SIZE[0])[:, None]).astype(np.uint8)
    out = run(clip, given={0: many})
    assert np.array_equal(out[0], many) and out[0].max() == 12
    assert out[1:].max() > 0


def test_void_is_unknown_and_never_predicted() -> None:
    clip = video()
    given = clip.labels[0].copy()
    given[:3] = 255
    out = run(clip, given={0: given})
    assert out.max() <= 2 and (out[0][:3] == 0).all()
    assert not np.array_equal(out[1:], run(clip)[1:])  # not the same as background


def test_views_are_averaged_and_keep_their_own_memory() -> None:
    clip = video()
    session = Session(network(), Inference(flip=True, scales=(1.0, 1.5)))
    session.start(clip.frames[0], clip.labels[0])
    session.step(clip.frames[1])
    assert [view.flip for view in session.views] == [False, True, False, True]
    assert [view.size for view in session.views] == [(32, 48)] * 2 + [(48, 72)] * 2
    keys = [engines.each[0].long[0].key for engines in session.engines]
    assert not torch.equal(keys[0], keys[1])
    alone = Session(network())
    alone.start(clip.frames[0], clip.labels[0])
    alone.step(clip.frames[1])
    assert not torch.allclose(alone.probabilities, session.probabilities)


def test_flipping_the_video_flips_the_masks_under_flip_averaging() -> None:
    clip = video(3)
    mirrored = Clip(
        "mirrored",
        [frame[:, ::-1].copy() for frame in clip.frames],
        labels={0: clip.labels[0][:, ::-1].copy()},
    )
    both = Inference(flip=True)
    assert (run(mirrored, both)[..., ::-1] == run(clip, both)).mean() > 0.999


def test_a_correction_becomes_a_reference() -> None:
    clip = video()
    session = Session(network())
    session.start(clip.frames[0], clip.labels[0])
    session.step(clip.frames[1])
    frames = session.memory_frames
    ids = np.zeros(SIZE, np.uint8)
    ids[8:24, 8:24] = 1
    assert np.array_equal(session.correct(ids), ids)
    assert session.memory_frames == frames + 1
    later = session.step(clip.frames[2])
    plain = run(clip)
    assert not np.array_equal(later, plain[2])


def test_memory_is_constant_with_a_limit_and_grows_without() -> None:
    clip = video(24)
    used = {}
    for limit in (None, 3):
        session = Session(network(), Inference(gap=1, long_frames=limit))
        session.start(clip.frames[0], clip.labels[0])
        used[limit] = []
        for frame in list(clip.frames)[1:]:
            session.step(frame)
            used[limit].append(session.memory_bytes)
    assert len(set(used[3][2:])) == 1
    assert used[None][-1] > 4 * used[3][-1]


def test_frames_before_the_first_mask_are_background() -> None:
    clip = video()
    out = run(clip, given={2: clip.labels[0]})
    assert not out[:2].any() and np.array_equal(out[2], clip.labels[0])


def test_gap_0_is_never_and_none_the_network_s_own() -> None:
    clip = video(8)
    for variant, gap, expected in (("deaot-s", 3, 3), ("deaot-l", 0, 1), ("deaot-l", None, 2)):
        session = Session(network(variant), Inference(gap=gap))
        session.start(clip.frames[0], clip.labels[0])
        for frame in clip.frames[1:]:
            session.step(frame)
        assert session.memory_frames == expected, variant


def test_the_memory_of_another_video_is_another_memory() -> None:
    clip = video()
    frames = [255 - frame for frame in clip.frames]
    other = Clip("other", frames, {0: np.ascontiguousarray(clip.labels[0][:, ::-1])})
    stranger = run(replace(clip, references=other), given=dict(clip.labels))
    assert np.array_equal(stranger[0], other.labels[0])
    assert not np.array_equal(stranger[1:], run(clip)[1:])


# What cannot be used


def test_bad_input_is_one_clear_sentence() -> None:
    clip = video()
    ids = clip.labels[0]
    model = network()
    with pytest.raises(InputError, match="--first-mask"):
        segment(model, clip)
    with pytest.raises(InputError, match="frame 9 of 'texture', which has 6"):
        segment(model, clip, given={9: ids})
    with pytest.raises(InputError, match="marks no object"):
        list(segment(model, clip, given={0: np.zeros_like(ids)}))
    with pytest.raises(InputError, match="does not fit frames of 32 x 48"):
        list(segment(model, clip, given={0: ids[:-1]}))
    mixed = Clip("mixed", [clip.frames[0], clip.frames[1][:-2]])
    with pytest.raises(InputError, match="one size"):
        list(segment(model, mixed, given={0: ids}))
    tiny = Clip("tiny", [np.zeros((4, 48, 3), np.uint8)] * 2)
    with pytest.raises(InputError, match="smaller than the network's stride"):
        list(segment(model, tiny, given={0: np.ones((4, 48), np.uint8)}))
    with pytest.raises(InputError, match="skip=0"):
        Inference(skip=0)


def test_one_frame_is_its_own_mask() -> None:
    clip = video(1)
    assert np.array_equal(run(clip)[0], clip.labels[0])


def test_a_diverged_network_is_named() -> None:
    torch.manual_seed(0)
    broken = build(Config.paper("deaot-t").scaled("quick"))
    broken.decoder.out.bias.data.fill_(float("nan"))
    clip = video(2)
    with pytest.raises(InputError, match="not a number"):
        list(segment(broken, clip, given={0: clip.labels[0]}))


def test_given_ids_are_what_memory_holds() -> None:
    """The identity in memory is that of the given mask at the network's size."""
    model = network()
    clip = video()
    session = Session(model)
    session.start(clip.frames[0], clip.labels[0])
    ids = torch.from_numpy(clip.labels[0].astype(np.int64))[None]
    with torch.inference_mode():
        identity = model.identify(one_hot(ids, 10))
        entry = session.engines[0].each[0].passed.entries[0]
        expected = model.layers[0].remember(entry, identity)
    assert torch.equal(session.engines[0].each[0].long[0].value, expected.value)


def test_a_cap_keeps_memory_as_it_was_and_without_one_it_grows() -> None:
    early, late = memory_over(30, 3, early=15, profile="quick")
    assert late == early
    early, late = memory_over(30, None, early=15, profile="quick")
    assert late > 1.5 * early
