"""The static twin of an explorer: titles stay above their own pictures."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from vosedu.explore import Picture, View, draw

IMAGE = np.zeros((48, 80, 3), np.uint8)
LONG = "mask changed on 0.0 % (blue: gained, orange: lost, yellow: another object)"


def overlap(one: Bbox, other: Bbox) -> bool:
    """Whether two boxes share more than an edge."""
    both = Bbox.intersection(one, other)
    return both is not None and min(both.width, both.height) > 1


@pytest.mark.parametrize("across", [1, 3, 5])
def test_long_titles_cover_neither_each_other_nor_pictures(across: int) -> None:
    row = tuple(Picture(LONG, IMAGE) for _ in range(across))
    view = View(IMAGE, IMAGE[..., 0], Picture(LONG, IMAGE), (row[1:], row))
    figure = draw(view, "Which question do three clicks answer? " * 4)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.canvas.draw()
    titles = [axes.title.get_window_extent(renderer) for axes in figure.axes]
    pictures = [axes.get_window_extent(renderer) for axes in figure.axes]
    heading = figure.texts[0].get_window_extent(renderer)
    for one, other in combinations([heading, *titles], 2):
        assert not overlap(one, other)
    for number, title in enumerate(titles):
        for picture in pictures:
            assert not overlap(title, picture), number
