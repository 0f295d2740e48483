"""Settings are checked when they are made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vosedu import api
from vosedu.errors import InputError


@pytest.mark.parametrize("key", sorted(api.papers()))
@pytest.mark.parametrize(
    "changes",
    [{"size": (0, 0)}, {"size": (10**6, 10**6)}, {"size": 96}, {"size": ("a", "b")}],
    ids=str,
)
def test_sizes_that_no_network_takes(key: str, changes: dict[str, Any]) -> None:
    paper = api.paper(key)
    for settings in (paper.Config.paper().scaled("quick"), paper.Inference.paper()):
        if hasattr(settings, "size"):
            with pytest.raises(InputError, match="size"):
                replace(settings, **changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"steps": -3}, "0 or more"),
        ({"steps": "many"}, "a whole number"),
        ({"batch_size": 0}, "1 or more"),
        ({"lr": float("nan")}, "0 or more"),
        ({"ema": 2}, "below 1"),
        ({"halve_after": 1.5}, "below 1"),
        ({"schedule": "zzz"}, "no schedule"),
        ({"optimiser": "zzz"}, "no optimiser"),
        ({"cycle": ()}, "cycle is empty"),
        ({"cycle": "video"}, "a tuple"),
    ],
    ids=str,
)
def test_stages_that_cannot_train(changes: dict[str, Any], says: str) -> None:
    stage = api.paper("cosnet").recipe("quick").stages[-1]
    with pytest.raises(InputError, match=says):
        replace(stage, **changes)


def test_integers_pass_for_numbers_and_tuples_of_any_length_pass() -> None:
    stage = api.paper("cosnet").recipe("quick").stages[-1]
    assert replace(stage, lr=1, cycle=("still",) * 5).lr == 1
