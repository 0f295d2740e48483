"""The suite `passers-by`: the subject is the one that stays.

Every other object is planned exactly as the subject is (kind, colours, size, speed and place are
draws of the same distributions), then shown for a fraction of the clip. So one frame does not say
which object is the subject; what recurs over the clip does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vosedu.toyvos import themes
from vosedu.toyvos.body import PALETTES, Look
from vosedu.toyvos.director import ASPECT, MIDDLE, Director, colour_distance
from vosedu.toyvos.placing import gap
from vosedu.toyvos.scene import Actor, Scene

_TRIES = 6
_PALETTES = 10  # of the 14, those that the background hides least


def plan(d: Director) -> Scene:
    """A subject that is there throughout, and others, each there for less than half of it."""
    looks = _looks(d)
    actors = [_anyone(d, 1, next(looks), *_kind(d))]
    appear = -d.draw(2, 6)
    while appear < d.frames:
        length = d.draw(max(4, d.frames * 3 // 8), max(5, d.frames // 2))
        window = range(max(appear, 0), min(appear + length + 1, d.frames))
        who = (next(looks), *_kind(d))
        tries = [_anyone(d, 0, *who) for _ in range(_TRIES)]
        there = [a for a in actors if a.appear < window.stop and a.vanish >= window.start]
        chosen = max(tries, key=lambda one: gap(d, there, one, window))
        actors.append(replace(chosen, appear=appear, vanish=appear + length))
        appear += d.draw(2, max(2, d.frames // 5) + 1)
    return d.scene(actors)


def _kind(d: Director) -> tuple[int, int]:
    """A family and a size."""
    family = d.family()
    return family, d.size(family, d.draw(35, 75))


def _anyone(d: Director, label: int, look: Look, family: int, size: int) -> Actor:
    """An object that would stay in the picture throughout."""
    last = d.frames - 1
    margin = size // 3
    speed = min(d.draw(8, 22), (ASPECT - 2 * margin) // (2 * last))
    travel = speed * last
    direction = 1 - 2 * d.draw(0, 2)
    left = d.draw(margin, ASPECT - margin - travel + 1)
    start = left if direction > 0 else left + travel
    return d.actor(label, family, look, size, speed, start=start, direction=direction)


def _looks(d: Director) -> Iterator[Look]:
    """Looks of all different palettes; the first is the subject's and does not come back."""
    middle = MIDDLE[themes.NAMES[d.theme]]
    order = sorted(range(len(PALETTES)), key=lambda k: colour_distance(PALETTES[k][0], middle))
    deck = order[-_PALETTES:]
    for k in range(len(deck) - 1, 0, -1):
        other = d.draw(0, k + 1)
        deck[k], deck[other] = deck[other], deck[k]
    turn = 0
    while True:
        yield Look(deck[turn], d.draw(0, 5), d.draw(0, 1000), d.dials["HO"])
        turn = turn % (len(deck) - 1) + 1
