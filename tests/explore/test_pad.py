"""Marking objects by clicks: what becomes of the ids, and what the picture shows."""

from __future__ import annotations

import numpy as np
import pytest

from vosedu.errors import InputError
from vosedu.explore import Marks, Pad

SIZE = (48, 80)


def empty() -> np.ndarray:
    return np.zeros(SIZE, np.uint8)


def frame() -> np.ndarray:
    return np.full((*SIZE, 3), 90, np.uint8)


def test_a_closed_polygon_belongs_to_its_object() -> None:
    marks = Marks(empty())
    for place in ((10, 10), (29, 10), (29, 19), (10, 19)):
        marks.corner(*place)
    marks.close(2)
    expected = empty()
    expected[10:20, 10:30] = 2
    assert np.array_equal(marks.ids, expected) and not marks.corners


def test_two_corners_are_no_polygon() -> None:
    marks = Marks(empty())
    marks.corner(1, 1)
    marks.corner(9, 9)
    with pytest.raises(InputError, match=r"2 corner\(s\)"):
        marks.close(1)
    assert not marks.ids.any() and len(marks.corners) == 2


def test_brush_and_eraser_change_a_disc() -> None:
    marks = Marks(empty())
    marks.brush(40, 20, 6, 3)
    painted = marks.ids == 3
    y, x = np.nonzero(painted)
    assert (np.hypot(x - 40, y - 20) < 7).all() and painted.sum() > 80
    marks.brush(40, 20, 3, 0)
    assert marks.ids[20, 40] == 0 and marks.ids[20, 45] == 3


def test_every_change_is_undone_in_turn() -> None:
    marks = Marks(empty())
    marks.brush(10, 10, 4, 1)
    painted = marks.ids.copy()
    marks.corner(5, 5)
    marks.clear(1)
    assert not marks.ids.any() and not marks.corners
    marks.undo()
    assert np.array_equal(marks.ids, painted) and marks.corners == [(5, 5)]
    marks.undo()
    marks.undo()
    marks.undo()  # nothing is left to undo
    assert not marks.ids.any()


def test_void_of_a_given_mask_is_no_object() -> None:
    ids = empty()
    ids[0] = 255
    assert not Marks(ids).ids.any()


def corners(pad: Pad, places) -> None:
    for x, y in places:
        pad.click(x / SIZE[1], y / SIZE[0])


SQUARE = ((22, 14), (58, 14), (58, 34), (22, 34))


def test_clicks_on_the_picture_draw_an_object() -> None:
    changes = []
    pad = Pad(lambda: changes.append(1))
    pad.show(frame(), empty(), "frame 0")
    pad.controls["object"].value = 4
    before = bytes(pad.picture.image.value)
    corners(pad, SQUARE)
    assert not changes and bytes(pad.picture.image.value) != before  # corners are shown
    pad.buttons["close"].click()
    assert len(changes) == 1
    expected = empty()
    expected[14:35, 22:59] = 4  # a cell is 4 x 4 pixels, and these are centres of cells
    assert np.array_equal(pad.marks.ids, expected)


def test_zoomed_in_a_cell_is_a_pixel_and_the_place_stays() -> None:
    pad = Pad(lambda: None)
    pad.show(frame(), empty())
    pad.click(0.3, 0.7)
    (x, y) = pad.marks.corners[0]
    pad.controls["zoom"].value = "4 x"
    pad.click(0.5, 0.5)
    assert np.abs(np.subtract(pad.marks.corners[1], (x, y))).max() <= 1
    pad.click(0.55, 0.5)
    (left, row), (right, same_row) = pad.marks.corners[1:]
    assert row == same_row and 1 <= right - left <= 2


def test_zoom_at_an_edge_stays_inside_the_frame() -> None:
    pad = Pad(lambda: None)
    pad.show(frame(), empty())
    pad.click(0.99, 0.99)
    pad.controls["zoom"].value = "4 x"
    pad.click(0.99, 0.99)
    x, y = pad.marks.corners[1]
    assert SIZE[1] - 4 <= x < SIZE[1] and SIZE[0] - 4 <= y < SIZE[0]


def test_closing_too_early_is_answered_below_the_controls() -> None:
    pad = Pad(lambda: None)
    pad.show(frame(), empty())
    pad.click(0.5, 0.5)
    pad.buttons["close"].click()
    assert "click three or more" in pad.side.children[-1].value
