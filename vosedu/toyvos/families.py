"""The families by number (the order is part of ToyVOS 1.0) and the cache of their sprites."""

from __future__ import annotations

from functools import lru_cache

from vosedu.toyvos.body import Look
from vosedu.toyvos.fliers import Bird, Butterfly, Fish, Jellyfish
from vosedu.toyvos.paint import Sprite
from vosedu.toyvos.things import Ball, Kite, Vehicle
from vosedu.toyvos.walkers import Quadruped, Snake, Walker

FAMILIES = {
    "walker": Walker,
    "quadruped": Quadruped,
    "bird": Bird,
    "butterfly": Butterfly,
    "fish": Fish,
    "snake": Snake,
    "jellyfish": Jellyfish,
    "vehicle": Vehicle,
    "ball": Ball,
    "kite": Kite,
}
NAMES = tuple(FAMILIES)


def sprites(family: int, look: Look, tpu: int) -> tuple[Sprite, ...]:
    """The painted parts of one individual at `tpu` texels per unit; small ones are remembered."""
    return (_many if tpu <= 128 else _few)(family, look, tpu)


def _sprites(family: int, look: Look, tpu: int) -> tuple[Sprite, ...]:
    return tuple(FAMILIES[NAMES[family]].parts(look, tpu))


_many = lru_cache(maxsize=512)(_sprites)
_few = lru_cache(maxsize=16)(_sprites)
