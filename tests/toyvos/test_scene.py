"""Scenes are integers, the same for a seed everywhere; impossible wishes are refused."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from vosedu import toyvos
from vosedu.errors import InputError
from vosedu.toyvos.suites import SUITES, first_seed

GOLDEN = json.loads((Path(__file__).parent / "golden" / "digests.json").read_text())


def split_digest(suite: str, split: str) -> str:
    """One hash over all scenes of a split."""
    size = SUITES[suite].sizes[toyvos.SPLITS.index(split)]
    digests = [toyvos.scene(first_seed(split) + k, suite).digest() for k in range(size)]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def only_integers(value: object) -> bool:
    if is_dataclass(value):
        return all(only_integers(getattr(value, f.name)) for f in fields(value))
    if isinstance(value, tuple):
        return all(only_integers(v) for v in value)
    return type(value) is int


@pytest.mark.parametrize("suite", toyvos.SUITES)
@pytest.mark.parametrize("split", toyvos.SPLITS)
def test_splits_are_frozen(suite: str, split: str) -> None:
    assert GOLDEN["version"] == toyvos.VERSION
    assert split_digest(suite, split) == GOLDEN["splits"][f"{suite}/{split}"]


@pytest.mark.parametrize("suite", toyvos.SUITES)
def test_scenes_are_made_of_integers(suite: str) -> None:
    assert all(only_integers(toyvos.scene(seed, suite)) for seed in range(10))


def test_another_process_plans_the_same_scene() -> None:
    with ProcessPoolExecutor(2) as pool:
        there = list(pool.map(split_digest, ["resting"] * 2, ["val"] * 2))
    assert there == [split_digest("resting", "val")] * 2


def test_splits_share_no_scene_and_test_is_large_enough() -> None:
    seen = [
        toyvos.scene(first_seed(split) + k, suite).digest()
        for suite in toyvos.SUITES
        for split in toyvos.SPLITS
        for k in range(SUITES[suite].sizes[toyvos.SPLITS.index(split)])
    ]
    assert len(set(seen)) == len(seen)
    assert len(toyvos.split("test")) >= 120


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: toyvos.scene(0, XY="high"), "no dial 'XY'"),
        (lambda: toyvos.scene(0, OC="huge"), "the dial OC"),
        (lambda: toyvos.scene(0, OC=101), "from 0 to 100"),
        (lambda: toyvos.scene(0, OC=0.5), "whole number"),
        (lambda: toyvos.scene(0, frames=1), "from 2 to 200"),
        (lambda: toyvos.scene(0, family="cat"), "no family 'cat'"),
        (lambda: toyvos.scene(0, family="fish", theme="desert"), "does not live"),
        (lambda: toyvos.scene(0, "hard"), "no suite 'hard'"),
        (lambda: toyvos.scene(-1), "the seed is -1"),
        (lambda: toyvos.split("dev"), "no split 'dev'"),
        (lambda: toyvos.split("val", "hard"), "no suite 'hard'"),
        (lambda: toyvos.stills("dev"), "no split 'dev'"),
        (lambda: toyvos.render(toyvos.scene(0), 62), "64 or more"),
        (lambda: toyvos.render(toyvos.scene(0), 97), "even"),
        (lambda: toyvos.render(toyvos.scene(0), 96, 161), "even"),
        (lambda: toyvos.render(toyvos.scene(0), 96, 62), "64 or more"),
        (lambda: toyvos.render(toyvos.scene(0), 482), "at most 480"),
        (lambda: toyvos.render(toyvos.scene(0), frames=0), "not 0"),
        (lambda: toyvos.render(toyvos.scene(0), frames=17), "choose 1 to 16"),
        (lambda: toyvos.TorchClips(suite="hard"), "no suite 'hard'"),
        (lambda: toyvos.TorchClips(height=50), "64 or more"),
        (lambda: toyvos.TorchClips(OC=999), "the dial OC"),
    ],
    ids=lambda v: v.replace(" ", "-") if isinstance(v, str) else "",
)
def test_bad_input_gets_one_sentence(call, says: str) -> None:
    with pytest.raises(InputError) as error:
        call()
    message = str(error.value)
    assert says in message
    assert "\n" not in message
    assert ";" in message  # what is wrong; what to do
