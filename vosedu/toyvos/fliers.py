"""What flies or swims: birds, butterflies, fish, jellyfish. Facing right.

Every family gives `parts(look, tpu)`, the sprites, and `pose(phase, swing)`, the pieces from back
to front. `phase` runs 2 pi per gait cycle, `swing` in 0..1 is how far the limbs move.
"""

from __future__ import annotations

from math import cos, pi, sin

from vosedu.toyvos import paint
from vosedu.toyvos.affine import compose, place
from vosedu.toyvos.body import EYE, WHITE, Look, Piece, Wave, darker
from vosedu.toyvos.paint import Canvas, Sprite, capsule, ellipse, polygon, spline


class Bird:
    """A bird in flight, 1 unit from beak to tail."""

    ground, directed, area = False, True, 0.24

    @staticmethod
    def parts(look: Look, tpu: int) -> list[Sprite]:
        coat, second, accent = look.colours()
        body = Canvas(-0.62, -0.2, 0.52, 0.22, tpu)
        body.fill(
            polygon((-0.28, -0.04), (-0.6, -0.12), (-0.56, -0.02), (-0.6, 0.06), (-0.26, 0.08)),
            darker(coat, 0.7),
            second,
            paint.stripes(0.05, pi / 2),
        )
        body.fill(
            spline(
                (-0.34, 0.0),
                (-0.1, -0.11),
                (0.14, -0.11),
                (0.3, -0.13),
                (0.4, -0.06),
                (0.38, 0.03),
                (0.2, 0.12),
                (-0.1, 0.13),
            ),
            coat,
            second,
            look.texture(0.16),
        )
        body.fill(
            spline((-0.14, 0.07), (0.1, 0.03), (0.3, 0.03), (0.16, 0.115), (-0.04, 0.125)), second
        )
        body.fill(polygon((0.37, -0.07), (0.5, -0.02), (0.375, 0.0)), (240, 160, 50))
        body.fill(ellipse(0.305, -0.065, 0.026, 0.028), WHITE, shade=0)
        body.fill(ellipse(0.312, -0.065, 0.016, 0.018), EYE, shade=0)

        def wing(tone: float) -> Sprite:
            w = Canvas(-0.3, -0.62, 0.2, 0.08, tpu)
            w.fill(
                spline(
                    (0.13, 0.03),
                    (0.17, -0.22),
                    (0.06, -0.48),
                    (-0.14, -0.6),
                    (-0.15, -0.48),
                    (-0.23, -0.4),
                    (-0.2, -0.3),
                    (-0.27, -0.2),
                    (-0.2, -0.1),
                    (-0.18, 0.03),
                ),
                darker(accent, tone),
                darker(second, tone),
                paint.stripes(0.13, 1.0, 0.02, 0.35),
                round_=0.06,
            )
            return w.fill(
                spline(
                    (0.12, 0.02),
                    (0.15, -0.2),
                    (0.06, -0.4),
                    (0.0, -0.3),
                    (-0.06, -0.1),
                    (-0.1, 0.02),
                ),
                darker(coat, tone),
                round_=0.05,
            ).done()

        return [body.done(), wing(1.0), wing(0.7)]

    @staticmethod
    def pose(phase: float, swing: float) -> list[Piece]:
        beat = swing * sin(phase)
        lift = place(0, -0.05 * swing * cos(phase), -0.06 * beat)
        near = compose(lift, place(0.04, -0.02, -0.25 + 0.2 * beat, 1.0, 0.52 + 0.48 * beat * 0.98))
        far = compose(lift, place(0.1, -0.05, 0.1 + 0.2 * beat, 0.95, 0.5 + 0.4 * beat))
        return [Piece(2, far), Piece(0, lift), Piece(1, near)]


class Butterfly:
    """A butterfly, 1 unit wide when its wings are open."""

    ground, directed, area = False, False, 0.5

    @staticmethod
    def parts(look: Look, tpu: int) -> list[Sprite]:
        wing, second, accent = look.colours()
        rim = darker(accent, 0.5)
        w = Canvas(-0.02, -0.46, 0.56, 0.46, tpu)
        lower = spline((0.0, 0.0), (0.3, 0.04), (0.4, 0.2), (0.3, 0.38), (0.14, 0.36), (0.03, 0.16))
        upper = spline(
            (0.0, 0.03), (0.06, -0.2), (0.28, -0.42), (0.5, -0.38), (0.5, -0.16), (0.3, 0.04)
        )
        w.fill(lower, rim, round_=0.04).fill(upper, rim, round_=0.04)
        w.fill(
            (lower - (0.19, 0.18)) * 0.78 + (0.19, 0.18),
            second,
            accent,
            paint.spots(0.14, 0.35),
            round_=0.05,
        )
        w.fill(
            (upper - (0.26, -0.2)) * 0.8 + (0.25, -0.19),
            wing,
            second,
            look.texture(0.14),
            round_=0.05,
        )
        w.fill(ellipse(0.4, -0.29, 0.045, 0.045), WHITE, shade=0)
        body = Canvas(-0.08, -0.48, 0.08, 0.32, tpu)
        body.fill(capsule(-0.005, -0.2, -0.06, -0.45, 0.012, 0.014), rim, shade=0)
        body.fill(capsule(0.005, -0.2, 0.06, -0.45, 0.012, 0.014), rim, shade=0)
        body.fill(
            capsule(0, -0.12, 0, 0.27, 0.05, 0.022),
            rim,
            darker(second, 0.8),
            paint.stripes(0.07, pi / 2),
        )
        body.fill(ellipse(0, -0.18, 0.052, 0.055), rim)
        return [w.done(), body.done()]

    @staticmethod
    def pose(phase: float, swing: float) -> list[Piece]:
        open_ = 1 - 0.38 * swing * (1 + sin(phase))
        lift = place(0, -0.05 * swing * sin(phase), 0.25)
        return [
            Piece(0, compose(lift, place(-0.02, 0, -0.12 * swing, -open_, 1.0))),
            Piece(0, compose(lift, place(0.02, 0, 0.12 * swing, open_, 1.0))),
            Piece(1, lift),
        ]


