from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scenes import Asked

from vosedu import Clip, InputError, flow

from_scratch = [m for m in flow.METHODS if not m.startswith("raft") and m != "exact"]


class Spy:
    """An estimator that counts its work; its field is the difference of the mean grey levels."""

    identity = "spy"

    def __init__(self):
        self.prepared = self.compared = 0

    def prepare(self, frame):
        self.prepared += 1
        return frame.mean()

    def between(self, first, second):
        self.compared += 1
        return np.full((4, 5, 2), second - first, np.float32)


def grey_frames(*levels: int) -> list[np.ndarray]:
    return [np.full((4, 5, 3), level, np.uint8) for level in levels]


@pytest.mark.parametrize("method", from_scratch)
def test_every_method_gives_one_field_per_pair(method, moving_square):
    fields = flow.estimate(moving_square, method)
    assert len(fields) == len(moving_square) - 1
    for field in fields:
        assert field.shape == (*moving_square.size, 2)
        assert field.dtype == np.float32
        assert np.isfinite(field).all()


@pytest.mark.parametrize(
    ("method", "tolerance"),
    [
        ("farneback", 0.5),
        ("dis-medium", 0.3),
        ("dis-checked", 0.3),
        ("dis-half", 1.3),  # these three look at quarter-size frames, where objects get small
        ("dis-fast", 1.3),
        ("dis-ultrafast", 1.3),
    ],
)
def test_methods_find_the_motion_of_object_and_camera(method, tolerance, moving_square):
    field = flow.estimate(moving_square, method)[1]
    inner = moving_square.labels[1] > 0
    np.testing.assert_allclose(np.median(field[inner], axis=0), (3, 1), atol=tolerance)
    np.testing.assert_allclose(np.median(field[~inner], axis=0), (-1, 0), atol=tolerance / 2)


def test_backward_flow_leads_back(moving_square):
    forward = flow.estimate(moving_square)
    backward = flow.estimate(moving_square, direction="backward")
    assert len(backward) == len(forward)
    for t in range(len(forward)):
        assert_array_equal(
            backward[t], flow.between(moving_square.frames[t + 1], moving_square.frames[t])
        )


def test_the_last_frame_gets_the_negated_way_back(moving_square):
    fields = flow.estimate(moving_square, last="negated-backward")
    assert len(fields) == len(moving_square)
    back = flow.between(moving_square.frames[-1], moving_square.frames[-2])
    assert_array_equal(fields[-1], -back)
    assert_array_equal(fields[0], flow.estimate(moving_square)[0])
    inner = moving_square.labels[4] > 0
    np.testing.assert_allclose(np.median(fields[-1][inner], axis=0), (3, 1), atol=0.5)


def test_streaming_decodes_and_prepares_every_frame_once():
    frames, spy = Asked(grey_frames(0, 1, 3, 7, 15)), Spy()
    fields = flow.estimate(frames, spy, last="negated-backward")
    assert frames.asked == []
    assert [field[0, 0, 0] for field in fields] == [1, 2, 4, 8, 8]
    assert frames.asked == [0, 1, 2, 3, 4]
    assert (spy.prepared, spy.compared) == (5, 5)


def test_backward_streaming_decodes_in_order_too():
    frames = Asked(grey_frames(0, 1, 3, 7))
    values = [f[0, 0, 0] for f in flow.estimate(frames, Spy(), direction="backward")]
    assert values == [-1, -2, -4]
    assert frames.asked == [0, 1, 2, 3]


def test_random_access_negative_indices_and_slices():
    fields = flow.estimate(grey_frames(0, 1, 3, 7, 15), Spy())
    assert fields[-1][0, 0, 0] == 8
    assert [f[0, 0, 0] for f in fields[1:3]] == [2, 4]
    with pytest.raises(IndexError):
        fields[4]


@pytest.mark.parametrize("length", [3, 4, 9])
def test_shuffled_gives_every_frame_the_flow_of_another_pair(length, moving_square):
    frames = [moving_square.frames[t % 5] for t in range(length)]
    wrong = flow.estimate(frames, "shuffled", last="negated-backward")
    assert len(wrong) == length
    own = [(t, t + 1) for t in range(length - 1)]
    used = [(pair.source, pair.target) for pair in wrong.pairs[:-1]]
    assert sorted(used) == own and all(a != b for a, b in zip(used, own))
    assert wrong.pairs[-1].source != length - 1
    assert_array_equal(wrong[0], flow.between(frames[used[0][0]], frames[used[0][1]]))


