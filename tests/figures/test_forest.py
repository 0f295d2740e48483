"""Forest plots: numbers on the axis can be read, however small the differences are."""

from __future__ import annotations

from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from vosedu.figures.forest import Branch, draw_forest


@pytest.mark.parametrize("scale", [1e-4, 1.0, 30.0])
def test_numbers_of_the_axis_do_not_overlap(scale: float) -> None:
    figure = Figure(figsize=(3.6, 2.0), layout="constrained")
    axes = figure.subplots()
    differences = [-1.3 * scale, 0.4 * scale]
    draw_forest(axes, [Branch("ifa = released", differences, (-6.1 * scale, 5.9 * scale))], "J")
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.canvas.draw()
    shown = [label.get_window_extent(renderer) for label in axes.get_xticklabels()]
    assert len(shown) > 2
    assert not any(Bbox.intersection(a, b) for a, b in combinations(shown, 2))