class Fish:
    """A fish, 1 unit from mouth to tail fin; its body bends in a travelling wave."""

    ground, directed, area = False, True, 0.36

    @staticmethod
    def parts(look: Look, tpu: int) -> list[Sprite]:
        coat, second, accent = look.colours()
        slim = 0.8 + 0.14 * (look.seed % 4)
        f = Canvas(-0.6, -0.36, 0.46, 0.36, tpu)
        fin = {"second": darker(accent, 0.7), "pattern": paint.stripes(0.05, 0.6), "round_": 0.03}
        f.fill(
            spline(
                (-0.3, 0),
                (-0.42, -0.1),
                (-0.58, -0.26),
                (-0.54, -0.05),
                (-0.5, 0.0),
                (-0.54, 0.06),
                (-0.58, 0.25),
                (-0.42, 0.1),
            ),
            accent,
            **fin,
        )
        f.fill(
            spline((0.2, -0.12), (0.06, -0.3 * slim), (-0.16, -0.27 * slim), (-0.22, -0.08)),
            accent,
            **fin,
        )
        f.fill(spline((0.04, 0.12), (-0.08, 0.3 * slim), (-0.2, 0.2), (-0.14, 0.08)), accent, **fin)
        f.fill(
            spline(
                (0.44, 0.01),
                (0.34, -0.11 * slim),
                (0.12, -0.2 * slim),
                (-0.14, -0.14 * slim),
                (-0.36, -0.05),
                (-0.42, 0.0),
                (-0.36, 0.05),
                (-0.14, 0.15 * slim),
                (0.12, 0.21 * slim),
                (0.34, 0.12 * slim),
            ),
            coat,
            second,
            look.texture(0.17),
        )
        f.fill(
            spline(
                (0.44, 0.02),
                (0.36, -0.1 * slim),
                (0.25, -0.14 * slim),
                (0.21, 0.02),
                (0.25, 0.15 * slim),
                (0.36, 0.11 * slim),
            ),
            coat,
        )
        f.fill(ellipse(0.31, -0.045, 0.042, 0.042), WHITE, shade=0.2)
        f.fill(ellipse(0.318, -0.045, 0.024, 0.026), EYE, shade=0)
        p = Canvas(-0.2, -0.05, 0.04, 0.14, tpu)
        p.fill(
            spline((0.02, 0.0), (-0.08, -0.02), (-0.18, 0.06), (-0.12, 0.12), (-0.02, 0.06)),
            accent,
            **fin,
        )
        return [f.done(), p.done()]

    @staticmethod
    def pose(phase: float, swing: float) -> list[Piece]:
        wave = Wave(0, 0.12 * swing, 0.004 * swing, -0.55, 0.4, -5.0, phase)
        paddle = place(0.16, 0.06, 0.5 * swing * sin(phase + 1.0))
        return [Piece(0, place(0, 0), wave), Piece(1, paddle)]


class Jellyfish:
    """A jellyfish, 1 unit tall with its tentacles; the bell pulses, the tentacles wave."""

    ground, directed, area = False, False, 0.42

    @staticmethod
    def parts(look: Look, tpu: int) -> list[Sprite]:
        coat, second, accent = look.colours()
        bell = Canvas(-0.36, -0.34, 0.36, 0.16, tpu)
        bell.fill(
            spline(
                (-0.33, 0.06),
                (-0.3, -0.16),
                (-0.14, -0.3),
                (0.14, -0.3),
                (0.3, -0.16),
                (0.33, 0.06),
                (0.22, 0.12),
                (0.11, 0.05),
                (0.0, 0.12),
                (-0.11, 0.05),
                (-0.22, 0.12),
            ),
            coat,
            second,
            look.texture(0.18),
            alpha=0.94,
        )
        bell.fill(
            spline((-0.2, -0.1), (-0.1, -0.22), (0.04, -0.25), (-0.08, -0.16)),
            WHITE,
            shade=0,
            alpha=0.45,
        )
        t = Canvas(-0.3, -0.02, 0.3, 0.68, tpu)
        for i, x in enumerate((-0.24, -0.14, -0.05, 0.05, 0.14, 0.24)):
            length = 0.42 + 0.22 * ((i * 7 + look.seed) % 5) / 4
            t.fill(
                capsule(x, 0, 0.8 * x, length, 0.034, 0.014),
                second if i % 2 else accent,
                alpha=0.92,
            )
        return [bell.done(), t.done()]

    @staticmethod
    def pose(phase: float, swing: float) -> list[Piece]:
        pulse = 0.16 * swing * sin(phase)
        wave = Wave(1, 0.0, 0.16 * swing + 0.01, 0.0, 0.66, 8.0, phase)
        return [
            Piece(1, place(0, -0.18, 0, 0.95 - pulse, 1 + 0.5 * pulse), wave),
            Piece(0, place(0, -0.2, 0, 1 - pulse, 1 + pulse)),
        ]
