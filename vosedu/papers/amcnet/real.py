"""AMC-Net on real video: ImageNet's small encoders, trained on DAVIS by the profile davis-small."""

from __future__ import annotations

from vosedu.papers.amcnet.training import Frames
from vosedu.training import Group, Recipe


def recipe() -> Recipe:
    """One stage, as in the paper, with both encoders trained at a fifth of the rate.

    Every stage of the appearance encoder takes what the gates made of the stage before, so nothing
    of it can be kept on disk.
    """
    stage = Frames(
        name="frames",
        data="davis16/train/240p@dis-medium",
        loss="cross-entropy",
        steps=400,
        batch_size=4,
        size=(128, 224),
        lr=1e-3,
        optimiser="adamw",
        weight_decay=1e-3,
        schedule="cosine",
        groups=(Group("encoders", r"(appearance|motion)\.", 0.2), Group("all others")),
        frozen_norms=r"(appearance|motion)\.",
    )
    return Recipe((stage,), initial="imagenet")
