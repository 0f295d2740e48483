"""Widgets with a static picture, for pages that show no widgets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64encode
from typing import Any

from ipywidgets import DOMWidget
from matplotlib.figure import Figure

from vosedu.figures.inline import alternative_text, palette_png


class WithTwin(ABC):
    """Displays as `widget` in a running notebook, and as `figure()` on GitHub and on paper.

    Both go into one output, so a saved notebook always has the picture beside the widget.
    """

    widget: DOMWidget

    @abstractmethod
    def figure(self) -> Figure:
        """What the widget shows now, as a figure."""

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        figure = self.figure()
        bundle = {
            **self.widget._repr_mimebundle_(),
            "image/png": b64encode(palette_png(figure)).decode("ascii"),
            "text/plain": f"{type(self).__name__}: run this cell to use it",
        }
        return bundle, {"image/png": {"alt": alternative_text(figure)}}
