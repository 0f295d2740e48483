"""Batches of training samples, each a pure function of the run's seed, the stage and the step.

Sample i of step k of stage s is drawn with a generator seeded by (seed, s, k, i). A resumed run
therefore needs no sampler state, and a run on several processes sees the batches of a run on one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vosedu.errors import InputError
from vosedu.signals import keyboard_ignored
from vosedu.training.recipe import Stage, Step

Batch = dict[str, Tensor]
Sample = Callable[[np.random.Generator, Step], Batch]
Place = tuple[int, int]  # step and number of the sample within its batch, both from 0


class Draws(Dataset[Batch]):
    """All samples of one stage, indexed by (step, i).

    sample: draws one sample, name -> tensor without batch axis. key: seed and number of the stage.
    """

    def __init__(self, sample: Sample, stage: Stage, key: tuple[int, int]) -> None:
        self.sample, self.stage, self.key = sample, stage, key

    def __getitem__(self, place: Place) -> Batch:
        step, number = place
        rng = np.random.default_rng([*self.key, step, number])
        return self.sample(rng, self.stage.step(step))


class _Places:
    """The places of one process's share of every batch, from a step on."""

    def __init__(self, stage: Stage, start: int, rank: int, world: int) -> None:
        if stage.batch_size % world:
            raise InputError(
                f"a batch of {stage.batch_size} does not divide over {world} processes; "
                "change the batch size or the number of processes"
            )
        self._steps = range(start, stage.steps)
        self._numbers = range(rank, stage.batch_size, world)

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[list[Place]]:
        return ([(step, number) for number in self._numbers] for step in self._steps)


def batches(
    sample: Sample,
    stage: Stage,
    key: tuple[int, int],
    *,
    start: int = 0,
    share: tuple[int, int] = (0, 1),
    device: torch.device,
    workers: int = 0,
) -> Iterator[Batch]:
    """The batches of a stage from step `start` on, on `device`.

    key: seed and number of the stage. share: rank of this process and number of processes.
    workers: processes that draw samples ahead; 0 draws them in this one.
    """
    loader = DataLoader(
        Draws(sample, stage, key),
        batch_sampler=_Places(stage, start, *share),
        num_workers=workers,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # the loader's own seed does not come from the global state
    )
    with keyboard_ignored():  # the workers inherit it: this process answers Ctrl-C and ends them
        drawn = iter(loader)
    try:
        for batch in drawn:
            yield {name: value.to(device, non_blocking=True) for name, value in batch.items()}
    except InputError as error:  # a worker's comes with its traceback in front
        raise InputError(str(error).rsplit("InputError: ", 1)[-1].strip()) from error
