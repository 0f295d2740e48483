"""A clip whose flow is known to the last digit: a textured square over a textured background."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest

from vosedu.clip import Clip

HEIGHT, WIDTH, FRAMES, SIDE = 112, 144, 5, 48
OBJECT, CAMERA = (3, 1), (-1, 0)  # pixels a frame, (dx, dy)


@dataclass(frozen=True)
class KnownClip(Clip):
    occlusion: list[np.ndarray] = field(default_factory=list)


def texture(seed: int, height: int, width: int) -> np.ndarray:
    """Smooth colourful noise, H x W x 3 uint8."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(128 + 60 * smooth / smooth.std(), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def moving_square() -> KnownClip:
    margin = 2 * FRAMES
    background = texture(1, HEIGHT, WIDTH + 2 * margin)
    patch = texture(2, SIDE, SIDE)
    frames, labels = [], {}
    for t in range(FRAMES):
        left = margin - t * CAMERA[0]
        frame = background[:, left : left + WIDTH].copy()
        y, x = 16 + t * OBJECT[1], 20 + t * OBJECT[0]
        frame[y : y + SIDE, x : x + SIDE] = patch
        ids = np.zeros((HEIGHT, WIDTH), np.uint8)
        ids[y : y + SIDE, x : x + SIDE] = 1
        frames.append(frame)
        labels[t] = ids
    fields, occlusion = [], []
    for t in range(FRAMES - 1):
        forward = np.where(labels[t][..., None] > 0, np.float32(OBJECT), np.float32(CAMERA))
        fields.append(forward)
        moved = np.roll(labels[t + 1], -CAMERA[0], axis=1)  # what the object covers next
        leaving = np.arange(WIDTH)[None] + forward[..., 0] < 0
        occlusion.append(((labels[t] == 0) & (moved > 0)) | leaving)
    return KnownClip("square", frames, labels, fields, occlusion=occlusion)
