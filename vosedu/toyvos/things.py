"""Things that move: vehicle, ball, kite; and what stands in the way. Same form as `walkers`."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from vosedu.toyvos import paint
from vosedu.toyvos.affine import place
from vosedu.toyvos.body import Look, Piece, Wave, darker
from vosedu.toyvos.paint import Canvas, Sprite, capsule, ellipse, polygon, spline


class Vehicle:
    """A car, van or pick-up, 1 unit long; `phase` is the angle of its wheels."""

    ground, directed, area = True, True, 0.34
    wheel = 0.115

    @staticmethod
    def parts(look: Look, tpu: int) -> list[Sprite]:
        coat, second, accent = look.colours()
        glass, tyre = (160, 200, 214), (44, 44, 50)
        c = Canvas(-0.52, -0.5, 0.52, 0.1, tpu)
        kind = look.seed % 3
        if kind == 0:
            roof = spline(
                (-0.36, -0.16),
                (-0.26, -0.36),
                (-0.1, -0.4),
                (0.1, -0.39),
                (0.2, -0.32),
                (0.32, -0.16),
            )
            panes = [
                polygon((-0.25, -0.2), (-0.19, -0.33), (-0.04, -0.35), (-0.04, -0.2)),
                polygon((0.0, -0.2), (0.0, -0.35), (0.1, -0.34), (0.21, -0.2)),
            ]
        elif kind == 1:
            roof = spline(
                (-0.47, -0.14),
                (-0.47, -0.42),
                (-0.36, -0.47),
                (0.2, -0.47),
                (0.3, -0.38),
                (0.37, -0.14),
            )
            panes = [
                polygon((-0.4, -0.25), (-0.4, -0.41), (-0.22, -0.41), (-0.22, -0.25)),
                polygon((-0.17, -0.25), (-0.17, -0.41), (0.0, -0.41), (0.0, -0.25)),
                polygon((0.06, -0.25), (0.06, -0.41), (0.2, -0.41), (0.29, -0.25)),
            ]
        else:
            roof = spline(
                (-0.08, -0.14),
                (-0.06, -0.38),
                (0.0, -0.42),
                (0.16, -0.41),
                (0.24, -0.34),
                (0.32, -0.14),
            )
            panes = [polygon((0.0, -0.21), (0.02, -0.36), (0.14, -0.36), (0.22, -0.21))]
            c.fill(
                spline((-0.42, -0.16), (-0.4, -0.3), (-0.26, -0.36), (-0.12, -0.27), (-0.1, -0.16)),
                accent,
                darker(accent, 0.7),
                paint.spots(0.09, 0.5),
            )
        c.fill(roof, second if look.variety > 50 else coat)
        for pane in panes:
            c.fill(pane, glass, (226, 240, 244), paint.stripes(0.3, 0.8, 0.0, 0.3), shade=0)
        c.fill(
            spline(
                (-0.5, -0.04),
                (-0.49, -0.18),
                (-0.3, -0.2),
                (0.28, -0.19),
                (0.46, -0.14),
                (0.5, -0.05),
                (0.48, 0.02),
                (-0.48, 0.02),
            ),
            coat,
            second,
            look.texture(0.2),
            round_=0.07,
        )
        c.fill(capsule(-0.47, 0.0, 0.47, 0.0, 0.022, 0.022), darker(accent, 0.8))
        c.fill(ellipse(0.465, -0.09, 0.024, 0.036), (252, 240, 180), shade=0)
        c.fill(ellipse(-0.485, -0.1, 0.016, 0.036), (200, 50, 40), shade=0)
        for x in (-0.29, 0.29):
            c.fill(ellipse(x, 0.01, 0.135, 0.125), (40, 38, 44), shade=0)
        w = Canvas(-0.12, -0.12, 0.12, 0.12, tpu)
        w.fill(ellipse(0, 0, 0.115, 0.115), tyre, round_=0.03, shade=0.3)
        w.fill(ellipse(0, 0, 0.07, 0.07), (196, 196, 200), shade=0)
        for k in range(4):
            a = k * pi / 2
            w.fill(
                capsule(0, 0, 0.062 * cos(a), 0.062 * sin(a), 0.018, 0.012),
                accent if k else (60, 60, 70),
                shade=0,
            )
        return [c.done(), w.fill(ellipse(0, 0, 0.024, 0.024), tyre, shade=0).done()]

    @staticmethod
    def pose(phase: float, swing: float) -> list[Piece]:
        jolt = 0.012 * swing * sin(phase * 0.9)
        return [
            Piece(0, place(0, -0.15 + jolt, 0.4 * jolt)),
            Piece(1, place(-0.29, -0.115, phase)),
            Piece(1, place(0.29, -0.115, phase)),
        ]


class Ball:
    """A rolling ball, 1 unit across; `phase` is its angle. Its shading is round, so it can turn."""

    ground, directed, area = True, False, 0.78
    wheel = 0.5

    @staticmethod
    def parts(look: Look, tpu: int) -> list[Sprite]:
        coat, second, accent = look.colours()
        b = Canvas(-0.5, -0.5, 0.5, 0.5, tpu)
        disc = ellipse(0, 0, 0.5, 0.5)
        if look.pattern % 2:
            b.fill(disc, coat, second, look.texture(0.34), shade=0)
            b.fill(ellipse(0.12, -0.1, 0.14, 0.14), accent, shade=0)
        else:
            b.fill(disc, coat, shade=0)
            for k, colour in enumerate((second, accent, second)):
                a = k * 2 * pi / 3
                b.fill(
                    spline(
                        (0, 0),
                        (0.25 * cos(a - 0.3), 0.25 * sin(a - 0.3)),
                        (0.52 * cos(a - 0.35), 0.52 * sin(a - 0.35)),
                        (0.56 * cos(a), 0.56 * sin(a)),
                        (0.52 * cos(a + 0.35), 0.52 * sin(a + 0.35)),
                        (0.3 * cos(a + 0.5), 0.3 * sin(a + 0.5)),
                    ),
                    colour,
                    shade=0,
                )
            b.fill(ellipse(0, 0, 0.09, 0.09), (250, 246, 236), shade=0)
        keep = Canvas(-0.5, -0.5, 0.5, 0.5, tpu).fill(disc, (255, 255, 255), shade=0).rgba[..., 3:]
        size = b.rgba.shape[0]
        q = (np.arange(size, dtype=np.float32) + 0.5) / (2 * tpu) + b.y
        r = np.hypot(q[:, None], q[None, :]) / 0.5
        rim = 1.1 - 0.42 * paint.smoothstep(r, 0.5, 1.04)
        b.rgba = np.concatenate([b.rgba[..., :3] * rim[..., None] * keep, keep], -1)
        np.clip(b.rgba[..., :3], 0, 255 * keep, out=b.rgba[..., :3])
        return [b.done()]

    @staticmethod
    def pose(phase: float, swing: float) -> list[Piece]:
        return [Piece(0, place(0, -0.5, phase))]


class Kite:
    """A kite, 1 unit tall without its tail, on a thin string that leads down out of the picture."""

    ground, directed, area = False, False, 0.34

    @staticmethod
    def parts(look: Look, tpu: int) -> list[Sprite]:
        coat, second, accent = look.colours()
        k = Canvas(-0.38, -0.52, 0.38, 0.52, tpu)
        k.fill(
            polygon((0, -0.5), (0.36, -0.1), (0, 0.5), (-0.36, -0.1)),
            coat,
            second,
            look.texture(0.2),
            round_=0.05,
            shade=0.5,
        )
        k.fill(polygon((0, -0.1), (0.36, -0.1), (0, 0.5)), accent, round_=0.05, shade=0.5)
        k.fill(polygon((0, -0.5), (0, -0.1), (-0.36, -0.1)), second, round_=0.05, shade=0.5)
        k.fill(capsule(0, -0.48, 0, 0.48, 0.013, 0.013), darker(accent, 0.5), shade=0)
        k.fill(capsule(-0.35, -0.1, 0.35, -0.1, 0.013, 0.013), darker(accent, 0.5), shade=0)
        tail = Canvas(-0.12, -0.03, 0.12, 0.86, tpu)
        tail.fill(capsule(0, 0, 0, 0.82, 0.022, 0.018), darker(accent, 0.8), shade=0)
        for i in range(4):
            y = 0.16 + 0.2 * i
            bow = polygon((-0.1, y - 0.06), (0.1, y + 0.06), (0.1, y - 0.06), (-0.1, y + 0.06))
            tail.fill(bow, (coat, second, accent)[i % 3], shade=0.3)
        string = Canvas(-0.02, -0.02, 0.02, 1.02, tpu)
        string.fill(capsule(0, 0, 0, 1.0, 0.018, 0.018), (246, 242, 230), shade=0)
        return [k.done(), tail.done(), string.done()]

    @staticmethod
    def pose(phase: float, swing: float) -> list[Piece]:
        tilt = 0.3 + 0.16 * swing * sin(phase)
        wave = Wave(1, 0.0, 0.2 * swing + 0.02, 0.0, 0.8, 7.0, phase)
        return [
            Piece(2, place(0, -0.08, 0.5 + 0.3 * tilt, 1.0, 2.6)),
            Piece(1, place(-0.5 * sin(tilt), 0.5 * cos(tilt), 0.7 * tilt), wave),
            Piece(0, place(0, 0, tilt)),
        ]
