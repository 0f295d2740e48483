"""The drawing cell: what is drawn is followed, a corrected frame holds and changes what follows."""

from __future__ import annotations

import numpy as np
import pytest

import vosedu
from vosedu import toyvos
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.deaot.explorer.drawing import Follow


@pytest.fixture(scope="module")
def model():
    return vosedu.load("deaot")


@pytest.fixture(scope="module")
def clip() -> Clip:
    return toyvos.split("val")[0].cut(0, 4)


def draw(cell: Follow, number: int, places) -> None:
    """Click a polygon on the frame that is shown and close it."""
    cell.pad.controls["object"].value = number
    for x, y in places:
        cell.pad.click(x, y)
    cell.pad.buttons["close"].click()


LEFT = ((0.1, 0.2), (0.4, 0.2), (0.4, 0.8), (0.1, 0.8))
RIGHT = ((0.6, 0.2), (0.9, 0.2), (0.9, 0.8), (0.6, 0.8))


def test_draw_follow_correct_and_go_on(model, clip) -> None:
    cell = Follow(model, clip)
    draw(cell, 1, LEFT)
    cell.follow_button.click()
    assert np.array_equal(cell.masks[0], cell.marked[0]) and (cell.masks[0] == 1).any()
    followed = [mask.copy() for mask in cell.masks]
    cell.frame.value = 2
    assert np.array_equal(cell.pad.marks.ids, followed[2])  # one goes on from what was followed
    draw(cell, 2, RIGHT)
    cell.follow_button.click()
    assert np.array_equal(cell.masks[2], cell.marked[2]) and (cell.masks[2] == 2).any()
    assert np.array_equal(cell.masks[1], followed[1])
    assert not np.array_equal(cell.masks[3], followed[3])


def test_frames_before_the_first_marked_one_are_empty(model, clip) -> None:
    ids = np.zeros(clip.size, np.uint8)
    ids[20:70, 20:70] = 3
    masks = Follow(model, clip, {1: ids}).run()
    assert not masks[0].any() and np.array_equal(masks[1], ids)


def test_a_forgotten_frame_is_followed_again(model, clip) -> None:
    cell = Follow(model, clip, {0: np.ones(clip.size, np.uint8)})
    cell.frame.value = 2
    draw(cell, 2, LEFT)
    cell.forget_button.click()
    assert set(cell.marked) == {0}


def test_nothing_drawn_is_answered_in_the_cell(model, clip) -> None:
    cell = Follow(model, clip)
    cell.follow_button.click()
    assert "no object is marked yet" in str(
        [getattr(child, "value", "") for child in cell.pad.side.children]
    )
    assert not cell.follow_button.disabled


@pytest.mark.parametrize(
    ("marked", "message"),
    [
        ({9: np.ones((96, 160), np.uint8)}, "frame 9 is marked"),
        ({0: np.zeros((96, 160), np.uint8)}, "shows no object"),
    ],
)
def test_marks_that_cannot_be_followed(model, clip, marked, message) -> None:
    with pytest.raises(InputError, match=message):
        Follow(model, clip, marked).run()


def test_the_figure_shows_marked_frames_and_what_followed(model, clip) -> None:
    cell = Follow(model, clip, {1: clip.labels[1]})
    titles = [axes.get_title() for axes in cell.figure().axes]
    assert titles == ["frame 0", "frame 1, marked", "frame 2", "frame 3"]
