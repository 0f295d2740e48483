"""The start for flow pictures, for networks that normalise these as they do frames."""

from __future__ import annotations

import torch

from vosedu.nn import TinyEncoder
from vosedu.nn.inputs import RGB_MEAN, RGB_STD
from vosedu.training.flow_start import load_flow_start


def flow_encoder() -> TinyEncoder:
    """The encoder of `vosedu.training.flow_start`, made to take ImageNet-normalised pictures.

    It was trained on pictures of 0..1. Mean and deviation go into its first convolution and the
    BatchNorm behind it, so that what it computes stays the same, but for two pixels at the border,
    where the padding is the mean colour now and was black.
    """
    encoder = TinyEncoder()
    load_flow_start(encoder)
    convolution, norm, _ = encoder.stage1
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (RGB_MEAN, RGB_STD))
    with torch.no_grad():
        norm.running_mean -= (convolution.weight * mean).sum((1, 2, 3))  # type: ignore[operator]
        convolution.weight *= std  # type: ignore[operator]
    return encoder
