"""Clips that several tests share: moving squares, noise, frames that count who asks for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vosedu.clip import Clip


def squares(right: tuple[int, int, int], left: tuple[int, int, int]) -> list[Clip]:
    """Two clips of a bright square that moves over noise, with flow and masks.

    right, left: frames, height and width of the clip in which the square moves that way.
    """

    def one(name: str, seed: int, length: int, height: int, width: int, step: int) -> Clip:
        rng = np.random.default_rng(seed)
        frames = rng.integers(0, 120, (length, height, width, 3), np.uint8)
        labels, fields = {}, []
        for t in range(length):
            start = 20 + step * t
            labels[t] = np.zeros((height, width), np.uint8)
            labels[t][10:30, start : start + 20] = 1
            frames[t][labels[t] > 0] += np.array([120, 60 * seed, 0], np.uint8)
            field = rng.normal(0, 0.2, (height, width, 2)).astype(np.float32)
            field[labels[t] > 0] = step, 1
            fields.append(field)
        return Clip(name, frames, labels, fields[:-1])

    return [one("right", 0, *right, 4), one("left", 1, *left, -3)]


def noise(
    frames: int = 7, size: tuple[int, int] = (48, 80), flow: bool = True, seed: int = 0
) -> Clip:
    """A clip of noise, without labels; its flow is noise too."""
    draw = np.random.default_rng(seed)
    pictures = [draw.integers(0, 256, (*size, 3), np.uint8) for _ in range(frames)]
    fields = draw.normal(size=(max(frames - 1, 0), *size, 2)).astype(np.float32)
    return Clip("noise", pictures, flow=list(fields) if flow else None)


def noisy_data(
    name: str, size: tuple[int, int] = (96, 96), flow: bool = True
) -> list[Clip] | list[tuple[np.ndarray, np.ndarray]]:
    """Two clips of four frames of noise, or two stills, whichever the name of a data set asks for.

    Three of ten pixels are labelled.
    """
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (2, 4, *size, 3), dtype=np.uint8)
    masks = (rng.random((2, 4, *size)) < 0.3).astype(np.uint8)
    if "stills" in name or "duts" in name:
        return list(zip(frames[:, 0], masks[:, 0]))
    fields = list(rng.standard_normal((3, *size, 2)).astype(np.float32)) if flow else None
    return [
        Clip(f"noise {i}", list(f), dict(enumerate(m)), fields)
        for i, (f, m) in enumerate(zip(frames, masks))
    ]


class Asked(Sequence):
    """Frames that remember which were asked for, in order, and know their size as readers do."""

    def __init__(self, frames: Sequence[np.ndarray]) -> None:
        self.frames, self.asked, self.size = frames, [], frames[0].shape[:2]

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> np.ndarray:
        self.asked.append(index)
        return self.frames[index]
