"""COSNet with its references encoded once, against the released procedure."""

from __future__ import annotations

import torch
from torch import nn

from vosedu.clip import Clip
from vosedu.nn import to_batch
from vosedu.papers.cosnet.inference import Inference, segment, segment_released
from vosedu.papers.cosnet.network import Config, COSNet, build
from vosedu.papers.speed import Race, norms_of_one_pass

REFERENCES = 5


def inference(size: tuple[int, int]) -> Inference:
    """Evenly spaced references; predictions fused as released."""
    return Inference(references=REFERENCES, fusion="prediction", size=size)


def calibrate(model: COSNet, clip: Clip, inference: Inference) -> None:
    """Give a network of random weights activations of a sensible size and varied predictions."""
    norms_of_one_pass(model)
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d) and name.endswith("bn3"):
            nn.init.constant_(module.weight, 0.2)  # small residuals keep a hundred layers stable
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


RACE = Race(
    name="COSNet",
    configs={
        "released": Config.released(),
        "course": Config.paper().scaled("course"),
        "quick": Config.paper().scaled("quick"),
    },
    build=build,
    references=REFERENCES,
    inference=inference,
    released=segment_released,
    ours=segment,
    calibrate=calibrate,
    budget=4,
)
BENCHMARKS = RACE.benchmarks()
