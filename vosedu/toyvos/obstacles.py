"""What stands between the camera and the objects: trunk, pole, fence, bush, pillar."""

from __future__ import annotations

from functools import lru_cache
from math import cos, pi, sin

from vosedu.toyvos import paint
from vosedu.toyvos.paint import Canvas, Sprite, capsule, ellipse, generator, polygon, spline

KINDS = ("trunk", "pole", "fence", "bush", "pillar")


@lru_cache(maxsize=64)
def sprite(kind: int, width: int, seed: int, tpu: int) -> Sprite:
    """An obstacle from y = -0.4 to 1.3 around x = 0; `width` in thousandths of the height."""
    rng = generator(31, kind, seed)
    w, name = width / 2000, KINDS[kind]
    tone = int(rng.integers(0, 40))
    c = Canvas(-2.4 * w, -0.4, 2.4 * w, 1.3, tpu)
    if name == "trunk":
        bark = paint.stripes(0.05, 0.06, 0.03, 0.45)
        c.fill(
            spline(
                (-1.1 * w, -0.5),
                (-0.85 * w, 0.2),
                (-w, 0.7),
                (-1.5 * w, 1.02),
                (-2.2 * w, 1.1),
                (2.2 * w, 1.1),
                (1.5 * w, 1.02),
                (w, 0.7),
                (0.85 * w, 0.2),
                (1.1 * w, -0.5),
            ),
            (104 + tone, 76 + tone, 56),
            (72 + tone, 52 + tone, 42),
            bark,
        )
    elif name == "pole":
        c.fill(
            capsule(0, 1.2, 0, -0.5, 0.55 * w, 0.45 * w),
            (92 + tone, 100 + tone, 108),
            (222, 190, 90),
            paint.stripes(0.22, pi / 2),
        )
        c.fill(ellipse(0, 1.06, 1.3 * w, 0.05), (70, 74, 82))
    elif name == "fence":
        plank, dark = (196 + tone, 168 + tone // 2, 128), (150 + tone, 118, 84)
        for y in (0.58, 0.88):
            c.fill(capsule(-2.4 * w, y, 2.4 * w, y, 0.03, 0.03), dark)
        for k in range(-2, 3):
            x, half = 0.92 * k * w, 0.3 * w
            c.fill(
                polygon(
                    (x - half, 1.2), (x - half, 0.46), (x, 0.4), (x + half, 0.46), (x + half, 1.2)
                ),
                plank,
                dark,
                paint.stripes(0.07, 0.05, 0.02, 0.3),
            )
    elif name == "bush":
        green = (64 + tone, 116 + tone, 62)
        for k in range(26):
            a, r = 2 * pi * k / 26 + 0.2, w * int(rng.integers(20, 190)) / 100
            x, y = r * cos(a), 0.86 + 0.3 * sin(a) * r / w
            q = w * int(rng.integers(40, 70)) / 100
            shade = 0.75 + int(rng.integers(0, 45)) / 100
            c.fill(
                ellipse(x, max(y, 0.5), q, 0.8 * q),
                tuple(int(v * shade) for v in green),
                (120 + tone, 164, 84),
                paint.spots(0.05, 0.4),
            )
    else:
        stone, joint = (206 - tone, 198 - tone, 186 - tone), (160, 150, 140)
        c.fill(
            polygon((-w, 1.25), (-w, -0.5), (w, -0.5), (w, 1.25)),
            stone,
            joint,
            paint.stripes(0.16, pi / 2, 0.0, 0.2),
        )
        c.fill(polygon((-1.3 * w, 1.25), (-1.3 * w, 0.98), (1.3 * w, 0.98), (1.3 * w, 1.25)), stone)
    return c.done()
