"""How DPA is trained: still images for the appearance branch, then snippets with flow.

Section 4.1 of the paper and section 6 of its reference page. Between the stages the appearance
branch is copied into the motion branch, as far as the two have parts in common.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageEnhance
from torch import Tensor

from vosedu import flow
from vosedu.clip import Clip
from vosedu.datasets.weights import MOBILENET, imagenet_file
from vosedu.errors import choose
from vosedu.nn import imagenet_rgb, load_weights
from vosedu.nn.initial import initialised
from vosedu.papers.dpa.network import DPA, Config, build
from vosedu.papers.dpa.variants import StillDPA
from vosedu.training import Batch, History, Loss, Recipe, Sample, Stage, Step, fit, later
from vosedu.training.data import labelled, mirrored, open_data, to_tensors
from vosedu.training.flow_start import load_flow_start
from vosedu.training.losses import binary_cross_entropy, soft_iou
from vosedu.training.start import load_start

# Recipes -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Snippets(Stage):
    """A stage of DPA.

    references: frames beside the query in a training sample.
    sides: sides a batch is resized to, one drawn for each batch; none keeps the stage's size.
    augmentation: "released" (see `augmented`) or "mirror" (whole frames, so that what `frozen`
        names is computed once per picture).
    """

    references: int = 0
    sides: tuple[int, ...] = ()
    augmentation: str = later("released")


def recipe(profile: str = "course", form: str = "paper") -> Recipe:
    """The recipe of a profile. `form`: "paper" (cross-entropy, 352) or "released" (soft IoU)."""
    if profile == "full":
        return _full(form)
    if profile == "ablate":
        return _on_frozen_encoders(form)
    steps = {"quick": (2, 2), "course": (400, 900)}[profile]
    size, batch = ((48, 80), 2) if profile == "quick" else ((96, 160), 6)
    stills = Snippets(
        name="stills",
        data="toyvos/stills/train",
        loss=form,
        steps=steps[0],
        batch_size=batch,
        size=size,
        lr=2e-3,
        optimiser="adam",
        weight_decay=0.0,
        schedule="cosine",
    )
    video = replace(
        stills,
        name="video",
        data="toyvos/mixed/train@dis-medium",
        steps=steps[1],
        references=2,
    )
    return Recipe((stills, video))


# What was tried for the recipe below: the full row, seed 0, on the first 20 val clips (14 for the
# last line): J on `turns`, then with the flow of another clip; J on `passers-by`, then with the
# references of another clip.
#   motion from the start for frames, frozen; also `mixed`; 500 steps        55.8  52.9   28.0  27.9
#   motion from the start for frames, trained; block 4 at stride 16          48.5  42.7   12.9  12.3
#   motion from the start for flow, frozen: this recipe                      55.8  46.5   22.5  22.2
# The last one uses its flow most. None uses its references. Longer runs were not tried.


def _on_frozen_encoders(loss: str) -> Recipe:
    """All but the encoders, on snippets of the suites that the claims name.

    The encoders are those of the common start, as the paper's two are VGG-16 of ImageNet. They are
    not trained, so what they make of a picture is computed once and kept on disk. There is no
    stage on still images: what it would teach, the start knows.
    """
    video = Snippets(
        name="video",
        data="toyvos/passers-by/train@dis-medium+toyvos/turns/train@dis-medium",
        loss=loss,
        steps=400,
        batch_size=4,
        size=(96, 160),
        lr=2e-3,
        optimiser="adam",
        weight_decay=0.0,
        schedule="cosine",
        frozen=r"(appearance|motion)\.encoder",
        references=1,
        augmentation="mirror",
    )
    return Recipe((video,), initial="common")


def _full(form: str) -> Recipe:
    """Adam, cosine from 1e-4 to 1e-5 in each stage, from encoders trained on ImageNet.

    The paper states no length, the release 200 epochs of about 880 steps on DUTS and about 346 on
    DAVIS with as many YouTube-VOS frames.
    """
    released = form == "released"
    stills = Snippets(
        name="stills",
        data="duts/train" if released else "duts/train+duts/test",
        loss=form,
        steps=200 * 880,
        batch_size=12 if released else 16,
        size=(512, 512) if released else (352, 352),
        lr=1e-4,
        optimiser="adam",
        weight_decay=0.0,
        schedule="cosine",
        sides=(384, 416, 448, 480, 512) if released else (),
    )
    video = replace(
        stills,
        name="video",
        data="davis16/train+youtube-vos-2018/train",
        steps=200 * 346,
        references=4 if released else 3,
    )
    return Recipe((stills, video), initial="imagenet, small rest" if released else "imagenet")


# From one stage to the next ----------------------------------------------------------------------


@dataclass(frozen=True)
class Copied:
    """How many entries of the network came from the still-image stage, and how."""

    direct: int
    to_motion: int
    random: int


def copy_appearance(stills: StillDPA, model: DPA) -> Copied:
    """Copy a pre-trained still-image network into both branches of the video network, in place.

    Every entry goes to the entry of its own name; those of the appearance branch go to their
    twins of the motion branch as well. What has no counterpart stays as it is.
    """
    theirs, ours = stills.state_dict(), model.state_dict()
    direct = {name: value for name, value in theirs.items() if name in ours}
    twins = {
        twin: value
        for name, value in theirs.items()
        if (twin := _motion_twin(name)) != name and twin in ours
    }
    model.load_state_dict({**ours, **direct, **twins})
    return Copied(len(direct), len(twins), len(ours) - len(direct) - len(twins))


def _motion_twin(name: str) -> str:
    return name.replace("appearance", "motion")


# Samples -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StillSamples:
    """Draws the samples of the stage on still images: `frame` 3 x H x W, `mask` 1 x H x W."""

    stage: Snippets
    stills: Sequence[tuple[np.ndarray, np.ndarray]]

    @property
    def repeats(self) -> bool:
        """Whether pictures come again unchanged."""
        return self.stage.augmentation == "mirror"

    def __call__(self, rng: np.random.Generator, step: Step) -> Batch:
        """One sample: name -> tensor without batch axis."""
        image, mask = self.stills[int(rng.integers(len(self.stills)))]
        image, mask = _augment(self.stage)(rng, image, mask)
        return _batch(rng, self.stage, *to_tensors(image, mask, self.stage.size))


@dataclass(frozen=True)
class VideoSamples:
    """Draws snippets: a query and references of one clip, each with a picture of its flow.

    `frame`, `flow` 3 x H x W and `mask` 1 x H x W of the query; `references`, `reference_flows`
    N x 3 x H x W. Frames and flow pictures in 0..255.
    """

    stage: Snippets
    clips: Sequence[Clip]

    @property
    def repeats(self) -> bool:
        """Whether pictures come again unchanged."""
        return self.stage.augmentation == "mirror"

    def __call__(self, rng: np.random.Generator, step: Step) -> Batch:
        """One sample: name -> tensor without batch axis."""
        clip = self.clips[int(rng.integers(len(self.clips)))]
        fields, frames = flow.of(clip), labelled(clip)
        drawn = [
            self._frame(rng, clip, fields, int(index))
            for index in rng.choice(frames, 1 + self.stage.references)
        ]
        pixels, masks, pictures = (torch.stack(parts) for parts in zip(*drawn))
        return {
            **_batch(rng, self.stage, pixels[0], masks[0]),
            "flow": pictures[0],
            "references": pixels[1:],
            "reference_flows": pictures[1:],
        }

    def _frame(
        self, rng: np.random.Generator, clip: Clip, fields: Sequence[np.ndarray], index: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        picture = flow.to_colour(fields[index])
        augment = _augment(self.stage)
        image, mask, picture = augment(rng, clip.frames[index], clip.labels[index], picture)
        pixels, target = to_tensors(image, mask, self.stage.size)
        return pixels, target, to_tensors(picture, mask, self.stage.size)[0]


def _batch(rng: np.random.Generator, stage: Snippets, frame: Tensor, mask: Tensor) -> Batch:
    side = int(rng.choice(stage.sides)) if stage.sides else 0
    return {"frame": frame, "mask": mask, "side": torch.tensor(side)}


def augmented(
    rng: np.random.Generator,
    image: np.ndarray,
    mask: np.ndarray,
    *flow_picture: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """The release's augmentation of image, mask and flow picture, drawn once for the three.

    A mirror (half of the time), a centred crop by up to 30 / 512 of each side, a rotation by up to
    15 degrees (a fifth of the time); for the image alone brightness, contrast, saturation and
    sharpness. Mirroring does not change the colours of the flow, so half of the pictures show
    motion to the wrong side: the network has to live with it, as the authors' had.
    """
    height, width = image.shape[:2]
    mirrored = rng.random() < 0.5
    cut_x, cut_y = (int(rng.uniform(0, side * 30 / 512) / 2) for side in (width, height))
    angle = float(rng.uniform(-15, 14)) if rng.random() < 0.2 else 0.0

    def placed(values: np.ndarray, how: Image.Resampling) -> Image.Image:
        part = values[cut_y : height - cut_y, cut_x : width - cut_x]
        picture = Image.fromarray(np.ascontiguousarray(part[:, :: -1 if mirrored else 1]))
        return picture.rotate(angle, how) if angle else picture

    out = placed(image, Image.Resampling.BICUBIC)
    for enhance, low, high in _ENHANCEMENTS:
        out = enhance(out).enhance(float(rng.uniform(low, high)))
    turned = (np.asarray(placed(each, Image.Resampling.BICUBIC)) for each in flow_picture)
    return np.asarray(out), np.asarray(placed(mask, Image.Resampling.NEAREST)), *turned


AUGMENTATIONS: Mapping[str, Callable[..., tuple[np.ndarray, ...]]] = {
    "released": augmented,
    "mirror": mirrored,
}


def _augment(stage: Snippets) -> Callable[..., tuple[np.ndarray, ...]]:
    return choose(AUGMENTATIONS, stage.augmentation, "DPA has no augmentation")


_ENHANCEMENTS = (
    (ImageEnhance.Brightness, 0.5, 1.5),
    (ImageEnhance.Contrast, 0.5, 1.5),
    (ImageEnhance.Color, 0.0, 2.0),
    (ImageEnhance.Sharpness, 0.0, 3.0),
)


# Losses ------------------------------------------------------------------------------------------


def released_term(outputs: Sequence[Tensor], mask: Tensor) -> Tensor:
    """1 - soft IoU, the mean over samples and over the four outputs."""
    return torch.stack([soft_iou(output.float(), mask).mean() for output in outputs]).mean()


def paper_term(outputs: Sequence[Tensor], mask: Tensor) -> Tensor:
    """Cross-entropy, the mean over pixels and over the four outputs."""
    return torch.stack([binary_cross_entropy(output, mask).mean() for output in outputs]).mean()


Term = Callable[[Sequence[Tensor], Tensor], Tensor]


def _still_loss(term: Term) -> Loss:
    def loss(model: StillDPA, batch: Batch, step: Step) -> dict[str, Tensor]:
        frame, mask = _resized(batch, "frame", "mask")
        return {"mask": term(model(imagenet_rgb(frame)), mask)}

    return loss


def _video_loss(term: Term) -> Loss:
    def loss(model: DPA, batch: Batch, step: Step) -> dict[str, Tensor]:
        frame, mask, picture = _resized(batch, "frame", "mask", "flow")
        references = []
        if model.needs_references:
            for index in range(batch["references"].shape[1]):
                pair = {
                    "side": batch["side"],
                    "frame": batch["references"][:, index],
                    "flow": batch["reference_flows"][:, index],
                }
                other, other_flow = _resized(pair, "frame", "flow")
                references.append(model.encode_reference(imagenet_rgb(other), other_flow / 255))
        return {"mask": term(model(imagenet_rgb(frame), picture / 255, references), mask)}

    return loss


def _resized(batch: Batch, *names: str) -> list[Tensor]:
    """Entries at the side of the batch (its first sample's); bicubic overshoot is cut off."""
    side = int(batch["side"][0])
    if not side:
        return [batch[name] for name in names]
    return [
        F.interpolate(batch[name], (side, side), mode="bicubic").clamp(
            0, 1 if name == "mask" else 255
        )
        for name in names
    ]


STILL_LOSSES: Mapping[str, Loss] = {
    "paper": _still_loss(paper_term),
    "released": _still_loss(released_term),
}
VIDEO_LOSSES: Mapping[str, Loss] = {
    "paper": _video_loss(paper_term),
    "released": _video_loss(released_term),
}


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
) -> tuple[DPA | StillDPA, History]:
    """Pre-train on stills, copy, train on snippets; returns the network in evaluation mode.

    The initial weights are a function of `seed` and of the parts' names, so variants share them
    where they share parts; then comes what `recipe.initial` names, see `started`. `data` opens
    the stages' data by name; see `vosedu.training.fit` for the other arguments. A run that ends
    with the stage "stills" returns the video network with the copy in it.
    """

    def network(wanted: Config) -> DPA | StillDPA:
        return started(build(wanted), seed, recipe.initial)

    def converted(model: DPA | StillDPA, stage: Stage) -> DPA | StillDPA:
        return model if model.config == _trained(config, stage) else to_video(model)

    def to_video(stills: StillDPA) -> DPA | StillDPA:
        model = network(config)
        copy_appearance(stills, model)
        return model

    def programme(stage: Stage) -> tuple[Sample, Loss]:
        if stage.name == "stills":
            return StillSamples(stage, data(stage.data)), choose(
                STILL_LOSSES, stage.loss, "DPA has no loss"
            )
        return VideoSamples(stage, data(stage.data)), choose(
            VIDEO_LOSSES, stage.loss, "DPA has no loss"
        )

    model, history = fit(
        network(_trained(config, recipe.stages[0])),
        recipe,
        programme,
        convert=converted,
        seed=seed,
        device=device,
        folder=folder,
        on_step=on_step,
        until=until,
        workers=workers,
    )
    return (model if model.config == config else to_video(model).to(device).eval()), history


