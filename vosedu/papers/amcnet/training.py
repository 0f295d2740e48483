"""How AMC-Net is trained: single frames with their flow pictures, one stage, everything at once.

Section 4.1 of the paper and section 6 of its reference page. The mask supervises the output and,
with the same weight, every attention map of the decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu.clip import VOID, Clip
from vosedu.datasets.weights import MOBILENET, imagenet_file
from vosedu.errors import InputError, choose
from vosedu.flow import FlowPictures
from vosedu.nn import MobileNetV2, ResNet, TinyEncoder, imagenet_rgb, load_weights
from vosedu.nn.initial import initialised
from vosedu.papers.amcnet.inference import resized
from vosedu.papers.amcnet.network import AMCNet, Config, build, stages_of
from vosedu.training import Batch, Group, History, Loss, Recipe, Sample, Stage, Step, fit
from vosedu.training.data import labelled, open_data
from vosedu.training.flow_encoder import flow_encoder
from vosedu.training.losses import binary_cross_entropy
from vosedu.training.start import load_start

# Recipes -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Frames(Stage):
    """The stage of AMC-Net.

    supervised: how many attention maps the mask supervises, from the coarsest on (Table 3).
    augmentation: "paper" (mirror, rotation) or "released" (and scale, soft mask borders).
    """

    supervised: int = 5
    augmentation: str = "paper"


SUITES = ("mixed", "turns", "static-lookalikes", "resting")
"""What small networks train on: clips in which flow tells more than the frame, and the reverse."""


def recipe(profile: str = "course", form: str = "paper") -> Recipe:
    """The recipe of a profile. `form`, "paper" or "released", matters for "full" alone.

    The paper starts from ImageNet in both encoders, small networks from the common start in both.
    They train on pools of 1,600 clips a suite: 60 clips are learnt by heart.
    """
    if profile == "full":
        return _full(form)
    if profile == "ablate":
        return _for_tables()
    quick = profile == "quick"
    clips = "train" if quick else "pool"
    stage = Frames(
        name="frames",
        data="+".join(f"toyvos/{suite}/{clips}@dis-medium" for suite in SUITES),
        loss="cross-entropy",
        steps={"quick": 3, "course": 1400}[profile],
        batch_size={"quick": 2, "course": 8}[profile],
        size=(48, 80) if quick else (96, 160),
        lr=2e-3,
        optimiser="adamw",
        weight_decay=1e-4,
        schedule="cosine",
    )
    return Recipe((stage,), initial="" if quick else "common start")


# What was tried for the recipe below, before any row was run: the full network, seed 0, on 16 to 20
# val clips of `turns` and 8 to 20 of `resting`: J on `turns`, then with the flow of another clip; J
# on `resting`; CPU seconds of the training.
#   both encoders from the common start                                        44.9  41.5  58.3   51
#   motion from the start for flow, frozen: this recipe                        45.0  38.4  52.1   49
#   motion from it, trained; 800 steps at 64 x 96 on three of the suites       47.2  42.3  61.5  132
# The second one uses its flow most. The course network, of 1,400 steps of 8, uses it more (notebook
# 4) and costs nine times as much. Longer runs were not tried.


def _for_tables() -> Recipe:
    """What the rows of the tables are trained with: fewer and smaller batches than the course's.

    The motion encoder is that of the start for flow pictures (`vosedu.training.flow_start`) and is
    not trained, as in DPA's tables. It never sees gated features, so no row changes what it sees.
    """
    stage = replace(recipe("course").stages[0], steps=300, batch_size=4, frozen="motion")
    return Recipe((stage,), initial="common start, flow start")


def _full(form: str) -> Recipe:
    """100 epochs of 519 batches of 4 at 384 x 384; SGD, 1e-3 falling by poly, from ImageNet.

    The release trains biases at twice the rate and does not decay them.
    """
    released = form == "released"
    groups = (Group("biases", r".*\.bias$", 2.0, weight_decay=0.0), Group("all others"))
    stage = Frames(
        name="frames",
        data="davis16/train",
        loss="cross-entropy",
        steps=100 * 519,
        batch_size=4,
        size=(384, 384),
        lr=1e-3,
        groups=groups if released else (Group("all"),),
        augmentation=form,
    )
    return Recipe((stage,), initial="imagenet")


# Samples -----------------------------------------------------------------------------------------


_TRIES = 200  # frames drawn before one gives up finding an object


@dataclass(frozen=True)
class FrameSamples:
    """Draws a frame with an object in it: `frame`, `flow` 3 x H x W in 0..255, `mask` 1 x H x W.

    The release goes through all frames in turn; here a clip is drawn, then one of its frames.
    """

    stage: Frames
    clips: Sequence[Clip]

    def __call__(self, rng: np.random.Generator, step: Step) -> Batch:
        """One sample: name -> tensor without batch axis."""
        clip, index = self._with_object(rng)
        size = tuple(self.stage.size)
        images = (clip.frames[index], FlowPictures(clip)[index])
        frame, picture = (resized(image, size) for image in images)
        mask = _foreground(clip.labels[index])
        if mask.shape != size:
            mask = cv2.resize(mask, size[::-1], interpolation=cv2.INTER_NEAREST)
        augment = choose(AUGMENTATIONS, self.stage.augmentation, "AMC-Net has no augmentation")
        frame, mask, picture = augment(rng, frame, mask, picture)
        return {"frame": _tensor(frame), "flow": _tensor(picture), "mask": _tensor(mask) / 255}

    def _with_object(self, rng: np.random.Generator) -> tuple[Clip, int]:
        """A clip and a labelled frame of it in whose mask there is something."""
        for _ in range(_TRIES):
            clip = self.clips[int(rng.integers(len(self.clips)))]
            index = int(rng.choice(labelled(clip)))
            if _foreground(clip.labels[index]).any():
                return clip, index
        raise InputError(
            f"{_TRIES} frames drawn from {self.stage.data} have no object in their masks; give "
            "clips that have one"
        )


def _foreground(labels: np.ndarray) -> np.ndarray:
    """Ids -> 0 and 255; void pixels count as background."""
    return ((labels != 0) & (labels != VOID)).astype(np.uint8) * 255


def _tensor(image: np.ndarray) -> Tensor:
    """H x W or H x W x 3 uint8 -> 1 x H x W or 3 x H x W float32."""
    return torch.from_numpy(image.reshape(*image.shape[:2], -1).transpose(2, 0, 1).copy()).float()


Pictures = tuple[np.ndarray, np.ndarray, np.ndarray]


def paper_augmentation(
    rng: np.random.Generator, frame: np.ndarray, mask: np.ndarray, picture: np.ndarray
) -> Pictures:
    """Mirror half of the time, rotate by up to 10 degrees (the release's range); hard masks."""
    return _moved(rng, (frame, mask, picture), (1.0, 1.0), cv2.INTER_NEAREST)


def released_augmentation(
    rng: np.random.Generator, frame: np.ndarray, mask: np.ndarray, picture: np.ndarray
) -> Pictures:
    """And scale by 0.75 to 1.25.

    The mask of 0 and 255 is rotated by the bicubic filter, too, so that its border becomes soft.
    """
    return _moved(rng, (frame, mask, picture), (0.75, 1.25), cv2.INTER_CUBIC)


def _moved(
    rng: np.random.Generator, images: Pictures, scales: tuple[float, float], mask_filter: int
) -> Pictures:
    """One mirror and one affine map about the centre for frame, mask and flow picture.

    Outside is black. The
    colours of the flow picture stay: after a mirror they show motion to the wrong side.
    """
    height, width = images[0].shape[:2]
    step = -1 if rng.random() < 0.5 else 1
    angle, scale = float(rng.uniform(-10, 10)), float(rng.uniform(*scales))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    filters = (cv2.INTER_CUBIC, mask_filter, cv2.INTER_CUBIC)
    return tuple(
        cv2.warpAffine(np.ascontiguousarray(image[:, ::step]), turn, (width, height), flags=how)
        for image, how in zip(images, filters)
    )


AUGMENTATIONS: Mapping[str, Callable[..., Pictures]] = {
    "paper": paper_augmentation,
    "released": released_augmentation,
}


# Loss --------------------------------------------------------------------------------------------


def cross_entropy(
    model: AMCNet, batch: Batch, step: Step, supervised: int = 5
) -> dict[str, Tensor]:
    """Binary cross-entropy, a mean over pixels, of the output and of each supervised map.

    All have weight 1; the terms are summed. The maps see the mask resized by nearest neighbour.
    """
    mask = batch["mask"]
    output = model(imagenet_rgb(batch["frame"]), imagenet_rgb(batch["flow"]))
    terms = {"mask": F.binary_cross_entropy_with_logits(output.logits.float(), mask)}
    if output.second is not None:
        terms["second"] = F.binary_cross_entropy_with_logits(output.second.float(), mask)
    for number, attention in enumerate(output.attention[:supervised]):
        small = F.interpolate(mask, attention.shape[2:], mode="nearest")
        terms[f"attention {number}"] = binary_cross_entropy(attention, small).mean()
    return terms


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
) -> tuple[AMCNet, History]:
    """Train the network of `config`; returns it in evaluation mode.

    The initial weights are a function of `seed` and of the parts' names, so variants share them
    where they share parts; then comes what `recipe.initial` names, see `started`. `data` opens
    the stages' data by name; see `vosedu.training.fit` for the other arguments.
    """

    def programme(stage: Frames) -> tuple[Sample, Loss]:
        loss = partial(cross_entropy, supervised=stage.supervised)
        return FrameSamples(stage, data(stage.data)), loss

    return fit(
        started(build(config), seed, recipe.initial),
        recipe,
        programme,
        seed=seed,
        device=device,
        folder=folder,
        on_step=on_step,
        until=until,
        workers=workers,
    )


