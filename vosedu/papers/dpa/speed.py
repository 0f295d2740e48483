"""DPA with its references encoded once, against the released procedure."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from vosedu.clip import Clip
from vosedu.papers.dpa.inference import Inference, Pictures, segment, segment_released
from vosedu.papers.dpa.network import DPA, Config, build
from vosedu.papers.speed import race

SETTINGS = {
    "released": (Config.released("IV"), 8, (128, 224)),
    "course": (Config.paper().scaled("course"), 60, (96, 160)),
    "quick": (Config.paper().scaled("quick"), 12, (48, 80)),
}
"""Width -> network, number of frames, their height and width."""


def compare(width: str = "course", references: int = 4, seed: int = 0) -> dict[str, float | str]:
    """Time both procedures on one clip with the same references and check that they agree.

    The clip brings its flow along, as the authors' data did. The network has random weights: time
    does not depend on them. Returns the width, frames, height x width in pixels, references, and
    what `race` found.
    """
    config, frames, size = SETTINGS[width]
    torch.manual_seed(seed)
    model = build(config)
    clip = _moving_texture(frames, size, seed)
    inference = Inference(references=references, sampling="released", size=size)
    _calibrate(model, clip, inference)
    found = race(
        lambda: segment_released(model, clip, inference=inference),
        lambda: segment(model, clip, inference=inference),
    )
    about = {"width": width, "frames": frames, "size": f"{size[0]} x {size[1]}"}
    return {**about, "references": references, **found}


def _moving_texture(frames: int, size: tuple[int, int], seed: int) -> Clip:
    """A textured square that slides three pixels a frame over resting texture, with its flow."""
    height, width = size
    draw = np.random.default_rng(seed)
    coarse = draw.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    ground = coarse.repeat(8, axis=0).repeat(8, axis=1)
    side = height // 2
    square = ground[:side, :side, ::-1]
    pictures, fields = [], []
    for t in range(frames):
        left = 3 * t % (width - side)
        picture, field = ground.copy(), np.zeros((height, width, 2), np.float32)
        picture[side // 2 : side // 2 + side, left : left + side] = square
        field[side // 2 : side // 2 + side, left : left + side, 0] = 3
        pictures.append(picture)
        fields.append(field)
    return Clip("texture", pictures, flow=fields[:-1])


def _calibrate(model: DPA, clip: Clip, inference: Inference) -> None:
    """Give a network of random weights activations of a sensible size and opinions of its own."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = None  # the running statistics become those of the one pass below
    frames, flows = Pictures(model, clip, inference).batch([0] * 8)
    contrast = torch.rand(2, 8, 3, 1, 1) * 4 - 2  # frames as different as those of many videos
    frames, flows = contrast * torch.stack([frames, flows])
    with torch.no_grad():
        model.train()
        references = [model.encode_reference(frames, flows)] if model.needs_references else []
        model(frames, flows, references)
        for name, parameter in model.named_parameters():
            if name.endswith("score.weight"):
                parameter *= 3
    model.eval()
