"""What an explorer shows, as plain data, and its drawing on paper."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from vosedu.figures.attention import thumbnail

TITLE = 0.36  # inches, room for two lines above each picture


@dataclass(frozen=True)
class Choice:
    """A switch of an explorer.

    name: the keyword by which `look` receives the chosen option. label: what the user reads.
    untouched: the option that leaves network and inputs as they are.
    changes: False for a switch that only chooses what is shown.
    """

    name: str
    label: str
    options: tuple[Any, ...]
    untouched: Any
    changes: bool = True


@dataclass(frozen=True)
class Picture:
    """An image, H x W x 3 uint8, and the line above it."""

    title: str
    image: np.ndarray


@dataclass(frozen=True)
class View:
    """What one setting shows.

    frame: H x W x 3 uint8, and mask: H x W uint8 ids, the network's answer for it. target: the
    picture of that frame on which users click. rows: further pictures. facts: sentences with what
    was measured.
    """

    frame: np.ndarray
    mask: np.ndarray
    target: Picture
    rows: tuple[tuple[Picture, ...], ...] = ()
    facts: tuple[str, ...] = ()


def draw(view: View, title: str = "", width: float = 9.0) -> Figure:
    """The view as a figure, `width` inches wide: its pictures row by row, its facts below."""
    first, *others = view.rows or ((),)
    rows = [row for row in ((view.target, *first), *others) if row]
    height, across = view.target.image.shape[:2]
    heading = fill(title, round(11 * width))
    facts = "\n".join(fill(fact, round(15 * width)) for fact in view.facts)
    shares = [1 / max(3, len(row)) for row in rows]  # of the width, for each picture of a row
    tops = [TITLE + share * width * height / across for share in shares]
    head, foot = 0.18 * len(heading.splitlines()) + 0.05, 0.15 * len(facts.splitlines()) + 0.15
    tall = head + sum(tops) + foot
    figure = plt.figure(figsize=(width, tall))
    plt.close(figure)  # whoever asked for it shows it, once
    figure.text(0.003, 1 - 0.03 / tall, heading, fontsize=10, va="top")
    figure.text(0.003, (foot - 0.1) / tall, facts, fontsize=8, va="top")
    bottom = tall - head
    for row, share, top in zip(rows, shares, tops):
        bottom -= top
        for column, picture in enumerate(row):
            box = (column * share + 0.003, bottom / tall, share - 0.006, (top - TITLE) / tall)
            axes = figure.add_axes(box)
            axes.imshow(thumbnail(picture.image), interpolation="nearest")
            axes.set_title(fill(picture.title, round(15 * width * share)), fontsize=8, pad=2)
            axes.set_axis_off()
    return figure
