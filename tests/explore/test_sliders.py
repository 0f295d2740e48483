"""A figure that follows sliders."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from vosedu.explore import Sliders


def line(height: int, width: int) -> Figure:
    figure, axis = plt.subplots(figsize=(2, 2))
    axis.plot([0, width], [height, height])
    axis.set(xlim=(0, 10), ylim=(0, 10))
    plt.close(figure)
    return figure


def test_a_slider_changes_the_picture_and_its_twin() -> None:
    shown = Sliders(line, height=(0, 9, 3), width=(1, 9, 4))
    (drawn,) = shown.figure().axes[0].lines
    assert (drawn.get_xdata()[1], drawn.get_ydata()[1]) == (4, 3)
    picture = shown.widget.children[1]
    before, twin = picture.value, shown._repr_mimebundle_()[0]["image/png"]
    shown.sliders["height"].value = 8
    assert picture.value != before
    assert shown._repr_mimebundle_()[0]["image/png"] != twin
    assert shown.figure().axes[0].lines[0].get_ydata()[1] == 8
