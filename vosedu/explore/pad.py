"""A frame on which objects are marked with the mouse, made of ipywidgets alone."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import ipywidgets as w
import numpy as np

from vosedu.errors import InputError
from vosedu.explore.marks import OBJECTS, Marks
from vosedu.explore.view import Choice, Picture
from vosedu.explore.widgets import CLASS, STYLE, Clickable, choose, labelled, slide

GRID = (12, 20)  # rows and columns of places to click
TOOLS = {
    "polygon": "each click is a corner; 'close' fills the polygon",
    "brush": "each click paints a disc",
    "eraser": "each click removes a disc from whatever object lies there",
}
ZOOMS = {
    "whole": 1,
    "2 x": 2,
    "4 x": 4,
}


class Pad:
    """Objects of one frame, drawn by clicks on its picture.

    A click takes the centre of one of 12 x 20 cells; zoomed in, the cells are smaller, down to a
    pixel or two, and the picture is centred on the last place clicked.

    on_change: called without arguments after every change of `marks.ids`.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self.frame = np.zeros((8, 8, 3), np.uint8)
        self.marks = Marks(self.frame[..., 0])
        self._last = (4, 4)
        rows, columns = GRID
        self.picture = Clickable(self._clicked, rows, columns, "mark this place")
        tools, zooms, numbers = tuple(TOOLS), tuple(ZOOMS), tuple(range(1, OBJECTS + 1))
        switches = {
            "tool": Choice("tool", "tool", tools, tools[0], tips=TOOLS),
            "object": Choice("object", "object", numbers, 1, help="the object that is marked"),
            "zoom": Choice("zoom", "zoom", zooms, zooms[0], help="look closer at the last place"),
        }
        self.controls = {name: choose(choice) for name, choice in switches.items()}
        self.radius = slide("radius", "of brush and eraser, in pixels")
        self.radius.max, self.radius.min, self.radius.value = 40, 1, 4
        self.buttons = {
            name: w.Button(description=name, tooltip=tip, layout=w.Layout(width="auto"))
            for name, tip in (
                ("close", "fill the polygon"),
                ("undo", "take the last change back"),
                ("clear", "remove the object that is marked"),
            )
        }
        self.buttons["close"].on_click(lambda _: self._do(lambda: self.marks.close(self.number)))
        self.buttons["undo"].on_click(lambda _: self._do(self.marks.undo))
        self.buttons["clear"].on_click(lambda _: self._do(lambda: self.marks.clear(self.number)))
        for control in self.controls.values():
            control.observe(lambda _: self._show(), "value")
        self._said = w.HTML()
        self.side = w.VBox(
            [
                *(labelled(switches[name], self.controls[name]) for name in switches),
                self.radius,
                w.HBox(list(self.buttons.values())),
                self._said,
            ]
        )
        self.widget = w.GridBox(
            [w.VBox([w.HTML(STYLE), self.picture.widget]), self.side],
            layout=w.Layout(
                width="100%", grid_template_columns="minmax(0, 1fr) 330px", grid_gap="0 16px"
            ),
        ).add_class(CLASS)
        self._show()

    @property
    def number(self) -> int:
        """The object that is marked."""
        return self.controls["object"].value

    def show(self, frame: np.ndarray, ids: np.ndarray, title: str = "") -> None:
        """Another frame, H x W x 3 uint8, with the objects that are on it already, H x W uint8."""
        self.frame, self.marks, self._title = frame, Marks(ids), title
        self._last = (frame.shape[1] // 2, frame.shape[0] // 2)
        self._show()

    def click(self, x: float, y: float) -> None:
        """Click the picture at (x, y), each between 0 and 1, as the mouse does."""
        self.picture.click(x, y)

    def say(self, text: str) -> None:
        """A line below the controls."""
        self._said.value = escape(text)

    def _clicked(self, x: float, y: float) -> None:
        top, left, height, width = self._window()
        place = (left + int(x * width), top + int(y * height))
        self._last = place
        tool = self.controls["tool"].value
        if tool == "polygon":
            self._do(lambda: self.marks.corner(*place))
        else:
            number = self.number if tool == "brush" else 0
            self._do(lambda: self.marks.brush(*place, self.radius.value, number))

    def _do(self, change: Callable[[], None]) -> None:
        before = self.marks.ids.copy()
        self.say("")
        try:
            change()
        except InputError as error:
            self.say(str(error))
        self._show()
        if not np.array_equal(before, self.marks.ids):
            self._on_change()

    def _window(self) -> tuple[int, int, int, int]:
        """Top, left, height and width of the part of the frame that is shown."""
        zoom = ZOOMS[self.controls["zoom"].value]
        height, width = (max(side // zoom, 1) for side in self.frame.shape[:2])
        left, top = self._last[0] - width // 2, self._last[1] - height // 2
        top = min(max(top, 0), self.frame.shape[0] - height)
        left = min(max(left, 0), self.frame.shape[1] - width)
        return top, left, height, width

    _title = ""

    def _show(self) -> None:
        top, left, height, width = self._window()
        image = self.marks.picture(self.frame, self.number)
        part = image[top : top + height, left : left + width]
        zoom = self.frame.shape[0] // height
        self.picture.show(Picture(self._title, part.repeat(zoom, 0).repeat(zoom, 1)))
