"""How HCPN is trained: pairs of neighbouring frames with their flow, masks and contours.

As far as the paper says ("implementation details"), and as the authors' code does it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosedu import flow
from vosedu.clip import VOID, Clip
from vosedu.datasets.weights import MOBILENET, imagenet_file
from vosedu.errors import InputError, choose
from vosedu.nn import Renaming, imagenet_rgb, load_weights, resize_image
from vosedu.nn.initial import initialised
from vosedu.nn.mobilenet import FIVE as MOBILENET_ENDS
from vosedu.nn.stream import Stream
from vosedu.papers.hcpn.network import HCPN, Config, HCPNPrediction, build
from vosedu.training import Batch, Group, History, Loss, Recipe, Sample, Stage, Step, fit
from vosedu.training.data import labelled, open_data
from vosedu.training.flow_encoder import flow_encoder
from vosedu.training.start import load_start

CONTOUR_RADIUS = 2
FLOW_START = "common start, flow start"

# Recipes -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FramePairs(Stage):
    """A stage of HCPN.

    hard_negatives: pixels of the background that look like contours count up to twice.
    """

    hard_negatives: bool = False


RATES = (
    Group("encoder and bridge", r"encoder\.|decoder\.bridges\."),
    Group("decoder", lr=10.0),
)
"""Ten times the rate in the decoder."""


SUITES = ("mixed", "turns", "static-lookalikes", "resting")
"""What small networks train on: clips in which flow tells more than the frame, and the reverse."""


def training_data(split: str = "pool", flow: str = "dis-medium") -> str:
    """The name of a split of all `SUITES`, with the flow of a method of `vosedu.flow`."""
    return "+".join(f"toyvos/{suite}/{split}@{flow}" for suite in SUITES)


SMALL_RATES = (RATES[0], replace(RATES[1], lr=4.0))
"""Those of small networks: four times the rate in the decoder."""


def recipe(profile: str = "course", form: str = "paper") -> Recipe:
    """The recipe of a profile.

    form: "paper" (cross-entropy of mask and contours) or "released" (contours count half, hard
    negatives up to twice). The paper starts from ImageNet in the three streams, small networks
    from the common start; in the tables' rows ("ablate") the flow stream starts from the start for
    flow pictures (`vosedu.training.flow_start`).
    """
    if profile == "full":
        return _full(form)
    steps, batch, lr, initial = {
        "quick": (4, 2, 5e-4, ""),
        "ablate": (300, 4, 1e-3, FLOW_START),
        "course": (1400, 4, 5e-4, "common start"),
    }[profile]
    main = FramePairs(
        name="main",
        data=training_data(),
        loss=form,
        steps=steps,
        batch_size=batch,
        size=(96, 160) if profile == "course" else (64, 96),
        lr=lr,
        optimiser="adamw",
        weight_decay=1e-4,
        schedule="cosine",
        groups=SMALL_RATES,
        hard_negatives=form == "released",
    )
    return Recipe((main,), initial=initial)


# "ablate" on val clips (16 of `turns`, 10 of the others), full network, seed 0: J on `turns` 48.3,
# with the flow of another clip 41.2; on `static-lookalikes` 23.6, with the flow of another clip
# 10.6; on `resting` 63.2, with grey frames 5.7; 61 CPU seconds. The 600 steps at half the rate that
# stood here before cost twice as many. No row had been run, and nothing else was tried.


def _full(form: str) -> Recipe:
    """SGD, 25 epochs of batches of 10 at 512 x 512 a stage, from ImageNet's ResNet-101.

    The paper: 14,000 frames of YouTube-VOS and DAVIS-2016, then the 2,049 pairs of DAVIS-2016.
    The release starts on YouTube-VOS alone and takes every pair of it; its number is not stated.
    """
    released = form == "released"
    first = FramePairs(
        name="many videos",
        data="youtube-vos-2018/train" if released else "youtube-vos-2018/train+davis16/train",
        loss=form,
        steps=25 * 14_000 // 10,
        batch_size=10,
        size=(512, 512),
        lr=1e-4,
        weight_decay=5e-4 if released else 1e-5,
        schedule="constant",
        groups=RATES,
        hard_negatives=released,
    )
    second = replace(first, name="main", data="davis16/train", steps=25 * 2_049 // 10)
    initial = "imagenet, small decoder" if released else "imagenet"
    return Recipe((first, second), initial=initial)


# Samples -----------------------------------------------------------------------------------------


def contour_of(ids: np.ndarray, radius: int = CONTOUR_RADIUS) -> np.ndarray:
    """Where another id lies within `radius` pixels, on both sides and between objects: H x W uint8.

    The release gives its contours as files; the code it derives from makes them so.
    """
    side = np.arange(-radius, radius + 1)
    disc = (side[:, None] ** 2 + side[None] ** 2 <= radius**2).astype(np.uint8)
    return (cv2.dilate(ids, disc) != cv2.erode(ids, disc)).astype(np.uint8)


def hard_negatives_of(mask: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(1 - dilated mask) (1 - edges), dilated: H x W float32 in 0..1, as released.

    mask: H x W, 0 or 1. edges: H x W in 0..1, a contour network's map (HED in the release).
    """
    negatives = (1 - cv2.dilate(mask, np.ones((11, 11), np.uint8))) * (1 - edges)
    return cv2.dilate(negatives.astype(np.float32), np.ones((5, 5), np.uint8))


