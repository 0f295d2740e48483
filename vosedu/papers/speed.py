"""Two procedures with the same predictions, timed on one clip: a paper's released one and ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from vosedu.clip import Clip
from vosedu.papers.contract import Benchmark, FrameResult

LARGEST_DIFFERENCE = 1e-5
SIZES: Mapping[str, tuple[int, tuple[int, int]]] = {
    "released": (8, (128, 224)),
    "course": (60, (96, 160)),
    "quick": (12, (48, 80)),
}
"""Width of the network -> number of frames, their height and width in pixels."""

Procedure = Callable[..., Iterator[FrameResult]]


@dataclass(frozen=True)
class Race:
    """What `compare` needs of a paper to time its released procedure against `segment`.

    configs: a key of `SIZES` -> the network to build.
    inference: height and width -> the Inference of both procedures.
    calibrate(model, clip, inference): changes random weights, in place, so that predictions vary
        over frames and positions and no activation overflows.
    budget: how many times as fast ours has to be.
    what: what ours does less of.
    references: N, for the sentence that describes the measurement; 0 for methods without.
    """

    name: str
    configs: Mapping[str, Any]
    build: Callable[[Any], nn.Module]
    inference: Callable[[tuple[int, int]], Any]
    released: Procedure
    ours: Procedure
    calibrate: Callable[[Any, Clip, Any], None]
    budget: float
    what: str = "references encoded once"
    references: int = 0

    def benchmarks(self) -> tuple[Benchmark, ...]:
        """The race at released and at course width, as `vosedu bench` runs them."""
        return tuple(
            Benchmark(
                what=f"{self.name}, {self.what}, {width} width",
                unit="times",
                budget=self.budget,
                at_least=True,
                measure=partial(_faster_of_two, self, width),
            )
            for width in ("released", "course")
        )


def compare(race: Race, width: str = "course", seed: int = 0) -> dict[str, float]:
    """Run both procedures once on one clip with the same references, and check that they agree.

    The network has random weights: time does not depend on them. Returns the seconds of each
    procedure, their ratio, the largest difference of probabilities, and their spread (which shows
    that agreeing is not trivial). Raises AssertionError if they differ by more than 1e-5.
    """
    frames, size = SIZES[width]
    torch.manual_seed(seed)
    model, clip = race.build(race.configs[width]), moving_texture(frames, size, seed)
    inference = race.inference(size)
    race.calibrate(model, clip, inference)
    theirs, slow = _timed(race.released, model, clip, inference)
    mine, fast = _timed(race.ours, model, clip, inference)
    difference = float(np.abs(theirs - mine).max())
    assert difference <= LARGEST_DIFFERENCE, f"probabilities differ by {difference:.1e}"
    return {
        "seconds_released": slow,
        "seconds_ours": fast,
        "ratio": slow / fast,
        "difference": difference,
        "spread": float(theirs.std()),
    }


def moving_texture(frames: int, size: tuple[int, int], seed: int) -> Clip:
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


def norms_of_one_pass(model: nn.Module) -> None:
    """Let every BatchNorm take the statistics of the next pass in training mode as its own."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = None


def _faster_of_two(race: Race, width: str) -> tuple[float, str]:
    """The ratio and its details; of two runs in turns the faster one of each procedure counts."""
    runs = [compare(race, width) for _ in range(2)]
    slow, fast = (min(run[f"seconds_{who}"] for run in runs) for who in ("released", "ours"))
    frames, (height, across) = SIZES[width]
    number = f", N = {race.references}" if race.references else ""
    return slow / fast, (
        f"{frames} frames of {height} x {across}{number}: "
        f"{fast:.2f} s for {slow:.2f} s, "
        f"probabilities equal to {max(run['difference'] for run in runs):.0e}"
    )


def _timed(
    run: Procedure, model: nn.Module, clip: Clip, inference: Any
) -> tuple[np.ndarray, float]:
    """All probabilities, T x H x W, and the seconds they took."""
    start = time.perf_counter()
    results = run(model, clip, inference=inference)
    probabilities = np.stack([np.asarray(result.probability) for result in results])
    return probabilities, time.perf_counter() - start
