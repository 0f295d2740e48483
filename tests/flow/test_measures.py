from __future__ import annotations

import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose

from vosedu import Clip, InputError, flow


def test_end_point_error_by_hand():
    exact = np.zeros((2, 2, 2), np.float32)
    field = np.float32([[[3, 4], [0, 0]], [[0, 1], [6, 8]]])
    assert flow.end_point_error(field, exact) == pytest.approx((5 + 0 + 1 + 10) / 4)
    hidden = np.array([[False, False], [False, True]])
    assert flow.end_point_error(field, exact, hidden) == pytest.approx(2)
    exact[0, 0] = np.nan
    assert flow.end_point_error(field, exact, hidden) == pytest.approx(0.5)
    assert np.isnan(flow.end_point_error(field, exact, np.ones((2, 2), bool)))


def test_end_point_error_of_different_sizes():
    with pytest.raises(InputError, match="4 x 3 and 5 x 3"):
        flow.end_point_error(np.zeros((3, 4, 2)), np.zeros((3, 5, 2)))


def test_warp_error_is_zero_for_exact_flow_and_grows_without(moving_square):
    first, second = moving_square.frames[:2]
    exact, hidden = moving_square.flow[0], moving_square.occlusion[0]
    assert flow.warp_error(first, second, exact, hidden) == pytest.approx(0, abs=1e-3)
    still = np.zeros_like(exact)
    assert flow.warp_error(first, second, still, hidden) > 5
    assert flow.warp_error(first, second, exact) > 0.1  # what gets covered cannot be matched


def test_contrast_ignores_a_panning_camera():
    field = np.full((10, 10, 2), (7, 0), np.float32)
    field[2:5, 2:5] = (7, 4)
    labels = np.zeros((10, 10), np.uint8)
    labels[2:5, 2:5] = 1
    assert_allclose(flow.contrast(field, labels), 4.0 * labels)


def test_oracle_threshold_by_hand():
    values = np.float32([[5, 4, 3, 2, 1]])
    labels = np.uint8([[1, 0, 2, 0, 0]])
    # thresholds 5, 4, 3, ...: J = 1/2, 1/3, 2/3, 2/4, 2/5
    assert flow.oracle_threshold(values, labels) == (pytest.approx(2 / 3), 3)


@pytest.mark.parametrize(
    ("values", "labels", "expected"),
    [
        ([3, 3, 3, 3], [1, 0, 0, 0], 0.25),  # equal values cannot be told apart
        ([3, 1, 1, 1], [1, 0, 0, 255], 1.0),
        ([3, 1, 5, 5], [1, 0, 255, 255], 1.0),  # void does not count
        ([3, 1, 1, 1], [0, 0, 0, 0], 1.0),
        ([np.nan, 1, 0, 0], [1, 1, 0, 0], 0.5),  # unknown is called background
        ([np.nan] * 4, [1, 1, 0, 0], 0.0),
    ],
    ids=["ties", "perfect", "void", "absent", "unknown", "all-unknown"],
)
def test_oracle_threshold_at_the_edges(values, labels, expected):
    oracle = flow.oracle_threshold(np.float32([values]), np.uint8([labels]))
    assert oracle.region == pytest.approx(expected)


def test_the_oracle_is_never_beaten_by_another_threshold(moving_square):
    labels = moving_square.labels[0]
    values = flow.contrast(flow.estimate(moving_square, "dis-ultrafast")[0], labels)
    oracle = flow.oracle_threshold(values, labels)

    def region(threshold):
        chosen, target = values >= threshold, labels > 0
        return (chosen & target).sum() / (chosen | target).sum()

    assert region(oracle.threshold) == pytest.approx(oracle.region)
    assert max(region(t) for t in np.linspace(0, values.max(), 200)) <= oracle.region + 1e-9


def test_score_of_a_clip(moving_square):
    exact = flow.score(moving_square, flow.estimate(moving_square, "exact"))
    assert exact == (pytest.approx(0), pytest.approx(0, abs=1e-3), pytest.approx(1))
    found = flow.score(moving_square, flow.estimate(moving_square))
    assert 0 < found.end_point_error < 1
    assert found.oracle > 0.7


def test_score_without_flow_or_labels(moving_square):
    bare = Clip("bare", moving_square.frames)
    found = flow.score(bare, flow.estimate(bare))
    assert np.isnan(found.end_point_error) and np.isnan(found.oracle)
    assert found.warp_error > 0


def test_score_leaves_out_what_the_exact_flow_does_not_know(moving_square):
    wrong = [field + (5, 0) * (labels > 0)[..., None] for field, labels in known(moving_square)]
    blind = copy.copy(moving_square)
    object.__setattr__(blind, "flow_valid", [labels == 0 for _, labels in known(moving_square)])
    assert flow.score(moving_square, wrong).end_point_error > 0.5
    assert flow.score(blind, wrong).end_point_error == 0
    assert flow.score(blind, wrong).warp_error == flow.score(moving_square, wrong).warp_error


def known(clip):
    return [(field, clip.labels[t]) for t, field in enumerate(clip.flow)]


def test_mean_score_skips_what_is_unknown():
    scores = [flow.Score(1, 2, np.nan), flow.Score(3, 4, 0.5)]
    assert flow.mean_score(scores) == (2, 3, 0.5)


class TestLadder:
    def test_order(self):
        assert list(flow.LADDER) == [
            "zero",
            "shuffled",
            "dis-quarter",
            "farneback-wide",
            "farneback",
            "dis-ultrafast",
            "dis-fast",
            "dis-half",
            "dis-medium",
            "dis-checked",
            "exact",
        ]

    @pytest.mark.parametrize("name", list(flow.LADDER))
    def test_every_rung_gives_a_field_for_every_frame(self, name, moving_square):
        rung = flow.LADDER[name]
        assert rung.name == name and rung.about
        fields = rung.fields(moving_square, last="negated-backward")
        assert len(fields) == len(moving_square)
        assert fields[-1].shape == (*moving_square.size, 2)

    def test_its_ends_and_its_middle_are_in_order(self, moving_square):
        scores = {
            name: flow.score(moving_square, flow.LADDER[name].fields(moving_square))
            for name in ("zero", "shuffled", "dis-quarter", "dis-medium", "exact")
        }
        error = {name: score.end_point_error for name, score in scores.items()}
        region = {name: score.oracle for name, score in scores.items()}
        assert error["exact"] < error["dis-medium"] < error["dis-quarter"] < error["zero"]
        assert region["zero"] < region["shuffled"] < region["dis-medium"] < region["exact"]
