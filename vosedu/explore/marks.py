"""Marking objects of a frame by hand: polygons, a brush, an eraser; arrays alone, no widgets."""

from __future__ import annotations

import cv2
import numpy as np

from vosedu.clip import VOID
from vosedu.errors import InputError
from vosedu.figures.overlay import colour_of, overlay

OBJECTS = 10  # that the pad offers; a DeAOT engine follows as many


class Marks:
    """The objects marked on one frame, H x W uint8 ids, and the polygon being drawn.

    Places are pixels (x to the right, y down). Every change can be undone.
    """

    def __init__(self, ids: np.ndarray) -> None:
        self.ids = np.where(ids == VOID, 0, ids).astype(np.uint8)
        self.corners: list[tuple[int, int]] = []
        self._before: list[tuple[np.ndarray, list[tuple[int, int]]]] = []

    def corner(self, x: int, y: int) -> None:
        """Another corner of the polygon."""
        self._keep()
        self.corners.append((x, y))

    def close(self, number: int) -> None:
        """The polygon becomes part of object `number`; it needs three corners."""
        if len(self.corners) < 3:
            raise InputError(
                f"the polygon has {len(self.corners)} corner(s); click three or more, then close it"
            )
        self._keep()
        cv2.fillPoly(self.ids, [np.array(self.corners, np.int32)], self._checked(number))
        self.corners = []

    def brush(self, x: int, y: int, radius: int, number: int) -> None:
        """A disc of pixels becomes part of object `number`; 0 erases."""
        self._keep()
        cv2.circle(self.ids, (x, y), radius, self._checked(number), -1)

    def clear(self, number: int) -> None:
        """Remove object `number`, and the polygon."""
        self._keep()
        self.ids[self.ids == self._checked(number)] = 0
        self.corners = []

    def undo(self) -> None:
        """Take the last change back; without one, nothing happens."""
        if self._before:
            self.ids, self.corners = self._before.pop()

    def picture(self, frame: np.ndarray, number: int) -> np.ndarray:
        """The frame, H x W x 3 uint8, with its objects and the corners of the polygon."""
        shown = overlay(frame, self.ids)
        colour = colour_of(np.array(number)).tolist()
        width = max(1, round(min(self.ids.shape) / 150))
        if len(self.corners) > 1:
            cv2.polylines(shown, [np.array(self.corners, np.int32)], False, colour, width)
        for place in self.corners:
            cv2.circle(shown, place, 2 * width, (255, 255, 255), -1)
            cv2.circle(shown, place, width, colour, -1)
        return shown

    def _keep(self) -> None:
        self._before.append((self.ids.copy(), list(self.corners)))

    @staticmethod
    def _checked(number: int) -> int:
        if not 0 <= number < VOID:
            raise InputError(f"{number} is no object; give a number from 1 to {VOID - 1}")
        return number
