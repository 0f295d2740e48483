"""The suites: each for one kind of claim, designed from its definition and then frozen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from vosedu.errors import InputError
from vosedu.toyvos import dials as dials_
from vosedu.toyvos import families, passers_by, turns
from vosedu.toyvos.director import ASPECT, Director
from vosedu.toyvos.placing import apart, place
from vosedu.toyvos.scene import Actor, Scene

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Suite:
    """What a suite asks, how many clips its splits have, and who plans its scenes."""

    asks: str
    sizes: tuple[int, int, int]
    plan: Callable[[Director], Scene]
    fixed: dict[str, int]


def _on_ground(actor: Actor) -> bool:
    return families.FAMILIES[families.NAMES[actor.family]].ground


def _mixed(d: Director) -> Scene:
    count = d.dials.get("objects") or (1, 1, 1, 1, 1, 1, 2, 2, 2, 3)[d.draw(0, 10)]
    actors = [d.actor(1)]
    if d.dials["IO"] >= 50:
        first = actors[0]
        partner = d.actor(2, size=first.size, look=d.look())
        offset = (first.size * 3 // 10) * (1 - 2 * d.draw(0, 2))
        alike = _on_ground(partner) == _on_ground(first)
        dx, dy = (offset, -6) if alike else (offset // 2, -first.size * 35 // 100)
        path = tuple((t, x + dx, max(y + dy, 120)) for t, x, y in first.path)
        sizes = {"size": first.size, "size_end": first.size_end}
        actors.append(replace(partner, path=path, near=first.near, mirror=first.mirror, **sizes))
        count = max(count, 2)
    for label in range(len(actors) + 1, count + 1):
        options = [d.actor(label) for _ in range(4)]
        actors.append(max(options, key=lambda a: apart(actors, a)))
    for _ in range((d.dials["BC"] >= 50) * d.draw(1, 3) + (d.draw(0, 3) == 0)):
        size = d.draw(180, 380)
        other = d.standing(None, 0, 900, size)
        x, y = place(d, actors, other.family, size, range(d.frames))
        actors.append(d.standing(other, x, y, size))
    hidden = []
    if d.dials["OC"] >= 30:
        for k in range(1 + (d.dials["OC"] >= 75)):
            at = d.draw(3, 9) + 6 * k
            hidden.append(d.hide(actors[0], at, d.span("OC", 40, 110)))
    return d.scene(actors, hidden)


def _transient(d: Director) -> Scene:
    family = d.family()
    size = d.size(family, 45)
    subject = d.actor(1, family, size=size, speed=d.draw(14, 26))
    middle = d.draw(size // 2 + 200, ASPECT - size // 2 - 200)
    way = 1 - 2 * subject.mirror
    subject = d.actor(1, family, subject.look, size, 20, start=middle - way * 150, direction=way)
    actors = [subject]
    turn = d.draw(0, 3)
    for k in range(8):
        length = d.draw(5, 8)
        appear = 2 * k + turn - 4
        window = range(max(appear, 0), min(appear + length + 1, d.frames))
        x, y = place(d, actors, family, size, window)
        speed, direction = d.draw(14, 26), 1 - 2 * d.draw(0, 2)
        start = x - direction * speed * (appear + length // 2)
        double = d.actor(
            0,
            family,
            subject.look,
            size,
            speed,
            y,
            start,
            direction,
            appear=appear,
            vanish=appear + length,
        )
        actors.append(double)
    return d.scene(actors)


def _static(d: Director) -> Scene:
    family = d.family()
    size = d.size(family, 45)
    way = 1 - 2 * d.draw(0, 2)
    # the camera follows, so that what stands still moves in the picture, too
    d.camera = replace(d.camera, pan=way * d.draw(12, 30))
    travel = d.draw(10, 22)
    start = d.draw(size // 2, ASPECT - size // 2 - 15 * travel)
    subject = d.actor(
        1,
        family,
        size=size,
        speed=travel,
        direction=way,
        start=start if way > 0 else start + 15 * travel,
    )
    actors = [subject]
    for _ in range(d.draw(2, 5)):
        x, y = place(d, actors, family, size, range(d.frames))
        actors.append(d.standing(subject, x, y, size * d.draw(92, 109) // 100))
    return d.scene(actors)


def _resting(d: Director) -> Scene:
    subject = d.actor(1, speed=d.draw(14, 34))
    points = [list(p) for p in subject.path]
    begin = d.draw(0, 2)
    rest = points[begin]
    shortest = d.frames * 5 // 10
    span = d.draw(shortest, max(d.frames * 7 // 10, shortest + 1))
    stop = max(min(rest[0] + span, d.frames - 1), rest[0] + 1)
    path = [tuple(p) for p in points[: begin + 1]] + [(stop, rest[1], rest[2])]
    for t, x, y in points[begin + 1 :]:
        later = stop + t - rest[0]
        path.append((later, x, y))
    actors = [replace(subject, path=tuple(path))]
    for _ in range(d.draw(0, 3)):
        size = d.draw(180, 340)
        other = d.standing(None, 0, 900, size)
        if other.family != subject.family:
            x, y = place(d, actors, other.family, size, range(d.frames))
            actors.append(d.standing(other, x, y, size))
    return d.scene(actors)


def _occlusion(d: Director) -> Scene:
    subject = d.actor(1, speed=d.draw(40, 64))
    first = d.draw(3, 6)
    hidden = [d.hide(subject, first + 5 * k, d.draw(50, 96)) for k in range(2)]
    actors = [subject]
    if d.draw(0, 2):
        size = d.draw(180, 340)
        other = d.standing(None, 0, 900, size)
        x, y = place(d, actors, other.family, size, range(d.frames))
        actors.append(d.standing(other, x, y, size))
    return d.scene(actors, hidden)


def _similar(d: Director) -> Scene:
    family, look, count = d.family(), d.look(), d.dials.get("objects") or d.draw(2, 5)
    size = d.size(family, 50)
    actors = []
    slots = [ASPECT * (2 * k + 1) // (2 * count) for k in range(count)]
    for k in range(count):
        kin = (
            look
            if d.draw(0, 2)
            else replace(
                look, palette=look.palette + d.draw(0, 2), seed=look.seed + 3 * d.draw(0, 2)
            )
        )
        toward = 1 if slots[k] < ASPECT // 2 else -1
        actors.append(
            d.actor(
                k + 1,
                family,
                kin,
                size * d.draw(88, 113) // 100,
                d.draw(16, 40),
                start=slots[k] + d.draw(-60, 61),
                direction=toward,
            )
        )
    return d.scene(actors)


_CALM = {"OC": 0, "OV": 0, "SV": 0, "AC": 0, "IO": 0, "LR": 0, "FM": 0}
SUITES: dict[str, Suite] = {
    "mixed": Suite("everything at once, every attribute drawn", (160, 40, 120), _mixed, {}),
    "transient-lookalikes": Suite(
        "same-looking objects come and go; only the whole video tells which one is the subject",
        (60, 20, 40),
        _transient,
        {**_CALM, "EA": 0},
    ),
    "static-lookalikes": Suite(
        "same-looking objects stand still; motion tells which one is the subject",
        (60, 20, 40),
        _static,
        {**_CALM, "EA": 0},
    ),
    "resting": Suite(
        "the subject rests and the background moves or shakes; appearance must carry on",
        (60, 20, 40),
        _resting,
        {**_CALM},
    ),
    "occlusion": Suite("the subject passes behind obstacles", (60, 20, 40), _occlusion, {**_CALM}),
    "similar-objects": Suite(
        "two to four objects of one kind cross; each keeps its id",
        (60, 20, 40),
        _similar,
        {**_CALM},
    ),
    "passers-by": Suite(
        "objects of other kinds and colours come and go; the subject is the one that stays",
        (60, 40, 40),
        passers_by.plan,
        {**_CALM, "EA": 0, "BC": 0, "CS": 0, "MB": 0, "HO": 60},
    ),
    "turns": Suite(
        "flow and appearance take turns at being right; who trusts one alone fails",
        (60, 40, 40),
        turns.plan,
        {**_CALM, "EA": 0, "BC": 0, "CS": 0, "MB": 0, "DB": 0, "HO": 60},
    ),
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


def first_seed(split: str) -> int:
    """The seed of a split's first clip; splits never share seeds."""
    return 100_000 * SPLITS.index(split)
