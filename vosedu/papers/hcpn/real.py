"""HCPN on real video: small streams of ImageNet, trained on DAVIS by the profile davis-small."""

from __future__ import annotations

from dataclasses import replace

from vosedu.papers.hcpn.training import FramePairs
from vosedu.training import Group, Recipe


def recipe() -> Recipe:
    """Still images that were made to move in place of YouTube-VOS, then DAVIS as in the paper.

    The streams exchange features behind every stage, so nothing of them can be kept; they are
    trained at a fifth of the rate. `vosedu data animate data/downloads/saliency-mini` makes the
    moving stills.

    Tried: J on the first 40 frames of the sequences of train-5, networks that had seen the other
    25. 350 steps on DAVIS alone: 61.8. 250 on moving stills before them: 67.0.
    """
    stills = FramePairs(
        name="moving stills",
        data="folder:data/downloads/moving-stills@dis-medium",
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
    main = replace(stills, name="main", data="davis16/train/240p@dis-medium", steps=600)
    return Recipe((stills, main), initial="imagenet")
