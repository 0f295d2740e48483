"""DPA with its references encoded once, against the released procedure."""

from __future__ import annotations

import torch

from vosedu.clip import Clip
from vosedu.papers.dpa.inference import DPAPictures, Inference, segment, segment_released
from vosedu.papers.dpa.network import DPA, Config, build
from vosedu.papers.speed import Race, norms_of_one_pass

REFERENCES = 4


def inference(size: tuple[int, int]) -> Inference:
    """References at quarters of the clip, which brings its flow along, as the authors' data did."""
    return Inference(references=REFERENCES, sampling="released", size=size)


def calibrate(model: DPA, clip: Clip, inference: Inference) -> None:
    """Give a network of random weights activations of a sensible size and varied predictions."""
    norms_of_one_pass(model)
    frames, flows = DPAPictures(model, clip, inference).batch([0] * 8)
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


RACE = Race(
    name="DPA",
    configs={
        "released": Config.released("IV"),
        "course": Config.paper().scaled("course"),
        "quick": Config.paper().scaled("quick"),
    },
    build=build,
    references=REFERENCES,
    inference=inference,
    released=segment_released,
    ours=segment,
    calibrate=calibrate,
    budget=3,
)
BENCHMARKS = RACE.benchmarks()
