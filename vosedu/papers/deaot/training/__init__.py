"""How DeAOT and AOT are trained: on clips made of still images, then on clips of several objects.

Section 4 of the paper and sections 5 and 6 of its reference page. Both stages see clips of which
only the first frame's mask is given; the loss runs through all of memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vosedu.papers.deaot.network import Config, build
from vosedu.papers.deaot.training.losses import HARDEST, clip_losses, kept_share
from vosedu.papers.deaot.training.snippets import from_still, from_video, pasted, renumbered
from vosedu.papers.deaot.training.start import load_initial, short_start
from vosedu.training import Batch, Group, History, Loss, Recipe, Sample, Stage, Step, fit, later
from vosedu.training.data import open_data

# Recipes -----------------------------------------------------------------------------------------

# No weight decay: vectors, and the tables and last layer that the release exempts.
_UNDECAYED = (
    r".*(bias|norm\w*\.(\d+\.)?weight|\.1\.weight|relative_position_bias_table|relative_value"
    r"|decoder\.out\.weight)$"
)
_FIRST_STAGE = r"(?!encoder\.(features\.[0-3]|conv1|layer1|patch_embed|layers\.0\.blocks)\.)"
GROUPS = (
    Group("encoder, undecayed", _FIRST_STAGE + r"encoder\." + _UNDECAYED, 0.1, weight_decay=0.0),
    Group("encoder", _FIRST_STAGE + r"encoder\.", 0.1),
    Group("rest, undecayed", r"(?!encoder\.)" + _UNDECAYED, weight_decay=0.0),
    Group("rest", r"(?!encoder\.)"),
)
"""The encoder at a tenth of the rate, its stem and first stage not at all."""


@dataclass(frozen=True)
class Clips(Stage):
    """A stage of DeAOT.

    length: frames of a training clip. gap: frames between two of them, at most.
    paste: share of the samples that get other samples' objects laid on top; without an object
        every sample does.
    layers: how many samples are laid on top then.
    smallest: pixels that an object needs in the first frame.
    auxiliary: share of the steps over which the first frame's loss fades out.
    own_from: share of the steps from which memory holds the network's own masks; 1: never.
    hardest: share of the pixels that the bootstrapped cross-entropy keeps in the end.
    short: of the first stage; identities begin at unit size and the decoder hands them on
        (`short_start`), for trainings of hundreds of steps.
    """

    length: int = 5
    gap: int = 3
    paste: float = 0.3
    layers: int = 1
    smallest: int = 100
    auxiliary: float = 1.0
    own_from: float = 0.5
    hardest: float = later(HARDEST)
    short: bool = later(False)


def recipe(profile: str = "course", encoder: str = "mobilenet") -> Recipe:
    """The recipe of a profile; at "full" the one for an `encoder` of `Config`.

    The small profiles start from the encoder that all papers begin with here, trained to name
    what it sees; the paper's start is ImageNet's. They learn what ten identities mean from few
    samples, so their first stage lays the objects of four images over a fifth, in small frames,
    identities are told apart from the first step on (`short_start`), and the cross-entropy keeps
    half of the pixels in the end. Tried with 200 + 60 steps of the base row of Table 3, J on the
    first 20 validation clips of similar-objects, seed 0:

        unit size alone, hardest 15 %      12.4
        short start, hardest 15 %          30.7
        short start, hardest half          53.1
        short start, all pixels            46.1

    An ablation run takes two to three minutes of one core. The base row then scored J 56.8 on these
    clips, 28.4 with the memory of another video and 2.8 with its identities permuted.
    """
    if profile == "full":
        return _full(encoder)
    steps = {"quick": (2, 4), "ablate": (300, 100), "course": (800, 300)}[profile]
    size, batch = ((48, 80), 2) if profile == "quick" else ((96, 160), 4)
    stills = Clips(
        name="stills",
        data="toyvos/stills/train",
        stills="toyvos/stills/train",
        loss="clip",
        steps=steps[0],
        batch_size=batch,
        size=(48, 80) if profile == "quick" else (64, 112),
        lr=1.5e-3,
        floor=1e-4,
        optimiser="adamw",
        weight_decay=0.03,
        schedule="warm poly",
        groups=(Group("encoder", r"encoder\.", 0.2), Group("rest")),
        cycle=("still",),
        frozen_norms=".*",
        clip_gradient=5.0,
        ema=0.99,
        length=2,
        paste=1.0,
        layers=4,
        smallest=20,
        auxiliary=1.0,
        own_from=1.0,
        hardest=0.5,
        short=True,
    )
    main = replace(
        stills,
        name="main",
        data="toyvos/similar-objects/train+toyvos/mixed/train",
        steps=steps[1],
        size=size,
        cycle=("video",),
        weight_decay=0.07,
        length=4,
        paste=0.3,
        layers=1,
        auxiliary=1.0,
        own_from=0.5,
    )
    return Recipe((stills, main), initial="common start")


def _full(encoder: str) -> Recipe:
    """100,000 steps of 16 on still images, then as many on YouTube-VOS and DAVIS."""
    stills = Clips(
        name="stills",
        data="coco/train+ecssd/train+msra10k/train+pascal-s/train+voc2012/train",
        stills="coco/train+ecssd/train+msra10k/train+pascal-s/train+voc2012/train",
        loss="clip",
        steps=100_000,
        batch_size=16,
        size=(464, 464) if encoder == "swin" else (465, 465),
        lr=4e-4,
        floor=2e-5,
        optimiser="adamw",
        weight_decay=0.03,
        schedule="warm poly",
        groups=GROUPS,
        cycle=("still",),
        clip_gradient=5.0,
        ema=0.9999,
        paste=1.0,
        auxiliary=0.1,
        own_from=1.0,
    )
    main = replace(
        stills,
        name="main",
        data="youtube-vos-2019/train" + 5 * "+davis17/train",
        lr=2e-4,
        floor=2e-5 if encoder == "mobilenet" else 1e-5,
        weight_decay=0.07,
        cycle=("video",),
        paste=0.3,
        auxiliary=1.0,
        own_from=0.5,
    )
    return Recipe((stills, main), initial="imagenet")


# Samples -----------------------------------------------------------------------------------------


def sampler(stage: Clips, config: Config, data: Sequence) -> Sample:
    """A function that draws samples of a stage.

    They hold `frames`, T x 3 x H x W float32, 0..255; `ids`, T x H x W int64; `objects`, their
    number; `order`, 1 + M: which identity each object gets, background first.
    data: pairs of image and ids for "still" steps, clips for "video" steps.
    """

    def snippet(rng: np.random.Generator, kind: str):
        chosen = data[int(rng.integers(len(data)))]
        if kind == "still":
            return from_still(rng, *chosen, stage.length, stage.size)
        return from_video(rng, chosen, stage.length, stage.size, stage.gap)

    def sample(rng: np.random.Generator, step: Step) -> Batch:
        drawn = snippet(rng, step.kind)
        if rng.random() < stage.paste or not drawn.ids[0].any():
            for _ in range(stage.layers):
                drawn = pasted(drawn, snippet(rng, step.kind))
        drawn, objects = renumbered(rng, drawn, config.objects, stage.smallest)
        order = np.concatenate([[0], 1 + rng.permutation(config.objects)])
        frames = torch.from_numpy(np.stack(drawn.frames)).permute(0, 3, 1, 2)  # T H W 3 -> T 3 H W
        return {
            "frames": frames.float().contiguous(),
            "ids": torch.from_numpy(np.stack(drawn.ids).astype(np.int64)),
            "objects": torch.tensor(objects),
            "order": torch.from_numpy(order),
        }

    return sample


def clip_loss(stage: Clips) -> Loss:
    """The loss of a stage: the first frame's, which fades out, and the mean of the others'."""

    def loss(model: nn.Module, batch: Batch, step: Step) -> dict[str, Tensor]:
        frames = model.normalise(batch["frames"].flatten(0, 1)).view_as(batch["frames"])
        found = clip_losses(
            model,
            frames,
            batch["ids"],
            batch["objects"],
            share=kept_share(step.done, stage.hardest),
            auxiliary=max(1 - step.done / stage.auxiliary, 0.0),
            predicted=step.done >= stage.own_from,
            order=batch["order"],
        )
        return {"first": found.auxiliary, "others": found.main}

    return loss


# Training ----------------------------------------------------------------------------------------


def train(
    config: Config,
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str | torch.device = "cpu",
    folder: str | Path | None = None,
    data: Callable[[str], Sequence] = open_data,
    on_step: Callable[[History], None] | None = None,
    until: str | None = None,
    workers: int = 0,
) -> tuple[nn.Module, History]:
    """Build and train a DeAOT or AOT; returns it in evaluation mode with its history.

    The initial weights are a function of `seed`, save the encoder's that `recipe.initial` names.
    `data` opens the stages' data by name. With `folder`, a killed run goes on where it was last
    saved. `until` stops after the stage of that name.
    """
    torch.manual_seed(seed)
    model = build(config)
    if recipe.initial:
        load_initial(model, recipe.initial)
    if recipe.stages[0].short:
        short_start(model)

    def programme(stage: Stage) -> tuple[Sample, Loss]:
        source = data(stage.stills if "still" in stage.cycle else stage.data)
        return sampler(stage, config, source), clip_loss(stage)

    return fit(
        model,
        recipe,
        programme,
        seed=seed,
        device=device,
        folder=folder,
        on_step=on_step,
        until=until,
        workers=workers,
    )
