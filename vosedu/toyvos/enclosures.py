"""Painted backgrounds that close the view: street, room, reef, forest."""

from __future__ import annotations

from math import pi

import numpy as np

from vosedu.toyvos.paint import capsule, ellipse, mix, polygon, smoothstep, spline
from vosedu.toyvos.plates import HIDDEN, PERIOD, Layer, Plate, blob, ground_parallax, sky


def street(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    """House fronts, a pavement, a road."""
    h = 0.56
    far = Plate(rng, r, bottom=h + HIDDEN)
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
    mid = Plate(rng, r, bottom=0.7)
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
            mid.shape(blob(x, y - 0.03, 0.045, rng), c, 0.4)
    ground = Plate(rng, r, h - 0.05)
    near, slope = ground_parallax(h)
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
        ground.shape(blob(x, y_, 0.02 + 0.03 * n, rng), (74, 76, 84), 0.1)
    return [far.layer(0.1), mid.layer(0.36), ground.layer(near, slope)]


def room(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    """Wallpaper, shelves, floorboards."""
    h = 0.6
    papers = (
        ((196, 212, 200), (224, 232, 214)),
        ((226, 190, 170), (240, 214, 190)),
        ((120, 140, 170), (150, 168, 190)),
        ((206, 186, 208), (226, 210, 222)),
    )
    a, b = papers[variant % 4]
    far = Plate(rng, r, bottom=h + HIDDEN)
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
        far.shape(blob(x + w / 2, y + t / 2, 0.24 * t, rng), hue[int(rng.integers(0, 5))], 0.3)
    mid = Plate(rng, r, 0.2, 0.7)
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
    ground = Plate(rng, r, h - 0.05)
    near, slope = ground_parallax(h)
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


def reef(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    """Under water: light, weeds, corals. Water and weeds sway."""
    h = 0.74
    far = Plate(rng, r, bottom=h + HIDDEN)
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
    mid = Plate(rng, r, 0.2, 0.9)
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
    ground = Plate(rng, r, h - 0.05)
    near, slope = ground_parallax(h)
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
            ground.shape(blob(x + dx, y_ - q * rng.integers(0, 90) / 100, 0.6 * q, rng, 8), c, 0.4)
    return [far.layer(0.1, motion="sway"), mid.layer(0.4, motion="sway"), ground.layer(near, slope)]


def forest(rng: np.random.Generator, r: int, variant: int, clutter: float) -> list[Layer]:
    """Trunks, moving leaves, litter."""
    h = 0.58
    far = Plate(rng, r, bottom=h + HIDDEN)
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
    trunks = Plate(rng, r, bottom=0.75)
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
    leaves = Plate(rng, r, bottom=0.8)
    greens = ((84, 140, 60), (116, 164, 70), (150, 170, 70), (70, 116, 66), (206, 150, 60))
    count = 150 + int(170 * clutter)
    for x, y, _ in leaves.scatter(count, -0.25, 0.16):
        c = greens[int(rng.integers(0, 5 if variant % 3 == 1 else 4))]
        leaves.shape(blob(x, y, rng.integers(20, 55) / 1000, rng, 7), c, 0.35)
    for x, y, _ in leaves.scatter(30 + int(60 * clutter), 0.6, 0.66):
        c = greens[int(rng.integers(0, 4))]
        leaves.shape(blob(x, y - 0.02, rng.integers(25, 60) / 1000, rng, 7), c, 0.35)
    ground = Plate(rng, r, h - 0.05)
    near, slope = ground_parallax(h)
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