def edges_of(image: np.ndarray) -> np.ndarray:
    """The strength of an image's gradient as a share of its largest, H x W float32.

    It stands in for HED's maps, which are files of the authors'.
    """
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY).astype(np.float32)
    strength = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    return strength / max(float(strength.max()), 1e-6)


@dataclass(frozen=True)
class PairSamples:
    """Draws two neighbouring frames of a clip, the flow between them, and what they should give.

    `pictures` 3 x 3 x H x W in 0..255 (frame, frame, flow); `masks`, `contours` and `weights`
    2 x 1 x H x W. Where the second frame has no labels the first counts twice.
    """

    stage: FramePairs
    clips: Sequence[Clip]

    def __call__(self, rng: np.random.Generator, step: Step) -> Batch:
        """One sample: name -> tensor without batch axis."""
        clip = self.clips[int(rng.integers(len(self.clips)))]
        frames = [index for index in labelled(clip) if index + 1 < len(clip)]
        if not frames:
            raise InputError(
                f"the clip {clip.name} has no labelled frame with a frame behind it; leave it out"
            )
        first = frames[int(rng.integers(len(frames)))]
        images = [clip.frames[first], clip.frames[first + 1]]
        labels = [clip.labels[first], clip.labels.get(first + 1)]
        picture = flow.to_colour(flow.of(clip)[first])
        warp = drawn_warp(rng, self.stage.size)
        seen = [ids if ids is not None else np.zeros_like(labels[0]) for ids in labels]
        masks = [((ids != 0) & (ids != VOID)).astype(np.uint8) for ids in seen]
        share = {True: (1, 1), False: (2, 0)}[labels[1] is not None]
        weights = [n * self._weight(*each) for n, each in zip(share, zip(images, masks))]
        return {
            "pictures": _stacked([warp.picture(each) for each in (*images, picture)]),
            "masks": _stacked([warp.target(mask) for mask in masks]),
            "contours": _stacked([warp.target(contour_of(ids)) for ids in seen]),
            "weights": _stacked([warp.target(weight) for weight in weights]),
        }

    def _weight(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        if not self.stage.hard_negatives:
            return np.ones(mask.shape, np.float32)
        return 1 + hard_negatives_of(mask, edges_of(image))


@dataclass(frozen=True)
class Warp:
    """The release's augmentation, the same for all maps of a sample, after they are resized.

    matrix: 2 x 3, from the picture as it is to the picture turned and scaled about its centre.
    """

    size: tuple[int, int]
    mirrored: bool
    matrix: np.ndarray

    def picture(self, image: np.ndarray) -> np.ndarray:
        """H x W x 3 uint8 -> h x w x 3 uint8; what comes from outside is black."""
        return self._turned(resize_image(image, self.size), cv2.INTER_CUBIC)

    def target(self, values: np.ndarray) -> np.ndarray:
        """H x W -> h x w x 1 float32, nearest; what comes from outside is 0."""
        nearest = cv2.resize(values, self.size[::-1], interpolation=cv2.INTER_NEAREST)
        return self._turned(nearest, cv2.INTER_NEAREST)[..., None].astype(np.float32)

    def _turned(self, values: np.ndarray, how: int) -> np.ndarray:
        values = np.ascontiguousarray(values[:, ::-1] if self.mirrored else values)
        return cv2.warpAffine(values, self.matrix, self.size[::-1], flags=how)


def drawn_warp(rng: np.random.Generator, size: tuple[int, int]) -> Warp:
    """Mirrored half of the time, turned by up to 10 degrees, scaled by 0.75 to 1.25.

    Mirroring does not change the colours of the flow, so half of the pictures show motion to the
    wrong side: the network has to live with it, as the authors' had.
    """
    height, width = size
    centre = (width - 1) / 2, (height - 1) / 2
    mirrored = rng.random() < 0.5
    angle, scale = float(rng.uniform(-10, 10)), float(rng.uniform(0.75, 1.25))
    return Warp(size, mirrored, cv2.getRotationMatrix2D(centre, angle, scale))


def _stacked(maps: Sequence[np.ndarray]) -> Tensor:
    """Maps, h x w x C each -> N x C x h x w float32."""
    stacked = torch.from_numpy(np.stack(maps)).permute(0, 3, 1, 2)  # N h w C -> N C h w
    return stacked.float().contiguous()


# Losses ------------------------------------------------------------------------------------------


def cross_entropy(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Weighted binary cross-entropy, the mean over all pixels; float32.

    logits: B x K x h x w, each of the K maps against the target, B x 1 x H x W, which is brought
    to the logits' size (nearest) where it has another.
    """
    if target.shape[-2:] != logits.shape[-2:]:
        target, weights = (F.interpolate(x, logits.shape[-2:]) for x in (target, weights))
    pixels = F.binary_cross_entropy_with_logits(
        logits.float(), target.expand_as(logits), reduction="none"
    )
    return (weights * pixels).mean()


def terms(prediction: HCPNPrediction, batch: Batch, contour_weight: float) -> dict[str, Tensor]:
    """The mean over both frames of the mask's term and, where there are contours, of theirs."""
    masks = (prediction.mask_a, prediction.mask_b)
    contours = (prediction.contour_a, prediction.contour_b)
    found = {"mask": _over_frames(masks, batch["masks"], batch["weights"])}
    if prediction.contour_a is not None:
        term = _over_frames(contours, batch["contours"], batch["weights"])
        found["contour"] = contour_weight * term
    return found


def _over_frames(logits: Sequence[Tensor], targets: Tensor, weights: Tensor) -> Tensor:
    """targets, weights: B x 2 x 1 x H x W, the two frames."""
    frames = zip(logits, targets.unbind(1), weights.unbind(1), strict=True)
    return torch.stack([cross_entropy(*frame) for frame in frames]).mean()


def _loss(contour_weight: float) -> Loss:
    def loss(model: HCPN, batch: Batch, step: Step) -> dict[str, Tensor]:
        a, b, picture = (imagenet_rgb(batch["pictures"][:, i]) for i in range(3))
        return terms(model(a, b, picture), batch, contour_weight)

    return loss


LOSSES: Mapping[str, Loss] = {"paper": _loss(1.0), "released": _loss(0.5)}
"""The paper adds the two terms; the release counts contours half."""


# Training ----------------------------------------------------------------------------------------


def train(
    config: Config,
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str | torch.device = "cpu",
    folder: str | Path | None = None,
    data: Callable[[str], Sequence[Clip]] = open_data,
    on_step: Callable[[History], None] | None = None,
    until: str | None = None,
    workers: int = 0,
) -> tuple[nn.Module, History]:
    """Train on pairs of frames, stage after stage; returns the network in evaluation mode.

    The initial weights are a function of `seed` and of the parts' names, so variants share them
    where they share parts; then comes what `recipe.initial` names, see `started`. `data` opens the
    stages' data by name; see `vosedu.training.fit` for the other arguments.
    """

    def programme(stage: Stage) -> tuple[Sample, Loss]:
        return PairSamples(stage, data(stage.data)), choose(LOSSES, stage.loss, "HCPN has no loss")

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


def started(model: HCPN, seed: int, initial: str = "") -> HCPN:
    """Give a network, in place, the weights that a run starts from.

    initial: "": random ones. "imagenet": ImageNet's in every stream, or "imagenet:" and the file
    that has them. "imagenet, small decoder": so, and the decoder's convolutions from N(0, 0.001)
    with bias 0, as released. "common start": in every stream the tiny encoder that was trained to
    name what it sees in ToyVOS. "common start, flow start": so in the streams of frames, and in
    that of flow the one that was trained to tell things from scenery in pictures of flow. Raises
    InputError where a file is missing or does not fit.
    """
    initialised(model, seed)
    name = initial.partition(":")[0]
    if name not in STARTS:
        known = ", ".join(f"'{name}'" for name in STARTS if name)
        raise InputError(f"HCPN knows no start '{initial}'; choose one of {known}, or none")
    if initial == "imagenet, small decoder":
        make_small(model.decoder, seed)
    for place, stream in model.encoder.named_modules():
        if isinstance(stream, Stream):
            STARTS[name](stream, model.config.encoder, initial)
            if initial == FLOW_START and place.split(".")[-1] == "flow":
                load_weights(stream, flow_encoder().state_dict(), rename=TO_STREAM)
    return model


def make_small(decoder: nn.Module, seed: int) -> None:
    """Draw the convolutions of a decoder from N(0, 0.001) with bias 0, in place."""
    draw = torch.Generator().manual_seed(seed)
    for module in decoder.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.001, generator=draw)
            nn.init.zeros_(module.bias)


def to_stream(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A ResNet's state dict under torchvision's names -> under those of a stream."""
    starts = {"conv1.": "stem.0.", "bn1.": "stem.1."}
    starts |= {f"layer{n + 1}.": f"stages.{n}." for n in range(4)}

    def ours(name: str) -> str:
        for theirs, our in starts.items():
            if name.startswith(theirs):
                return our + name.removeprefix(theirs)
        return name

    return {ours(name): value for name, value in state.items()}


def _common_start(stream: nn.Module, encoder: str, initial: str) -> None:
    load_start(stream, "tiny", "encoder", rename=TO_STREAM)


def _from_imagenet(stream: nn.Module, encoder: str, initial: str) -> None:
    name, rename, unused = choose(IMAGENET, encoder, "HCPN has no ImageNet weights for the encoder")
    load_weights(stream, imagenet_file(initial, name), rename=rename, unused=unused)


TO_STREAM = Renaming(
    [
        ("stage1.", "stem."),
        ("stage2.", "stages.0."),
        ("stage3.", "stages.1."),
        ("stage4.0.", "stages.2."),
        ("stage4.1.", "stages.3."),
    ]
)
"""The names of the tiny encoder -> those of a stream of four stages."""

MOBILENET_TO_STREAM = Renaming(
    (f"features.{layer}.", f"{part}.{layer}.")
    for part, (first, end) in zip(
        ("stem", *(f"stages.{stage}" for stage in range(4))), pairwise((0, *MOBILENET_ENDS))
    )
    for layer in range(first, end)
)
"""MobileNetV2's layers, dealt to the stem and the four stages; they keep their numbers."""

IMAGENET: Mapping[str, tuple[str, Callable[..., dict[str, Tensor]], tuple[str, ...]]] = {
    "resnet101": ("resnet101-63fe2227.pth", to_stream, ("fc.",)),
    "mobilenet": (
        MOBILENET,
        MOBILENET_TO_STREAM,
        ("features.17.", "features.18.", "classifier."),
    ),
}
"""The file of an encoder's ImageNet weights, how its names map, and what has no place here."""

STARTS: Mapping[str, Callable[[nn.Module, str, str], None]] = {
    "": lambda stream, encoder, initial: None,
    "imagenet": _from_imagenet,
    "imagenet, small decoder": _from_imagenet,
    "common start": _common_start,
    FLOW_START: _common_start,
}
"""Name of a start -> what gives it to a stream of an encoder, in place."""
