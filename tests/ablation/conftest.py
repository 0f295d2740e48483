"""Records made up for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vosedu.ablation.store import Record


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