def test_exact_flow_is_what_the_clip_brings(moving_square):
    fields = flow.estimate(moving_square, "exact", last="negated-backward")
    assert len(fields) == len(moving_square)
    assert_array_equal(fields[2], moving_square.flow[2])
    inner = moving_square.labels[4] > 0
    assert_array_equal(np.unique(fields[-1][inner], axis=0), [[3, 1]])
    background = moving_square.labels[4] == 0
    assert (fields[-1][background] == (-1, 0)).all(axis=1).mean() > 0.97


def test_exact_backward_flow_leads_back(moving_square):
    back = flow.estimate(moving_square, "exact", direction="backward")[0]
    assert_array_equal(np.unique(back[moving_square.labels[1] > 0], axis=0), [[-3, -1]])


def test_of_prefers_the_flow_a_clip_brings(moving_square):
    assert_array_equal(flow.of(moving_square)[1], moving_square.flow[1])
    bare = Clip("bare", moving_square.frames)
    assert_array_equal(flow.of(bare)[1], flow.estimate(bare)[1])
    assert len(flow.of(bare)) == len(bare)


def test_half_size_vectors_are_enlarged_on_odd_sizes(moving_square):
    frames = [frame[:65, :143] for frame in moving_square.frames]
    field = flow.estimate(frames, "dis-half")[0]
    assert field.shape == (65, 143, 2)
    np.testing.assert_allclose(np.median(field.reshape(-1, 2), axis=0), (-1, 0), atol=0.4)


class TestBadInput:
    def test_frames_of_different_size(self, moving_square):
        frames = [moving_square.frames[0], moving_square.frames[1], moving_square.frames[2][:-2]]
        with pytest.raises(InputError, match="frame 1 is 144 x 112 but frame 2 is 144 x 110"):
            list(flow.estimate(frames))
        with pytest.raises(InputError, match="one size"):
            flow.between(frames[1], frames[2])

    @pytest.mark.parametrize("length", [0, 1])
    def test_clips_without_a_pair(self, length, moving_square):
        clip = Clip("short", moving_square.frames[:length])
        with pytest.raises(InputError, match=f"the clip short has {length} frame"):
            flow.estimate(clip)

    def test_unknown_method(self, moving_square):
        with pytest.raises(InputError, match=r"no flow method 'pwc'; choose .*dis-medium"):
            flow.estimate(moving_square, "pwc")

    @pytest.mark.parametrize(
        ("arguments", "word"),
        [
            ({"direction": "sideways"}, "sideways"),
            ({"last": "repeat"}, "repeat"),
            ({"direction": "backward", "last": "negated-backward"}, "first frame"),
        ],
        ids=["direction", "last", "last-of-backward"],
    )
    def test_unknown_words(self, arguments, word, moving_square):
        with pytest.raises(InputError, match=word):
            flow.estimate(moving_square, **arguments)

    def test_exact_flow_of_a_clip_without(self, moving_square):
        with pytest.raises(InputError, match="the clip bare brings no exact flow"):
            flow.estimate(Clip("bare", moving_square.frames), "exact")

    @pytest.mark.parametrize("method", ["exact", "shuffled"])
    def test_two_frames_are_no_clip(self, method, moving_square):
        with pytest.raises(InputError, match="needs a clip"):
            flow.between(*moving_square.frames[:2], method)

    def test_shuffling_two_frames(self, moving_square):
        with pytest.raises(InputError, match="needs 3"):
            flow.estimate(moving_square.cut(0, 2), "shuffled")

    def test_grey_and_float_frames(self):
        with pytest.raises(InputError, match="frame 0 is 4 x 5 uint8"):
            list(flow.estimate([np.zeros((4, 5), np.uint8)] * 2))
        with pytest.raises(InputError, match="float64 but flow needs"):
            list(flow.estimate([np.zeros((4, 5, 3))] * 2))

    @pytest.mark.parametrize(
        ("method", "least"), [("dis-medium", 12), ("dis-half", 24), ("dis-quarter", 48)]
    )
    def test_tiny_frames(self, method, least):
        enough = [np.zeros((least, least, 3), np.uint8)] * 2
        assert flow.between(*enough, method).shape == (least, least, 2)
        with pytest.raises(InputError, match=f"at least {least} pixels"):
            flow.between(*(frame[1:] for frame in enough), method)

    def test_unknown_presets(self):
        with pytest.raises(InputError, match="no preset 'slow'"):
            flow.DIS("slow")
        with pytest.raises(InputError, match="no setting 'narrow'"):
            flow.Farneback("narrow")
