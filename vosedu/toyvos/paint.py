"""Painting: shapes, patterns and shading, from vector outlines to small RGBA pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

Colour = tuple[int, int, int]
Pattern = Callable[[np.ndarray, np.ndarray], np.ndarray]
_LIGHT = np.array([-0.42, -0.72, 0.62], np.float32) / np.float32(1.0391)


def generator(*key: int) -> np.random.Generator:
    """A PCG64 generator for a key of integers; only integer draws are made from it."""
    return np.random.Generator(np.random.PCG64(key))


def noise(
    rng: np.random.Generator,
    h: int,
    w: int,
    rows: int,
    columns: int,
    window: tuple[int, int] | None = None,
) -> np.ndarray:
    """Smooth noise in 0..1, H x W float32, periodic in both directions, rows x columns cells.

    window: only the rows from the first to before the second.
    """
    grid = rng.integers(0, 256, (rows, columns)).astype(np.float32) / 255.0
    grid = np.pad(grid, 2, mode="wrap")
    start, stop = window or (0, h)
    x, y = _places(w, columns, 0, w), _places(h, rows, start, stop)
    size = (stop - start, w)
    maps = np.broadcast_to(x, size).copy(), np.broadcast_to(y[:, None], size).copy()
    out = cv2.remap(grid, *maps, cv2.INTER_CUBIC)
    return np.clip(out, 0, 1, out=out)


def _places(pixels: int, cells: int, start: int, stop: int) -> np.ndarray:
    """Where pixels start .. stop - 1 of `pixels` lie in a grid of `cells` padded by two."""
    scale = np.float32(cells / pixels)
    return scale * np.arange(start, stop, dtype=np.float32) + np.float32(1.5 + 0.5 * cells / pixels)


def fractal(
    rng: np.random.Generator,
    h: int,
    w: int,
    rows: int,
    columns: int,
    octaves: int = 4,
    window: tuple[int, int] | None = None,
) -> np.ndarray:
    """Octaves of noise, each half as strong, stretched to mean 0.5 and about 0..1."""
    start, stop = window or (0, h)
    total = np.zeros((stop - start, w), np.float32)
    weight = 1.0
    for k in range(octaves):
        if rows << k > h or columns << k > w:
            break
        octave = noise(rng, h, w, rows << k, columns << k, window)
        octave -= 0.5
        octave *= weight
        total += octave
        weight *= 0.55
    total *= 1.25
    total += 0.5
    return np.clip(total, 0, 1, out=total)


def mix(a: np.ndarray | Colour, b: np.ndarray | Colour, t: np.ndarray | float) -> np.ndarray:
    """Linear mixture of two colours (or pictures), `t` = share of `b`, broadcast over channels."""
    t = np.asarray(t, np.float32)[..., None]
    a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
    out = (b - a) * t
    out += a
    return out


def blend(region: np.ndarray, colour: np.ndarray | np.float32, share: np.ndarray) -> None:
    """Move `region` towards `colour` by `share`, in place."""
    change = colour - region
    change *= share
    region += change


def smoothstep(x: np.ndarray | float, lo: float, hi: float) -> np.ndarray:
    """0 below lo, 1 above hi, a cubic between."""
    t = np.clip((np.asarray(x, np.float32) - lo) / (hi - lo), 0, 1)
    return t * t * (3 - 2 * t)


# --- outlines (N x 2 float arrays) -------------------------------------------------------------


_HALF = np.linspace(-math.pi / 2, math.pi / 2, 12)
_FULL = np.linspace(0, 2 * math.pi, 40, endpoint=False)
_CIRCLE = np.cos(_FULL), np.sin(_FULL)


def ellipse(x: float, y: float, rx: float, ry: float, angle: float = 0.0) -> np.ndarray:
    """An ellipse as a polygon."""
    px, py = rx * _CIRCLE[0], ry * _CIRCLE[1]
    c, s = math.cos(angle), math.sin(angle)
    return np.stack([x + c * px - s * py, y + s * px + c * py], 1)


def capsule(x0: float, y0: float, x1: float, y1: float, r0: float, r1: float) -> np.ndarray:
    """A limb: two discs of radii r0, r1 and what lies between."""
    a = math.atan2(y1 - y0, x1 - x0)
    turn = a + _HALF
    c, s = np.cos(turn), np.sin(turn)
    end = np.stack([x1 + r1 * c, y1 + r1 * s], 1)
    start = np.stack([x0 - r0 * c, y0 - r0 * s], 1)
    return np.concatenate([end, start])


def spline(*points: tuple[float, float] | np.ndarray, steps: int = 8) -> np.ndarray:
    """A closed Catmull-Rom curve through the points: pairs, or one N x 2 array."""
    p1 = np.asarray(points[0] if len(points) == 1 else points, float)
    p = np.concatenate([p1[-1:], p1, p1[:2]])
    p0, p1, p2, p3 = p[:-3, None], p[1:-2, None], p[2:-1, None], p[3:, None]
    t, t2, t3 = _powers(steps)
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t2
        + (3 * p1 - p0 - 3 * p2 + p3) * t3
    )
    return curve.reshape(-1, 2)


@lru_cache(maxsize=8)
def _powers(steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    t = (np.arange(steps) / steps)[None, :, None]
    return t, t**2, t**3


def polygon(*points: tuple[float, float]) -> np.ndarray:
    """Straight edges."""
    return np.asarray(points, float)


# --- patterns: functions of unit coordinates, 0 = first colour, 1 = second ----------------------


def stripes(period: float, angle: float = 0.0, wobble: float = 0.0, share: float = 0.5) -> Pattern:
    """Parallel bands with soft edges."""
    c, s = math.cos(angle), math.sin(angle)

    def draw(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        q = u * c + v * s + wobble * np.sin((v * c - u * s) * 9.0 + 2.0 * u)
        wave = 0.5 + 0.5 * np.sin(q * (2 * math.pi / period))
        return smoothstep(wave, 1 - share - 0.22, 1 - share + 0.22)

    return draw


def spots(period: float, share: float = 0.5) -> Pattern:
    """Soft dots on a hexagonal lattice, bent a little."""

    def draw(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        k = 2 * math.pi / period
        b = 0.18 * period
        x, y = u + b * np.sin(v * k * 0.37), v + b * np.sin(u * k * 0.41)
        wave = np.cos(k * x) + np.cos(k * (0.5 * x + 0.87 * y)) + np.cos(k * (0.5 * x - 0.87 * y))
        return smoothstep(wave, 1.5 - 2.2 * share, 2.3 - 2.2 * share)

    return draw


def checks(period: float) -> Pattern:
    """A soft chessboard."""

    def draw(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        k = 2 * math.pi / period
        return smoothstep(np.sin(u * k) * np.sin(v * k), -0.15, 0.15)

    return draw


def blotches(seed: int, period: float) -> Pattern:
    """Irregular patches, as on a cow."""
    rng = generator(seed, 77)
    sheet = cv2.GaussianBlur(fractal(rng, 64, 64, 8, 8, 2), (0, 0), 1.2)

    def draw(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        x, y = (np.asarray(q / period * 8.0 % 64.0, np.float32) for q in (u, v))
        x, y = np.broadcast_arrays(x, y)
        value = cv2.remap(
            sheet,
            np.ascontiguousarray(x),
            np.ascontiguousarray(y),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return smoothstep(value, 0.46, 0.60)

    return draw


# --- the canvas --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sprite:
    """A painted part.

    rgba: h x w x 4 float32, colour 0..255 premultiplied by alpha 0..1; `tpu` texels per unit;
    texel (0, 0)'s centre lies at unit coordinates (x, y).
    """

    rgba: np.ndarray
    x: float
    y: float
    tpu: float


class Canvas:
    """Paint with outlines in unit coordinates, at twice the resolution of the finished sprite."""

    def __init__(self, x0: float, y0: float, x1: float, y1: float, tpu: int) -> None:
        margin = 2.0 / tpu
        self.x, self.y, self.tpu = x0 - margin, y0 - margin, tpu
        self.w = math.ceil((x1 - x0 + 2 * margin) * tpu)
        self.h = math.ceil((y1 - y0 + 2 * margin) * tpu)
        self.rgba = np.zeros((2 * self.h, 2 * self.w, 4), np.float32)

    def fill(
        self,
        outline: np.ndarray,
        colour: Colour,
        second: Colour | None = None,
        pattern: Pattern | None = None,
        shade: float = 0.75,
        round_: float = 0.0,
        alpha: float = 1.0,
    ) -> Canvas:
        """Fill an outline.

        shade: strength of the light. round_: width of the bevel in units; 0 rounds the whole
        shape, like a pillow.
        """
        k = 2 * self.tpu
        points = (outline - (self.x, self.y)) * k
        (left, top), (right, low) = points.min(0), points.max(0)
        x0, y0 = max(math.floor(left) - 1, 0), max(math.floor(top) - 1, 0)
        x1, y1 = min(math.ceil(right) + 2, 2 * self.w), min(math.ceil(low) + 2, 2 * self.h)
        if x1 <= x0 or y1 <= y0:
            return self
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        fixed = np.round((points - (x0 + 0.5, y0 + 0.5)) * 16).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, 4)
        u = ((np.arange(x0, x1, dtype=np.float32) + 0.5) / k + self.x)[None, :]
        v = ((np.arange(y0, y1, dtype=np.float32) + 0.5) / k + self.y)[:, None]
        rgb = np.asarray(colour, np.float32)
        if pattern is not None and second is not None:
            rgb = mix(colour, second, np.broadcast_to(pattern(u, v), mask.shape))
        if shade:
            rgb = rgb * _light(mask, round_ * k, shade)[..., None]
        a = mask.astype(np.float32)[..., None] * (alpha / 255.0)
        region = self.rgba[y0:y1, x0:x1]
        region *= 1 - a
        region[..., :3] += np.clip(rgb, 0, 255) * a
        region[..., 3:] += a
        return self

    def done(self) -> Sprite:
        """The finished sprite."""
        rgba = cv2.resize(self.rgba, (self.w, self.h), interpolation=cv2.INTER_AREA)
        half = 0.5 / self.tpu
        return Sprite(rgba, self.x + half, self.y + half, float(self.tpu))


def _light(mask: np.ndarray, bevel: float, strength: float) -> np.ndarray:
    """Brightness (about 0.5..1.3) of a shape inflated like a cushion and lit from above left."""
    inside = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform((inside > 127).astype(np.uint8), cv2.DIST_L2, 5)
    radius = max(float(depth.max()), 1.0) if bevel <= 0 else max(bevel, 1.0)
    t = np.minimum(depth / radius, 1)
    height = cv2.GaussianBlur(radius * np.sqrt(t * (2 - t)), (0, 0), 0.8 + 0.12 * radius)
    gx = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    gy = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    lambert = (_LIGHT[2] - gx * _LIGHT[0] - gy * _LIGHT[1]) / np.sqrt(1 + gx * gx + gy * gy)
    return (1 + strength * (lambert - 0.68))[1:-1, 1:-1]
