"""Figures in notebooks: legible, and small enough for a repository."""

from __future__ import annotations

import io

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from PIL import Image


def palette_png(figure: Figure) -> bytes:
    """The figure as a PNG of 256 colours: a third of the size, for frames of a video."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    small = io.BytesIO()
    every = Image.Quantize.MAXCOVERAGE  # rare colours, too: a scale beside a photograph
    palette = Image.open(buffer).convert("RGB").quantize(256, every, 3, dither=Image.Dither.NONE)
    palette.save(small, "PNG", optimize=True)
    return small.getvalue()


def use_small_figures(**settings: object) -> None:
    """In a notebook: show figures by `palette_png`, with small letters; `settings` are rcParams."""
    from IPython import get_ipython

    look = {"figure.dpi": 90, "savefig.dpi": "figure", "font.size": 9, "axes.titlesize": 9}
    plt.rcParams.update(look | settings)
    if (shell := get_ipython()) is not None:
        shell.run_line_magic("matplotlib", "inline")  # which would replace ours later
        shell.display_formatter.formatters["image/png"].for_type(Figure, palette_png)
