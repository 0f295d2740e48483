"""The loss of a training, drawn in a notebook cell while the network trains."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from IPython.display import DisplayHandle, Image, display
from matplotlib.figure import Figure
from pandas import DataFrame

from vosedu.figures.curves import loss_curves
from vosedu.figures.inline import alternative_text, palette_png
from vosedu.training import History, Recipe

SECONDS = 1.0  # between two drawings


class LossCurve:
    """The `on_step` of a training: one picture in the cell, drawn again every second.

        curve = LossCurve(recipe)
        model, history = training.train(config, recipe, on_step=curve)
        curve.show(history)              # all steps; of a run that was complete before, too

    A saved notebook has the last picture. terms: columns of the history, a line each. levels: term
    -> a loss to compare it with, drawn dotted.
    """

    def __init__(
        self,
        recipe: Recipe,
        terms: Sequence[str] = ("loss",),
        levels: Mapping[str, float] | None = None,
    ) -> None:
        self.steps = sum(stage.steps for stage in recipe.stages)
        self.terms, self.levels = tuple(terms), levels
        self._handle: DisplayHandle | None = None
        self._drawn = 0.0

    def __call__(self, history: History) -> None:
        """Draw the steps so far, if the last drawing is a second old."""
        if time.monotonic() - self._drawn >= SECONDS:
            left = history.seconds / len(history) * (self.steps - len(history))
            self._draw(history, f"step {len(history)} of {self.steps}, about {left:.0f} s left")

    def show(self, history: History) -> None:
        """Draw all steps, whenever the last drawing was."""
        self._draw(history, f"{len(history)} steps")

    def _draw(self, history: History, title: str) -> None:
        figure = self.figure(history, title)
        picture = Image(palette_png(figure), alt=alternative_text(figure))
        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)
        self._drawn = time.monotonic()

    def figure(self, history: History, title: str = "") -> Figure:
        """The curve of a history; its axis is as long as the recipe, from the first step on."""
        figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
        plt.close(figure)  # so that it is shown only where it is displayed
        rows = DataFrame(history.rows, columns=["stage", *self.terms])
        loss_curves(axes, rows, self.terms, levels=self.levels)
        axes.set_xlim(0, self.steps + 1)
        axes.set_title(title, loc="left")
        return figure
