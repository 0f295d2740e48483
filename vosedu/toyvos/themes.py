"""The backgrounds by number (the order is part of ToyVOS 1.0) and the cache of their plates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vosedu.toyvos.enclosures import forest, reef, room, street
from vosedu.toyvos.open_country import desert, lake, meadow, snow
from vosedu.toyvos.paint import generator
from vosedu.toyvos.plates import Layer, ground_parallax

VARIANTS = 12


@dataclass(frozen=True)
class Theme:
    """What happens before a background: where the ground begins and who lives there."""

    paint: Callable[[np.random.Generator, int, int, float], list[Layer]]
    horizon: float
    families: tuple[str, ...]
    motion: str = ""


def depth(y: float, horizon: float) -> float:
    """The parallax of the ground at world height y: 0.35 at the horizon, 1.1 at y = 1."""
    near, slope = ground_parallax(horizon)
    return near + slope * y


_LAND = ("walker", "quadruped", "vehicle", "ball", "snake", "bird", "butterfly", "kite")
THEMES: dict[str, Theme] = {
    "meadow": Theme(meadow, 0.5, _LAND),
    "street": Theme(street, 0.56, ("walker", "vehicle", "ball", "quadruped", "bird", "kite")),
    "desert": Theme(
        desert, 0.5, ("walker", "quadruped", "vehicle", "ball", "snake", "bird", "kite")
    ),
    "snow": Theme(snow, 0.52, ("walker", "quadruped", "vehicle", "ball", "bird", "kite")),
    "room": Theme(room, 0.6, ("walker", "quadruped", "ball", "snake", "butterfly", "vehicle")),
    "reef": Theme(reef, 0.74, ("fish", "jellyfish", "snake"), "sway"),
    "lake": Theme(lake, 0.46, ("bird", "kite", "butterfly", "ball"), "water"),
    "forest": Theme(
        forest, 0.58, ("walker", "quadruped", "bird", "butterfly", "snake", "ball"), "sway"
    ),
}
NAMES = tuple(THEMES)


def plates(theme: int, variant: int, resolution: int) -> tuple[Layer, ...]:
    """The layers of one background, far to near; `variant` sets colours and clutter together.

    All backgrounds are kept in memory at small resolutions (100 MB at 96), a few at large ones.
    """
    return (_all if resolution <= 128 else _few)(theme, variant, resolution)


def _plates(theme: int, variant: int, resolution: int) -> tuple[Layer, ...]:
    rng = generator(20260, theme, variant)
    return tuple(THEMES[NAMES[theme]].paint(rng, resolution, variant, (variant % 3) / 2))


_all = lru_cache(maxsize=VARIANTS * len(NAMES))(_plates)
_few = lru_cache(maxsize=8)(_plates)
