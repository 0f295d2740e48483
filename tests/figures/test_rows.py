"""Rows of pictures with labels."""

from __future__ import annotations

import numpy as np
import pytest

from vosedu.errors import InputError
from vosedu.figures.inline import alternative_text
from vosedu.figures.rows import picture_rows


def test_every_picture_has_its_row_and_its_column() -> None:
    rows = {
        name: [np.full((24, 40, 3), 40 * k + t, np.uint8) for t in range(2)]
        for k, name in enumerate(("truth", "ours\nJ 50", "theirs"))
    }
    figure = picture_rows(rows, ["frame 3", "frame 8"])
    shown = [axis.images[0].get_array()[0, 0, 0] for axis in figure.axes]
    assert shown == [0, 1, 40, 41, 80, 81]
    assert [axis.get_title() for axis in figure.axes[:2]] == ["frame 3", "frame 8"]
    assert [axis.get_ylabel() for axis in figure.axes[::2]] == list(rows)
    assert "theirs" in alternative_text(figure)
    first, last = figure.axes[0].get_position(), figure.axes[-1].get_position()
    assert first.y0 > last.y1 and first.x1 < last.x0 and first.x0 > 0.05  # room for labels


def test_rows_of_different_length_are_told() -> None:
    with pytest.raises(InputError, match="needs 2 pictures"):
        picture_rows({"a": [np.zeros((2, 2, 3), np.uint8)]}, ["one", "two"])
