"""Following given objects through a clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vosedu.clip import VOID, objects_of
from vosedu.errors import InputError
from vosedu.papers.stm.network import MAX_OBJECTS, STM, SpaceTimeMemory


@dataclass(frozen=True)
class Inference:
    """How to follow. memorise_every: the frames 0, n, 2 n, ... stay in the memory."""

    memorise_every: int = 5


@torch.inference_mode()
def propagate(
    model: STM,
    frames: Sequence[np.ndarray],
    given: np.ndarray,
    inference: Inference = Inference(),
) -> Iterator[np.ndarray]:
    """Follow the objects of the first frame through all frames, on the device the model is on.

    frames: H x W x 3 uint8 each. given: H x W ids of the first frame, 1 to O for the objects, 0
    background; 255 counts as background. Yields, frame by frame, the probability of background
    and of each object, O + 1 x H x W float32; for the first frame what was given. The frame
    before the current one is always in the memory, with its soft masks. Raises InputError for
    ids that are not 1 to O with O at most 10.
    """
    objects = _objects(given, frames)
    device = next(model.parameters()).device
    planes = one_hot(given, objects, device)  # O+1 H W
    memory: list[SpaceTimeMemory] = []
    for index in range(len(frames)):
        if index:
            last = model.memorise(frame_input(frames[index - 1], device), planes[1:])
            logits = model.segment(frame_input(frames[index], device), [*memory, last])
            planes = logits.softmax(0)[: objects + 1]
            if (index - 1) % inference.memorise_every == 0:
                memory.append(last)
        yield planes.cpu().numpy()


def _objects(given: np.ndarray, frames: Sequence[np.ndarray]) -> int:
    ids = objects_of(given)
    if not frames or frames[0].shape[:2] != given.shape:
        size = "no frame" if not frames else f"{frames[0].shape[0]} x {frames[0].shape[1]}"
        raise InputError(
            f"the given mask is {given.shape} and the first frame {size}: give a mask of its size"
        )
    if not ids or ids != list(range(1, len(ids) + 1)) or len(ids) > MAX_OBJECTS:
        raise InputError(
            f"STM follows objects numbered from 1 on, {MAX_OBJECTS} at most, and the mask holds "
            f"{ids or 'none'}: renumber them or leave some out"
        )
    return len(ids)


def one_hot(ids: np.ndarray, objects: int, device: torch.device) -> Tensor:
    """H x W ids -> O + 1 x H x W, 0 or 1; void is background."""
    ids = np.where(ids == VOID, 0, ids)
    planes = np.stack([ids == number for number in range(objects + 1)])
    return torch.from_numpy(planes).float().to(device)


def frame_input(frame: np.ndarray, device: torch.device) -> Tensor:
    """H x W x 3 uint8 -> 1 x 3 x H x W in [0, 1]."""
    pixels = torch.from_numpy(np.array(frame)).to(device)
    return pixels.permute(2, 0, 1).unsqueeze(0).float() / 255  # H W 3 -> 1 3 H W
