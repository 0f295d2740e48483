"""Masks drawn over frames, and many pictures on one sheet; arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vosedu.clip import VOID
from vosedu.errors import InputError

# Okabe and Ito's colours, told apart with any colour vision; the rarest in nature comes first.
COLOURS = np.array(
    [
        (204, 121, 167),
        (86, 180, 233),
        (0, 158, 115),
        (240, 228, 66),
        (0, 114, 178),
        (213, 94, 0),
        (230, 159, 0),
    ],
    np.uint8,
)


def colour_of(ids: np.ndarray) -> np.ndarray:
    """Object ids (any shape, from 1) -> their colours, the same shape and a last axis of 3 uint8.

    Seven colours, then from the start; background (0) is as colourless as void.
    """
    colours = COLOURS[(ids.astype(int) - 1) % len(COLOURS)]
    colours[(ids == 0) | (ids == VOID)] = 0
    return colours


def overlay(frame: np.ndarray, ids: np.ndarray, alpha: float = 0.45) -> np.ndarray:
    """The frame with its objects tinted and outlined.

    frame: H x W x 3 uint8 RGB. ids: H x W uint8, 0 background and 255 void stay as they are.
    alpha: share of the object's colour inside the outline. Returns H x W x 3 uint8.
    """
    if frame.shape[:2] != ids.shape:
        raise InputError(
            f"a mask of {ids.shape[1]} x {ids.shape[0]} cannot be drawn over a frame of "
            f"{frame.shape[1]} x {frame.shape[0]}; resize it with nearest neighbour"
        )
    ids = np.where(ids == VOID, 0, ids)
    painted = frame.astype(np.float32)
    colours = colour_of(ids)
    inside = ids > 0
    painted[inside] += alpha * (colours[inside] - painted[inside])
    width = max(1, round(min(ids.shape) / 200))
    edge = outline(ids, width)
    painted[outline(ids, 2 * width) & ~edge & ~inside] *= (
        0.35  # sets the line off from bright grounds
    )
    painted[edge] = 0.5 * colours[edge] + 127.5
    return painted.round().astype(np.uint8)


def outline(ids: np.ndarray, width: int = 1) -> np.ndarray:
    """H x W bool: pixels of objects within `width` of another id, and as far outside them."""
    border = np.zeros(ids.shape, bool)
    for axis in (0, 1):
        for step in range(1, width + 1):
            here, there = _shifted(ids, axis, step)
            differ = here != there
            lower, upper = _shifted(border, axis, step)
            lower |= differ
            upper |= differ
    return border


def _shifted(array: np.ndarray, axis: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Two views of one array, `step` rows or columns apart."""
    return (array[:-step], array[step:]) if axis == 0 else (array[:, :-step], array[:, step:])


def contact_sheet(pictures: Sequence[np.ndarray], columns: int, gap: int = 4) -> np.ndarray:
    """Pictures of one size, each H x W x 3 uint8, on a white sheet, row by row."""
    if not len(pictures):
        raise InputError("a contact sheet needs at least one picture")
    height, width = pictures[0].shape[:2]
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    size = (rows * (height + gap) - gap, columns * (width + gap) - gap, 3)
    sheet = np.full(size, 255, np.uint8)
    for index, picture in enumerate(pictures):
        if picture.shape[:2] != (height, width):
            raise InputError(
                f"picture {index} is {picture.shape[1]} x {picture.shape[0]} but the first is "
                f"{width} x {height}; a contact sheet needs one size"
            )
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet
