"""From a scene's integers to maps: where the camera, the actors and the plates are at any time."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from vosedu.toyvos import themes
from vosedu.toyvos.affine import Affine, compose, invert, place
from vosedu.toyvos.families import FAMILIES, NAMES
from vosedu.toyvos.plates import TOP, Layer
from vosedu.toyvos.scene import Actor, Camera, Scene

_STEPS = 8  # samples per frame of the distance walked


class View:
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


class Course:
    """An actor's way through the scene."""

    def __init__(self, actor: Actor, scene: Scene) -> None:
        self.actor, self.frames = actor, scene.frames
        self.family = FAMILIES[NAMES[actor.family]]
        self.horizon = themes.THEMES[themes.NAMES[scene.theme]].horizon
        grid = np.arange(-2 * _STEPS, (scene.frames + 2) * _STEPS + 1)
        points = [self.at(g / _STEPS) for g in grid]
        moved = np.hypot(*np.diff(np.asarray(points), axis=0).T)
        walked = np.concatenate([[0.0], np.cumsum(moved)])
        busy = np.concatenate([[0.0], np.cumsum(np.minimum(moved * _STEPS / 0.006, 1.0))]) / _STEPS
        self._gait = walked if self.family.ground else busy

    def at(self, t: float) -> tuple[float, float]:
        """World position: a cubic through the waypoints that stands still between equal ones."""
        p = self.actor.path
        if len(p) == 1:
            return p[0][1] / 1000, p[0][2] / 1000
        i = 0
        while i < len(p) - 2 and t >= p[i + 1][0]:
            i += 1
        a, b = p[i], p[i + 1]
        span = b[0] - a[0]
        u = (t - a[0]) / span
        if u <= 0 or u >= 1:  # beyond the ends: straight on
            end = a if u <= 0 else b
            return tuple((end[k] + (t - end[0]) * (b[k] - a[k]) / span) / 1000 for k in (1, 2))
        before, after = (p[i - 1] if i else None), (p[i + 2] if i + 2 < len(p) else None)
        out = []
        for k in (1, 2):
            slope = (b[k] - a[k]) / span
            ma = slope if before is None else (b[k] - before[k]) / (b[0] - before[0])
            mb = slope if after is None else (after[k] - a[k]) / (after[0] - a[0])
            if before is not None and before[1:] == a[1:]:
                ma = 0.0
            if after is not None and after[1:] == b[1:]:
                mb = 0.0
            if a[1:] == b[1:]:
                ma = mb = 0.0
            h = u * u * (3 - 2 * u)
            hermite = (u * (1 - u) ** 2) * ma * span - (u * u * (1 - u)) * mb * span
            out.append((a[k] + (b[k] - a[k]) * h + hermite) / 1000)
        return out[0], out[1]

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
