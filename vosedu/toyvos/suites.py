"""The suites: each for one kind of claim, designed from its definition and then frozen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from vosedu.errors import InputError
from vosedu.toyvos import dials as dials_
from vosedu.toyvos import families, themes
from vosedu.toyvos.director import ASPECT, Director
from vosedu.toyvos.scene import Actor, Scene

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Suite:
    """What a suite asks, how many clips its splits have, and who plans its scenes."""

    asks: str
    sizes: tuple[int, int, int]
    plan: Callable[[Director], Scene]
    fixed: dict[str, int]


def _clear(actors: list[Actor], x: int, y: int, size: int, time: range, d: Director) -> int:
    """How far picture place (x, y) stays from the actors during `time`, in thousandths."""
    closest = 10_000
    for a in actors:
        for t, wx, wy in a.path:
            if t in time or len(a.path) == 1:
                ax = wx - (d.camera.x + d.camera.pan * t) * a.near // 1000
                closest = min(closest, abs(ax - x) + abs(wy - y) - (a.size + size) // 3)
    return closest


def _place(d: Director, actors: list[Actor], family: int, size: int, time: range) -> tuple[int, int]:
    """Of twelve places the one farthest from the actors."""
    tries = [(d.draw(size // 3, ASPECT - size // 3), d.height(family, size)) for _ in range(12)]
    return max(tries, key=lambda p: _clear(actors, p[0], p[1], size, time, d))


def _mixed(d: Director) -> Scene:
    count = d.dials.get("objects") or (1, 1, 1, 1, 1, 1, 2, 2, 2, 3)[d.draw(0, 10)]
    actors = [d.actor(1)]
    if d.dials["IO"] >= 50:
        first = actors[0]
        partner = d.actor(2, size=first.size, look=d.look())
        offset = (first.size * 3 // 10) * (1 - 2 * d.draw(0, 2))
        if families.FAMILIES[families.NAMES[partner.family]].ground == \
                families.FAMILIES[families.NAMES[first.family]].ground:
            near = first.near
            path = tuple((t, x + offset, y - 6) for t, x, y in first.path)
        else:
            near, path = first.near, tuple((t, x + offset // 2, max(y - first.size // 2, 120))
                                           for t, x, y in first.path)
        actors.append(replace(partner, path=path, near=near, mirror=first.mirror,
                              size=first.size, size_end=first.size_end))
        count = max(count, 2)
    for label in range(len(actors) + 1, count + 1):
        actors.append(d.actor(label))
    for _ in range((d.dials["BC"] >= 50) * d.draw(1, 3) + (d.draw(0, 3) == 0)):
        size = d.draw(180, 380)
        other = d.standing(None, 0, 900, size)
        x, y = _place(d, actors, other.family, size, range(d.frames))
        actors.append(d.standing(other, x, y, size))
    hidden = []
    if d.dials["OC"] >= 30:
        for k in range(1 + (d.dials["OC"] >= 75)):
            at = d.draw(3, 9) + 6 * k
            hidden.append(d.hide(actors[0], at, d.span("OC", 60, 190)))
    return d.scene(actors, hidden)


def _transient(d: Director) -> Scene:
    subject = d.actor(1, speed=d.draw(14, 26))
    actors = [subject]
    turn = d.draw(0, 4)
    for k in range(5):
        length = d.draw(5, 7)
        appear = (turn + 3 * k) % (d.frames + 2) - 3
        window = range(max(appear, 0), min(appear + length + 2, d.frames))
        x, y = _place(d, actors, subject.family, subject.size, window)
        speed, direction = d.draw(14, 26), 1 - 2 * d.draw(0, 2)
        start = x - direction * speed * (appear + length // 2)
        double = d.actor(0, subject.family, subject.look, subject.size, speed, y, start, direction,
                         appear=appear, vanish=appear + length)
        actors.append(double)
    return d.scene(actors)


def _static(d: Director) -> Scene:
    subject = d.actor(1, speed=d.draw(16, 30))
    actors = [subject]
    for _ in range(d.draw(3, 5)):
        x, y = _place(d, actors, subject.family, subject.size, range(d.frames))
        size = subject.size * d.draw(90, 111) // 100
        actors.append(d.standing(subject, x, y, size))
    return d.scene(actors)


def _resting(d: Director) -> Scene:
    subject = d.actor(1, speed=d.draw(14, 34))
    points = [list(p) for p in subject.path]
    begin = d.draw(0, 3)
    rest = points[begin]
    span = d.draw(d.frames * 5 // 10, d.frames * 7 // 10)
    stop = min(rest[0] + span, d.frames - 1)
    path = [tuple(p) for p in points[: begin + 1]] + [(stop, rest[1], rest[2])]
    for t, x, y in points[begin + 1 :]:
        later = stop + t - rest[0]
        path.append((later, x, y))
    actors = [replace(subject, path=tuple(path))]
    for _ in range(d.draw(0, 3)):
        size = d.draw(180, 340)
        other = d.standing(None, 0, 900, size)
        if other.family != subject.family:
            x, y = _place(d, actors, other.family, size, range(d.frames))
            actors.append(d.standing(other, x, y, size))
    return d.scene(actors)


def _occlusion(d: Director) -> Scene:
    subject = d.actor(1, speed=d.draw(20, 40))
    hidden = [d.hide(subject, 2 + 5 * k + d.draw(0, 3), d.draw(120, 240)) for k in range(3)]
    actors = [subject]
    if d.draw(0, 2):
        size = d.draw(180, 340)
        other = d.standing(None, 0, 900, size)
        x, y = _place(d, actors, other.family, size, range(d.frames))
        actors.append(d.standing(other, x, y, size))
    return d.scene(actors, hidden)


def _similar(d: Director) -> Scene:
    family, look, count = d.family(), d.look(), d.dials.get("objects") or d.draw(2, 5)
    size = d.size(family, 80)
    actors = []
    slots = [ASPECT * (2 * k + 1) // (2 * count) for k in range(count)]
    for k in range(count):
        kin = look if d.draw(0, 2) else replace(look, palette=look.palette + d.draw(0, 2),
                                                seed=look.seed + 3 * d.draw(0, 2))
        toward = 1 if slots[k] < ASPECT // 2 else -1
        actors.append(d.actor(k + 1, family, kin, size * d.draw(88, 113) // 100, d.draw(16, 40),
                              start=slots[k] + d.draw(-60, 61), direction=toward))
    return d.scene(actors)


_CALM = {"OC": 0, "OV": 0, "SV": 0, "AC": 0, "IO": 0, "LR": 0, "FM": 0}
SUITES: dict[str, Suite] = {
    "mixed": Suite("everything at once, every attribute drawn", (160, 40, 120), _mixed, {}),
    "transient-lookalikes": Suite(
        "same-looking objects come and go; only the whole video tells which one is the subject",
        (60, 20, 40), _transient, {**_CALM, "EA": 0}),
    "static-lookalikes": Suite(
        "same-looking objects stand still; motion tells which one is the subject",
        (60, 20, 40), _static, {**_CALM, "EA": 0}),
    "resting": Suite(
        "the subject rests and the background moves or shakes; appearance must carry on",
        (60, 20, 40), _resting, {**_CALM}),
    "occlusion": Suite(
        "the subject passes behind obstacles", (60, 20, 40), _occlusion, {**_CALM}),
    "similar-objects": Suite(
        "two to four objects of one kind cross; each keeps its id", (60, 20, 40), _similar, {**_CALM}),
}
NAMES = tuple(SUITES)


def scene(seed: int, suite: str = "mixed", **dials: object) -> Scene:
    """The scene of a seed.

    suite: one of SUITES. dials: any of the 15 attribute codes as 0..100, "low" or "high"; family,
    theme, frames (2..200), objects (1..4). A dial that is not set is drawn from the seed. Raises
    InputError for what does not exist or is out of range.
    """
    if suite not in SUITES:
        raise InputError(f"ToyVOS has no suite {suite!r}; choose from {', '.join(SUITES)}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"the seed is {seed!r}; choose a whole number from 0")
    wanted = {**SUITES[suite].fixed, **dials_.read(dials)}
    number = NAMES.index(suite)
    if suite == "resting":
        wanted = _bad_flow(seed, wanted)
    return SUITES[suite].plan(Director(seed, number, wanted))


def _bad_flow(seed: int, wanted: dict[str, int]) -> dict[str, int]:
    """Half of the resting clips have a dynamic background, the other half a shaking camera."""
    trouble = {"DB": 100, "CS": 0} if seed % 2 else {"CS": 100, "DB": 0}
    return {**trouble, **wanted}


def first_seed(suite: str, split: str) -> int:
    """The seed of a split's first clip; splits never share seeds."""
    del suite
    return 100_000 * SPLITS.index(split)


__all__ = ["NAMES", "SPLITS", "SUITES", "Suite", "first_seed", "scene", "themes"]
