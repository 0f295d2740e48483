"""How a raw frame reaches STM: the package's path, and the same steps written anew."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch

from vosedu.papers.stm.inference import frame_input, one_hot
from vosedu.papers.stm.network import STM, Config, build, pad

UNUSED: dict[str, str] = {}
PLAIN = ("image", "image_first_convolution", "mask", "mask_first_convolution")


@cache
def network() -> STM:
    return build(Config().scaled("quick")).eval()


def network_input(name: str, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """The package's path to a tensor of the manifest: C x H x W."""
    (picture,) = pictures
    inside = name.endswith("_first_convolution")
    if name.startswith("mask"):
        masks = one_hot((picture > 0).astype(np.uint8), 1, torch.device("cpu"))[1:]
        frame = torch.zeros(1, 3, *picture.shape)
        into = network().memory_encoder.mask
        return _received(into, frame, masks)[0] if inside else masks.numpy()
    frame = frame_input(picture, torch.device("cpu"))
    into = network().query_encoder.stem[0]
    return _received(into, frame)[0] if inside else frame[0].numpy()


def _received(
    convolution: torch.nn.Module, frame: torch.Tensor, *masks: torch.Tensor
) -> np.ndarray:
    """What a first convolution receives."""
    received = []
    hook = convolution.register_forward_pre_hook(lambda _, inputs: received.append(inputs[0]))
    with torch.no_grad():
        network().memorise(frame, *masks) if masks else network().query_encoder(pad(frame))
    hook.remove()
    return received[0].numpy()


def plain(name: str, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """/ 255 (a mask: one plane per label), zeros around, then ImageNet's mean and deviation."""
    (picture,) = pictures
    mask = name.startswith("mask")
    values = (picture > 0)[..., None].astype(np.float64) if mask else picture / 255
    if name.endswith("_first_convolution"):
        margins = [(-side % 16 // 2, -side % 16 - -side % 16 // 2) for side in picture.shape[:2]]
        values = np.pad(values, (*margins, (0, 0)))
        if not mask:
            values = (values - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    return values.transpose(2, 0, 1).astype(np.float32)  # H W C -> C H W
