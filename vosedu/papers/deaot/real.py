"""DeAOT on real video: a small encoder of ImageNet, trained on DAVIS by the profile davis-small."""

from __future__ import annotations

from dataclasses import replace

from vosedu.papers.deaot.training import Clips
from vosedu.training import Group, Recipe


def recipe() -> Recipe:
    """Both stages of the paper: clips made of still images, then DAVIS-2016.

    Its videos have one object each; a second video's object, laid on top, makes them clips of
    several. The encoder is not trained.

    Tried on the split of the training sequences, 150 steps on train-25, J on train-5: 54.6 by this
    recipe, 55.1 with identities that begin at unit size, 53.5 with these and an encoder trained at
    a fifth of the rate; with these identities, 55.7 with the first frame alone in long-term memory
    and 54.9 with a frame every 2 instead of every 5. Twice the steps on video do no better
    (data/results/deaot/davis-small/longer).
    """
    stills = Clips(
        name="stills",
        data="pairs:data/downloads/saliency-mini",
        stills="pairs:data/downloads/saliency-mini",
        loss="clip",
        steps=200,
        batch_size=2,
        size=(129, 225),
        lr=1e-3,
        floor=5e-5,
        optimiser="adamw",
        weight_decay=0.03,
        schedule="warm poly",
        groups=(Group("all"),),
        cycle=("still",),
        frozen="encoder",
        clip_gradient=5.0,
        ema=0.99,
        length=3,
        paste=1.0,
        smallest=30,
        auxiliary=0.1,
        own_from=1.0,
        hardest=0.5,
        short=True,
    )
    main = replace(
        stills,
        name="main",
        data="davis16/train/240p",
        steps=600,
        cycle=("video",),
        weight_decay=0.07,
        length=4,
        paste=0.5,
        auxiliary=1.0,
        own_from=0.5,
    )
    return Recipe((stills, main), initial="imagenet")
