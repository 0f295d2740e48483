from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from vosedu import InputError, flow


def test_jpeg_changes_a_picture_more_at_lower_quality_and_keeps_the_channel_order(moving_square):
    picture = flow.to_colour(moving_square.flow[0])
    error = {q: np.abs(flow.jpeg(picture, q).astype(int) - picture).mean() for q in (95, 30, 5)}
    assert 0 < error[95] < error[30] < error[5] < 40
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 200
    assert_allclose(flow.jpeg(red, 90), red, atol=4)


def test_jpeg_quality_has_bounds():
    with pytest.raises(InputError, match="1 to 100"):
        flow.jpeg(np.zeros((8, 8, 3), np.uint8), 0)


def test_noise_is_seeded_and_has_the_asked_spread():
    field = np.zeros((100, 100, 2), np.float32)
    noisy = flow.noise(field, 2.0, seed=1)
    assert noisy.dtype == np.float32
    assert_allclose(noisy.std(), 2, rtol=0.03)
    assert_array_equal(noisy, flow.noise(field, 2.0, seed=1))
    assert (noisy != flow.noise(field, 2.0, seed=2)).any()
    assert_array_equal(field, 0)


def test_masking_turns_doubt_into_stillness():
    field = np.full((3, 4, 2), (2, -4), np.float32)
    trust = np.zeros((3, 4), np.float32)
    trust[0], trust[1] = 1, 0.5
    result = flow.masked(field, trust)
    assert_array_equal(result[:, 0], [[2, -4], [1, -2], [0, 0]])


def test_global_motion_of_a_zooming_and_turning_camera():
    height, width = 60, 80
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    turn = np.array([[1.02, -0.03, 2.0], [0.03, 1.01, -1.0], [1e-5, 2e-5, 1.0]])
    moved = np.stack([xs, ys, np.ones_like(xs)], axis=2) @ turn.T
    camera = (moved[..., :2] / moved[..., 2:] - np.stack([xs, ys], axis=2)).astype(np.float32)
    field = camera.copy()
    field[20:40, 30:50] += (6, 3)
    assert_allclose(flow.global_motion(field), camera, atol=0.02)
    remaining = flow.without_global_motion(field)
    assert_allclose(remaining[20:40, 30:50], np.full((20, 20, 2), (6, 3)), atol=0.02)


def test_global_motion_ignores_unknown_vectors():
    field = np.full((40, 40, 2), (1, 2), np.float32)
    field[:10] = np.nan
    assert_allclose(flow.global_motion(field), np.full((40, 40, 2), (1, 2)), atol=1e-3)
    assert_array_equal(flow.global_motion(np.full((40, 40, 2), np.nan)), np.zeros((40, 40, 2)))


def test_object_median_makes_objects_rigid_and_leaves_the_rest():
    field = np.random.default_rng(0).normal(size=(10, 12, 2)).astype(np.float32)
    labels = np.zeros((10, 12), np.uint8)
    labels[:3], labels[3:5], labels[5:6] = 1, 7, 255
    bound = flow.object_median(field, labels)
    assert_allclose(bound[1, 4], np.median(field[:3].reshape(-1, 2), axis=0))
    assert len(np.unique(bound[3:5].reshape(-1, 2), axis=0)) == 1
    assert_array_equal(bound[5:], field[5:])
