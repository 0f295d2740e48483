"""Which object is which in a mask of object ids."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vosedu.clip.clip import VOID


def objects_of(ids: np.ndarray) -> list[int]:
    """The ids of the objects in a mask, in order: neither background (0) nor void (255)."""
    return [int(i) for i in np.unique(ids) if i not in (0, VOID)]


def permuted(ids: np.ndarray, objects: Iterable[int]) -> np.ndarray:
    """Ids, of any shape, in which each of `objects` has the number of the next, the last the first.

    The same objects for all masks of a clip give the same exchange in all of them.
    """
    objects = list(objects)
    table = np.arange(256)
    table[objects] = np.roll(objects, -1)
    return table[ids].astype(ids.dtype)
