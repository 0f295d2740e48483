"""Background plates: wide pictures, periodic in x, that the camera slides over.

A plate spans x in 0..4 and y in -0.25..1.25 (units: frame heights) and is painted at twice the
resolution it is used at.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from math import ceil, cos, floor, pi, sin

import cv2
import numpy as np

from vosedu.toyvos.paint import Colour, blend, fractal, mix, noise, smoothstep, spline

PERIOD, TOP, BOTTOM = 4.0, -0.25, 1.25
HIDDEN = 0.12  # so far below the horizon the ground covers what is behind it


@dataclass(frozen=True)
class Layer:
    """One finished plate.

    image: h x w x 4 uint8 (colour premultiplied by alpha); y0, y1: the rows that hold anything;
    near, slope: parallax at world height y is near + slope * y; `motion`: "" or "water" or "sway"
    (how a dynamic background moves).
    """

    image: np.ndarray
    y0: float
    y1: float
    near: float
    slope: float = 0.0
    motion: str = ""


class Plate:
    """A plate being painted, from world height `top` to `bottom`.

    Outside them it has nothing, or what nearer plates always cover.
    """

    def __init__(
        self, rng: np.random.Generator, resolution: int, top: float = TOP, bottom: float = BOTTOM
    ) -> None:
        self.rng, self.r = rng, 2 * resolution
        self.whole, self.w = int(1.5 * self.r), int(PERIOD * self.r)  # rows of a full plate
        self.first = max(2 * int((top - TOP) * resolution), 0)
        last = min(2 * int((bottom - TOP) * resolution + 1), self.whole)
        self.h = last - self.first
        self.rgb = np.zeros((self.h, self.w, 3), np.float32)
        self.alpha = np.zeros((self.h, self.w), np.float32)
        self.full = False  # whether all of it is covered, so that alpha is 1 and stays so
        rows = np.arange(self.whole, dtype=np.float32)[self.first : last]
        self.y = ((rows + 0.5) / self.r + TOP)[:, None]
        self.x = ((np.arange(self.w, dtype=np.float32) + 0.5) / self.r)[None, :]

    def noise(self, rows: int, columns: int, octaves: int = 1) -> np.ndarray:
        """Periodic noise over the plate."""
        window = (self.first, self.first + self.h)
        if octaves == 1:
            return noise(self.rng, self.whole, self.w, rows, columns, window)
        return fractal(self.rng, self.whole, self.w, rows, columns, octaves, window)

    def ridge(self, base: float, height: float, columns: int, octaves: int = 3) -> np.ndarray:
        """A periodic skyline, one world height per column (1 x W)."""
        total, weight = np.zeros((1, self.w), np.float32), 1.0
        for k in range(octaves):
            grid = self.rng.integers(0, 256, columns << k).astype(np.float32) / 255.0
            line = np.concatenate([grid, grid[:1]])
            q = np.linspace(0, len(grid), self.w, endpoint=False)
            i = q.astype(int)
            t = (q - i).astype(np.float32)
            t = t * t * (3 - 2 * t)
            total += weight * (line[i] * (1 - t) + line[i + 1] * t - 0.5)
            weight *= 0.45
        return base - height * total

    def below(self, line: np.ndarray | float) -> np.ndarray:
        """Coverage (anti-aliased) of what lies below a skyline."""
        return np.clip((self.y - line) * self.r + 0.5, 0, 1)

    def over(self, colour: np.ndarray | Colour, mask: np.ndarray) -> None:
        """Put a colour or a picture over the plate where the mask says."""
        colour = np.asarray(colour, np.float32)
        mask = np.broadcast_to(mask, self.alpha.shape)
        rows = np.flatnonzero(mask.any(1))
        if not len(rows):
            return
        s = slice(rows[0], rows[-1] + 1)
        colour = colour[s] if colour.ndim == 3 and colour.shape[0] == self.h else colour
        blend(self.rgb[s], colour, mask[s, :, None])
        if not self.full:
            blend(self.alpha[s], np.float32(1), mask[s])
            self.full = bool(self.alpha.min() == 1)

    def shape(self, outline: np.ndarray, colour: Colour, light: float = 0.25) -> None:
        """One small polygon, brighter above left than below right, drawn across the seam too."""
        turn = self.w if outline[:, 0].max() > PERIOD else -self.w if outline[:, 0].min() < 0 else 0
        points = (outline - (0, TOP)) * self.r
        for offset in (0, turn) if turn else (0,):
            p = points - (offset, 0)
            (left, top), (right, low) = p.min(0), p.max(0)
            x0, y0 = max(floor(left) - 1, 0), max(floor(top) - 1, 0)
            x1, y1 = min(ceil(right) + 2, self.w), min(ceil(low) + 2, self.whole)
            rows = slice(max(self.first - y0, 0), self.first + self.h - y0)
            if x1 <= x0 or y1 - y0 <= rows.start or rows.stop <= 0:
                continue
            mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
            fixed = np.round((p - (x0 + 0.5, y0 + 0.5)) * 16).astype(np.int32)
            cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, 4)
            m = mask[rows].astype(np.float32)
            m /= 255.0
            shade = _ramp(light, y1 - y0)[rows, None] * _ramp(0.5 * light, x1 - x0)
            tint = np.asarray(colour, np.float32) * shade[..., None]
            y0 = max(y0 - self.first, 0)
            here = slice(y0, y0 + len(m)), slice(x0, x1)
            blend(self.rgb[here], tint, m[..., None])
            if not self.full:
                blend(self.alpha[here], np.float32(1), m)

    def texture(self, amount: float, rows: int, columns: int, octaves: int = 3) -> None:
        """Modulate brightness by fractal noise."""
        field = self.noise(rows, columns, octaves)
        field *= 2
        field -= 1
        field *= amount
        field += 1
        self.rgb *= field[..., None]

    def scatter(self, count: int, y0: float, y1: float) -> list[tuple[float, float, float]]:
        """Places (x, y, closeness 0..1), far ones first, thousandths drawn as integers."""
        draws = self.rng.integers(0, 1000, (count, 2))
        places = [
            (PERIOD * a / 1000, y0 + (y1 - y0) * (b / 1000) ** 1.3, b / 1000) for a, b in draws
        ]
        return sorted(places, key=lambda p: p[1])

    def layer(self, near: float, slope: float = 0.0, motion: str = "") -> Layer:
        """The finished layer at half the painting resolution."""
        rgba = np.empty((self.h, self.w, 4), np.float32)
        np.clip(self.rgb, 0, 255, out=rgba[..., :3])
        if not self.full:
            rgba[..., :3] *= self.alpha[..., None]
        np.multiply(self.alpha, 255, out=rgba[..., 3])
        small = cv2.resize(rgba, (self.w // 2, self.h // 2), interpolation=cv2.INTER_AREA)
        small += 0.5
        np.clip(small, 0, 255, out=small)
        image = np.zeros((self.whole // 2, self.w // 2, 4), np.uint8)
        image[self.first // 2 : (self.first + self.h) // 2] = small
        rows = np.flatnonzero(image[..., 3].any(1)) / (self.r / 2) + TOP
        return Layer(image, float(rows[0]), float(rows[-1]) + 0.02, near, slope, motion)


@lru_cache(maxsize=4096)
def _ramp(light: float, count: int) -> np.ndarray:
    """Brightness from 1 + light to 1 - light."""
    return np.linspace(1 + light, 1 - light, count, dtype=np.float32)


def sky(plate: Plate, top: Colour, bottom: Colour, horizon: float, cloud: float) -> None:
    """A gradient with soft clouds."""
    plate.over(mix(top, bottom, smoothstep(plate.y, TOP, horizon)), np.ones((1, 1), np.float32))
    if cloud:
        field = plate.noise(7, 8, 4)
        plate.over(
            (255, 252, 246), cloud * smoothstep(field, 0.5, 0.78) * (1 - plate.below(horizon))
        )


def ground_parallax(horizon: float) -> tuple[float, float]:
    """Parallax of the ground as (at y = 0, per height): 0.35 at the horizon, 1.1 at y = 1."""
    slope = 0.75 / (1.0 - horizon)
    return 0.35 - slope * horizon, slope


def blob(x: float, y: float, r: float, rng: np.random.Generator, points: int = 9) -> np.ndarray:
    """An irregular round outline: a stone, a crown of leaves."""
    radii = r * (0.75 + rng.integers(0, 50, points) / 100)
    c, s = _round(points)
    return spline(np.stack([x + radii * c, y + radii * s * 0.85], 1), steps=4)


@cache
def _round(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and sines of evenly spaced angles."""
    angles = [2 * pi * k / points for k in range(points)]
    return np.array([cos(a) for a in angles]), np.array([sin(a) for a in angles])