IMAGENET: Mapping[str, tuple[Callable[[], nn.Module], str, tuple[str, ...]]] = {
    "resnet101": (partial(ResNet, 101), "resnet101-63fe2227.pth", ("fc.",)),
    "mobilenet": (MobileNetV2.in_five, MOBILENET, ("features.18.", "classifier.")),
}
"""An encoder, the file of its ImageNet weights, and which of them have no place here."""


def started(model: AMCNet, seed: int, initial: str) -> AMCNet:
    """Give a network, in place, the weights that a run starts from.

    initial: "": random ones. "imagenet": ImageNet's in both encoders, or "imagenet:" and the file
    that has them. "common start": those of the tiny encoder that was trained to name what it sees
    in ToyVOS, in both. "common start, flow start": so for appearance, and for motion those of the
    one that was trained to tell things from scenery in pictures of flow. Raises InputError where a
    file is missing or does not fit.
    """
    initialised(model, seed)
    if initial.startswith("imagenet"):
        make, name, unused = choose(
            IMAGENET, model.config.encoder, "AMC-Net has no ImageNet weights for the encoder"
        )
        encoder = make()
        load_weights(encoder, imagenet_file(initial, name), unused=unused)
        give_encoder(model, encoder)
    elif initial in COMMON_STARTS:
        encoder = TinyEncoder()
        load_start(encoder, "tiny", "encoder")
        give_encoder(model, encoder, COMMON_STARTS[initial]())
    elif initial:
        known = ", ".join(f"'{name}'" for name in ("imagenet", *COMMON_STARTS))
        raise InputError(f"AMC-Net knows no initial weights '{initial}'; choose {known} or none")
    return model


COMMON_STARTS: Mapping[str, Callable[[], nn.Module | None]] = {
    "common start": lambda: None,
    "common start, flow start": flow_encoder,
}
"""Name of a start -> what makes the motion encoder's; None: it is that of appearance."""


def give_encoder(model: AMCNet, encoder: nn.Module, motion: nn.Module | None = None) -> None:
    """Copy an encoder's weights into both encoders; a PReLU in their stems stays as it is.

    motion: another encoder for the flow pictures.
    """
    for stages, giver in ((model.appearance, encoder), (model.motion, motion or encoder)):
        state = stages_of(giver, nn.ReLU())[0].state_dict()
        stages.load_state_dict({**stages.state_dict(), **state})
