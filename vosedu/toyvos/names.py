"""What every pixel shows, by name: the kind of object and its main colour."""

from __future__ import annotations

import numpy as np

from vosedu.toyvos import families
from vosedu.toyvos.body import PALETTES
from vosedu.toyvos.scene import Scene

KINDS = ("scenery", *families.NAMES)
COLOURS = 1 + len(PALETTES)  # 0: scenery; k: the palette k - 1


def name_table(scene: Scene) -> np.ndarray:
    """256 x 2 uint8: instance id -> its kind (index of `KINDS`) and colour (0..`COLOURS` - 1)."""
    table = np.zeros((256, 2), np.uint8)
    for k, actor in enumerate(scene.actors):
        table[k + 1] = 1 + actor.family, 1 + actor.look.palette % len(PALETTES)
    return table
