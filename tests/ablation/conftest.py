"""Records made up for tests, and a world of tiny clips to train on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vosedu.ablation.store import Record
from vosedu.clip import Clip
from vosedu.papers import cosnet


def made_up(row: str, seed: int, j: float, **changes: Any) -> Record:
    """A record of one clip with that J (a fraction)."""
    fields = {
        "table": "1",
        "row": row,
        "seed": seed,
        "suite": "mixed",
        "split": "test",
        "profile": "ablate",
        "data": "toyvos-1.0",
        "config": {},
        "recipe": {},
        "inference": {},
        "metrics": {"J": [j], "F": [j / 2]},
        "steps": 1,
        "seconds": 1.0,
        "device": "cpu",
        "commit": "0",
        "hashes": {"config": row},
    }
    return Record(**{**fields, **changes})


@pytest.fixture
def record() -> Callable[..., Record]:
    """record(row, seed, J as a fraction, **other fields)."""
    return made_up


def squares() -> list[Clip]:
    """Short clips of a bright square over noise."""
    made = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        frames = rng.integers(0, 120, (4, 48, 80, 3), np.uint8)
        labels = {t: np.zeros((48, 80), np.uint8) for t in range(4)}
        for t, mask in labels.items():
            mask[12:30, 10 + 3 * t : 34 + 3 * t] = 1
            frames[t][mask > 0] += 130
        made.append(Clip(f"square-{seed}", frames, labels))
    return made


@pytest.fixture
def clips() -> list[Clip]:
    """Two short clips."""
    return squares()


def open_squares(name: str) -> list:
    """What stands in for ToyVOS."""
    if "stills" in name:
        return [(clip.frames[0], clip.labels[0]) for clip in squares()]
    return squares()


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """COSNet trains and is scored on tiny clips; the seeds of all trainings are noted."""
    seeds: list[int] = []

    def train(*arguments, seed: int, **options):
        seeds.append(seed)
        return cosnet.training.train(*arguments, seed=seed, data=open_squares, **options)

    monkeypatch.setattr(cosnet, "PAPER", replace(cosnet.PAPER, train=train))
    monkeypatch.setattr(sys.modules["vosedu.ablation.run"], "_opened", open_squares)
    return seeds
