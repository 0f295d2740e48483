"""COSNet with its references encoded once, against the released procedure."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from vosedu.clip import Clip
from vosedu.nn import to_batch
from vosedu.papers.cosnet.inference import Inference, segment, segment_released
from vosedu.papers.cosnet.network import Config, COSNet, build
from vosedu.papers.speed import race

SETTINGS = {
    "released": (Config.released(), 8, (128, 224)),
    "course": (Config.paper().scaled("course"), 60, (96, 160)),
    "quick": (Config.paper().scaled("quick"), 12, (48, 80)),
}
"""Width -> network, number of frames, their height and width."""


def compare(width: str = "course", references: int = 5, seed: int = 0) -> dict[str, float | str]:
    """Time both procedures on one clip with the same references and check that they agree.

    Predictions are fused as released. The network has random weights: time does not depend on
    them. Returns the width, frames, height x width in pixels, references, and what `race` found.
    """
    config, frames, size = SETTINGS[width]
    torch.manual_seed(seed)
    model = build(config)
    clip = _moving_texture(frames, size, seed)
    _calibrate(model, clip)
    inference = Inference(references=references, fusion="prediction", size=size)
    found = race(
        lambda: segment_released(model, clip, inference=inference),
        lambda: segment(model, clip, inference=inference),
    )
    about = {"width": width, "frames": frames, "size": f"{size[0]} x {size[1]}"}
    return {**about, "references": references, **found}


def _moving_texture(frames: int, size: tuple[int, int], seed: int) -> Clip:
    """Coarse noise that slides three pixels a frame."""
    height, width = size
    draw = np.random.default_rng(seed)
    coarse = draw.integers(0, 256, (height // 8, (width + 3 * frames) // 8 + 1, 3), np.uint8)
    picture = coarse.repeat(8, axis=0).repeat(8, axis=1)
    return Clip("texture", [picture[:, 3 * t : 3 * t + width] for t in range(frames)])


def _calibrate(model: COSNet, clip: Clip) -> None:
    """Give a network of random weights activations of a sensible size and opinions of its own."""
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the running statistics become those of the one pass below
            if name.endswith("bn3"):  # small residuals: a hundred random layers are chaotic
                nn.init.constant_(module.weight, 0.2)
    ends = to_batch([clip.frames[0], clip.frames[-1]], clip.size)
    with torch.no_grad():
        model.train()(model.normalise(ends), model.normalise(ends.flip(0)))
        for name, buffer in model.named_buffers():
            if name.endswith("running_var"):  # two images can agree by chance
                buffer.clamp_(min=0.01)
        for name, parameter in model.head.named_parameters():
            if len(parameter) == 1 and name.endswith("weight"):  # the 1x1 classifiers
                parameter *= 10
    model.eval()
