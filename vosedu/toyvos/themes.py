"""The backgrounds: eight themes, each painted from a variant number and a share of clutter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin

import numpy as np

from vosedu.toyvos.paint import capsule, ellipse, generator, mix, polygon, smoothstep, spline
from vosedu.toyvos.plates import PERIOD, Layer, Plate, sky

VARIANTS = 12


@dataclass(frozen=True)
class Theme:
    """What happens before a background: where the ground begins and who lives there."""

    paint: Callable[[np.random.Generator, int, int, float], list[Layer]]
    horizon: float
    families: tuple[str, ...]
    motion: str = ""


def depth(y: float, horizon: float) -> float:
    """The parallax of the ground at world height y: 0.35 at the horizon, 1.1 at y = 1."""
    near, slope = _ground(horizon)
    return near + slope * y


def _ground(horizon: float) -> tuple[float, float]:
    slope = 0.75 / (1.0 - horizon)
    return 0.35 - slope * horizon, slope


def _blob(x: float, y: float, r: float, rng: np.random.Generator, points: int = 9) -> np.ndarray:
    radii = r * (0.75 + rng.integers(0, 50, points) / 100)
    return spline(
        *(
            (x + q * cos(2 * pi * k / points), y + q * sin(2 * pi * k / points) * 0.85)
            for k, q in enumerate(radii)
        ),
        steps=4,
    )


def _meadow(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    h = 0.5
    far = Plate(rng, r)
    tops = ((92, 160, 222), (120, 180, 226), (238, 170, 120), (110, 150, 200))
    lows = ((214, 232, 240), (244, 236, 214), (252, 224, 170), (230, 226, 236))
    sky(far, tops[variant % 4], lows[variant % 4], h, 0.75)
    for k, colour in enumerate(((138, 170, 176), (116, 158, 132))):
        shade = 0.86 + 0.3 * far.noise(12, 24, 2)
        far.over(
            np.asarray(colour, np.float32) * shade[..., None],
            far.below(far.ridge(0.42 + 0.06 * k, 0.16 - 0.05 * k, 6 + 3 * k)),
        )
    mid = Plate(rng, r)
    for x, y, _ in mid.scatter(9 + int(16 * clutter), 0.5, 0.53):
        g = int(rng.integers(0, 40))
        tree = (52 + g, 104 + g, 58 + g // 2)
        mid.shape(
            polygon((x - 0.012, y), (x - 0.009, y - 0.1), (x + 0.009, y - 0.1), (x + 0.012, y)),
            (96, 72, 54),
        )
        for _ in range(3):
            dx, dy = rng.integers(-35, 36) / 1000, rng.integers(0, 60) / 1000
            mid.shape(_blob(x + dx, y - 0.11 - dy, 0.055, rng), tree, 0.4)
    mid.texture(0.12, 48, 128, 2)
    ground = Plate(rng, r)
    near, slope = _ground(h)
    line = ground.ridge(h + 0.015, 0.02, 10)
    grass = mix((122, 168, 84), (74, 128, 62), smoothstep(ground.y, h, 1.2))
    blades = ground.noise(60, 320, 2) * 0.6 + ground.noise(16, 24, 3) * 0.6 - 0.1
    ground.over(
        mix(grass * 0.72, grass * 1.32 + np.float32([14, 12, 0]), blades), ground.below(line)
    )
    petals = ((250, 240, 150), (250, 250, 246), (232, 120, 130), (170, 130, 210))
    for x, y, near_ in ground.scatter(30 + int(260 * clutter), h + 0.05, 1.2):
        q = 0.005 + 0.012 * near_
        colour = petals[int(rng.integers(0, 4))]
        ground.shape(capsule(x, y, x, y + 2.5 * q, 0.25 * q, 0.25 * q), (60, 112, 52), 0)
        ground.shape(ellipse(x, y, q, 0.8 * q), colour, 0.15)
    return [far.layer(0.1), mid.layer(0.34), ground.layer(near, slope)]


def _street(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    h = 0.56
    far = Plate(rng, r)
    sky(
        far,
        ((130, 176, 214), (214, 160, 150), (150, 160, 186))[variant % 3],
        ((228, 234, 236), (250, 222, 180), (222, 222, 222))[variant % 3],
        h,
        0.5,
    )
    x = 0.0
    while x < PERIOD:
        w, t = rng.integers(12, 30) / 100, rng.integers(10, 40) / 100
        g = int(rng.integers(130, 176))
        far.shape(polygon((x, 0.62), (x, t), (x + w, t), (x + w, 0.62)), (g, g + 4, g + 16), 0.08)
        x += w
    mid = Plate(rng, r)
    walls = (
        (196, 116, 92),
        (222, 190, 150),
        (172, 182, 176),
        (206, 150, 110),
        (150, 120, 130),
        (232, 214, 180),
        (126, 148, 160),
    )
    x = 0.0
    while x < PERIOD:
        w = min(rng.integers(28, 56) / 100, PERIOD - x + 0.02)
        t = rng.integers(-12, 22) / 100
        wall = walls[int(rng.integers(0, 7))]
        mid.shape(polygon((x, h + 0.03), (x, t), (x + w, t), (x + w, h + 0.03)), wall, 0.06)
        mid.shape(
            polygon((x, t + 0.025), (x, t), (x + w, t), (x + w, t + 0.025)),
            tuple(int(0.7 * c) for c in wall),
            0,
        )
        columns, step = max(2, int(w / 0.095)), w / max(2, int(w / 0.095))
        lit = rng.integers(0, 5, 40)
        for row in range(6):
            for column in range(columns):
                wx, wy = x + (column + 0.28) * step, t + 0.07 + 0.115 * row
                if wy > h - 0.14:
                    continue
                pane = (
                    (88, 112, 132),
                    (120, 150, 166),
                    (246, 220, 150),
                    (70, 86, 104),
                    (150, 172, 180),
                )[lit[(row * 7 + column) % 40]]
                frame = polygon(
                    (wx, wy),
                    (wx + 0.47 * step, wy),
                    (wx + 0.47 * step, wy + 0.075),
                    (wx, wy + 0.075),
                )
                mid.shape(frame, tuple(min(255, int(1.15 * c)) for c in wall), 0)
                mid.shape((frame - frame.mean(0)) * 0.8 + frame.mean(0), pane, 0.2)
        mid.shape(
            polygon(
                (x + 0.03, h + 0.02),
                (x + 0.03, h - 0.1),
                (x + w - 0.03, h - 0.1),
                (x + w - 0.03, h + 0.02),
            ),
            (82, 84, 92),
            0.15,
        )
        awning = ((200, 70, 60), (60, 120, 120), (230, 180, 70))[int(rng.integers(0, 3))]
        mid.shape(
            polygon(
                (x + 0.02, h - 0.08),
                (x + 0.04, h - 0.125),
                (x + w - 0.04, h - 0.125),
                (x + w - 0.02, h - 0.08),
            ),
            awning,
            0.2,
        )
        x += w
    mid.texture(0.1, 40, 110, 3)
    for x, y, _ in mid.scatter(int(34 * clutter), h + 0.0, h + 0.03):
        c = ((70, 120, 80), (190, 80, 60), (60, 80, 130), (230, 190, 90))[int(rng.integers(0, 4))]
        if rng.integers(0, 2):
            mid.shape(capsule(x, y, x, y - 0.24, 0.006, 0.005), (60, 60, 66), 0)
            mid.shape(ellipse(x, y - 0.25, 0.03, 0.03), c, 0.2)
        else:
            mid.shape(_blob(x, y - 0.03, 0.045, rng), c, 0.4)
    ground = Plate(rng, r)
    near, slope = _ground(h)
    y = ground.y
    base = mix((172, 168, 164), (150, 146, 144), smoothstep(y, h, 0.7))
    base = mix(base, (92, 94, 100), smoothstep(y, 0.685, 0.695))
    ground.over(base, ground.below(h))
    ground.texture(0.09, 24, 64, 3)
    ground.texture(0.07, 150, 400, 1)
    ground.over((206, 202, 194), (smoothstep(y, 0.668, 0.674) - smoothstep(y, 0.69, 0.696)))
    for k in range(40):
        x = k * 0.1
        ground.over(
            (128, 124, 122),
            np.where((y > h) & (y < 0.67), np.clip(1.2 - np.abs(ground.x - x) * ground.r, 0, 1), 0)
            * 0.5,
        )
    for k in range(10):
        x = 0.4 * k
        ground.shape(
            polygon((x, 0.85), (x + 0.2, 0.85), (x + 0.21, 0.872), (x + 0.01, 0.872)),
            (232, 224, 190),
            0,
        )
    for x, y_, n in ground.scatter(int(60 * clutter), 0.7, 1.2):
        ground.shape(_blob(x, y_, 0.02 + 0.03 * n, rng), (74, 76, 84), 0.1)
    return [far.layer(0.1), mid.layer(0.36), ground.layer(near, slope)]


def _desert(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    h = 0.5
    far = Plate(rng, r)
    sky(
        far,
        ((96, 150, 200), (240, 140, 96), (120, 120, 170))[variant % 3],
        ((248, 224, 186), (254, 220, 150), (250, 190, 160))[variant % 3],
        h,
        0.3,
    )
    far.shape(ellipse(rng.integers(0, 400) / 100, 0.14, 0.07, 0.07), (255, 246, 214), 0)
    strata = 0.5 + 0.5 * np.sin(far.y * 85 + 3 * far.noise(4, 12, 2))
    rock = mix((196, 108, 78), (228, 158, 110), strata)
    steps = far.ridge(0.36, 0.34, 8, 1)
    mesa = np.round(steps * 7) / 7 + 0.02 * far.noise(1, 80)[:1]
    far.over(rock * (0.8 + 0.4 * far.noise(8, 90, 2))[..., None], far.below(mesa))
    mid = Plate(rng, r)
    mid.over(
        mix((222, 162, 104), (206, 140, 90), mid.noise(10, 30, 3)),
        mid.below(mid.ridge(0.47, 0.07, 8, 2)) * (1 - mid.below(0.56)),
    )
    for x, y, _ in mid.scatter(5 + int(18 * clutter), 0.52, 0.54):
        t, g = rng.integers(10, 20) / 100, int(rng.integers(0, 30))
        green = (70 + g, 124 + g, 84)
        mid.shape(capsule(x, y, x, y - t, 0.018, 0.016), green, 0.3)
        for side in (-1, 1):
            q = y - t * rng.integers(35, 70) / 100
            mid.shape(capsule(x, q, x + side * 0.045, q - 0.01, 0.011, 0.011), green, 0.3)
            mid.shape(capsule(x + side * 0.045, q, x + side * 0.045, q - 0.05, 0.011, 0.011), green)
    ground = Plate(rng, r)
    near, slope = _ground(h)
    y = ground.y
    rows = np.sqrt(np.maximum(y - h + 0.06, 0)) * 74
    wave = np.sin(rows + 2.2 * np.sin(ground.x * pi) + 5 * ground.noise(4, 8, 2))
    sand = mix((240, 198, 138), (202, 144, 90), 0.5 + 0.4 * wave)
    ground.over(sand, ground.below(ground.ridge(h + 0.02, 0.03, 6, 2)))
    ground.texture(0.08, 9, 20, 3)
    ground.texture(0.06, 120, 320, 1)
    for x, y_, n in ground.scatter(14 + int(110 * clutter), h + 0.06, 1.2):
        q = 0.012 + 0.03 * n * rng.integers(30, 100) / 100
        c = ((160, 110, 86), (132, 96, 84), (190, 140, 104))[int(rng.integers(0, 3))]
        ground.shape(ellipse(x + 0.3 * q, y_ + 0.5 * q, 1.3 * q, 0.5 * q), (178, 124, 80), 0)
        ground.shape(_blob(x, y_, q, rng, 7), c, 0.4)
    return [far.layer(0.08), mid.layer(0.34), ground.layer(near, slope)]


def _snow(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    h = 0.52
    far = Plate(rng, r)
    sky(
        far,
        ((110, 160, 210), (236, 170, 170), (70, 90, 140))[variant % 3],
        ((232, 240, 248), (250, 226, 206), (190, 170, 200))[variant % 3],
        h,
        0.5,
    )
    line = far.ridge(0.22, 0.42, 7, 4)
    crag = far.noise(14, 36, 4)
    slopes = mix((108, 122, 150), (160, 170, 190), crag)
    far.over(slopes, far.below(line))
    cap = far.below(line) * (1 - smoothstep(far.y - line + 0.16 * (crag - 0.5), 0.06, 0.14))
    far.over((244, 248, 252), cap)
    mid = Plate(rng, r)
    for x, y, _ in mid.scatter(26 + int(26 * clutter), 0.53, 0.57):
        t, g = rng.integers(12, 26) / 100, int(rng.integers(0, 24))
        for k in range(4):
            top, w = y - t + 0.2 * t * k, t * (0.16 + 0.09 * k)
            mid.shape(
                polygon((x, top - 0.02), (x + w, top + 0.28 * t), (x - w, top + 0.28 * t)),
                (44 + g, 84 + g, 76 + g),
                0.3,
            )
            mid.shape(
                polygon(
                    (x, top - 0.02), (x + 0.4 * w, top + 0.1 * t), (x - 0.5 * w, top + 0.14 * t)
                ),
                (236, 242, 248),
                0.05,
            )
    ground = Plate(rng, r)
    near, slope = _ground(h)
    drift = ground.noise(8, 10, 4) + 0.25 * np.sin(ground.y * 40 + 2 * np.sin(ground.x * pi))
    ground.over(
        mix((176, 196, 224), (248, 250, 252), smoothstep(drift, 0.1, 0.9)),
        ground.below(ground.ridge(h + 0.02, 0.04, 7, 2)),
    )
    ground.texture(0.05, 60, 160, 2)
    for x, y_, n in ground.scatter(10 + int(90 * clutter), h + 0.06, 1.2):
        q = 0.012 + 0.026 * n
        c = ((120, 130, 150), (90, 110, 110), (150, 120, 110))[int(rng.integers(0, 3))]
        ground.shape(_blob(x, y_, q, rng, 7), c, 0.35)
        ground.shape(_blob(x - 0.1 * q, y_ - 0.4 * q, 0.75 * q, rng, 7), (244, 248, 252), 0.05)
    return [far.layer(0.1), mid.layer(0.36), ground.layer(near, slope)]


def _room(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    h = 0.6
    papers = (
        ((196, 212, 200), (224, 232, 214)),
        ((226, 190, 170), (240, 214, 190)),
        ((120, 140, 170), (150, 168, 190)),
        ((206, 186, 208), (226, 210, 222)),
    )
    a, b = papers[variant % 4]
    far = Plate(rng, r)
    k = 2 * pi * 5
    motif = (
        np.sin(k * far.x) * np.sin(k * far.y) if variant % 2 else np.sin(2 * k * far.x) + 0 * far.y
    )
    far.over(mix(a, b, smoothstep(motif, -0.2, 0.2)), 1 - far.below(h))
    far.texture(0.06, 12, 24, 3)
    far.over((236, 230, 218), far.below(h - 0.05) * (1 - far.below(h)))
    for x, y, _ in far.scatter(6 + int(22 * clutter), 0.05, 0.36):
        w, t = rng.integers(7, 16) / 100, rng.integers(7, 13) / 100
        hue = ((210, 90, 70), (70, 120, 140), (236, 190, 90), (90, 130, 90), (120, 90, 130))
        frame = polygon((x, y), (x + w, y), (x + w, y + t), (x, y + t))
        far.shape(frame, (110, 78, 54), 0.2)
        inner = (frame - frame.mean(0)) * 0.78 + frame.mean(0)
        far.shape(inner, hue[int(rng.integers(0, 5))], 0.2)
        far.shape(_blob(x + w / 2, y + t / 2, 0.24 * t, rng), hue[int(rng.integers(0, 5))], 0.3)
    mid = Plate(rng, r)
    for x, y, _ in mid.scatter(4 + int(10 * clutter), h + 0.01, h + 0.03):
        w, t = rng.integers(14, 40) / 100, rng.integers(12, 30) / 100
        wood = ((150, 104, 70), (196, 150, 104), (110, 84, 76), (210, 206, 196))[rng.integers(0, 4)]
        mid.shape(polygon((x, y), (x, y - t), (x + w, y - t), (x + w, y)), wood, 0.15)
        rows = 1 + int(t / 0.1)
        for q in range(rows):
            top = y - t + 0.015 + q * (t - 0.015) / rows
            mid.shape(
                polygon(
                    (x + 0.012, top),
                    (x + w - 0.012, top),
                    (x + w - 0.012, top + (t - 0.03) / rows - 0.012),
                    (x + 0.012, top + (t - 0.03) / rows - 0.012),
                ),
                tuple(int(0.55 * c) for c in wood),
                0.1,
            )
            bx = x + 0.02
            while bx < x + w - 0.035:
                bw, bt = rng.integers(10, 24) / 1000, (t / rows) * rng.integers(45, 75) / 100
                foot = top + (t - 0.03) / rows - 0.012
                c = tuple(int(v) for v in rng.integers(70, 230, 3))
                mid.shape(
                    polygon((bx, foot), (bx, foot - bt), (bx + bw, foot - bt), (bx + bw, foot)),
                    c,
                    0.1,
                )
                bx += bw + 0.004
    ground = Plate(rng, r)
    near, slope = _ground(h)
    y = ground.y
    row = np.floor(np.sqrt(np.maximum(y - h + 0.02, 0)) * 14)
    joint = np.sqrt(np.maximum(y - h + 0.02, 0)) * 14 - row
    plank = np.floor((ground.x + 0.37 * row) % PERIOD * 2.5)
    tone = 0.5 + 0.5 * np.sin(plank * 12.9 + row * 7.3)
    floor = (
        mix((176, 126, 84), (206, 156, 108), tone)
        * (0.86 + 0.28 * ground.noise(90, 14, 3))[..., None]
    )
    seam = np.minimum(
        smoothstep(joint, 0.0, 0.06),
        smoothstep(np.abs((ground.x + 0.37 * row) * 2.5 % 1 - 0.5), 0.0, 0.02),
    )
    ground.over(floor * (0.72 + 0.28 * seam)[..., None], ground.below(h))
    for x, y_, n in ground.scatter(int(36 * clutter), h + 0.08, 1.2):
        c = tuple(int(v) for v in rng.integers(70, 235, 3))
        q = 0.02 + 0.035 * n
        ground.shape(ellipse(x + 0.2 * q, y_ + 0.8 * q, 1.2 * q, 0.4 * q), (130, 90, 62), 0)
        box = polygon((x - q, y_ - q), (x + q, y_ - q), (x + q, y_ + q), (x - q, y_ + q))
        ground.shape(box if rng.integers(0, 2) else ellipse(x, y_, q, q), c, 0.3)
    return [far.layer(0.26), mid.layer(0.36), ground.layer(near, slope)]


def _reef(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    h = 0.74
    far = Plate(rng, r)
    tops = ((76, 178, 206), (60, 140, 190), (90, 190, 180))
    lows = ((16, 74, 120), (24, 60, 110), (20, 92, 110))
    far.over(
        mix(tops[variant % 3], lows[variant % 3], smoothstep(far.y, -0.25, 0.9)),
        np.ones((1, 1), np.float32),
    )
    beam = np.sin(2 * pi * (2 * (far.x + 0.25 * far.y))) + np.sin(2 * pi * (5 * far.x + far.y))
    rays = smoothstep(beam, 0.2, 2.0) * (1 - smoothstep(far.y, -0.1, 0.8))
    far.over((190, 232, 232), 0.34 * rays)
    far.over(
        mix((30, 96, 128), (24, 80, 112), far.noise(10, 20, 3)),
        0.8 * far.below(far.ridge(0.62, 0.4, 10, 3)),
    )
    far.texture(0.1, 10, 20, 3)
    mid = Plate(rng, r)
    for x, y, _ in mid.scatter(16 + int(26 * clutter), 0.78, 0.84):
        t, w = rng.integers(14, 44) / 100, rng.integers(10, 20) / 1000
        g = int(rng.integers(0, 50))
        c = ((50, 130 + g, 96), (150, 80 + g, 110), (90 + g, 140, 70))[int(rng.integers(0, 3))]
        for side in (-1, 0, 1):
            mid.shape(
                spline(
                    (x - w, y),
                    (x - w + 0.03 * side, y - 0.5 * t),
                    (x + 0.07 * side, y - t),
                    (x + w + 0.03 * side, y - 0.5 * t),
                    (x + w, y),
                ),
                c,
                0.35,
            )
    mid.texture(0.15, 40, 100, 2)
    ground = Plate(rng, r)
    near, slope = _ground(h)
    ripple = np.sin(ground.y * 90 + 3 * np.sin(ground.x * pi) + 5 * ground.noise(6, 12, 2))
    ground.over(
        mix((196, 190, 150), (140, 150, 134), 0.5 + 0.3 * ripple),
        ground.below(ground.ridge(h + 0.03, 0.06, 8, 3)),
    )
    ground.texture(0.14, 30, 90, 3)
    corals = ((232, 110, 110), (240, 170, 90), (190, 110, 170), (236, 214, 190), (110, 130, 130))
    for x, y_, n in ground.scatter(16 + int(80 * clutter), h + 0.02, 1.2):
        c, q = corals[int(rng.integers(0, 5))], 0.02 + 0.05 * n * rng.integers(30, 100) / 100
        for _ in range(3):
            dx = q * rng.integers(-90, 91) / 100
            ground.shape(_blob(x + dx, y_ - q * rng.integers(0, 90) / 100, 0.6 * q, rng, 8), c, 0.4)
    return [far.layer(0.1, motion="sway"), mid.layer(0.4, motion="sway"), ground.layer(near, slope)]


def _lake(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    h = 0.46
    far = Plate(rng, r)
    tops = ((84, 150, 210), (240, 150, 120), (130, 150, 190))
    lows = ((222, 236, 240), (254, 226, 170), (236, 222, 226))
    top, low = tops[variant % 3], lows[variant % 3]
    sky(far, top, low, h, 0.7)
    far.over(
        mix((112, 136, 150), (86, 120, 110), far.noise(10, 40, 3)),
        far.below(far.ridge(0.36, 0.18, 8, 4)) * (1 - far.below(h)),
    )
    mid = Plate(rng, r)
    for x, y, _ in mid.scatter(12 + int(24 * clutter), 0.46, 0.475):
        g = int(rng.integers(0, 40))
        kind = int(rng.integers(0, 4))
        if kind == 0:
            wall = ((220, 120, 90), (240, 220, 190), (150, 60, 50))[int(rng.integers(0, 3))]
            mid.shape(polygon((x, y), (x, y - 0.07), (x + 0.09, y - 0.07), (x + 0.09, y)), wall)
            mid.shape(
                polygon((x - 0.01, y - 0.065), (x + 0.045, y - 0.12), (x + 0.1, y - 0.065)),
                (120, 70, 60),
            )
        else:
            mid.shape(_blob(x, y - 0.04, 0.05, rng), (60 + g, 104 + g, 70), 0.4)
    water = Plate(rng, r)
    near, slope = _ground(h)
    y = water.y
    s = np.sqrt(np.maximum(y - h + 0.03, 0))
    crest = np.sin(s * 120 + 2.5 * np.sin(water.x * pi) + 7 * water.noise(14, 10, 3))
    base = mix(mix(low, top, 0.55), (30, 84, 112), smoothstep(y, h, 1.1))
    glint = smoothstep(crest + 1.2 * (water.noise(40, 50, 2) - 0.5), 0.35, 1.2)
    surface = base * (0.86 + 0.2 * water.noise(30, 12, 3))[..., None]
    water.over(mix(surface, (236, 246, 248), 0.6 * glint), water.below(h))
    for x, y_, n in water.scatter(int(46 * clutter), h + 0.08, 1.2):
        q = 0.016 + 0.04 * n
        water.shape(ellipse(x, y_, 1.6 * q, 0.55 * q), (70, 130, 84), 0.3)
        if rng.integers(0, 3) == 0:
            water.shape(_blob(x, y_ - 0.3 * q, 0.4 * q, rng), (244, 180, 200), 0.2)
    return [far.layer(0.1), mid.layer(0.3), water.layer(near, slope, "water")]


def _forest(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    h = 0.58
    far = Plate(rng, r)
    mist = ((196, 220, 190), (236, 214, 160), (170, 200, 206))[variant % 3]
    far.over(mix(mist, (110, 150, 110), far.noise(9, 16, 4)), np.ones((1, 1), np.float32))
    for x, _, n in far.scatter(40, 0.5, 0.6):
        w = 0.012 + 0.018 * n
        c = mix(mist, (92, 92, 74), 0.35 + 0.3 * n)
        far.shape(
            polygon((x - w, 0.7), (x - 0.7 * w, -0.25), (x + 0.7 * w, -0.25), (x + w, 0.7)),
            tuple(int(v) for v in c),
            0.05,
        )
    trunks = Plate(rng, r)
    for x, y, _ in trunks.scatter(9 + int(9 * clutter), 0.6, 0.63):
        w, g = rng.integers(22, 46) / 1000, int(rng.integers(0, 36))
        trunks.shape(
            spline(
                (x - 1.6 * w, y + 0.01),
                (x - w, y - 0.08),
                (x - 0.8 * w, -0.2),
                (x - 0.7 * w, -0.3),
                (x + 0.7 * w, -0.3),
                (x + 0.8 * w, -0.2),
                (x + w, y - 0.08),
                (x + 1.6 * w, y + 0.01),
            ),
            (96 + g, 70 + g, 52 + g),
            0.1,
        )
    trunks.texture(0.3, 16, 260, 2)
    leaves = Plate(rng, r)
    greens = ((84, 140, 60), (116, 164, 70), (150, 170, 70), (70, 116, 66), (206, 150, 60))
    count = 150 + int(170 * clutter)
    for x, y, _ in leaves.scatter(count, -0.25, 0.16):
        c = greens[int(rng.integers(0, 5 if variant % 3 == 1 else 4))]
        leaves.shape(_blob(x, y, rng.integers(20, 55) / 1000, rng, 7), c, 0.35)
    for x, y, _ in leaves.scatter(30 + int(60 * clutter), 0.6, 0.66):
        c = greens[int(rng.integers(0, 4))]
        leaves.shape(_blob(x, y - 0.02, rng.integers(25, 60) / 1000, rng, 7), c, 0.35)
    ground = Plate(rng, r)
    near, slope = _ground(h)
    ground.over(
        mix((116, 108, 62), (78, 96, 52), ground.noise(14, 20, 4)),
        ground.below(ground.ridge(h + 0.02, 0.03, 9, 3)),
    )
    ground.texture(0.2, 70, 200, 2)
    litter = ((206, 140, 60), (176, 96, 50), (140, 150, 60), (220, 180, 90))
    for x, y_, n in ground.scatter(90 + int(260 * clutter), h + 0.04, 1.2):
        q = 0.008 + 0.016 * n
        ground.shape(
            ellipse(x, y_, 1.4 * q, 0.7 * q, rng.integers(0, 314) / 100),
            litter[int(rng.integers(0, 4))],
            0.25,
        )
    return [
        far.layer(0.12),
        trunks.layer(0.34),
        leaves.layer(0.37, motion="sway"),
        ground.layer(near, slope),
    ]


_LAND = ("walker", "quadruped", "vehicle", "ball", "snake", "bird", "butterfly", "kite")
THEMES: dict[str, Theme] = {
    "meadow": Theme(_meadow, 0.5, _LAND),
    "street": Theme(_street, 0.56, ("walker", "vehicle", "ball", "quadruped", "bird", "kite")),
    "desert": Theme(
        _desert, 0.5, ("walker", "quadruped", "vehicle", "ball", "snake", "bird", "kite")
    ),
    "snow": Theme(_snow, 0.52, ("walker", "quadruped", "vehicle", "ball", "bird", "kite")),
    "room": Theme(_room, 0.6, ("walker", "quadruped", "ball", "snake", "butterfly", "vehicle")),
    "reef": Theme(_reef, 0.74, ("fish", "jellyfish", "snake"), "sway"),
    "lake": Theme(_lake, 0.46, ("bird", "kite", "butterfly", "ball"), "water"),
    "forest": Theme(
        _forest, 0.58, ("walker", "quadruped", "bird", "butterfly", "snake", "ball"), "sway"
    ),
}
NAMES = tuple(THEMES)


def plates(theme: int, variant: int, resolution: int) -> tuple[Layer, ...]:
    """The layers of one background, far to near; `variant` sets colours and clutter together.

    All backgrounds are kept in memory at small resolutions (100 MB at 96), a few at large ones.
    """
    return (_all if resolution <= 128 else _few)(theme, variant, resolution)


def _plates(theme: int, variant: int, resolution: int) -> tuple[Layer, ...]:
    rng = generator(20260, theme, variant)
    return tuple(THEMES[NAMES[theme]].paint(rng, resolution, variant, (variant % 3) / 2))


_all = lru_cache(maxsize=VARIANTS * len(NAMES))(_plates)
_few = lru_cache(maxsize=8)(_plates)
