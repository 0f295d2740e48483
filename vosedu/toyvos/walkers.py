"""What goes on the ground: people, quadrupeds, snakes. Facing right; the origin is the foot.

Every family gives `parts(look, tpu)`, the sprites, and `pose(phase, swing)`, the pieces from back
to front. `phase` runs 2 pi per gait cycle, `swing` in 0..1 is how far the limbs move.
"""

from __future__ import annotations

from math import cos, pi, sin

from vosedu.toyvos import paint
from vosedu.toyvos.affine import Affine, compose, place
from vosedu.toyvos.body import EYE, WHITE, Look, Piece, Wave, darker, limb
from vosedu.toyvos.paint import Canvas, Sprite, capsule, ellipse, polygon, spline


def _two(at: Affine, upper: int, lower: int, a: float, b: float, length: float) -> list[Piece]:
    """An upper and a lower limb: hanging at `at`, bent by a, then by b (radians)."""
    first = compose(at, place(0, 0, a))
    return [Piece(lower, compose(first, place(0, length, b))), Piece(upper, first)]


class Walker:
    """A person on foot, 1 unit tall."""

    ground, directed, area = True, True, 0.16

    @staticmethod
    def parts(look: Look, tpu: int) -> list[Sprite]:
        shirt, second, trousers = look.colours()
        skin, hair = look.skin(), darker(look.colours()[1], 0.45)
        far, shade = darker(trousers), darker(shirt)
        torso = Canvas(-0.15, -0.36, 0.15, 0.05, tpu)
        torso.fill(
            spline(
                (-0.1, -0.31),
                (0, -0.345),
                (0.1, -0.31),
                (0.125, -0.16),
                (0.1, 0.03),
                (0, 0.045),
                (-0.1, 0.03),
                (-0.12, -0.16),
            ),
            shirt,
            second,
            look.texture(0.1),
        )
        torso.fill(capsule(-0.085, 0.012, 0.085, 0.012, 0.022, 0.022), darker(trousers, 0.6))
        head = Canvas(-0.12, -0.25, 0.15, 0.06, tpu)
        head.fill(capsule(0, 0.02, 0, -0.05, 0.038, 0.038), darker(skin, 0.85))
        head.fill(ellipse(0.012, -0.115, 0.088, 0.1), skin)
        head.fill(ellipse(0.1, -0.105, 0.02, 0.018), skin)
        head.fill(
            spline(
                (-0.07, -0.05),
                (-0.1, -0.13),
                (-0.05, -0.22),
                (0.04, -0.235),
                (0.1, -0.18),
                (0.06, -0.165),
                (-0.01, -0.15),
                (-0.03, -0.09),
            ),
            hair,
        )
        head.fill(ellipse(0.066, -0.12, 0.013, 0.018), EYE, shade=0)

        def shoe(colour: paint.Colour, boot: paint.Colour) -> Sprite:
            leg = Canvas(-0.07, -0.06, 0.12, 0.27, tpu)
            leg.fill(capsule(0, 0, 0, 0.2, 0.054, 0.04), colour)
            return leg.fill(capsule(0.0, 0.228, 0.065, 0.232, 0.034, 0.026), boot).done()

        def arm(colour: paint.Colour, hand: paint.Colour) -> Sprite:
            fore = Canvas(-0.05, -0.05, 0.05, 0.21, tpu)
            fore.fill(ellipse(0, 0.165, 0.034, 0.04), hand)
            return fore.fill(capsule(0, 0, 0, 0.125, 0.04, 0.032), colour).done()

        boot = darker(trousers, 0.45)
        return [
            torso.done(),
            head.done(),
            limb(0.22, 0.07, 0.055, trousers, tpu).done(),
            shoe(trousers, boot),
            limb(0.22, 0.07, 0.055, far, tpu).done(),
            shoe(far, boot),
            limb(0.15, 0.05, 0.04, shirt, tpu).done(),
            arm(shirt, skin),
            limb(0.15, 0.05, 0.04, shade, tpu).done(),
            arm(shade, darker(skin, 0.8)),
        ]

    @staticmethod
    def pose(phase: float, swing: float) -> list[Piece]:
        bob = 0.018 * swing * cos(2 * phase)
        hip = place(0, -0.485 + bob, 0.05 * swing)
        shoulder = compose(hip, place(0, -0.29))

        def leg(q: float, upper: int, lower: int) -> list[Piece]:
            a = -0.62 * swing * sin(q)
            b = swing * (0.28 + 0.62 * max(0.0, cos(q)))
            return _two(compose(hip, place(0, 0.02)), upper, lower, a, b, 0.22)

        def arm(q: float, upper: int, lower: int) -> list[Piece]:
            a = 0.7 * swing * sin(q)
            return _two(shoulder, upper, lower, a, -0.25 - 0.4 * swing, 0.15)

        return [
            *arm(phase + pi, 8, 9),
            *leg(phase + pi, 4, 5),
            *leg(phase, 2, 3),
            Piece(1, compose(hip, place(0.01, -0.325, 0.04 * swing * sin(2 * phase)))),
            Piece(0, hip),
            *arm(phase, 6, 7),
        ]


