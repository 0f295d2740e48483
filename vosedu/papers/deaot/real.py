"""DeAOT on real video: a small encoder of ImageNet, trained on DAVIS by the profile davis-small."""

from __future__ import annotations

from dataclasses import replace

from vosedu.papers.deaot.training import Clips
from vosedu.training import Group, Recipe


def recipe() -> Recipe:
    """Both stages of the paper: clips made of still images, then DAVIS-2016.

    Its videos have one object each; a second video's object, laid on top, makes them clips of
    several. The encoder is not trained.

    Tried on the split of the training sequences, J on train-5. With the random start and the
    hardest 15 % of the pixels, 150 + 150 steps: 54.6; with identities of unit size 55.1, with these
    and an encoder trained at a fifth of the rate 53.5, with the first frame alone in long-term
    memory 55.7, with a frame every 2 instead of every 5 54.9. With the short start and the hardest
    half, 100 + 150 steps: 67.9. The network of 150 + 400 steps from the random start is compared
    in data/results/deaot/davis-small/earlier.
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
