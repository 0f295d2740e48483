"""AMC-Net on real video: ImageNet's small encoders, trained on DAVIS by the profile davis-small."""

from __future__ import annotations

from dataclasses import replace

from vosedu.papers.amcnet.training import Frames
from vosedu.training import Group, Recipe

INFERENCE = {"size": (192, 336)}
"""How the network predicts on real video: at the size of its last stage."""


def recipe() -> Recipe:
    """Still images that were made to move, then DAVIS, then DAVIS enlarged by half.

    The paper has one stage, on 30 videos. Both encoders are trained at a fifth of the rate; every
    stage of the appearance encoder takes what the gates made of the stage before, so nothing of it
    can be kept on disk. `vosedu data animate data/downloads/saliency-mini` makes the moving stills.

    Tried: J on the first 40 frames of the sequences of train-5, networks that had seen the other
    25. 400 steps on DAVIS alone: 57.6. 500 on moving stills, then 900 on DAVIS: 61.8; both of these
    lose at 192 x 336 (54.3, 56.3). Then 300 more at that size, at half of the rate: 62.9 there.
    """
    stills = Frames(
        name="moving stills",
        data="folder:data/downloads/moving-stills@dis-medium",
        loss="cross-entropy",
        steps=500,
        batch_size=4,
        size=(128, 224),
        lr=1e-3,
        optimiser="adamw",
        weight_decay=1e-3,
        schedule="cosine",
        groups=(Group("encoders", r"(appearance|motion)\.", 0.2), Group("all others")),
        frozen_norms=r"(appearance|motion)\.",
    )
    frames = replace(stills, name="frames", data="davis16/train/240p@dis-medium", steps=900)
    large = replace(frames, name="enlarged", steps=400, size=INFERENCE["size"], lr=5e-4)
    return Recipe((stills, frames, large), initial="imagenet")
