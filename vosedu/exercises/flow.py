"""Exercises on optical flow: errors, the camera, warping, mirroring, checking there and back.

A field is H x W x 2, (dx, dy) in pixels: x to the right, y down.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vosedu import flow
from vosedu.exercises.grading import Case, Exercise

DRAW = np.random.default_rng(2)
H, W = 8, 12


def _field(low: int = -2, high: int = 3) -> np.ndarray:
    return DRAW.integers(low, high, (H, W, 2)).astype(np.float32)


def _constant(dx: float, dy: float) -> np.ndarray:
    return np.full((H, W, 2), (dx, dy), np.float32)


def _length(field: np.ndarray) -> np.ndarray:
    return np.hypot(field[..., 0], field[..., 1])


NOTHING = np.zeros((H, W), bool)
HALF = np.arange(W) < W // 2
HIDDEN = np.broadcast_to(HALF, (H, W)).copy()
EXACT, ESTIMATED = _field(), _field()

END_POINT_ERROR = Exercise(
    "end_point_error",
    flow.end_point_error,
    (
        Case("an error of (3, 4) everywhere", (_constant(3, 4), _constant(0, 0), NOTHING)),
        Case("random fields", (ESTIMATED, EXACT, NOTHING)),
        Case("half of the frame occluded", (ESTIMATED, EXACT, HIDDEN)),
    ),
    {
        "Occluded pixels have no counterpart in the next frame; leave them out.": (
            lambda field, exact, occlusion: _length(field - exact).mean()
        ),
        "This is the mean error of a component; the length of the error vector is asked for.": (
            lambda field, exact, occlusion: np.abs(field - exact)[~occlusion].mean()
        ),
        "This is the root of the mean square; the mean of the lengths is asked for.": (
            lambda field, exact, occlusion: np.sqrt(
                (_length(field - exact)[~occlusion] ** 2).mean()
            )
        ),
    },
    tolerance=1e-5,
)

OBJECT = np.zeros((H, W), np.uint8)
OBJECT[2:7, 3:11] = 1
PANNED = _constant(5, -1) + OBJECT[..., None] * np.float32([2, 1])
LARGE = np.ones((H, W), np.uint8)
LARGE[:2] = 0
CLOSE = _constant(5, -1) + LARGE[..., None] * np.float32([2, 1])
UNEVEN = PANNED.copy()
UNEVEN[0, :4] += 9

CONTRAST = Exercise(
    "contrast",
    flow.contrast,
    (
        Case("an object before a panning camera", (PANNED, OBJECT)),
        Case("a few vectors of the background are wild", (UNEVEN, OBJECT)),
        Case("an object that fills most of the picture", (CLOSE, LARGE)),
        Case("a resting camera", (OBJECT[..., None] * np.float32([3, 0]), OBJECT)),
    ),
    {
        "This is the length of the flow; a panning camera moves every pixel.": (
            lambda field, labels: _length(field)
        ),
        "The median is over the whole picture, object included; take the background's.": (
            lambda field, labels: _length(field - np.median(field, axis=(0, 1)))
        ),
        "You take the mean of the background; a few wild vectors move it, not the median.": (
            lambda field, labels: _length(field - field[labels == 0].mean(0))
        ),
    },
    tolerance=1e-5,
)

PICTURE = DRAW.integers(0, 256, (H, W)).astype(np.float32)


def _pushed(following: np.ndarray, field: np.ndarray) -> np.ndarray:
    return flow.sample(following, -field)


def _turned(following: np.ndarray, field: np.ndarray) -> np.ndarray:
    return flow.sample(following, np.ascontiguousarray(field[..., ::-1]))


def _wrapped(following: np.ndarray, field: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[:H, :W]
    rows, columns = y + field[..., 1].astype(int), x + field[..., 0].astype(int)
    return following[rows % H, columns % W]


PULL_BACK = Exercise(
    "pull_back",
    flow.sample,
    (
        Case("everything moves by (2, 0)", (PICTURE, _constant(2, 0))),
        Case("everything moves by (0, -1)", (PICTURE, _constant(0, -1))),
        Case("every pixel its own way", (PICTURE, EXACT)),
        Case("no motion", (PICTURE, _constant(0, 0))),
    ),
    {
        "You look at x - field(x); what pixel x became is at x + field(x) in the next frame.": (
            _pushed
        ),
        "dx and dy are exchanged: the first number is to the right, and columns are x.": _turned,
        "Outside the picture you continue at the other side; repeat the border instead.": _wrapped,
    },
    tolerance=1e-3,
)


def _mirrored(field: np.ndarray) -> np.ndarray:
    return field[:, ::-1] * np.float32([-1, 1])


MIRRORED = Exercise(
    "mirrored",
    _mirrored,
    (Case("a random field", (EXACT,)), Case("everything moves to the right", (_constant(2, 0),))),
    {
        "The pixels have changed sides, but what moved right still moves right: dx needs a sign.": (
            lambda field: field[:, ::-1]
        ),
        "The vectors are mirrored, the places are not.": (
            lambda field: field * np.float32([-1, 1])
        ),
        "A mirror at a vertical line leaves dy alone.": lambda field: -field[:, ::-1],
        "You mirrored up and down.": lambda field: field[::-1] * np.float32([1, -1]),
    },
)


def _enlarged(field: np.ndarray, factor: int) -> np.ndarray:
    return field.repeat(factor, 0).repeat(factor, 1) * factor


ENLARGED = Exercise(
    "enlarged",
    _enlarged,
    (Case("twice the size", (EXACT, 2)), Case("three times the size", (_constant(1, -2), 3))),
    {
        "The picture grew and the vectors did not: they are in pixels of the larger picture.": (
            lambda field, factor: field.repeat(factor, 0).repeat(factor, 1)
        ),
        "You divide the vectors; in a larger picture the same motion is more pixels.": (
            lambda field, factor: field.repeat(factor, 0).repeat(factor, 1) / factor
        ),
    },
)


def _followed(fields: Sequence[np.ndarray], x: int, y: int) -> tuple[int, int]:
    for field in fields:
        dx, dy = field[y, x].astype(int)
        x, y = int(np.clip(x + dx, 0, W - 1)), int(np.clip(y + dy, 0, H - 1))
    return x, y


def _standing(fields: Sequence[np.ndarray], x: int, y: int) -> tuple[int, int]:
    dx, dy = sum(field[y, x] for field in fields)
    return int(np.clip(x + dx, 0, W - 1)), int(np.clip(y + dy, 0, H - 1))


def _exchanged(fields: Sequence[np.ndarray], x: int, y: int) -> tuple[int, int]:
    for field in fields:
        dy, dx = field[y, x].astype(int)
        x, y = int(np.clip(x + dx, 0, W - 1)), int(np.clip(y + dy, 0, H - 1))
    return x, y


def _free(fields: Sequence[np.ndarray], x: int, y: int) -> tuple[int, int]:
    for field in fields:
        dx, dy = field[min(max(y, 0), H - 1), min(max(x, 0), W - 1)].astype(int)
        x, y = x + int(dx), y + int(dy)
    return x, y


VIDEO = [_field() for _ in range(6)]
FOLLOWED = Exercise(
    "followed",
    _followed,
    (
        Case("six random fields", (VIDEO, 5, 4)),
        Case("a pixel that would leave the picture", ([_constant(5, 1)] * 4, 3, 5)),
        Case("no frames", ([], 3, 5)),
    ),
    {
        "You add up the vectors at the first place; after one frame the pixel is somewhere else.": (
            _standing
        ),
        "dx and dy are exchanged: field[y, x] is (dx, dy).": _exchanged,
        "Your pixel leaves the picture; it is kept at the border, frame by frame.": _free,
    },
)

FORWARD = _field()
BACKWARD = -flow.advance(FORWARD)
BACKWARD[:, 8:] += 3


def _terms(f: np.ndarray, b: np.ndarray) -> np.ndarray:
    miss, sizes = ((f + b) ** 2).sum(2), (f**2).sum(2) + (b**2).sum(2)
    return np.where(flow.inside(f), miss / (0.01 * sizes + 0.5), np.inf)


def _anywhere(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    back = flow.sample(backward, forward)
    sizes = (forward**2).sum(2) + (back**2).sum(2)
    return ((forward + back) ** 2).sum(2) / (0.01 * sizes + 0.5)


INCONSISTENCY = Exercise(
    "inconsistency",
    flow.inconsistency,
    (
        Case("there and back, wrong in a part", (FORWARD, BACKWARD)),
        Case("exactly there and back", (_constant(1, 0), _constant(-1, 0))),
        Case("the way back is missing", (_constant(1, 1), _constant(0, 0))),
    ),
    {
        "The way back starts where the vector ends: read the backward field at x + forward(x).": (
            _terms
        ),
        "Vectors that leave the picture cannot be checked; they count as infinite.": _anywhere,
        "Add the two vectors: the way back has the other sign.": (
            lambda forward, backward: _terms(forward, -flow.sample(backward, forward))
        ),
    },
    tolerance=1e-4,
)


def _best(values: np.ndarray, labels: np.ndarray) -> float:
    return flow.oracle_threshold(values, labels).region


def _at(values: np.ndarray, labels: np.ndarray, level: float) -> float:
    found = values >= level
    return float((found & (labels > 0)).sum() / (found | (labels > 0)).sum())


NOISY = np.abs(OBJECT + DRAW.normal(0, 0.5, (H, W)))
BEST_J = Exercise(
    "best_j",
    _best,
    (
        Case("an object that stands out, with noise", (NOISY, OBJECT)),
        Case("values that say nothing", (DRAW.random((H, W)), OBJECT)),
        Case("few values", (np.round(NOISY), OBJECT)),
    ),
    {
        "You cut at half of the maximum; try every value that occurs.": (
            lambda values, labels: _at(values, labels, values.max() / 2)
        ),
        "You cut at the mean; try every value that occurs.": (
            lambda values, labels: _at(values, labels, values.mean())
        ),
        "You cut strictly above; a threshold takes what is equal to it, too.": (
            lambda values, labels: max(
                _at(values, labels, np.nextafter(v, np.inf)) for v in np.unique(values)
            )
        ),
    },
)

EXERCISES = (
    END_POINT_ERROR,
    CONTRAST,
    PULL_BACK,
    MIRRORED,
    ENLARGED,
    FOLLOWED,
    INCONSISTENCY,
    BEST_J,
)
