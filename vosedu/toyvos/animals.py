"""Animals and people: painted parts and poses. Facing right; the origin is where the shadow falls.

Every family gives `parts(look, tpu)`, the sprites, and `pose(phase, swing)`, the pieces from back
to front. `phase` runs 2 pi per gait cycle, `swing` in 0..1 is how far the limbs move.
"""

from __future__ import annotations

from math import cos, pi, sin

from vosedu.toyvos import paint
from vosedu.toyvos.affine import Affine, compose, place
from vosedu.toyvos.body import Look, Piece, Wave, darker, limb
from vosedu.toyvos.paint import Canvas, Sprite, capsule, ellipse, polygon, spline

_EYE = (34, 28, 30)
_WHITE = (250, 248, 240)


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
        head.fill(ellipse(0.066, -0.12, 0.013, 0.018), _EYE, shade=0)

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
        head.fill(ellipse(hx + 0.1, hy - 0.015, 0.02, 0.024), _EYE, shade=0)
        head.fill(ellipse(hx + 0.107, hy - 0.022, 0.007, 0.007), _WHITE, shade=0)
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
        body.fill(ellipse(0.305, -0.065, 0.026, 0.028), _WHITE, shade=0)
        body.fill(ellipse(0.312, -0.065, 0.016, 0.018), _EYE, shade=0)

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
        w.fill(ellipse(0.4, -0.29, 0.045, 0.045), _WHITE, shade=0)
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
        f.fill(ellipse(0.31, -0.045, 0.042, 0.042), _WHITE, shade=0.2)
        f.fill(ellipse(0.318, -0.045, 0.024, 0.026), _EYE, shade=0)
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
        s.fill(ellipse(0.48, -0.03, 0.02, 0.018), _WHITE, shade=0)
        s.fill(ellipse(0.486, -0.03, 0.011, 0.012), _EYE, shade=0)
        return [s.done()]

    @staticmethod
    def pose(phase: float, swing: float) -> list[Piece]:
        wave = Wave(0, 0.13 * swing + 0.01, 0.035 * swing, -0.5, 0.55, -11.0, phase)
        return [Piece(0, place(0, -0.1), wave)]


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
            _WHITE,
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
