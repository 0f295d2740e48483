"""Which frames count, how 255 is read, what is averaged, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from vosedu import Clip, InputError, metrics

SIZE = (24, 32)


def blob(left: int, number: int = 1, top: int = 4) -> np.ndarray:
    """H x W ids with one 10 x 8 rectangle."""
    ids = np.zeros(SIZE, np.uint8)
    ids[top : top + 10, left : left + 8] = number
    return ids


def clip(name: str = "walk", frames: int = 6, labels=None, **more) -> Clip:
    if labels is None:
        labels = {t: blob(t) for t in range(frames)}
    return Clip(name, frames=np.zeros((frames, *SIZE, 3), np.uint8), labels=labels, **more)


def perfect(of: Clip) -> dict[int, np.ndarray]:
    return {t: np.asarray(of.labels[t]) for t in of.labels}


def two_objects(name: str = "pair", frames: int = 6) -> Clip:
    return clip(name, labels={t: blob(t) | blob(t + 15, 2) for t in range(frames)}, frames=frames)


@pytest.mark.parametrize("protocol", metrics.PROTOCOLS)
def test_the_truth_scores_one(protocol) -> None:
    many = metrics.PROTOCOLS[protocol].objects != "merged"
    one = two_objects() if many else clip()
    scores = metrics.evaluate({one.name: perfect(one)}, [one], protocol)
    assert scores.summary()["J-Mean"] == 1
    assert len(scores.tracks) == 1 + many


@pytest.mark.parametrize(
    ("protocol", "frames"),
    [
        ("davis16", range(1, 5)),
        ("davis17-semi", range(1, 5)),
        ("davis17-unsup", range(6)),
        ("fbms", range(6)),
        ("youtube-vos", range(1, 6)),
        ("toyvos", range(1, 5)),
    ],
)
def test_which_frames_count(protocol, frames) -> None:
    one = clip()
    assert metrics.evaluate(perfect_of, [one], protocol).tracks[0].frames == tuple(frames)


def perfect_of(of: Clip) -> dict[int, np.ndarray]:
    return perfect(of)


def test_frames_that_do_not_count_may_be_missing() -> None:
    one = clip()
    masks = {t: mask for t, mask in perfect(one).items() if t not in (0, 5)}
    assert metrics.evaluate({"walk": masks}, [one], "davis16").summary()["J-Mean"] == 1
    with pytest.raises(InputError, match=r"walk lacks 2 of 6 scored frames.*frame 0"):
        metrics.evaluate({"walk": masks}, [one], "davis17-unsup")


@pytest.mark.parametrize(
    ("protocol", "J"),
    [("davis16", 80 / 160), ("davis17-semi", 1), ("davis17-unsup", 1), ("toyvos", 1)],
)
def test_how_255_in_the_ground_truth_is_read(protocol, J) -> None:
    labels = {t: blob(2) + blob(20, 255) for t in range(5)}
    one = clip(labels=labels, frames=5)
    scores = metrics.evaluate({"walk": [blob(2)] * 5}, [one], protocol)
    assert scores.summary()["J-Mean"] == J


def test_void_hides_wrong_pixels_only_where_it_is_ignored() -> None:
    labels = {t: blob(2) + blob(20, 255) for t in range(5)}
    pred = [blob(2) + blob(20)] * 5
    one = clip(labels=labels, frames=5)
    ignored = metrics.evaluate({"walk": pred}, [one], "davis17-unsup").summary()
    background = metrics.evaluate({"walk": pred}, [one], "davis17-semi").summary()
    assert (ignored["J-Mean"], background["J-Mean"]) == (1, 0.5)


def test_proposals_are_matched_and_extra_ones_cost_nothing() -> None:
    one = two_objects()
    swapped = {t: np.array([0, 7, 3], np.uint8)[ids] for t, ids in perfect(one).items()}
    for ids in swapped.values():
        ids[-3:, :5] = 12
    scores = metrics.evaluate({"pair": swapped}, [one], "davis17-unsup")
    assert scores.summary()["J&F-Mean"] == 1
    assert [(t.object, t.proposal) for t in scores.tracks] == [(1, 7), (2, 3)]


def test_a_missing_object_is_scored_as_empty() -> None:
    one = two_objects()
    first = {t: np.where(ids == 1, ids, 0) for t, ids in perfect(one).items()}
    for protocol in ("davis17-semi", "davis17-unsup"):
        scores = metrics.evaluate({"pair": first}, [one], protocol)
        assert [track.statistics("J").mean for track in scores.tracks] == [1, 0]


def test_objects_that_appear_late_are_scored_after_their_first_frame() -> None:
    labels = {t: blob(t) + (blob(t + 15, 2) if t >= 3 else 0) for t in range(6)}
    one = clip(labels=labels)
    groups = {"walk": {1: "seen", 2: "unseen"}}
    empty_second = {t: np.where(ids == 1, ids, 0) for t, ids in labels.items()}
    scores = metrics.evaluate({"walk": empty_second}, [one], "youtube-vos", groups=groups)
    assert [track.frames for track in scores.tracks] == [(1, 2, 3, 4, 5), (4, 5)]
    summary = scores.summary()
    assert (summary["J_S"], summary["J_U"]) == (1, 0)
    assert summary["G"] == pytest.approx((1 + 1 + 0 + 0) / 4)
    with pytest.raises(InputError, match="object 2 of walk"):
        metrics.evaluate(perfect_of, [one], "youtube-vos", groups={"walk": {1: "seen"}})


def test_sparse_labels_are_scored_where_they_are() -> None:
    one = clip(labels={1: blob(1), 4: blob(4)})
    scores = metrics.evaluate({"walk": [blob(t) for t in range(6)]}, [one], "fbms")
    assert scores.tracks[0].frames == (1, 4)
    with pytest.raises(InputError, match=r"walk has annotations for 2 of 6 frames.*fbms"):
        metrics.evaluate({"walk": [blob(t) for t in range(6)]}, [one], "davis16")


def test_fbms_resizes_the_ground_truth_to_the_prediction() -> None:
    one = clip()
    twice = {t: np.kron(ids, np.ones((2, 2), np.uint8)) for t, ids in perfect(one).items()}
    assert metrics.evaluate({"walk": twice}, [one], "fbms").summary()["J-Mean"] == 1


def test_youtube_objects_has_two_averages() -> None:
    clips = [clip("bird_0001"), clip("bird_0002"), clip("cat_0001")]
    good, bad = [blob(t) for t in range(6)], [np.zeros(SIZE, np.uint8)] * 6
    results = {"bird_0001": good, "bird_0002": good, "cat_0001": bad}
    summary = metrics.evaluate(results, clips, "youtube-objects").summary()
    assert summary["J category mean"] == pytest.approx(1 / 2)
    assert summary["J video mean"] == summary["J-Mean"] == pytest.approx(2 / 3)
    by_hand = dict.fromkeys(results, "all")
    summary = metrics.evaluate(results, clips, "youtube-objects", groups=by_hand).summary()
    assert summary["J category mean"] == pytest.approx(2 / 3)


def test_the_dataset_number_is_a_mean_over_sequences_not_frames() -> None:
    clips = [clip("short", 4), clip("long", 40, labels={t: blob(2) for t in range(40)})]
    results = {"short": [np.zeros(SIZE, np.uint8)] * 4, "long": [blob(2)] * 40}
    assert metrics.evaluate(results, clips).summary()["J-Mean"] == 0.5


@dataclass
class Result:
    index: int
    mask: np.ndarray


FORMS = {
    "mapping": lambda masks: masks,
    "list": lambda masks: [masks[t] for t in range(6)],
    "array": lambda masks: np.array([masks[t] for t in range(6)]),
    "stream": lambda masks: iter([masks[t] for t in range(6)]),
    "numbered stream": lambda masks: (Result(t, masks[t]) for t in range(1, 6)),
    "probabilities": lambda masks: [masks[t] * np.float32(0.7) for t in range(6)],
    "booleans": lambda masks: [masks[t] > 0 for t in range(6)],
}


@pytest.mark.parametrize("form", FORMS)
def test_results_come_in_many_forms(form) -> None:
    one = clip()
    masks = {t: blob(t + 1, top=5) for t in range(6)}
    reference = metrics.evaluate({"walk": masks}, [one], temporal=True)
    scores = metrics.evaluate({"walk": FORMS[form](masks)}, [one], temporal=True)
    assert scores.summary() == reference.summary()
    for ours, theirs in zip(scores.tracks, reference.tracks):
        np.testing.assert_array_equal(ours.values["F"], theirs.values["F"])


def test_temporal_stability_of_chosen_sequences() -> None:
    clips = [clip("a"), clip("b")]
    scores = metrics.evaluate(perfect_of, clips, temporal=["b"])
    assert list(scores.temporal) == ["b"]
    np.testing.assert_array_equal(
        scores.temporal["b"], metrics.temporal([blob(t) for t in range(1, 5)])
    )
    assert scores.summary()["T-Mean"] == pytest.approx(0, abs=1e-9)
    assert "T-Mean" not in metrics.evaluate(perfect_of, clips).summary()


def refused(**changes) -> tuple:
    """results, clips and protocol that are fine but for one thing."""
    settings = {"masks": [blob(t) for t in range(6)], "clip": clip(), "protocol": "davis16"}
    settings |= changes
    one = settings["clip"]
    return {one.name: settings["masks"]}, [one], settings["protocol"]


def with_one_frame(value) -> list:
    return [value if t == 3 else blob(t) for t in range(6)]


NAN = np.where(blob(1) > 0, np.float32(np.nan), 0)
BAD = {
    "no annotations": (refused(clip=clip(labels={})), "walk has no annotations"),
    "a clip of two frames": (
        refused(clip=clip(frames=2), masks=[blob(0)] * 2),
        "walk has 2 frames",
    ),
    "a clip without frames": (
        refused(clip=clip(frames=0, labels={0: blob(0)}), masks=[]),
        "walk has 0 frames",
    ),
    "a mask of another size": (
        refused(masks=with_one_frame(np.zeros((12, 16), np.uint8))),
        "walk, frame 3: the mask is 16 x 12 but the annotation is 32 x 24",
    ),
    "too few masks": (refused(masks=[blob(1)] * 4), "4 masks for 6 frames"),
    "a stream that ends early": (refused(masks=iter([blob(1)] * 4)), "lacks 1 of 4"),
    "NaN": (refused(masks=with_one_frame(NAN)), "walk, frame 3: the probabilities hold NaN"),
    "a colour mask": (refused(masks=with_one_frame(np.zeros((*SIZE, 3)))), "walk, frame 3"),
    "values beyond a byte": (refused(masks=with_one_frame(blob(1) * np.int64(300))), "0..255"),
    "an unknown id": (
        refused(masks=with_one_frame(blob(1, 2)), protocol="davis17-semi"),
        "walk, frame 3: the mask has id 2",
    ),
    "0/255 where ids are needed": (
        refused(masks=with_one_frame(blob(1, 255)), protocol="davis17-semi"),
        "id 255.*0/255",
    ),
    "21 proposals": (
        refused(masks=with_one_frame(blob(1, 21)), protocol="davis17-unsup"),
        "walk, frame 3: the mask has id 21.*20 proposals",
    ),
    "a first annotation without objects": (
        refused(clip=clip(labels={t: blob(1, t > 0) for t in range(6)}), protocol="davis17-semi"),
        "walk: the first annotation",
    ),
    "an unknown protocol": (refused(protocol="davis18"), "davis18.*davis16"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_sentence(case) -> None:
    arguments, message = BAD[case]
    with pytest.raises(InputError, match=message) as caught:
        metrics.evaluate(*arguments)
    assert "\n" not in str(caught.value)


def test_a_missing_sequence_and_an_empty_evaluation_are_refused() -> None:
    with pytest.raises(InputError, match="no result for walk"):
        metrics.evaluate({}, [clip()])
    with pytest.raises(InputError, match="nothing to score"):
        metrics.evaluate({}, [])
    with pytest.raises(InputError, match="T is not defined for DAVIS 2017"):
        metrics.evaluate(perfect_of, [two_objects()], "davis17-semi", temporal=True)
