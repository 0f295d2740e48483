"""COSNet on real video: a small encoder of ImageNet, trained on DAVIS (profile davis-small)."""

from __future__ import annotations

from vosedu.papers.cosnet.training import ALTERNATING, Pairs
from vosedu.training import Group, Recipe

ENCODER = r"embedding\.encoder\."
INFERENCE = {"size": (192, 336), "prior": 0.078}
"""How the network predicts on real video.

prior: the foreground's share of the pixels of DAVIS 2016's training sequences, which the balanced
loss (Eq. 11) hides. size: on the five sequences of train-5, a network that had seen the other 25,
whose encoder was not trained, scored J 45.3 at 128 x 224 and 47.6 at 192 x 336.
"""


def recipe() -> Recipe:
    """One stage of still images and pairs of frames in turn, as the release has it.

    The encoder is trained at a fifth of the rate; one that is not trained scored J 45.0 on the
    validation sequences.
    """
    main = Pairs(
        name="main",
        data="davis16/train/240p",
        stills="pairs:data/downloads/saliency-mini",
        loss="paper",
        steps=1200,
        batch_size=4,
        size=(128, 224),
        lr=1e-3,
        optimiser="adamw",
        weight_decay=1e-3,
        schedule="cosine",
        groups=(Group("encoder", ENCODER, 0.2), Group("all others")),
        cycle=ALTERNATING,
        frozen_norms=ENCODER,
    )
    return Recipe((main,), initial="imagenet")
