"""The few widgets explorers are made of, on ipywidgets alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape

import cv2
import ipywidgets as w
import numpy as np

from vosedu.explore.view import Choice, Picture
from vosedu.figures.attention import thumbnail

ROWS, COLUMNS = 6, 10


def encode(image: np.ndarray) -> bytes:
    """H x W x 3 uint8 RGB -> JPEG bytes: what a saved notebook keeps of every picture."""
    bgr = np.ascontiguousarray(image[..., ::-1])
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def choose(choice: Choice) -> w.ToggleButtons:
    """A row of buttons, so that each option is one click away."""
    return w.ToggleButtons(
        options=choice.options,
        value=choice.untouched,
        description=choice.label,
        style={"button_width": "auto", "description_width": "90px"},
    )


def slide(label: str) -> w.IntSlider:
    """A slider over whole numbers from 0; its end is set with the clip."""
    return w.IntSlider(
        0, 0, 0, description=label, style={"description_width": "90px"}, continuous_update=False
    )


class Shown:
    """A picture with its title above it, `width` pixels wide on the page."""

    def __init__(self, width: int) -> None:
        self._title = w.HTML()
        inside = w.Layout(width="100%", grid_area="1 / 1 / 2 / 2")
        self.image = w.Image(format="jpeg", layout=inside)
        self.body = w.GridBox(
            [self.image],
            layout=w.Layout(width=f"{width}px", grid_template_columns="100%", overflow="hidden"),
        )
        self.widget = w.VBox([self._title, self.body], layout=w.Layout(margin="0 8px 0 0"))

    def show(self, picture: Picture) -> None:
        """Replace what is shown."""
        self._title.value = f"<small>{escape(picture.title)}</small>"
        self.image.value = encode(thumbnail(picture.image))


class Clickable(Shown):
    """A picture that can be clicked.

    ipywidgets has no clicks on images. This lays a grid of transparent buttons over the picture,
    in the same cell of a CSS grid, so it needs no JavaScript; the centre of the clicked cell is
    the pixel, and sliders beside it choose finer.

    on_click: called with (x, y), each between 0 and 1, from the top left corner.
    """

    def __init__(self, width: int, on_click: Callable[[float, float], None]) -> None:
        super().__init__(width)
        filled = w.Layout(width="100%", height="100%", margin="0", border="1px solid #ffffff18")
        clear = w.ButtonStyle(button_color="transparent")
        self.cells = [w.Button(layout=filled, style=clear) for _ in range(ROWS * COLUMNS)]
        for number, button in enumerate(self.cells):
            x, y = (number % COLUMNS + 0.5) / COLUMNS, (number // COLUMNS + 0.5) / ROWS
            button.on_click(lambda _, x=x, y=y: on_click(x, y))
        over = w.GridBox(
            self.cells,
            layout=w.Layout(
                grid_area="1 / 1 / 2 / 2",
                grid_template_columns=f"repeat({COLUMNS}, minmax(0, 1fr))",
                grid_template_rows=f"repeat({ROWS}, minmax(0, 1fr))",
                grid_gap="0",
                width="100%",
                height="100%",
            ),
        )
        self.body.children = [self.image, over]

    def click(self, x: float, y: float) -> None:
        """Click the cell in which (x, y) lies, each between 0 and 1."""
        column, row = min(int(x * COLUMNS), COLUMNS - 1), min(int(y * ROWS), ROWS - 1)
        self.cells[row * COLUMNS + column].click()


class Gallery:
    """Rows of pictures whose number may change; widgets are made once and used again."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._made: list[Shown] = []
        self.widget = w.VBox()

    def show(self, rows: Iterable[Iterable[Picture]]) -> None:
        """Replace what is shown."""
        free = iter(list(self._made))
        lines = []
        for row in rows:
            line = []
            for picture in row:
                shown = next(free, None) or self._another()
                shown.show(picture)
                line.append(shown.widget)
            lines.append(w.HBox(line, layout=w.Layout(flex_flow="row wrap")))
        self.widget.children = lines

    def _another(self) -> Shown:
        self._made.append(Shown(self._width))
        return self._made[-1]
