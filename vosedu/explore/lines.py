"""Lines from a pixel to the positions of other frames that it reads most."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import matplotlib
import numpy as np

from vosedu.explore.view import Picture
from vosedu.figures.attention import ring

TILE, GAP = 240, 12  # width of a frame, and pixels between frames
FEWEST = 3  # frames that fit beside each other, however few there are
PAPER = 255


def linked(
    title: str,
    frame: np.ndarray,
    pixel: tuple[int, int],
    others: Sequence[np.ndarray],
    shares: np.ndarray,
    strongest: int = 3,
) -> Picture:
    """The frame above the others, a line from the pixel to each of the strongest positions.

    frame, others: H x W x 3 uint8. pixel: (x, y). shares: N x h x w, how much the pixel reads at
    each position of each other frame. strongest: positions drawn in each of them. The brighter and
    the thicker a line, the larger the share.
    """
    height, width = frame.shape[:2]
    tall = round(TILE * height / width)
    across = max(FEWEST, len(others)) * (TILE + GAP) - GAP
    canvas = np.full((2 * tall + 3 * GAP, across, 3), PAPER, np.uint8)
    left = (across - TILE) // 2
    x, y = left + round(pixel[0] * TILE / width), round(pixel[1] * tall / height)
    canvas[:tall, left : left + TILE] = _tile(frame, tall)
    begin = (across - len(others) * (TILE + GAP) + GAP) // 2
    high = float(shares.max(initial=0.0)) or 1.0
    ends = []
    for number, (other, share) in enumerate(zip(others, shares)):
        corner = begin + number * (TILE + GAP), tall + 3 * GAP
        canvas[corner[1] :, corner[0] : corner[0] + TILE] = _tile(other, tall)
        ends += [
            (value, *_middle(cell, share.shape, corner, tall))
            for value, cell in _most(share, strongest)
        ]
    for value, to_x, to_y in sorted(ends):  # the strongest on top
        colour = [round(255 * c) for c in matplotlib.colormaps["viridis"](value / high)[:3]]
        thick = 1 + round(2 * value / high)
        cv2.line(canvas, (x, y), (to_x, to_y), (0, 0, 0), thick + 2, cv2.LINE_AA)
        cv2.line(canvas, (x, y), (to_x, to_y), colour, thick, cv2.LINE_AA)
        cv2.circle(canvas, (to_x, to_y), 4 + thick, (0, 0, 0), -1, cv2.LINE_AA)
        cv2.circle(canvas, (to_x, to_y), 3 + thick, colour, -1, cv2.LINE_AA)
    return Picture(title, ring(canvas, x, y), ("0 %", f"{100 * high:.3g} %"), wide=True)


def _tile(frame: np.ndarray, tall: int) -> np.ndarray:
    return cv2.resize(np.ascontiguousarray(frame), (TILE, tall), interpolation=cv2.INTER_AREA)


def _most(share: np.ndarray, count: int) -> list[tuple[float, int]]:
    """The largest shares of a map with their positions, those that are 0 left out."""
    flat = share.ravel()
    cells = np.argsort(flat)[::-1][:count]
    return [(float(flat[cell]), int(cell)) for cell in cells if flat[cell] > 0]


def _middle(
    cell: int, grid: tuple[int, ...], corner: tuple[int, int], tall: int
) -> tuple[int, int]:
    """The middle of a position on the canvas."""
    row, column = divmod(cell, grid[1])
    return (
        corner[0] + round((column + 0.5) * TILE / grid[1]),
        corner[1] + round((row + 0.5) * tall / grid[0]),
    )
