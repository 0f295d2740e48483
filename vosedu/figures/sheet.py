"""Pictures side by side, each under its title."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from vosedu.errors import InputError

PAGE = 10.0  # inches that fill the width of a notebook
TITLE = 0.17  # inches of one line of a title


def sheet(
    pictures: Mapping[str, np.ndarray],
    columns: int = 4,
    width: float | None = None,
    **options: Any,
) -> Figure:
    """Pictures side by side, row by row, each under its title; maps share one colour bar.

    pictures: title -> H x W x 3 uint8, or H x W numbers; the first one's shape sets the rows'
    height. columns: at most so many side by side. width: inches of one picture; by default the
    columns fill the page. options: of `imshow`; without vmin and vmax, maps run from 0 to the
    largest value of all.
    """
    if not pictures:
        raise InputError("a sheet needs at least one picture; give a title and an array")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    width = min(PAGE / columns, 5.0) if width is None else width
    titles = [fill(title, max(12, round(13.5 * width))) for title in pictures]
    height, across = next(iter(pictures.values())).shape[:2]
    lines = max(title.count("\n") + 1 if title else 0 for title in titles)
    size = (width * columns, (width * height / across + TITLE * lines + 0.08) * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    plt.close(figure)  # so that it is shown only where it is returned to
    maps = [picture for picture in pictures.values() if picture.ndim == 2]
    if maps:
        largest = max(float(np.nanmax(numbers)) for numbers in maps)
        options = {"vmin": 0.0, "vmax": largest, "cmap": "cividis"} | options
    image = None
    for axis, title, picture in zip(axes.flat, titles, pictures.values()):
        shown = axis.imshow(picture, interpolation="nearest", **options)
        image = shown if picture.ndim == 2 else image
        axis.set_title(title, fontsize=9)
    for axis in axes.flat:
        axis.set_axis_off()
    if image is not None:
        figure.colorbar(image, ax=axes, shrink=0.8)
    return figure
