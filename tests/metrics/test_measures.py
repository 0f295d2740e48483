"""J, F and their statistics against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vosedu import InputError, metrics
from vosedu.metrics import speed


def box(top: int, left: int, bottom: int, right: int, size=(20, 30)) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[top:bottom, left:right] = True
    return mask


EMPTY, FULL = np.zeros((20, 30), bool), np.ones((20, 30), bool)


def test_region_counts_pixels() -> None:
    assert metrics.region(box(0, 0, 10, 10), box(0, 5, 10, 15)) == 50 / 150


@pytest.mark.parametrize(
    ("pred", "gt", "J", "F"),
    [(EMPTY, EMPTY, 1, 1), (FULL, FULL, 1, 1), (EMPTY, FULL, 0, 1), (EMPTY, box(2, 2, 9, 9), 0, 0)],
    ids=["both empty", "both full", "full against empty", "empty against box"],
)
def test_masks_without_boundary(pred, gt, J, F) -> None:
    assert metrics.region(pred, gt) == J
    assert metrics.boundary(pred, gt) == F


def test_boundary_map_lies_upper_left_of_edges() -> None:
    mask = np.zeros((4, 4), bool)
    mask[2, 2] = True
    expected = np.zeros((4, 4), bool)
    expected[1:3, 1:3] = True
    np.testing.assert_array_equal(metrics.boundary_map(mask), expected)


def test_boundary_forgives_the_tolerance_and_no_more() -> None:
    truth = box(5, 5, 15, 15)  # 20 x 30: radius 1
    assert metrics.boundary(box(5, 6, 15, 16), truth) == 1
    two_off = metrics.boundary(box(5, 7, 15, 17), truth)
    assert 0 < two_off < 1
    assert metrics.boundary(box(5, 7, 15, 17), truth, tolerance=2) == 1


def test_boundary_precision_and_recall_by_hand() -> None:
    # a line of boundary along a vertical edge, the prediction has a second one far away
    truth, pred = np.zeros((2, 10, 40), bool)
    truth[:, 20:] = True
    pred[:, 20:] = True
    pred[:, :5] = True
    precision, recall = 1 / 2, 1
    expected = 2 * precision * recall / (precision + recall)
    assert metrics.boundary(pred, truth) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("size", "radius"),
    [((480, 854), 8), ((384, 384), 5), ((473, 473), 6), ((512, 512), 6), ((300, 400), 4)],
)
def test_tolerance_radius(size, radius) -> None:
    assert metrics.tolerance_radius(size) == radius


def test_void_pixels_count_for_nothing() -> None:
    truth, pred, void = box(0, 0, 10, 10), box(0, 0, 10, 20), box(0, 10, 20, 30)
    assert metrics.region(pred, truth, void) == 1
    assert metrics.boundary(pred, truth, void) == 1
    assert metrics.region(pred, truth, FULL) == 1


def test_measures_do_not_change_their_inputs() -> None:
    pred, truth, void = (box(k, k, 9 + k, 9 + k).astype(np.uint8) for k in range(3))
    before = [a.copy() for a in (pred, truth, void)]
    metrics.region(pred, truth, void), metrics.boundary(pred, truth, void)
    for a, b in zip((pred, truth, void), before):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("measure", [metrics.region, metrics.boundary], ids=["J", "F"])
@pytest.mark.parametrize(
    ("pred", "message"),
    [
        (np.zeros((3, 4), bool), "4 x 3"),
        (np.full((20, 30), 0.3), "threshold"),
        (np.full((20, 30), np.nan), "NaN"),
        (np.zeros((20, 30, 3)), "H x W"),
    ],
    ids=["size", "soft", "nan", "colour"],
)
def test_bad_masks_are_refused(measure, pred, message) -> None:
    with pytest.raises(InputError, match=message):
        measure(pred, EMPTY)


def test_statistics_by_hand() -> None:
    # ids of five bin borders of 9 values: 0 2 4 6 8; bins share their borders
    values = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    mean, recall, decay = metrics.statistics(values)
    assert (mean, recall) == (pytest.approx(0.5), pytest.approx(4 / 9))
    assert decay == pytest.approx(0.8 - 0.2)


def test_decay_of_a_long_sequence_does_not_wrap() -> None:
    values = np.linspace(1, 0, 1000)
    assert metrics.statistics(values).decay == pytest.approx(0.75, abs=0.01)


def test_statistics_leave_nan_out() -> None:
    mean, recall, decay = metrics.statistics([np.nan, 1.0, 1.0, np.nan])
    assert (mean, recall, decay) == (1, 0.5, 0)
    assert np.isnan(metrics.statistics([np.nan]).mean)


def test_statistics_of_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="at least one frame"):
        metrics.statistics([])


def test_the_fast_and_the_plain_evaluator_agree() -> None:
    measured = speed.compare(frames=4, size=(60, 90), threads=1, repeats=1)
    assert measured["largest difference"] == 0
    assert measured["ratio"] == measured["seconds, plain"] / measured["seconds, evaluator"]
