"""Figures in notebooks: legible, small enough for a repository, with alternative text."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image


def palette_png(figure: Figure) -> bytes:
    """The figure as a PNG of 256 colours: a third of the size, for frames of a video."""
    every = Image.Quantize.MAXCOVERAGE  # rare colours, too: a scale beside a photograph
    palette = _drawn(figure).quantize(256, every, 3, dither=Image.Dither.NONE)
    small = io.BytesIO()
    palette.save(small, "PNG", optimize=True)
    return small.getvalue()


def figure_jpeg(figure: Figure, quality: int = 80) -> bytes:
    """The figure as a JPEG, for sheets of photographs whose hues are data."""
    buffer = io.BytesIO()
    _drawn(figure).save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
    return buffer.getvalue()


def _drawn(figure: Figure) -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    return Image.open(buffer).convert("RGB")


def alternative_text(figure: Figure) -> str:
    """What a figure shows, in words: the titles, axis labels and legends that are drawn in it."""
    parts = [text.get_text() for text in figure.texts]
    parts += [_panel_in_words(axes) for axes in figure.axes]
    words = "; ".join(" ".join(part.split()) for part in parts if part)
    return words or "a figure without text"


def _panel_in_words(axes: Axes) -> str:
    title = " ".join(filter(None, (axes.get_title(), axes.get_title("left"))))
    labels = " over ".join(filter(None, (axes.get_ylabel(), axes.get_xlabel())))
    names = [name for name in axes.get_legend_handles_labels()[1] if not name.startswith("_")]
    return ": ".join(filter(None, (title, labels, ", ".join(names))))


def use_small_figures(jpeg: int | None = None, **settings: object) -> None:
    """In a notebook: show figures with small letters, as small files, with alternative text.

    jpeg: the quality of a JPEG; None: a PNG by `palette_png`. settings: matplotlib's rcParams.
    """
    from IPython import get_ipython

    look: dict[str, Any] = {"figure.dpi": 100, "savefig.dpi": "figure", "font.size": 9}
    look |= {"axes.titlesize": 9, "axes.spines.top": False, "axes.spines.right": False}
    plt.rcParams.update(look | settings)
    shell = get_ipython()
    if shell is None:
        return
    shell.run_line_magic("matplotlib", "inline")  # which would replace ours later
    kind, other = ("jpeg", "png") if jpeg else ("png", "jpeg")
    encode = partial(figure_jpeg, quality=jpeg) if jpeg else palette_png
    formatters = shell.display_formatter.formatters
    formatters[f"image/{other}"].pop(Figure, None)
    formatters[f"image/{kind}"].for_type(
        Figure, lambda figure: (encode(figure), {"alt": alternative_text(figure)})
    )
