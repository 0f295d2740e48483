"""The profile long of DPA: what the embedded network was trained with."""

from __future__ import annotations

from vosedu.papers.dpa.real import ENCODERS
from vosedu.papers.dpa.training import Snippets
from vosedu.training import Group, Recipe

SUITES = ("mixed", "passers-by", "turns", "static-lookalikes", "resting")


def recipe() -> Recipe:
    """One stage from the common start, on many clips of few frames.

    There is no stage on still images: what it would teach, the start knows. The encoders are
    trained at a fifth of the rate.
    """
    video = Snippets(
        name="video",
        data="+".join(f"toyvos/{suite}/pool@dis-medium" for suite in SUITES),
        loss="paper",
        steps=2400,
        batch_size=4,
        size=(96, 160),
        lr=2e-3,
        optimiser="adam",
        weight_decay=0.0,
        schedule="cosine",
        groups=(Group("encoders", rf"{ENCODERS}\.", 0.2), Group("all others")),
        references=2,
    )
    return Recipe((video,), initial="common")
