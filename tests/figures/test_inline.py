"""Figures in notebooks keep their size and colours, in fewer bytes."""

from __future__ import annotations

import io

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from vosedu.figures.inline import palette_png


def test_palette_png_looks_like_the_figure_and_is_smaller() -> None:
    figure, axes = plt.subplots(figsize=(3, 2))
    ramp = np.linspace(0, 255, 120 * 80 * 3).reshape(80, 120, 3)
    noise = np.random.default_rng(0).normal(0, 12, ramp.shape)
    axes.imshow((ramp + noise).clip(0, 255).astype(np.uint8))
    plt.close(figure)
    plain = io.BytesIO()
    figure.savefig(plain, format="png", bbox_inches="tight")
    small = palette_png(figure)
    assert len(small) < 0.6 * len(plain.getvalue())
    ours, theirs = (Image.open(f).convert("RGB") for f in (io.BytesIO(small), plain))
    assert ours.size == theirs.size
    difference = np.abs(np.asarray(ours, int) - np.asarray(theirs, int))
    assert difference.mean() < 12
