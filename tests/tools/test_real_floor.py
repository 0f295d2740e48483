"""The floors on real video, on clips made of moving squares."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import real_floor
from pytest import approx

from vosedu import flow
from vosedu.clip import Clip


def square(name: str, step: int) -> Clip:
    """A textured square that moves `step` pixels a frame to the right over resting texture."""
    rng = np.random.default_rng(0)
    ground = cv2.resize(rng.integers(0, 256, (24, 40, 3), np.uint8), (160, 96))
    thing = cv2.resize(rng.integers(0, 256, (10, 10, 3), np.uint8), (40, 40))
    frames, labels = [], {}
    for t in range(6):
        frame, ids = ground.copy(), np.zeros((96, 160), np.uint8)
        place = np.s_[28:68, 40 + step * t : 80 + step * t]
        frame[place], ids[place] = thing, 1
        frames.append(frame)
        labels[t] = ids
    return Clip(name, frames, labels)


def test_the_first_mask_moves_with_the_object_along_the_flow() -> None:
    clip = square("moving", 4)
    stays, moves = (list(method(clip).values()) for method in (real_floor.kept, real_floor.carried))
    for mask in stays:
        np.testing.assert_array_equal(mask, clip.labels[0])
    masks = clip.labels[0], clip.labels[5], moves[5]
    first, last, found = (int(mask.nonzero()[1].max()) for mask in masks)
    assert last - first == 20
    assert abs(found - last) <= 4  # its leading edge; what it uncovers may stay marked


def test_every_predictor_of_both_settings_is_scored_on_every_sequence() -> None:
    clips = [
        replace(c, flow=flow.estimate(c, "dis-medium")) for c in (square("a", 4), square("b", 3))
    ]
    found = real_floor.measure(clips, clips)
    assert list(found["J"]) == ["no mask given", "first mask given"]
    for predictors in found["J"].values():
        assert all(list(values) == ["a", "b"] for values in predictors.values())
    free, given = found["J"].values()
    assert free["empty"] == {"a": 0, "b": 0}
    assert free["all foreground"]["a"] == approx(40 * 40 / (96 * 160), abs=1e-4)
    assert free["flow magnitude"]["a"] > max(free["all foreground"]["a"], 0.5)
    assert given["first mask along the flow"]["a"] > given["first mask kept"]["a"]
