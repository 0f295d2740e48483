"""What an explorer shows, as plain data, and its drawing as a figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vosedu.figures.attention import heat, thumbnail

SMALL, WIDEST = 320, 1000  # pixels of the longer side of a picture that is shown
LINE, SCALE = 0.15, 0.2  # inches of a line of a title, and below a row with a colour bar


@dataclass(frozen=True)
class Choice:
    """A switch of an explorer.

    name: the keyword by which `look` receives the chosen option. label: what the user reads.
    untouched: the option that leaves network and inputs as they are.
    changes: False for a switch that only chooses what is shown.
    help: what the switch does. tips: what single options do; both are shown as tooltips.
    """

    name: str
    label: str
    options: tuple[Any, ...]
    untouched: Any
    changes: bool = True
    help: str = ""
    tips: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """An image, H x W x 3 uint8, and the line above it.

    scale: the values of the darkest and the brightest colour of viridis, in words, for an image
    that draws numbers; None for any other image. wide: it has a row of its own, as wide as all.
    """

    title: str
    image: np.ndarray
    scale: tuple[str, str] | None = None
    wide: bool = False

    @property
    def small(self) -> np.ndarray:
        """The image at the size at which it is shown."""
        return thumbnail(self.image, WIDEST if self.wide else SMALL)


Rows = tuple[tuple[Picture, ...], ...]


def room(row: Sequence[Picture]) -> int:
    """How many pictures a row has room for: three at least, or one wide picture."""
    return 1 if row and row[0].wide else max(3, len(row))


@dataclass(frozen=True)
class View:
    """What one setting shows.

    frame: H x W x 3 uint8, and mask: H x W uint8 ids, the network's answer for it. target: the
    picture of that frame on which users click. rows: further pictures; the first row stands beside
    the target and has the same number of pictures in every state. facts: sentences with what was
    measured.
    """

    frame: np.ndarray
    mask: np.ndarray
    target: Picture
    rows: Rows = ()
    facts: tuple[str, ...] = ()


def heat_map(
    title: str,
    frame: np.ndarray,
    values: np.ndarray,
    high: float,
    low: float = 0.0,
    unit: str = "",
) -> Picture:
    """A map, h x w, drawn over a frame, H x W x 3 uint8, with its colour bar."""
    return Picture(title, heat(frame, values, high, low), (f"{low:.3g}", f"{high:.3g}{unit}"))


def distribution_map(
    title: str, frame: np.ndarray, shares: np.ndarray, high: float | None = None
) -> Picture:
    """A distribution over the positions of a frame, h x w, as multiples of the uniform one.

    high: the multiple drawn brightest; by default the largest, 2 at least.
    """
    times = shares * shares.size
    high = max(2.0, float(times.max())) if high is None else high
    return heat_map(title, frame, times, high, unit=" x uniform")


def draw(view: View, title: str = "", width: float = 9.0) -> Figure:
    """The view as a figure, `width` inches wide: its pictures row by row, its facts below."""
    first, *others = view.rows or ((),)
    rows = [row for row in ((view.target, *first), *others) if row]
    height, across = view.target.image.shape[:2]
    heading = fill(title, round(10.5 * width))
    facts = "\n".join(fill(fact, round(13.5 * width)) for fact in view.facts)
    shares = [1 / room(row) for row in rows]  # of the width, for each picture of a row
    titles = [[fill(p.title, round(12.5 * width * s)) for p in row] for row, s in zip(rows, shares)]
    above = [0.1 + LINE * max(title.count("\n") + 1 for title in row) for row in titles]
    bars = [SCALE * any(picture.scale for picture in row) for row in rows]
    shapes = [row[0].image.shape if row[0].wide else (height, across) for row in rows]
    tops = [
        room_above + bar + share * width * shape[0] / shape[1]
        for room_above, share, bar, shape in zip(above, shares, bars, shapes)
    ]
    head, foot = 0.19 * len(heading.splitlines()) + 0.05, 0.17 * len(facts.splitlines()) + 0.15
    tall = head + sum(tops) + foot
    figure = plt.figure(figsize=(width, tall))
    plt.close(figure)  # so that it is shown only where it is returned to
    figure.text(0.003, 1 - 0.03 / tall, heading, fontsize=10, va="top")
    figure.text(0.003, (foot - 0.1) / tall, facts, fontsize=9, va="top")
    bottom = tall - head
    for row, lines, share, bar, top, room_above in zip(rows, titles, shares, bars, tops, above):
        bottom -= top
        for column, (picture, text) in enumerate(zip(row, lines)):
            left, across = column * share + 0.003, share - 0.006
            axes = figure.add_axes(
                (left, (bottom + bar) / tall, across, (top - room_above - bar) / tall)
            )
            axes.imshow(picture.small, interpolation="nearest")
            axes.set_title(text, fontsize=9, pad=2)
            axes.set_axis_off()
            if picture.scale:
                inside = (left + 0.04 * width / 9, (bottom + 0.1) / tall, 0.4 * across, 0.06 / tall)
                _colour_bar(figure.add_axes(inside), picture.scale)
    return figure


def _colour_bar(axes: Axes, scale: Sequence[str]) -> None:
    axes.imshow(np.linspace(0, 1, 64)[None], cmap="viridis", aspect="auto")
    axes.set_axis_off()
    for x, text, side in zip((-0.04, 1.04), scale, ("right", "left")):
        axes.text(x, 0.5, text, transform=axes.transAxes, ha=side, va="center", fontsize=8)


def gradient() -> str:
    """The colours of viridis as a CSS gradient, for colour bars on a page."""
    return f"linear-gradient(to right, {', '.join(_stops())})"


def _stops() -> Iterator[str]:
    for share in np.linspace(0, 1, 9):
        yield matplotlib.colors.to_hex(matplotlib.colormaps["viridis"](share))
