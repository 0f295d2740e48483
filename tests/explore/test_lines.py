"""Lines from a pixel to what it reads: they end where the largest shares are."""

from __future__ import annotations

import numpy as np
import pytest

from vosedu.explore import Picture, linked
from vosedu.explore.lines import GAP, TILE
from vosedu.explore.widgets import Gallery

FRAME = np.full((24, 40, 3), 128, np.uint8)  # tiles are 240 x 144
TALL = 144


def drawn(shares: np.ndarray, strongest: int = 1) -> np.ndarray:
    return linked("", FRAME, (20, 12), [FRAME] * len(shares), shares, strongest).image


def touched(picture: np.ndarray, number: int) -> np.ndarray:
    """Where something is drawn on the other frame of that number, of three."""
    left = number * (TILE + GAP)
    return (picture[TALL + 3 * GAP :, left : left + TILE] != 128).any(2)


def test_each_line_ends_in_the_cell_of_the_largest_share() -> None:
    shares = np.zeros((3, 3, 5))
    shares[0, 2, 0], shares[1, 2, 4] = 0.5, 0.25
    picture = drawn(shares)
    end = picture[TALL + 3 * GAP + 120, 24]  # the middle of row 2, column 0
    assert tuple(end) == (253, 231, 37), "the largest share has viridis's brightest colour"
    weaker = picture[TALL + 3 * GAP + 120, TILE + GAP + 216]
    assert tuple(weaker) not in [(253, 231, 37), (128, 128, 128)]
    assert not touched(picture, 2).any(), "nothing is read there"


@pytest.mark.parametrize("strongest, ends", [(1, 1), (3, 3)])
def test_as_many_ends_as_asked_for(strongest: int, ends: int) -> None:
    shares = np.zeros((3, 3, 5))
    shares[1, 2, [0, 2, 4]] = 0.2, 0.3, 0.1
    picture = drawn(shares, strongest)
    cells = [picture[TALL + 3 * GAP + 120, TILE + GAP + 24 + 48 * c] for c in (0, 2, 4)]
    assert sum(tuple(cell) != (128, 128, 128) for cell in cells) == ends


def test_without_attention_there_is_no_line() -> None:
    picture = drawn(np.zeros((3, 3, 5)), 3)
    assert not any(touched(picture, number).any() for number in range(3))


def test_the_size_is_that_of_three_frames_at_least() -> None:
    one, five = (drawn(np.ones((n, 3, 5))) for n in (1, 5))
    assert one.shape[1] == 3 * (TILE + GAP) - GAP
    assert five.shape[1] == 5 * (TILE + GAP) - GAP


def test_a_wide_picture_has_the_row_to_itself() -> None:
    gallery = Gallery()
    gallery.show([[Picture("all", np.zeros((40, 900, 3), np.uint8), wide=True)]])
    assert gallery.widget.children[0].layout.grid_template_columns == "repeat(1, minmax(0, 1fr))"
