"""Where there is space: places and paths that keep their distance from the actors."""

from __future__ import annotations

from vosedu.toyvos.director import ASPECT, Director
from vosedu.toyvos.scene import Actor


def clear(actors: list[Actor], x: int, y: int, size: int, time: range, d: Director) -> int:
    """How far picture place (x, y) stays from the actors during `time`, in thousandths."""
    closest = 10_000
    for a in actors:
        for t in time:
            if not a.appear <= t <= a.vanish:
                continue
            p = min(a.path, key=lambda p: abs(p[0] - t))
            ax = p[1] - (d.camera.x + d.camera.pan * t) * a.near // 1000
            closest = min(closest, abs(ax - x) + abs(p[2] - y) - (a.size + size) // 3)
    return closest


def place(d: Director, actors: list[Actor], family: int, size: int, time: range) -> tuple[int, int]:
    """Of twenty places the one farthest from the actors."""
    tries = [(d.draw(size // 3, ASPECT - size // 3), d.height(family, size)) for _ in range(20)]
    return max(tries, key=lambda p: clear(actors, p[0], p[1], size, time, d))


def apart(actors: list[Actor], one: Actor) -> int:
    """The smallest distance along two paths, in thousandths."""
    pairs = [(p, q) for a in actors for p in a.path for q in one.path if p[0] == q[0]]
    return min(abs(p[1] - q[1]) + abs(p[2] - q[2]) for p, q in pairs)


def gap(d: Director, actors: list[Actor], one: Actor, time: range) -> int:
    """The smallest gap between `one` and the actors during `time`, in thousandths."""
    gaps = [10_000]
    for t in time:
        x, y = _at(d, one, t)
        for a in actors:
            if a.appear <= t <= a.vanish:
                ax, ay = _at(d, a, t)
                gaps.append(abs(x - ax) + abs(y - ay) - (a.size + one.size) // 3)
    return min(gaps)


def _at(d: Director, actor: Actor, t: int) -> tuple[int, int]:
    """Where an actor is in the picture at frame t, straight between its waypoints."""
    path = actor.path
    if len(path) == 1:
        path = (path[0], (path[0][0] + 1, *path[0][1:]))
    k = max(i for i, p in enumerate(path[:-1]) if p[0] <= t or i == 0)
    (t0, x0, y0), (t1, x1, y1) = path[k], path[k + 1]
    x = x0 + (x1 - x0) * (t - t0) // (t1 - t0)
    y = y0 + (y1 - y0) * (t - t0) // (t1 - t0)
    return x - (d.camera.x + d.camera.pan * t) * actor.near // 1000, y
