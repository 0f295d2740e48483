"""The renderer: a scene at one instant, drawn back to front, with a map of who owns each pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from vosedu.toyvos import families, obstacles, themes
from vosedu.toyvos.affine import Affine, apply, compose, invert, place
from vosedu.toyvos.body import Wave
from vosedu.toyvos.motion import CameraView, Course
from vosedu.toyvos.paint import Sprite
from vosedu.toyvos.scene import Scene

_LINEAR = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
_REST = np.array([[0, 0, 0, -1, 1]] * 4, np.float32)  # r g b a -> 1 - a, four times
_REST_255 = np.array([[0, 0, 0, -1 / 255, 1]] * 4, np.float32)


@dataclass(frozen=True)
class Drawn:
    """One surface at one instant: material to pixel is `map`, after the wave if there is one."""

    map: Affine
    wave: Wave | None = None


@dataclass(frozen=True)
class Options:
    """What may be switched off, to test what the rest does."""

    blur: bool = True
    shadow: bool = True
    appearance: bool = True
    dynamic: bool = True


class SceneStage:
    """A scene made ready for one picture size.

    Surfaces are numbered once per scene: the plates, then each actor's pieces, then the obstacles;
    `instance_of`, `label_of` and `steady` say for each number whose it is, its label, and whether
    flow is defined on it.
    """

    def __init__(self, scene: Scene, height: int, width: int, options: Options) -> None:
        self.scene, self.h, self.w, self.options = scene, height, width, options
        self.aspect = width / height
        self.layers = themes.plates(scene.theme, scene.variant, height)
        self.moving = bool(options.dynamic and scene.motion)
        self.courses = [Course(a, scene) for a in scene.actors]
        self.order = sorted(range(len(scene.actors)), key=self._closeness)
        owner, label = [0] * len(self.layers), [0] * len(self.layers)
        steady = [not (self.moving and layer.motion) for layer in self.layers]
        self.first: list[int] = []
        self.painted: list[list[int]] = []
        for k, course in enumerate(self.courses):
            self.first.append(len(owner))
            self.painted.append([p.sprite for p in course.family.pose(0.0, 0.0)])
            n = len(self.painted[-1])
            owner += [k + 1] * n
            label += [scene.actors[k].label] * n
            steady += [True] * n
        self.obstacle_first = len(owner)
        owner += [0] * len(scene.obstacles)
        self.instance_of = np.array(owner, np.uint8)
        self.label_of = np.array(label + [0] * len(scene.obstacles), np.uint8)
        self.steady = np.array(steady + [True] * len(scene.obstacles))
        self._y, self._x = np.mgrid[0:height, 0:width].astype(np.float32)
        self.uncovered: dict[int, int] = {}
        self._backdrop: tuple[object, np.ndarray, np.ndarray] | None = None

    def _closeness(self, k: int) -> tuple[int, int]:
        actor = self.scene.actors[k]
        foot = actor.path[0][2] if self.courses[k].family.ground else actor.near - 100
        return foot, k

    def instant(
        self, t: float, surfaces: bool
    ) -> tuple[np.ndarray, np.ndarray | None, dict[int, Drawn]]:
        """Draw one instant: the picture, the surface map, the maps from material to pixels.

        The picture is H x W x 4 float32 (the last channel is idle), the map H x W int16 or None.
        """
        view = CameraView(self.scene, t, self.h, self.aspect)
        rgb, sid, drawn = self._background(view, t)
        for k in self.order:
            self._actor(k, view, t, rgb, sid if surfaces else None, drawn)
            if surfaces and self.scene.actors[k].label:
                self.uncovered[k] = self._area(k, sid)
        for k, o in enumerate(self.scene.obstacles):
            m = view.object(o.x / 1000, 0.0, o.near / 1000)
            sprite = obstacles.sprite(o.kind, o.width, o.seed, _level(self.h * view.zoom))
            number = self.obstacle_first + k
            self._piece(number, sprite, Drawn(m), rgb, sid if surfaces else None, None)
            drawn[number] = Drawn(m)
        return rgb, sid if surfaces else None, drawn

    def _area(self, k: int, surfaces: np.ndarray) -> int:
        first = self.first[k]
        own = (surfaces >= first) & (surfaces < first + len(self.painted[k]))
        return int(np.count_nonzero(own))

    def visibility(self, surfaces: np.ndarray) -> np.ndarray:
        """Share of each labelled object, by label, that the last instant's map leaves visible."""
        shares = np.zeros(max((a.label for a in self.scene.actors), default=0), np.float32)
        for k, area in self.uncovered.items():
            shares[self.scene.actors[k].label - 1] = self._area(k, surfaces) / area if area else 1.0
        return shares

    @property
    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """The grid of pixel coordinates, x and y, H x W float32 each."""
        return self._x, self._y

    def where(self, t: float) -> dict[int, Drawn]:
        """The maps of all surfaces at a time, without drawing."""
        view = CameraView(self.scene, t, self.h, self.aspect)
        drawn = {k: Drawn(invert(view.plate(q, self.h))) for k, q in enumerate(self.layers)}
        for k in self.order:
            body, _ = self._body(k, view, t)
            drawn.update(self._pieces(k, body, t))
        for k, o in enumerate(self.scene.obstacles):
            drawn[self.obstacle_first + k] = Drawn(view.object(o.x / 1000, 0.0, o.near / 1000))
        return drawn

    def _body(self, k: int, view: CameraView, t: float) -> tuple[Affine, float]:
        """The map from object units to pixels and the object's size; full size while absent."""
        actor, course = self.scene.actors[k], self.courses[k]
        x, y = course.at(t)
        size = course.size(t) * (course.presence(t) or 1.0)
        base = view.object(x, y, course.near(y))
        return compose(base, place(0, 0, 0, -size if actor.mirror else size, size)), size

    def _pieces(self, k: int, body: Affine, t: float) -> dict[int, Drawn]:
        course = self.courses[k]
        poses = course.family.pose(course.phase(t), self.scene.actors[k].swing / 100)
        return {self.first[k] + n: Drawn(compose(body, p.map), p.wave) for n, p in enumerate(poses)}

    def _background(
        self, view: CameraView, t: float
    ) -> tuple[np.ndarray, np.ndarray, dict[int, Drawn]]:
        maps = [view.plate(layer, self.h) for layer in self.layers]
        drawn = {k: Drawn(invert(m)) for k, m in enumerate(maps)}
        key = (maps, t if self.moving else None)
        if self._backdrop is None or self._backdrop[0] != key:
            rgb = np.empty((self.h, self.w, 4), np.float32)
            sid = np.zeros((self.h, self.w), np.int16)
            for k, (layer, m) in enumerate(zip(self.layers, maps)):
                self._plate(k, layer, m, view, t, rgb, sid)
            self._backdrop = (key, rgb, sid)
        return self._backdrop[1].copy(), self._backdrop[2].copy(), drawn

    def _plate(
        self,
        k: int,
        layer: themes.Layer,
        m: Affine,
        view: CameraView,
        t: float,
        rgb: np.ndarray,
        sid: np.ndarray,
    ) -> None:
        corners = [
            apply(view.screen, x, y - view.y)
            for x in (0, self.aspect)
            for y in (layer.y0, layer.y1)
        ]
        sway = 0.03 * self.h if layer.motion and self.moving else 0.0
        top = max(0, math.floor(min(c[1] for c in corners) - sway))
        low = min(self.h, math.ceil(max(c[1] for c in corners) + sway) + 1)
        if low <= top:
            return
        if layer.motion and self.moving:
            x, y = self._disturb(layer.motion, m, top, low, t)
            patch = cv2.remap(layer.image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        else:
            matrix = np.array(compose(m, (1, 0, 0, 0, 1, top))).reshape(2, 3)
            patch = cv2.warpAffine(
                layer.image,
                matrix,
                (self.w, low - top),
                flags=_LINEAR,
                borderMode=cv2.BORDER_WRAP,
            )
        if k == 0:
            rgb[top:low] = patch
            rgb[:top], rgb[low:] = rgb[top], rgb[low - 1]
            return
        colour = patch.astype(np.float32)
        region = rgb[top:low]
        region *= cv2.transform(colour, _REST_255)
        region += colour
        sid[top:low][patch[..., 3] > 127] = k

    def _disturb(
        self, motion: str, m: Affine, top: int, low: int, t: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Texel coordinates of a swaying or rippling plate."""
        a, b, c, d, e, f = m
        x, y = self._x[top:low], self._y[top:low]
        u, v = a * x + (b * y + c), d * x + (e * y + f)
        strength = self.scene.motion / 100 * self.h
        row, column = v[:, self.w // 2 : self.w // 2 + 1] / self.h, u[:1] / self.h
        if motion == "sway":
            wave = np.sin(9 * column - 0.55 * t) + 0.6 * np.sin(23 * column + 0.8 * t)
            u += strength * 0.014 * np.cos(6 * row + 0.3 * t) * wave
            v += strength * 0.007 * np.sin(14 * row - 0.5 * t) * wave
        else:
            u += strength * 0.02 * np.sin(46 * row - 0.9 * t) * np.cos(5 * column + 0.25 * t)
            v += strength * 0.012 * np.sin(8 * column - 0.7 * t) * np.cos(31 * row + 0.5 * t)
        return u, v

    def _actor(
        self,
        k: int,
        view: CameraView,
        t: float,
        rgb: np.ndarray,
        sid: np.ndarray | None,
        drawn: dict[int, Drawn],
    ) -> None:
        actor, course = self.scene.actors[k], self.courses[k]
        body, size = self._body(k, view, t)
        pieces = self._pieces(k, body, t)
        drawn.update(pieces)
        if course.presence(t) == 0:
            return
        if course.family.ground and self.options.shadow:
            wide = 0.7 * _WIDTH[actor.family]
            under = compose(body, place(0.02, 0.004, 0, wide, 0.2 * wide))
            self._piece(-1, _shadow(), Drawn(under), rgb, None, None)
        sprites = families.sprites(actor.family, actor.look, _level(size * self.h * view.zoom))
        tint = self._tint(k, t)
        for number, index in zip(pieces, self.painted[k]):
            self._piece(number, sprites[index], pieces[number], rgb, sid, tint)

    def _tint(self, k: int, t: float) -> np.ndarray | None:
        """4 x 4 colour map: appearance change, then camouflage; None where nothing changes."""
        actor = self.scene.actors[k]
        gain = self.courses[k].gain(t) if self.options.appearance else (1.0, 1.0, 1.0)
        share = actor.camouflage / 100
        if gain == (1.0, 1.0, 1.0) and not share:
            return None
        tint = np.diag([(1 - share) * g for g in gain] + [1.0])
        tint[:3, 3] = [share * c for c in actor.blend]
        return tint

    def _piece(
        self,
        number: int,
        sprite: Sprite,
        surface: Drawn,
        rgb: np.ndarray,
        sid: np.ndarray | None,
        tint: np.ndarray | None,
    ) -> None:
        h, w = sprite.rgba.shape[:2]
        step = 1 / sprite.tpu
        wave = surface.wave
        rx = wave.reach if wave is not None and wave.along == 1 else 0.0
        ry = wave.reach if wave is not None and wave.along == 0 else 0.0
        x0, x1 = sprite.x - rx - step, sprite.x + w * step + rx
        y0, y1 = sprite.y - ry - step, sprite.y + h * step + ry
        a, b, c, d, e, f = surface.map
        cx, cy = 0.5 * (x0 + x1), 0.5 * (y0 + y1)
        hx, hy = 0.5 * (x1 - x0), 0.5 * (y1 - y0)
        px, py = a * cx + b * cy + c, d * cx + e * cy + f
        ex, ey = abs(a) * hx + abs(b) * hy, abs(d) * hx + abs(e) * hy
        left, right = max(0, math.floor(px - ex)), min(self.w, math.ceil(px + ex) + 1)
        top, low = max(0, math.floor(py - ey)), min(self.h, math.ceil(py + ey) + 1)
        if right <= left or low <= top:
            return
        unit = compose(invert(surface.map), (1, 0, left, 0, 1, top))
        texel = compose(
            (sprite.tpu, 0, -sprite.x * sprite.tpu, 0, sprite.tpu, -sprite.y * sprite.tpu), unit
        )
        size = (right - left, low - top)
        if wave is None:
            patch = cv2.warpAffine(sprite.rgba, np.array(texel).reshape(2, 3), size, flags=_LINEAR)
        else:
            u, v = self._unwave(unit, wave, size)
            patch = cv2.remap(
                sprite.rgba,
                (u - sprite.x) * sprite.tpu,
                (v - sprite.y) * sprite.tpu,
                cv2.INTER_LINEAR,
            )
        if tint is not None:
            patch = cv2.transform(patch, tint)
        region = rgb[top:low, left:right]
        rest = cv2.transform(patch, _REST)
        np.multiply(region, rest, out=rest)
        np.add(rest, patch, out=region)
        if sid is not None:
            sid[top:low, left:right][patch[..., 3] > 0.5] = number

    def _unwave(
        self, unit: Affine, wave: Wave, size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Material coordinates of a patch's pixels."""
        x, y = self._x[: size[1], : size[0]], self._y[: size[1], : size[0]]
        a, b, c, d, e, f = unit
        u, v = a * x + (b * y + c), d * x + (e * y + f)
        if wave.along == 0:
            v -= wave.shift(u)
        else:
            u -= wave.shift(v)
        return u, v


_SNAKE = families.NAMES.index("snake")
_WIDTH = tuple(
    {"walker": 0.5, "quadruped": 1.25, "ball": 1.3, "vehicle": 1.7, "snake": 1.2}.get(n, 1.0)
    for n in families.NAMES
)


@lru_cache(maxsize=1)
def _shadow() -> Sprite:
    """A soft ellipse of darkness, 1 unit wide and high."""
    q = (np.arange(48, dtype=np.float32) + 0.5) / 24 - 1
    r = np.hypot(q[:, None], q[None, :])
    rgba = np.zeros((48, 48, 4), np.float32)
    rgba[..., 3] = 0.46 * np.clip(1.15 - r, 0, 1) ** 1.3
    return Sprite(rgba, -0.5 + 0.5 / 48, -0.5 + 0.5 / 48, 48.0)


def _level(pixels: float) -> int:
    """Texels per unit for an object of that many pixels: the next of a geometric series."""
    return round(8 * 1.3 ** math.ceil(math.log(max(pixels, 6.0) * 1.02 / 8, 1.3)))
