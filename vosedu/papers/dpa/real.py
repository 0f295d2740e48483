"""DPA on real video: small encoders of ImageNet, trained on DAVIS by the profile davis-small.

The encoders are not trained, so what they make of a picture is computed once and kept on disk; the
attentions, the necks and the decoder are. Block 5 of the query sees what IMA made of block 4 and is
computed at every step.
"""

from __future__ import annotations

from dataclasses import replace

from vosedu.papers.dpa.training import Snippets
from vosedu.training import Recipe

ENCODERS = r"(appearance|motion)\.encoder"


def recipe() -> Recipe:
    """Both stages of the paper: still images, then snippets. The encoders are not trained."""
    stills = Snippets(
        name="stills",
        data="pairs:data/downloads/saliency-mini",
        loss="paper",
        steps=150,
        batch_size=6,
        size=(192, 336),
        lr=1e-3,
        optimiser="adamw",
        weight_decay=1e-3,
        schedule="cosine",
        frozen=ENCODERS,
        augmentation="mirror",
    )
    video = replace(
        stills,
        name="video",
        data="davis16/train/240p/6@dis-medium",
        steps=400,
        batch_size=4,
        references=2,
    )
    return Recipe((stills, video), initial="imagenet")
