"""The profile long of COSNet: what the embedded network was trained with."""

from __future__ import annotations

from vosedu.papers.cosnet.training import ALTERNATING, Pairs
from vosedu.training import Group, Recipe

INFERENCE = {"prior": 0.071}
"""How the network predicts: the foreground's share of the pixels of the two pools, which the
balanced loss (Eq. 11) hides."""


def recipe() -> Recipe:
    """One stage from the common start, on many clips of few frames.

    The embedding, which names what it sees already, is trained at a fifth of the rate. Among the
    clips are those of `passers-by`, in which only other frames tell the subject.
    """
    main = Pairs(
        name="main",
        data="toyvos/mixed/pool+toyvos/passers-by/pool",
        stills="toyvos/stills/train",
        loss="paper",
        steps=9000,
        batch_size=4,
        size=(144, 240),
        lr=2e-3,
        optimiser="adamw",
        weight_decay=1e-4,
        schedule="cosine",
        groups=(Group("embedding", r"embedding\.", 0.2), Group("all others")),
        cycle=ALTERNATING,
    )
    return Recipe((main,), initial="common")
