"""Fixed splits of rendered clips, and still images from them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from vosedu.errors import InputError
from vosedu.lazy import LazySequence
from vosedu.toyvos.measured import attributes
from vosedu.toyvos.pool import Pool
from vosedu.toyvos.render import ToyClip, check_size, render
from vosedu.toyvos.suites import SPLITS, SUITES, first_seed, scene


class Split(LazySequence[ToyClip]):
    """The clips of one split, rendered when first asked for and kept in memory."""

    def __init__(self, name: str, suite: str, height: int) -> None:
        self.name, self.suite, self.height = name, suite, height
        self.seeds = range(first_seed(name), first_seed(name) + _length(name, suite))
        self._clips: dict[int, ToyClip] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the clips, in order."""
        return tuple(f"{self.suite}-{self.name}-{k:03d}" for k in range(len(self)))

    def __len__(self) -> int:
        return len(self.seeds)

    def item(self, index: int) -> ToyClip:
        k = index
        if k not in self._clips:
            plan = scene(self.seeds[k], self.suite)
            clip = render(plan, self.height, name=self.names[k])
            self._clips[k] = replace(clip, attributes=attributes(clip))
        return self._clips[k]


def _length(name: str, suite: str) -> int:
    return SUITES[suite].sizes[SPLITS.index(name)]


def split(name: str, suite: str = "mixed", height: int = 96) -> Split | Pool:
    """The clips of a split ("train", "val" or "test") of a suite, or its training "pool".

    Clips of a split are rendered when indexed and stay in memory; those of the pool are kept on
    disk, frame by frame. Asking again gives the same object.
    """
    if name not in (*SPLITS, "pool"):
        raise InputError(f"ToyVOS has no split {name!r}; choose from {', '.join(SPLITS)}, pool")
    if suite not in SUITES:
        raise InputError(f"ToyVOS has no suite {suite!r}; choose from {', '.join(SUITES)}")
    check_size(height, None)
    return _split(name, suite, height)


@lru_cache(maxsize=32)
def _split(name: str, suite: str, height: int) -> Split | Pool:
    return Pool(suite, height) if name == "pool" else Split(name, suite, height)


class ToyStills(LazySequence[tuple[np.ndarray, np.ndarray]]):
    """Photos with one salient object: (H x W x 3 uint8 image, H x W uint8 mask of 0 and 1)."""

    def __init__(self, split: str, height: int, count: int) -> None:
        self.split, self.height, self.count = split, height, count
        self._made: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def __len__(self) -> int:
        return self.count

    def item(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        k = index
        if k not in self._made:
            seed = 50_000 + first_seed(self.split) + k
            plan = scene(seed, "mixed", frames=2, OV=0, OC=0, MB=0, FM=0)
            clip = render(plan, self.height, frames=1)
            self._made[k] = clip.frames[0], (clip.labels[0] > 0).astype(np.uint8)
        return self._made[k]


def stills(split: str, height: int = 96) -> ToyStills:
    """Salient-object photos for pre-training: 400 for "train", 60 each for "val" and "test"."""
    if split not in SPLITS:
        raise InputError(f"ToyVOS has no split {split!r}; choose from {', '.join(SPLITS)}")
    check_size(height, None)
    return _stills(split, height)


@lru_cache(maxsize=8)
def _stills(split: str, height: int) -> ToyStills:
    return ToyStills(split, height, 400 if split == "train" else 60)
