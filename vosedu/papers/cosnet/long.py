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
    clips are those of `passers-by`, in which only other frames tell the subject. Frames are
    enlarged by half, so that the map that is enlarged to the mask has 18 x 30 positions, and the
    network predicts at that size: on 16 val clips of `mixed` J 78.6, where the network of 6,000
    steps at 96 x 160 has 72.2. (At 96 x 160 this one has 52.0: it knows one scale.)
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
