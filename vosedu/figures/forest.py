"""Differences with their intervals and margins, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vosedu.figures.overlay import COLOURS

BLUE = tuple(COLOURS[4] / 255)


@dataclass(frozen=True)
class Branch:
    """One line of a forest plot.

    differences: one per seed, none for a row that was not run. interval: (low, high) of their
    mean, NaN for fewer than two. margin: inside it a difference counts as no effect; 0: no band.
    note: written at the right, e.g. a verdict.
    """

    label: str
    differences: Sequence[float]
    interval: tuple[float, float]
    margin: float = 0.0
    note: str = ""


def forest_plot(branches: Sequence[Branch], xlabel: str, width: float = 8.0) -> Figure:
    """Means with intervals (lines), single seeds (dots), margins (grey), zero (dashed)."""
    figure, axes = plt.subplots(figsize=(width, 0.42 * len(branches) + 0.8), layout="constrained")
    plt.close(figure)  # so that it is shown only where it is returned to
    draw_forest(axes, branches, xlabel)
    return figure


def draw_forest(axes: Axes, branches: Sequence[Branch], xlabel: str) -> None:
    """Draw a forest plot into given axes."""
    for y, branch in enumerate(branches):
        if branch.margin:
            axes.barh(y, 2 * branch.margin, 0.8, -branch.margin, color="0.9", zorder=0)
        if len(branch.differences):
            axes.plot(branch.differences, [y + 0.22] * len(branch.differences), ".", color="0.45")
            axes.plot(branch.interval, [y, y], color=BLUE, lw=2)
            axes.plot(np.mean(branch.differences), y, "o", color=BLUE)
        axes.annotate(
            branch.note, (1.01, y), xycoords=("axes fraction", "data"), va="center", fontsize=9
        )
    axes.axvline(0, color="0.2", ls="--", lw=1)
    axes.set_yticks(range(len(branches)), [branch.label for branch in branches])
    axes.set_ylim(len(branches) - 0.5, -0.5)
    axes.set_xlabel(xlabel)
    axes.locator_params(axis="x", nbins=5)  # labels of small differences are long
    axes.spines[["top", "right"]].set_visible(False)
