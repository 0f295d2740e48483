"""Rows of pictures with a label before each row: the same frames under several methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from vosedu.errors import InputError
from vosedu.figures.sheet import PAGE

LABEL = 1.1  # inches for the labels of the rows
HEAD = 0.25  # inches for the titles of the columns


def picture_rows(rows: Mapping[str, Sequence[np.ndarray]], titles: Sequence[str]) -> Figure:
    """Pictures in a table: a label before each row, a title above each column, as wide as a page.

    rows: label -> one picture for each title, H x W x 3 uint8. A label may have several lines.
    """
    if not rows or any(len(pictures) != len(titles) for pictures in rows.values()):
        raise InputError(f"every row needs {len(titles)} pictures, one for each title")
    tall, wide = next(iter(rows.values()))[0].shape[:2]
    each = (PAGE - LABEL) / len(titles)
    size = (PAGE, HEAD + len(rows) * (each * tall / wide + 0.04))
    figure, axes = plt.subplots(len(rows), len(titles), figsize=size, squeeze=False)
    plt.close(figure)  # so that it is shown only where it is returned to
    edges = {"left": LABEL / PAGE, "right": 1, "bottom": 0, "top": 1 - HEAD / size[1]}
    figure.subplots_adjust(**edges, wspace=0.02, hspace=0.03)
    for line, (label, pictures) in zip(axes, rows.items()):
        for axis, picture in zip(line, pictures):
            axis.imshow(picture, interpolation="nearest", aspect="auto")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", labelpad=6)
    for axis, title in zip(axes[0], titles):
        axis.set_title(title)
    return figure
