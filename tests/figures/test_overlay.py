"""Masks drawn over frames, and contact sheets."""

from __future__ import annotations

import numpy as np
import pytest

from vosedu.errors import InputError
from vosedu.figures.overlay import COLOURS, colour_of, contact_sheet, outline, overlay


@pytest.fixture
def frame() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.fixture
def ids() -> np.ndarray:
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 10:30] = 1
    mask[10:30, 35:55] = 2
    mask[:3] = 255
    return mask


def test_objects_are_tinted_in_their_colours_and_the_rest_stays(frame, ids) -> None:
    painted = overlay(frame, ids, alpha=1.0)
    assert painted.dtype == np.uint8
    assert (painted[12:28, 12:28] == COLOURS[0]).all()
    assert (painted[12:28, 37:53] == COLOURS[1]).all()
    assert np.array_equal(painted[33:], frame[33:])
    assert np.array_equal(painted[:7], frame[:7]), "void is not an object"


def test_alpha_mixes(frame, ids) -> None:
    painted = overlay(frame, ids, alpha=0.25)[20, 20].astype(float)
    assert np.allclose(painted, 0.75 * frame[20, 20] + 0.25 * COLOURS[0], atol=0.6)


def test_neither_frame_nor_mask_is_changed(frame, ids) -> None:
    before = frame.copy(), ids.copy()
    overlay(frame, ids)
    assert np.array_equal(frame, before[0])
    assert np.array_equal(ids, before[1])


def test_an_empty_mask_leaves_the_frame(frame) -> None:
    assert np.array_equal(overlay(frame, np.zeros((40, 60), np.uint8)), frame)


def test_the_outline_lies_on_both_sides_of_a_border() -> None:
    mask = np.zeros((5, 9), np.uint8)
    mask[:, 5:] = 3
    assert outline(mask, 1).tolist() == [[False] * 4 + [True] * 2 + [False] * 3] * 5
    assert outline(mask, 2).tolist() == [[False] * 3 + [True] * 4 + [False] * 2] * 5


def test_every_id_has_a_colour_and_neighbours_differ() -> None:
    colours = colour_of(np.arange(256))
    assert colours[[0, 255]].sum() == 0
    assert (colours[1:254] != colours[2:255]).any(axis=-1).all()


def test_a_mask_of_another_size_is_refused(frame) -> None:
    with pytest.raises(InputError, match=r"20 x 10 .* 60 x 40"):
        overlay(frame, np.zeros((10, 20), np.uint8))


def test_a_contact_sheet_goes_row_by_row() -> None:
    pictures = [np.full((4, 6, 3), value, np.uint8) for value in (10, 20, 30)]
    sheet = contact_sheet(pictures, columns=2, gap=1)
    assert sheet.shape == (9, 13, 3)
    assert (sheet[0, 0, 0], sheet[0, 7, 0], sheet[5, 0, 0]) == (10, 20, 30)
    assert sheet[5, 7, 0] == sheet[4, 0, 0] == 255


def test_a_sheet_is_no_wider_than_its_pictures() -> None:
    assert contact_sheet([np.zeros((4, 6, 3), np.uint8)], columns=5).shape == (4, 6, 3)


@pytest.mark.parametrize("count", [0, 2])
def test_sheets_that_cannot_be_made(count: int) -> None:
    pictures = [np.zeros((4 + i, 6, 3), np.uint8) for i in range(count)]
    with pytest.raises(InputError):
        contact_sheet(pictures, columns=2)
