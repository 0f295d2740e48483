from __future__ import annotations

import colorsys

import numpy as np
import pytest
from PIL import Image

from vosedu import Clip, InputError, flow


def one_row(*vectors: tuple[float, float]) -> np.ndarray:
    return np.float32(vectors)[None]


def test_the_wheel_has_55_colours_and_floored_ramps():
    assert flow.WHEEL.shape == (55, 3)
    by_hand = {
        0: (255, 0, 0),
        1: (255, 17, 0),  # floor(255 / 15)
        14: (255, 238, 0),
        15: (255, 255, 0),
        16: (213, 255, 0),  # 255 - floor(255 / 6) = 255 - 42
        21: (0, 255, 0),
        22: (0, 255, 63),  # floor(255 / 4)
        25: (0, 255, 255),
        26: (0, 232, 255),  # 255 - floor(255 / 11) = 255 - 23
        36: (0, 0, 255),
        37: (19, 0, 255),  # floor(255 / 13)
        49: (255, 0, 255),
        54: (255, 0, 43),  # 255 - floor(255 * 5 / 6) = 255 - 212
    }
    for index, colour in by_hand.items():
        assert tuple(flow.WHEEL[index]) == colour, index


def test_colours_by_hand():
    # Right: angle atan2(-0, -1) = -pi, position 0: red, unsaturated by 1e-5 of the length.
    # Left: angle 0, position 27, colour (0, 209, 255). Down: angle -pi/2, position 13.5, between
    # (255, 221, 0) and (255, 238, 0). Half the length is half way to white.
    field = one_row((1, 0), (-1, 0), (0, 1), (-0.5, 0), (0, 0))
    picture = flow.to_colour(field)
    shade = 1 / (1 + 1e-5)
    expected = [
        [255, 255 * (1 - shade), 255 * (1 - shade)],
        [255 * (1 - shade), 255 * (1 - shade * (1 - 209 / 255)), 255],
        [255, 255 * (1 - shade * (1 - 229.5 / 255)), 255 * (1 - shade)],
        [255 * (1 - shade / 2), 255 * (1 - shade / 2 * (1 - 209 / 255)), 255],
        [255, 255, 255],
    ]
    np.testing.assert_array_equal(picture[0], np.floor(expected))


def test_hue_depends_on_the_direction_only_and_saturation_on_the_share_of_the_longest():
    field = one_row((2, 1), (4, 2))
    np.testing.assert_array_equal(
        flow.to_colour(np.concatenate([field, one_row((8, 0), (0, 8))], axis=1)),
        flow.to_colour(np.concatenate([field, one_row((8, 0), (0, 8))], axis=1) * 0.5).astype(int),
    )


def test_bgr_is_rgb_with_red_and_blue_exchanged():
    field = np.random.default_rng(0).normal(size=(6, 7, 2)).astype(np.float32)
    rgb, bgr = flow.to_colour(field), flow.to_colour(field, order="bgr")
    np.testing.assert_array_equal(bgr, rgb[..., ::-1])
    assert bgr.flags.c_contiguous
    assert (rgb != bgr).any()


def test_one_outlier_washes_out_the_maximum_scale_but_not_the_percentile():
    field = np.full((20, 20, 2), (2.0, 0), np.float32)
    field[0, 0] = (0, 60)
    assert flow.to_colour(field)[10, 10].min() > 240
    assert flow.to_colour(field, scale="percentile")[10, 10].min() < 5


def test_a_fixed_scale_keeps_speed_comparable_and_saturates_beyond_it():
    slow, fast, faster = (flow.to_colour(one_row((v, 0)), scale=8.0)[0, 0, 1] for v in (2, 8, 30))
    assert slow > 190
    assert fast == faster == 0


def test_stillness_is_white_on_request():
    noise = np.random.default_rng(0).normal(0, 0.05, (16, 16, 2)).astype(np.float32)
    assert flow.to_colour(noise).min() < 30
    assert (flow.to_colour(noise, scale="percentile", still=0.5) == 255).all()
    assert (flow.to_colour(noise * 100, still=0.5) < 255).any()


def test_unknown_vectors_are_white_and_do_not_set_the_scale():
    field = one_row((1, 0), (np.nan, 0), (np.inf, 3))
    picture = flow.to_colour(field)
    np.testing.assert_array_equal(picture[0, 0], flow.to_colour(one_row((1, 0)))[0, 0])
    assert (picture[0, 1:] == 255).all()
    assert (flow.to_colour(one_row((np.nan, np.nan)), scale="percentile") == 255).all()


def test_the_legend_is_white_in_the_middle_and_outside():
    wheel = flow.legend(65)
    assert wheel.shape == (65, 65, 3)
    assert (wheel[32, 32] == 255).all() and (wheel[0, 0] == 255).all()
    np.testing.assert_array_equal(wheel[32, 64], flow.WHEEL[0])


@pytest.mark.parametrize(
    ("arguments", "word"),
    [({"scale": "median"}, "median"), ({"scale": 0}, "above 0"), ({"order": "brg"}, "brg")],
    ids=["scale", "zero-scale", "order"],
)
def test_bad_arguments(arguments, word):
    with pytest.raises(InputError, match=word):
        flow.to_colour(one_row((1, 0)), **arguments)


def test_a_batch_of_fields_is_refused():
    with pytest.raises(InputError, match="one field at a time"):
        flow.to_colour(np.zeros((2, 4, 4, 2), np.float32))


@pytest.mark.parametrize(("sequence", "frame"), [("cows", 40), ("blackswan", 10), ("bear", 5)])
def test_hues_agree_with_pictures_of_another_estimator(shared, sequence, frame):
    davis = shared / "data" / "davis-mini"
    if not davis.is_dir():
        pytest.skip("davis-mini is not beside this checkout")
    clip = Clip.read(davis / "JPEGImages" / "240p" / sequence)
    stored = np.asarray(Image.open(davis / "Flow" / "240p" / sequence / f"{frame:05d}.jpg"))
    field = flow.between(clip.frames[frame], clip.frames[frame + 1])
    ours = np.exp(1j * hue(flow.to_colour(field)))
    swapped = np.exp(1j * hue(flow.to_colour(field, order="bgr")))
    theirs = np.exp(1j * hue(stored))
    vivid = np.ptp(stored, axis=2) > 60
    assert (ours * theirs.conj())[vivid].real.mean() > 0.9
    assert (swapped * theirs.conj())[vivid].real.mean() < 0.5


def hue(picture: np.ndarray) -> np.ndarray:
    """Angle of the hue, radians."""
    to_angle = np.vectorize(lambda r, g, b: 2 * np.pi * colorsys.rgb_to_hsv(r, g, b)[0])
    return to_angle(*np.moveaxis(picture / 255, 2, 0))
