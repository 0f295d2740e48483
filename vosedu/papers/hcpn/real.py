"""HCPN on real video: small streams of ImageNet, trained on DAVIS by the profile davis-small."""

from __future__ import annotations

from vosedu.papers.hcpn.training import FramePairs
from vosedu.training import Group, Recipe


def recipe() -> Recipe:
    """The paper's second stage alone, since its first needs YouTube-VOS.

    The streams exchange features behind every stage, so nothing of them can be kept; they are
    trained at a fifth of the rate.
    """
    main = FramePairs(
        name="main",
        data="davis16/train/240p@dis-medium",
        loss="paper",
        steps=400,
        batch_size=4,
        size=(128, 224),
        lr=1e-3,
        optimiser="adamw",
        weight_decay=1e-3,
        schedule="cosine",
        groups=(
            Group("streams", r"encoder\.(image_a|image_b|flow)\.", 0.2),
            Group("blocks and decoder"),
        ),
        frozen_norms=r"encoder\.(image_a|image_b|flow)\.",
    )
    return Recipe((main,), initial="imagenet")
