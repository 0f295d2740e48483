"""A figure that follows sliders."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as w
from matplotlib.figure import Figure

from vosedu.explore.twin import WithTwin
from vosedu.figures.inline import palette_png


class Sliders(WithTwin):
    """A figure that is drawn anew when a slider is moved.

        Sliders(compare, shift=(-12, 12, 4), grow=(-6, 6, 0))

    draw: takes the sliders' values by name and returns a figure. ranges: name -> least, largest and
    first value, whole numbers.
    """

    def __init__(self, draw: Callable[..., Figure], **ranges: tuple[int, int, int]) -> None:
        self._draw = draw
        self.sliders = {
            name: w.IntSlider(first, least, most, description=name, continuous_update=False)
            for name, (least, most, first) in ranges.items()
        }
        self._picture = w.Image(format="png")
        for slider in self.sliders.values():
            slider.observe(lambda _: self._refresh(), "value")
        self._refresh()
        self.widget = w.VBox([w.HBox(list(self.sliders.values())), self._picture])

    def figure(self) -> Figure:
        """The figure at the sliders' present values."""
        return self._draw(**{name: slider.value for name, slider in self.sliders.items()})

    def _refresh(self) -> None:
        self._picture.value = palette_png(self.figure())
