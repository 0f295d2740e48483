"""HCPN with only the kept masks decoded, against the released procedure."""

from __future__ import annotations

import torch

from vosedu.clip import Clip
from vosedu.papers.hcpn.inference import HCPNPictures, Inference, segment, segment_released
from vosedu.papers.hcpn.network import HCPN, Config, build
from vosedu.papers.speed import Race, norms_of_one_pass


def inference(size: tuple[int, int]) -> Inference:
    """As released, but for bytes, which would hide differences; sides up to a multiple of 32."""
    height, width = (-(-side // 32) * 32 for side in size)
    return Inference(mirror=True, flow_order="bgr", size=(height, width))


def calibrate(model: HCPN, clip: Clip, inference: Inference) -> None:
    """Give a network of random weights activations of a sensible size and varied predictions."""
    norms_of_one_pass(model)
    pairs = torch.cat([HCPNPictures(model, clip, inference).pair(index) for index in (0, 1)], dim=1)
    contrast = torch.rand(3, pairs.shape[1], 3, 1, 1) * 4 - 2  # as different as many videos' frames
    with torch.no_grad():
        model.train()
        model(*(contrast * pairs))
        model.decoder.coarse.weight *= 3
    model.eval()


RACE = Race(
    name="HCPN",
    what="only kept masks decoded",
    configs={
        "released": Config.released(),
        "course": Config.paper().scaled("course"),
        "quick": Config.paper().scaled("quick"),
    },
    build=build,
    inference=inference,
    released=segment_released,
    ours=segment,
    calibrate=calibrate,
    budget=1.2,
)
BENCHMARKS = RACE.benchmarks()
