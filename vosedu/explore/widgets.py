"""The widgets of an explorer, made of ipywidgets alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape

import cv2
import ipywidgets as w
import numpy as np

from vosedu.explore.view import Choice, Picture, gradient, room

ROWS, COLUMNS = 6, 10
LABEL = "74px"
CLASS = "vosedu-explorer"
CELLS = "vosedu-cells"
STYLE = f"""<style>
.{CLASS} .widget-toggle-button {{height: 24px; line-height: 24px; padding: 0 7px; font-size: 12px}}
.{CELLS} {{position: relative}}
.{CELLS} > .widget-gridbox {{position: absolute; inset: 0; min-height: 0}}
.{CELLS} .widget-button {{min-height: 0}}
.{CLASS} .widget-html-content, .{CLASS} .widget-label {{font-size: 12px; line-height: 17px}}
</style>"""
"""Compact controls, so that all of them fit on a screen of 768 lines beside the pictures."""

_TITLE = "font-size: 11px; line-height: 14px; height: 28px; overflow: hidden"
_BAR = "display: flex; align-items: center; gap: 4px; font-size: 10px; line-height: 14px"


def encode(image: np.ndarray) -> bytes:
    """H x W x 3 uint8 RGB -> JPEG bytes."""
    bgr = np.ascontiguousarray(image[..., ::-1])
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def choose(choice: Choice) -> w.ToggleButtons:
    """A row of buttons, so that each option is one click away."""
    return w.ToggleButtons(
        options=choice.options,
        value=choice.untouched,
        tooltip=choice.help or choice.label,
        tooltips=[choice.tips.get(option, choice.help) for option in choice.options],
        style={"button_width": "auto"},
        layout=w.Layout(flex="1 1 0", min_width="0", margin="0"),
    )


def labelled(choice: Choice, buttons: w.ToggleButtons) -> w.HBox:
    """The choice's label beside its buttons, as wide as the labels of the sliders."""
    tip = escape(choice.help or choice.label, quote=True)
    text = (
        f'<div style="width: {LABEL}; text-align: right" title="{tip}">{escape(choice.label)}</div>'
    )
    return w.HBox([w.HTML(text), buttons], layout=w.Layout(width="100%", overflow="hidden"))


def slide(label: str, tooltip: str) -> w.IntSlider:
    """A slider over whole numbers from 0; its end is set with the clip."""
    return w.IntSlider(
        0,
        0,
        0,
        description=label,
        tooltip=tooltip,
        style={"description_width": LABEL},
        layout=w.Layout(width="100%"),
        continuous_update=False,
    )


class Shown:
    """A picture as wide as its column, a title of two lines above it, a colour bar below.

    A longer title is cut; the tooltip has all of it. The height stays the same whatever the title.
    """

    def __init__(self) -> None:
        self._title, self._scale = w.HTML(), w.HTML()
        inside = w.Layout(width="100%", grid_area="1 / 1 / 2 / 2")
        self.image = w.Image(format="jpeg", layout=inside)
        self.body = w.GridBox(
            [self.image],
            layout=w.Layout(width="100%", grid_template_columns="100%", overflow="hidden"),
        )
        self.widget = w.VBox([self._title, self.body, self._scale])

    def show(self, picture: Picture) -> None:
        """Replace what is shown."""
        title = escape(picture.title, quote=True)
        self._title.value = f'<div style="{_TITLE}" title="{title}">{title}</div>'
        self.image.value = encode(picture.small)
        self._scale.value = _colour_bar(picture.scale) if picture.scale else ""


def _colour_bar(scale: tuple[str, str]) -> str:
    low, high = map(escape, scale)
    bar = f'<span style="flex: 1; height: 7px; background: {gradient()}"></span>'
    return f'<div style="{_BAR}">{low}{bar}{high}</div>'


class Clickable(Shown):
    """A picture that can be clicked.

    ipywidgets has no clicks on images. This puts a grid of transparent buttons over the picture,
    in the same cell of a CSS grid, so it needs no JavaScript; the centre of the clicked cell is
    the pixel, and sliders beside it choose finer.

    on_click: called with (x, y), each between 0 and 1, from the top left corner. rows, columns:
    of the grid. tip: a cell's tooltip.
    """

    def __init__(
        self,
        on_click: Callable[[float, float], None],
        rows: int = ROWS,
        columns: int = COLUMNS,
        tip: str = "choose a pixel in this cell",
    ) -> None:
        super().__init__()
        self.rows, self.columns = rows, columns
        filled = w.Layout(width="100%", height="100%", margin="0", border="1px solid #ffffff18")
        clear = w.ButtonStyle(button_color="transparent")
        self.cells = [
            w.Button(layout=filled, style=clear, tooltip=tip) for _ in range(rows * columns)
        ]
        for number, button in enumerate(self.cells):
            x, y = (number % columns + 0.5) / columns, (number // columns + 0.5) / rows
            button.on_click(lambda _, x=x, y=y: on_click(x, y))
        over = w.GridBox(
            self.cells,
            layout=w.Layout(
                grid_area="1 / 1 / 2 / 2",
                grid_template_columns=f"repeat({columns}, minmax(0, 1fr))",
                grid_template_rows=f"repeat({rows}, minmax(0, 1fr))",
                grid_gap="0",
                width="100%",
                height="100%",
            ),
        )
        self.body.children = [self.image, over]
        self.body.add_class(CELLS)

    def click(self, x: float, y: float) -> None:
        """Click the cell in which (x, y) lies, each between 0 and 1."""
        column = min(int(x * self.columns), self.columns - 1)
        row = min(int(y * self.rows), self.rows - 1)
        self.cells[row * self.columns + column].click()


def columns(count: int) -> w.Layout:
    """A CSS grid of equal columns that never exceeds the width of its parent."""
    return w.Layout(
        width="100%", grid_template_columns=f"repeat({count}, minmax(0, 1fr))", grid_gap="0 8px"
    )


class Gallery:
    """Rows of pictures whose number may change; widgets are made once and used again.

    A row has at least three columns and at most six; further pictures go to the next line.
    """

    def __init__(self) -> None:
        self._made: list[Shown] = []
        self.widget = w.VBox(layout=w.Layout(width="100%"))

    def show(self, rows: Iterable[Iterable[Picture]]) -> None:
        """Replace what is shown."""
        free = iter(list(self._made))
        lines = []
        for row in map(tuple, rows):
            line = []
            for picture in row:
                shown = next(free, None) or self._another()
                shown.show(picture)
                line.append(shown.widget)
            lines.append(w.GridBox(line, layout=columns(min(room(row), 6))))
        self.widget.children = lines

    def _another(self) -> Shown:
        self._made.append(Shown())
        return self._made[-1]
