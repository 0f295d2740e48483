from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from vosedu import flow


def uniform(dx: float, dy: float, height: int = 20, width: int = 24) -> np.ndarray:
    return np.full((height, width, 2), (dx, dy), np.float32)


def test_sampling_pulls_the_next_frame_back():
    image = np.random.default_rng(0).integers(0, 256, (20, 24), dtype=np.uint8)
    moved = np.roll(image, (2, 3), axis=(0, 1))
    pulled = flow.sample(moved, uniform(3, 2))
    assert_array_equal(pulled[:-2, :-3], image[:-2, :-3])


def test_sampling_interpolates_and_repeats_the_border():
    ramp = np.tile(np.arange(24, dtype=np.float32), (20, 1))
    assert_allclose(flow.sample(ramp, uniform(0.25, 0))[:, :-1], ramp[:, :-1] + 0.25, atol=0.02)
    assert (flow.sample(ramp, uniform(5, 0))[:, -3:] == 23).all()


def test_inside_counts_the_border_pixels_in():
    still = flow.inside(uniform(0, 0))
    assert still.all()
    assert_array_equal(flow.inside(uniform(1, 0))[0], [True] * 23 + [False])


def test_advance_moves_vectors_to_where_they_point_and_fills_holes():
    field = uniform(0, 0)
    field[8:12, 4:8] = (5, 2)
    carried = flow.advance(field)
    assert (carried[10:14, 9:13] == (5, 2)).all()
    assert (carried[:8] == 0).all()
    assert np.isfinite(carried).all()


def test_advance_ignores_unknown_vectors():
    field = uniform(1, 0)
    field[5:9] = np.nan
    assert_array_equal(flow.advance(field), uniform(1, 0))
    assert_array_equal(flow.advance(np.full((4, 5, 2), np.nan, np.float32)), np.zeros((4, 5, 2)))


def test_inconsistency_by_hand():
    # |f + b|^2 / (0.01 (|f|^2 + |b|^2) + 0.5): 1 / (0.01 (9 + 4) + 0.5)
    ratio = flow.inconsistency(uniform(3, 0), uniform(-2, 0))
    assert_allclose(ratio[:, :-3], 1 / 0.63, rtol=1e-5)
    assert np.isinf(ratio[:, -3:]).all()
    assert_array_equal(flow.inconsistency(uniform(3, 0), uniform(-3, 0))[:, :-3], 0)


def test_confidence_is_low_where_the_background_gets_covered(moving_square):
    forward = flow.estimate(moving_square)[1]
    backward = flow.estimate(moving_square, direction="backward")[1]
    trust = flow.confidence(forward, backward)
    hidden = moving_square.occlusion[1]
    assert trust.min() >= 0 and trust.max() <= 1
    assert trust[~hidden].mean() > 0.8
    assert trust[hidden].mean() < 0.5


def test_checking_repairs_vectors_that_the_way_back_denies():
    forward, backward = uniform(2, 0), uniform(-2, 0)
    forward[6:9, 6:9] = (-3, 3)
    repaired = flow.checked(forward, backward)
    assert_array_equal(repaired, uniform(2, 0))


def test_checking_keeps_trusted_vectors_and_survives_the_extremes():
    field = np.random.default_rng(0).normal(0, 0.1, (20, 24, 2)).astype(np.float32)
    field[:, :, 0] += 4
    backward = uniform(-4, 0)
    repaired = flow.checked(field, backward)
    trusted = flow.inconsistency(field, backward) <= 1
    assert_array_equal(repaired[trusted], field[trusted])
    lost = uniform(100, 0)
    assert_array_equal(flow.checked(lost, uniform(-100, 0)), lost)
    assert_array_equal(flow.checked(uniform(0, 0), uniform(0, 0)), uniform(0, 0))


def test_where_no_trusted_vector_is_near_the_median_of_all_takes_over():
    forward, backward = uniform(1, 0, 60, 90), uniform(-1, 0, 60, 90)
    forward[:, 10:] = (1, 9)
    repaired = flow.checked(forward, backward, reach=4)
    assert_array_equal(repaired, uniform(1, 0, 60, 90))
