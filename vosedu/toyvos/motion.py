"""From a scene's integers to maps: where the camera, the actors and the plates are at any time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin

import numpy as np

from vosedu.toyvos import themes
from vosedu.toyvos.affine import Affine, compose, invert, place
from vosedu.toyvos.families import FAMILIES, NAMES
from vosedu.toyvos.plates import TOP, Layer
from vosedu.toyvos.scene import Actor, Camera, Scene

_STEPS = 8  # samples per frame of the distance walked


class CameraView:
    """The camera at one time, for one picture height."""

    def __init__(self, scene: Scene, t: float, height: int, aspect: float) -> None:
        c = scene.camera
        self.x = (c.x + c.pan * t) / 1000
        self.y = (c.y + c.tilt * t) / 1000
        zoom = (c.zoom + (c.zoom_end - c.zoom) * t / max(scene.frames - 1, 1)) / 1000
        jx, jy, roll = _shake(c, t)
        self.height = height
        turn = compose(place(aspect / 2 + jx, 0.5 + jy, roll, zoom, zoom), place(-aspect / 2, -0.5))
        self.screen: Affine = compose((height, 0, -0.5, 0, height, -0.5), turn)
        self.zoom = zoom

    def object(self, x: float, y: float, near: float) -> Affine:
        """Translation of an object at world (x, y) with parallax `near`, in pixels."""
        return compose(self.screen, place(x - self.x * near, y - self.y))

    def plate(self, layer: Layer, resolution: int) -> Affine:
        """From a pixel to a texel of a plate."""
        near, slope = layer.near, layer.slope
        # world y = q.y + self.y; world x = q.x + self.x (near + slope * world y)
        world = (1, self.x * slope, self.x * (near + slope * self.y), 0, 1, self.y)
        texel = (resolution, 0, -0.5, 0, resolution, -TOP * resolution - 0.5)
        return compose(texel, compose(world, invert(self.screen)))


def _shake(c: Camera, t: float) -> tuple[float, float, float]:
    s = c.seed
    f = [1.1 + 0.2 * ((s >> k) % 7) for k in (0, 3, 6, 9)]
    p = [2 * pi * ((s >> k) % 16) / 16 for k in (1, 5, 8, 11)]
    a = c.shake / 1000
    jx = a * (0.65 * sin(f[0] * t + p[0]) + 0.35 * sin(2.1 * f[1] * t + p[1]))
    jy = a * (0.5 * sin(f[2] * t + p[2]) + 0.3 * sin(2.3 * f[3] * t + p[3]))
    return jx, jy, c.roll / 1000 * sin(0.8 * f[1] * t + p[2])


@dataclass(frozen=True)
class _Segment:
    """What happens between two waypoints: places a and b, speeds on leaving and on arriving."""

    start: int
    stop: int
    span: int
    a: tuple[int, int]
    b: tuple[int, int]
    leaving: tuple[float, float]
    arriving: tuple[float, float]


def _segments(path: tuple[tuple[int, int, int], ...]) -> list[_Segment]:
    """The segments of a path, none for a single waypoint; speeds are zero where it stands still."""

    def speed(p: tuple[int, int, int], q: tuple[int, int, int]) -> tuple[float, float]:
        return (q[1] - p[1]) / (q[0] - p[0]), (q[2] - p[2]) / (q[0] - p[0])

    out = []
    for i, (a, b) in enumerate(pairwise(path)):
        before, after = path[i - 1] if i else a, path[i + 2] if i + 2 < len(path) else b
        rests = a[1:] == b[1:]
        leaving = speed(before, b)
        arriving = speed(a, after)
        if rests or (i and before[1:] == a[1:]):
            leaving = (0.0, 0.0)
        if rests or (after is not b and after[1:] == b[1:]):
            arriving = (0.0, 0.0)
        out.append(_Segment(a[0], b[0], b[0] - a[0], a[1:], b[1:], leaving, arriving))
    return out


class Course:
    """An actor's way through the scene."""

    def __init__(self, actor: Actor, scene: Scene) -> None:
        self.actor, self.frames = actor, scene.frames
        self.family = FAMILIES[NAMES[actor.family]]
        self.horizon = themes.THEMES[themes.NAMES[scene.theme]].horizon
        self._segments = _segments(actor.path)
        points = [self.at(g / _STEPS) for g in range(-2 * _STEPS, (scene.frames + 2) * _STEPS + 1)]
        moved = np.hypot(*np.diff(np.asarray(points), axis=0).T)
        walked = np.concatenate([[0.0], np.cumsum(moved)])
        busy = np.concatenate([[0.0], np.cumsum(np.minimum(moved * _STEPS / 0.006, 1.0))]) / _STEPS
        self._gait = walked if self.family.ground else busy

    def at(self, t: float) -> tuple[float, float]:
        """World position: a cubic through the waypoints that stands still between equal ones."""
        if not self._segments:
            _, x, y = self.actor.path[0]
            return x / 1000, y / 1000
        i = 0
        while i < len(self._segments) - 1 and t >= self._segments[i].stop:
            i += 1
        s = self._segments[i]
        u = (t - s.start) / s.span
        if u <= 0 or u >= 1:  # beyond the ends: straight on
            end, time = (s.a, s.start) if u <= 0 else (s.b, s.stop)
            x, y = (e + (t - time) * (b - a) / s.span for e, a, b in zip(end, s.a, s.b))
            return x / 1000, y / 1000
        h = u * u * (3 - 2 * u)
        p, q = u * (1 - u) ** 2, u * u * (1 - u)
        (ax, ay), (bx, by), (mx, my), (nx, ny), span = s.a, s.b, s.leaving, s.arriving, s.span
        x = ax + (bx - ax) * h + (p * mx * span - q * nx * span)
        y = ay + (by - ay) * h + (p * my * span - q * ny * span)
        return x / 1000, y / 1000

    def phase(self, t: float) -> float:
        """The gait's phase: by distance for what walks or rolls, by time for the others."""
        g = min(max((t + 2) * _STEPS, 0.0), len(self._gait) - 1.001)
        i = int(g)
        done = self._gait[i] + (self._gait[i + 1] - self._gait[i]) * (g - i)
        return self.actor.phase / 1000 + self.actor.rate / 1000 * float(done)

    def near(self, y: float) -> float:
        """Parallax at the actor's foot."""
        if self.family.ground:
            return themes.depth(y, self.horizon)
        return self.actor.near / 1000

    def size(self, t: float) -> float:
        """Size in heights, without coming and going."""
        a = self.actor
        u = min(max(t / max(self.frames - 1, 1), 0.0), 1.0)
        return (a.size + (a.size_end - a.size) * u) / 1000

    def presence(self, t: float) -> float:
        """0 when it is not there, 1 when it is, rising and falling within a frame and a half."""
        rise = min(max((t - self.actor.appear) / 1.5, 0.0), 1.0)
        fall = min(max((self.actor.vanish - t) / 1.5, 0.0), 1.0)
        return min(rise, fall)

    def gain(self, t: float) -> tuple[float, float, float]:
        """Colour factors of the appearance change, largest in the middle of the clip."""
        g = self.actor.gain
        u = 0.5 - 0.5 * cos(2 * pi * (t + 0.5) / self.frames)
        return tuple(1 + (v / 1000 - 1) * u for v in g)
