"""T and the contours it is made of."""

from __future__ import annotations

import numpy as np
import pytest

from vosedu import metrics
from vosedu.metrics.contours import longest_contour, trace
from vosedu.metrics.temporal_stability import align, chi_squared, shape_contexts


def disc(cx: float, cy: float, a: float, b: float, size=(60, 80)) -> np.ndarray:
    y, x = np.mgrid[: size[0], : size[1]]
    return ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 <= 1


def test_a_pixel_is_traced_down_its_left_side() -> None:
    mask = np.zeros((4, 5), np.uint8)
    mask[1, 2] = 1
    (contour,) = trace(mask)
    np.testing.assert_array_equal(contour, [(2, 1), (2, 2), (3, 2), (3, 1), (2, 1)])


def test_every_edge_is_traced_once() -> None:
    rng = np.random.default_rng(0)
    mask = (rng.random((40, 50)) < 0.5).astype(np.uint8)
    framed = np.pad(mask, 1)
    edges = (framed[1:] != framed[:-1]).sum() + (framed[:, 1:] != framed[:, :-1]).sum()
    contours = trace(mask)
    assert sum(len(contour) - 1 for contour in contours) == edges
    for contour in contours:
        assert (contour[0] == contour[-1]).all()
        assert (np.abs(np.diff(contour, axis=0)).sum(1) == 1).all()


def test_outer_contours_run_clockwise_and_holes_the_other_way() -> None:
    ring = disc(40, 30, 28, 26) & ~disc(40, 30, 20, 18)
    outer, hole = longest_contour(disc(40, 30, 28, 26)), trace(ring.astype(np.uint8))[1]
    assert signed_area(outer) > 0
    assert signed_area(hole) < 0
    np.testing.assert_array_equal(longest_contour(ring), outer)


def signed_area(contour: np.ndarray) -> float:
    """Positive for clockwise on screen, where y points down."""
    (x, y), (u, v) = contour[:-1].T, contour[1:].T
    return float((x * v - u * y).sum())


@pytest.mark.parametrize("mask", [np.zeros((9, 9)), np.eye(9)[:, :1]], ids=["empty", "pixel"])
def test_what_has_no_contour_gives_nan(mask) -> None:
    large = disc(40, 30, 20, 15)
    assert longest_contour(mask) is None
    assert np.isnan(metrics.temporal([large, np.zeros_like(large), large])).all()


def test_translation_costs_nothing_and_deformation_does() -> None:
    still = [disc(30, 30, 20, 15), disc(34, 30, 20, 15), disc(38, 30, 20, 15)]
    pulsing = [disc(30, 30, 20, 15), disc(30, 30, 12, 24), disc(30, 30, 20, 15)]
    assert np.abs(metrics.temporal(still)).max() < 1e-9
    assert (metrics.temporal(pulsing) > 0.2).all()


def test_temporal_takes_a_stream_and_one_value_per_pair() -> None:
    masks = [disc(30 + t, 30, 20 - t, 15) for t in range(4)]
    streamed = metrics.temporal(iter(masks))
    assert streamed.shape == (3,)
    np.testing.assert_array_equal(streamed, metrics.temporal(np.array(masks)))
    assert metrics.temporal([]).size == 0


def test_chi_squared_by_hand() -> None:
    left, right = np.array([[1.0, 0], [0.5, 0.5]]), np.array([[0.0, 1], [0.5, 0.5]])
    expected = [[1, 1 / 3], [1 / 3, 0]]
    np.testing.assert_allclose(chi_squared(left, right), expected, atol=1e-15)


def test_alignment_is_the_cheapest_path() -> None:
    cost = np.random.default_rng(3).random((5, 7))
    best = {(0, 0): 0.0}
    for i in range(5):
        for j in range(7):
            before = [best[p] for p in ((i - 1, j - 1), (i, j - 1), (i - 1, j)) if p in best]
            if before:
                best[i, j] = cost[i, j] + min(before)
    rows, columns = align(cost)
    assert cost[rows[1:], columns[1:]].sum() == pytest.approx(best[4, 6])
    steps = np.abs(np.diff([rows, columns]))
    assert steps.max() == 1 and (steps.sum(0) >= 1).all()


def test_shape_contexts_ignore_translation_and_scale() -> None:
    angle = np.linspace(0, 2 * np.pi, 30)
    contour = np.stack([3 * np.cos(angle + 0.1), 2 * np.sin(angle)], 1)
    moved = 1.7 * contour + [10, -4]
    np.testing.assert_allclose(shape_contexts(moved), shape_contexts(contour))
    np.testing.assert_allclose(shape_contexts(contour).sum(1), 1)