class Quadruped:
    """A four-legged animal, 1 unit from breast to rump and a bit."""

    ground, directed, area = True, True, 0.36

    @staticmethod
    def parts(look: Look, tpu: int) -> list[Sprite]:
        coat, second, accent = look.colours()
        mane = darker(accent, 0.8)
        body = Canvas(-0.5, -0.26, 0.5, 0.26, tpu)
        body.fill(
            spline(
                (-0.46, -0.06),
                (-0.38, -0.19),
                (-0.1, -0.16),
                (0.18, -0.19),
                (0.42, -0.17),
                (0.47, -0.02),
                (0.36, 0.14),
                (0.05, 0.17),
                (-0.22, 0.11),
                (-0.4, 0.12),
            ),
            coat,
            second,
            look.texture(0.2),
        )
        kind = look.seed % 3
        neck = (0.2, -0.34) if kind == 0 else (0.14, -0.2) if kind == 1 else (0.17, -0.46)
        head = Canvas(-0.16, neck[1] - 0.24, 0.5, 0.16, tpu)
        head.fill(capsule(0, 0.02, neck[0], neck[1], 0.15, 0.085), coat, second, look.texture(0.2))
        head.fill(capsule(-0.06, -0.1, neck[0] - 0.06, neck[1] - 0.04, 0.05, 0.05), mane)
        hx, hy = neck
        head.fill(
            spline((hx - 0.05, hy - 0.07), (hx - 0.03, hy - 0.21), (hx + 0.04, hy - 0.09)),
            darker(coat, 0.8),
        )
        head.fill(capsule(hx + 0.02, hy, hx + 0.2, hy + 0.07, 0.1, 0.062), coat)
        head.fill(ellipse(hx + 0.22, hy + 0.075, 0.055, 0.058), second)
        head.fill(
            spline((hx + 0.02, hy - 0.06), (hx + 0.045, hy - 0.22), (hx + 0.1, hy - 0.06)), coat
        )
        head.fill(ellipse(hx + 0.1, hy - 0.015, 0.02, 0.024), EYE, shade=0)
        head.fill(ellipse(hx + 0.107, hy - 0.022, 0.007, 0.007), WHITE, shade=0)
        head.fill(ellipse(hx + 0.258, hy + 0.06, 0.014, 0.014), darker(accent, 0.4), shade=0)
        tail = Canvas(-0.36, -0.08, 0.06, 0.12, tpu)
        tail.fill(capsule(0, 0, -0.28, 0.03, 0.035, 0.055), mane)

        def lower(colour: paint.Colour) -> Sprite:
            leg = Canvas(-0.06, -0.06, 0.1, 0.28, tpu)
            leg.fill(capsule(0, 0, 0, 0.2, 0.052, 0.036), colour)
            return leg.fill(
                capsule(0.005, 0.235, 0.04, 0.24, 0.032, 0.026), darker(accent, 0.5)
            ).done()

        far = darker(coat)
        return [
            body.done(),
            head.done(),
            tail.done(),
            limb(0.2, 0.095, 0.055, coat, tpu).done(),
            lower(coat),
            limb(0.2, 0.095, 0.055, far, tpu).done(),
            lower(far),
        ]

    @staticmethod
    def pose(phase: float, swing: float) -> list[Piece]:
        bob = 0.025 * swing * sin(2 * phase)
        trunk = place(0, -0.53 + bob, 0.05 * swing * sin(phase))

        def leg(x: float, q: float, upper: int, lower: int, knee: float) -> list[Piece]:
            a = -0.6 * swing * sin(q)
            b = knee * swing * (0.2 + 0.7 * max(0.0, cos(q)))
            return _two(compose(trunk, place(x, 0.06)), upper, lower, a, b, 0.2)

        wag = Wave(0, 0.0, 0.07 * swing, 0.0, -0.3, 9.0, 2 * phase)
        nod = 0.1 * swing * sin(phase + 0.6)
        return [
            *leg(0.27, phase + pi, 5, 6, 1.0),
            *leg(-0.29, phase, 5, 6, 1.0),
            Piece(2, compose(trunk, place(-0.43, -0.1, -0.35)), wag),
            Piece(0, trunk),
            Piece(1, compose(trunk, place(0.38, -0.06, nod))),
            *leg(0.31, phase, 3, 4, 1.0),
            *leg(-0.33, phase + pi, 3, 4, 1.0),
        ]


class Snake:
    """A snake or worm, 1 unit long, creeping; the whole body is one travelling wave."""

    ground, directed, area = True, True, 0.09

    @staticmethod
    def parts(look: Look, tpu: int) -> list[Sprite]:
        coat, second, accent = look.colours()
        s = Canvas(-0.54, -0.12, 0.62, 0.12, tpu)
        s.fill(
            spline(
                (-0.52, 0),
                (-0.3, -0.045),
                (0.1, -0.066),
                (0.38, -0.06),
                (0.46, -0.075),
                (0.54, -0.05),
                (0.56, 0.0),
                (0.54, 0.05),
                (0.46, 0.075),
                (0.38, 0.06),
                (0.1, 0.066),
                (-0.3, 0.045),
            ),
            coat,
            second if look.variety > 20 else darker(coat, 0.8),
            look.texture(0.12),
        )
        s.fill(polygon((0.55, -0.008), (0.61, -0.02), (0.6, 0.012), (0.55, 0.008)), accent, shade=0)
        s.fill(ellipse(0.48, -0.03, 0.02, 0.018), WHITE, shade=0)
        s.fill(ellipse(0.486, -0.03, 0.011, 0.012), EYE, shade=0)
        return [s.done()]

    @staticmethod
    def pose(phase: float, swing: float) -> list[Piece]:
        wave = Wave(0, 0.13 * swing + 0.01, 0.035 * swing, -0.5, 0.55, -11.0, phase)
        return [Piece(0, place(0, -0.1), wave)]