def _trained(config: Config, stage: Stage) -> Config:
    """The network that a stage trains on the way to `config`."""
    return config.stills() if stage.name == "stills" else config


IMAGENET = {
    "vgg16": ("vgg16-397923af.pth", ("classifier.",)),
    "mobilenet": (MOBILENET, ("classifier.", "features.17.", "features.18.")),
}
"""The file of ImageNet weights, and which of them have no place here, by `Config.encoder`."""


def started(model: DPA | StillDPA, seed: int, initial: str) -> DPA | StillDPA:
    """Give a network, in place, the weights that a run starts from.

    initial: "": random ones. "imagenet": ImageNet's in the encoders, or "imagenet:" and the file
    that has them. "imagenet, small rest": so, and all other convolutions from N(0, 0.01) with bias
    0, as released. "common": for appearance the encoder of the common start, which names what it
    sees (`vosedu.training.start`), for motion that of `vosedu.training.flow_start`; both fit
    `encoder="tiny"`. A file: a network trained on still images, with `ima="none"`, in both
    branches. Raises InputError where the file is missing or does not fit.
    """
    initialised(model, seed, small=initial == "imagenet, small rest")
    if initial.startswith("imagenet"):
        name, unused = IMAGENET[model.config.encoder]
        file = imagenet_file(initial, name)
        for branch in (getattr(model, b) for b in ("appearance", "motion") if hasattr(model, b)):
            load_weights(branch.encoder, file, unused=unused)
    elif initial == "common":
        load_start(model.appearance.encoder, "tiny", "encoder")
        if hasattr(model, "motion"):
            load_flow_start(model.motion.encoder)
    elif initial:
        stills = build(replace(model.config.stills(), ima="none"))
        load_weights(stills, initial)
        copy_appearance(stills, model)
    return model
