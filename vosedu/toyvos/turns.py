"""The suite `turns`: flow and appearance take turns at being right.

The camera stands still. In the stretches of one kind the subject rests and something of a kind
that is never the subject (a ball; in the reef a jellyfish) moves past: flow points at the wrong
object, appearance tells them apart. In the stretches of the other kind the subject moves and
look-alikes stand beside it: appearance is ambiguous, flow is right. `vosedu.toyvos.cue_scores`
measures, frame by frame, which of the two was right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from vosedu.toyvos import families
from vosedu.toyvos.director import ASPECT, Director
from vosedu.toyvos.placing import gap, place
from vosedu.toyvos.scene import Actor, Scene

_TRIES = 6


@dataclass(frozen=True)
class Stretch:
    """Frames start .. stop - 1; `moves`: the subject moves and look-alikes stand beside it."""

    start: int
    stop: int
    moves: bool


def plan(d: Director) -> Scene:
    """A subject that rests and moves in turn, with something else in every stretch."""
    d.camera = replace(d.camera, pan=0, tilt=0, shake=0, zoom=1000, zoom_end=1000)
    mover = _mover(d)
    family = d.family()
    while family == mover and "family" not in d.dials:
        family = d.family()
    size = d.size(family, d.draw(35, 70))
    stretches = _stretches(d)
    subject = _subject(d, family, size, stretches)
    actors = [subject]
    for s in stretches:
        there = {
            "appear": s.start - 1 if s.start else -1000,
            "vanish": s.stop if s.stop < d.frames else 1000,
        }
        time = range(s.start, s.stop)
        if s.moves:
            for _ in range(d.draw(1, 4)):
                double = size * d.draw(92, 109) // 100
                x, y = place(d, actors, family, double, time)
                actors.append(d.standing(subject, x, y, double, **there))
        else:
            tries = [_passing(d, mover, subject, s) for _ in range(_TRIES)]
            passing = max(tries, key=lambda one: gap(d, [subject], one, time))
            actors.append(replace(passing, **there))
    return d.scene(actors)


def _mover(d: Director) -> int:
    """The kind that moves while the subject rests; never the subject's."""
    wanted = [
        k
        for k in map(families.NAMES.index, ("ball", "jellyfish", "kite"))
        if families.NAMES[k] in d.home.families and k != d.dials.get("family")
    ]
    return wanted[0] if wanted else families.NAMES.index(d.home.families[0])


def _stretches(d: Director) -> list[Stretch]:
    """Stretches of five to seven frames, the two kinds in turn."""
    out: list[Stretch] = []
    moves, start = bool(d.draw(0, 2)), 0
    while start < d.frames:
        stop = start + d.draw(5, 8)
        if d.frames - stop < 4:
            stop = d.frames
        out.append(Stretch(start, stop, moves))
        start, moves = stop, not moves
    return out


def _subject(d: Director, family: int, size: int, stretches: list[Stretch]) -> Actor:
    """The subject, at rest or under way as the stretches say."""
    busy = sum(s.stop - s.start for s in stretches if s.moves)
    space = ASPECT - size
    speed = min(d.draw(18, 30), space // max(busy, 1))
    direction = 1 - 2 * d.draw(0, 2)
    low = size // 2
    x = d.draw(low, low + max(space - speed * busy, 0) + 1)
    x = x if direction > 0 else ASPECT - x
    actor = d.actor(1, family, size=size, speed=speed, start=x, direction=direction)
    _, left, y = actor.path[0]
    path = [(0, left, y)]
    for s in stretches:
        t, x, y = path[-1]
        last = min(s.stop, d.frames - 1)
        if last == t:
            continue
        if s.moves:
            x += direction * speed * (last - t)
            y += 0 if families.FAMILIES[families.NAMES[family]].ground else d.draw(-60, 61)
        path.append((last, x, y))
    return replace(actor, path=tuple(path))


def _passing(d: Director, family: int, subject: Actor, s: Stretch) -> Actor:
    """An object of the mover's kind, about as large as the subject, under way in the stretch."""
    kind, like = (families.FAMILIES[families.NAMES[k]] for k in (family, subject.family))
    size = min(max(round(subject.size * (like.area / kind.area) ** 0.5), 110), 500)
    speed, direction = d.draw(18, 30), 1 - 2 * d.draw(0, 2)
    middle = d.draw(size // 2, ASPECT - size // 2)
    start = middle - direction * speed * (s.start + s.stop) // 2
    return d.actor(0, family, None, size, speed, start=start, direction=direction)
