"""Painted backgrounds without walls: meadow, desert, snow, lake."""

from __future__ import annotations

from math import pi

import numpy as np

from vosedu.toyvos.paint import capsule, ellipse, mix, polygon, smoothstep
from vosedu.toyvos.plates import HIDDEN, Layer, Plate, blob, ground_parallax, sky


def meadow(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    """Hills, trees, grass and flowers."""
    h = 0.5
    far = Plate(rng, r, bottom=h + HIDDEN)
    tops = ((92, 160, 222), (120, 180, 226), (238, 170, 120), (110, 150, 200))
    lows = ((214, 232, 240), (244, 236, 214), (252, 224, 170), (230, 226, 236))
    sky(far, tops[variant % 4], lows[variant % 4], h, 0.75)
    for k, colour in enumerate(((138, 170, 176), (116, 158, 132))):
        shade = 0.86 + 0.3 * far.noise(12, 24, 2)
        far.over(
            np.asarray(colour, np.float32) * shade[..., None],
            far.below(far.ridge(0.42 + 0.06 * k, 0.16 - 0.05 * k, 6 + 3 * k)),
        )
    mid = Plate(rng, r, 0.2, 0.6)
    for x, y, _ in mid.scatter(9 + int(16 * clutter), 0.5, 0.53):
        g = int(rng.integers(0, 40))
        tree = (52 + g, 104 + g, 58 + g // 2)
        mid.shape(
            polygon((x - 0.012, y), (x - 0.009, y - 0.1), (x + 0.009, y - 0.1), (x + 0.012, y)),
            (96, 72, 54),
        )
        for _ in range(3):
            dx, dy = rng.integers(-35, 36) / 1000, rng.integers(0, 60) / 1000
            mid.shape(blob(x + dx, y - 0.11 - dy, 0.055, rng), tree, 0.4)
    mid.texture(0.12, 48, 128, 2)
    ground = Plate(rng, r, h - 0.05)
    near, slope = ground_parallax(h)
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


def desert(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    """Mesas, cacti, rippled sand."""
    h = 0.5
    far = Plate(rng, r, bottom=h + HIDDEN)
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
    mid = Plate(rng, r, 0.2, 0.6)
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
    ground = Plate(rng, r, h - 0.05)
    near, slope = ground_parallax(h)
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
        ground.shape(blob(x, y_, q, rng, 7), c, 0.4)
    return [far.layer(0.08), mid.layer(0.34), ground.layer(near, slope)]


def snow(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    """Mountains, firs, snow."""
    h = 0.52
    far = Plate(rng, r, bottom=h + HIDDEN)
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
    mid = Plate(rng, r, 0.2, 0.62)
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
    ground = Plate(rng, r, h - 0.05)
    near, slope = ground_parallax(h)
    drift = ground.noise(8, 10, 4) + 0.25 * np.sin(ground.y * 40 + 2 * np.sin(ground.x * pi))
    ground.over(
        mix((176, 196, 224), (248, 250, 252), smoothstep(drift, 0.1, 0.9)),
        ground.below(ground.ridge(h + 0.02, 0.04, 7, 2)),
    )
    ground.texture(0.05, 60, 160, 2)
    for x, y_, n in ground.scatter(10 + int(90 * clutter), h + 0.06, 1.2):
        q = 0.012 + 0.026 * n
        c = ((120, 130, 150), (90, 110, 110), (150, 120, 110))[int(rng.integers(0, 3))]
        ground.shape(blob(x, y_, q, rng, 7), c, 0.35)
        ground.shape(blob(x - 0.1 * q, y_ - 0.4 * q, 0.75 * q, rng, 7), (244, 248, 252), 0.05)
    return [far.layer(0.1), mid.layer(0.36), ground.layer(near, slope)]


def lake(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    """A shore and moving water."""
    h = 0.46
    far = Plate(rng, r, bottom=h + HIDDEN)
    tops = ((84, 150, 210), (240, 150, 120), (130, 150, 190))
    lows = ((222, 236, 240), (254, 226, 170), (236, 222, 226))
    top, low = tops[variant % 3], lows[variant % 3]
    sky(far, top, low, h, 0.7)
    far.over(
        mix((112, 136, 150), (86, 120, 110), far.noise(10, 40, 3)),
        far.below(far.ridge(0.36, 0.18, 8, 4)) * (1 - far.below(h)),
    )
    mid = Plate(rng, r, 0.2, 0.6)
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
            mid.shape(blob(x, y - 0.04, 0.05, rng), (60 + g, 104 + g, 70), 0.4)
    water = Plate(rng, r, h - 0.05)
    near, slope = ground_parallax(h)
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
            water.shape(blob(x, y_ - 0.3 * q, 0.4 * q, rng), (244, 180, 200), 0.2)
    return [far.layer(0.1), mid.layer(0.3), water.layer(near, slope, "water")]
