"""COSNet on real video: a small encoder of ImageNet, trained on DAVIS by the profile davis-small.

The encoder is not trained, so what it makes of a frame is computed once and kept on disk; the
ASPP, the co-attention, the heads are. Still images teach the embedding first, as in the paper.
"""

from __future__ import annotations

from dataclasses import replace

from vosedu.papers.cosnet import training
from vosedu.papers.cosnet.training import ALTERNATING, EMBEDDING, Pairs
from vosedu.training import Group, Recipe

ENCODER = r"embedding\.encoder"
INFERENCE = {"size": (192, 336), "prior": 0.15}
"""How the network predicts best on the five sequences of train-5, having seen the other 25.

Of the sizes 128 x 224 and 192 x 336, J 45.3 and 47.6 at threshold 0.8; of the thresholds 0.3, 0.5,
0.7, 0.8, 0.9, 0.95 at the larger size, J 35.5, 40.5, 45.6, 47.6, 46.3, 40.9. The prior puts the
threshold of 0.85 at one half.
"""


def recipe(profile: str = "course", form: str = "paper") -> Recipe:
    """The recipe of a profile, "davis-small" among them; see `training.recipe` for the others."""
    if profile != "davis-small":
        return training.recipe(profile, form)
    saliency = Pairs(
        name="saliency",
        data="davis16/train/240p/3",
        stills="pairs:data/downloads/saliency-mini",
        loss=form,
        steps=300,
        batch_size=8,
        size=(128, 224),
        lr=2e-3,
        optimiser="adamw",
        weight_decay=1e-3,
        groups=(Group("embedding", EMBEDDING),),
        cycle=("still",),
        frozen=ENCODER,
        augmentation="mirror",
    )
    main = replace(
        saliency,
        name="main",
        steps=900,
        batch_size=4,
        groups=(Group("all"),),
        cycle=ALTERNATING,
    )
    return Recipe((saliency, main), initial="imagenet")
