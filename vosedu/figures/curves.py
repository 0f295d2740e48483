"""Plots that several notebooks draw: scores over a setting or sorted by clip, losses by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from pandas import DataFrame

from vosedu.figures.overlay import COLOURS
from vosedu.text import NOT_RUN

MEAN, SEED = tuple(COLOURS[4] / 255), "0.7"
STYLES = ("-", "--", "-.", ":")
ORDER = (4, 5, 2, 6, 0, 1)  # of COLOURS, the most distinct first


def seed_curves(
    axes: Axes, scores: DataFrame, *, span: float | None = None, label: str = ""
) -> None:
    """One thin line for each seed and a thick one for their mean.

    scores: one line per seed, one column per setting; settings that are numbers are places on the
    x axis, others stand side by side under their names. An empty table draws "not run here".
    span: height of the y axis in points, so that slopes can be compared between panels.
    """
    numbers = all(isinstance(column, int | float) for column in scores.columns)
    places = list(scores.columns) if numbers else list(range(scores.shape[1]))
    if numbers:
        axes.set_xticks(places)
    else:
        axes.set_xticks(places, list(scores.columns), rotation=35, ha="right")
    if scores.empty or scores.isna().all(axis=None):
        not_run(axes)
        return
    axes.plot(places, scores.T.to_numpy(), color=SEED, lw=0.8)
    style = {"marker": "o", "lw": 2} if numbers else {"marker": "_", "ms": 18, "mew": 3, "lw": 0}
    axes.plot(places, scores.mean(), color=MEAN, label=label, **style)
    if span:
        middle = float(np.mean(axes.get_ylim()))
        axes.set_ylim(middle - span / 2, middle + span / 2)


def sorted_differences(axes: Axes, differences: Mapping[str, Sequence[float] | None]) -> None:
    """For each row, its difference on every clip, sorted; a row that was not run has None."""
    lines = {label: d for label, d in differences.items() if d is not None}
    for k, (label, each) in enumerate(lines.items()):
        look: dict[str, Any] = {"color": COLOURS[ORDER[k % len(ORDER)]] / 255}
        share = np.linspace(0, 1, len(each))
        axes.plot(share, np.sort(each), STYLES[k % len(STYLES)], label=label, **look)
    axes.axhline(0, color="0.2", lw=0.8)
    axes.set_xlabel("share of the clips, sorted for each row")
    if lines:
        axes.legend(fontsize=8, frameon=False)
    else:
        not_run(axes)


def loss_curves(
    axes: Axes,
    rows: DataFrame,
    terms: Sequence[str] = ("loss",),
    window: int = 10,
    levels: Mapping[str, float] | None = None,
) -> None:
    """Terms of a loss by training step: single steps as dots, a running mean as line.

    rows: one per step, in order, with the columns `stage` and `terms`; a term is drawn over the
    steps that have it. window: steps of that term in the running mean. levels: term -> a loss to
    compare it with, drawn dotted. Where a stage begins there is a grey line with its name.
    """
    rows, levels = rows.reset_index(drop=True), levels or {}
    for term, number in zip(terms, cycle(ORDER)):
        colour = COLOURS[number] / 255
        values = rows[term].dropna().astype(float)
        axes.plot(values.index + 1, values, ".", ms=2, alpha=0.3, color=colour)
        mean = values.rolling(window, min_periods=1).mean()
        axes.plot(values.index + 1, mean, color=colour, label=term)
        if term in levels:
            axes.axhline(levels[term], color=colour, ls=":", lw=1)
    axes.set(xlabel="step", ylabel="loss", ylim=(0, None))
    axes.locator_params(axis="x", integer=True)
    begins = rows.index[rows["stage"] != rows["stage"].shift()]
    for begin in begins if len(begins) > 1 else ():
        axes.axvline(begin + 1, color="0.7", lw=1)
        name, top = rows["stage"][begin], ("data", "axes fraction")
        axes.annotate(
            name,
            (begin + 1, 1.0),
            xycoords=top,
            xytext=(3, -9),
            textcoords="offset points",
            fontsize=8,
        )
    axes.legend(fontsize=8, frameon=False, ncols=2 if len(terms) > 3 else 1, loc="upper right")


def not_run(axes: Axes) -> None:
    """Say in an empty panel that there is no measurement."""
    axes.text(0.5, 0.6, NOT_RUN, ha="center", transform=axes.transAxes)
