"""What an articulated object is made of: looks, parts, waves; and the palettes they wear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vosedu.toyvos import paint
from vosedu.toyvos.affine import Affine
from vosedu.toyvos.paint import Canvas, Colour, Pattern

PALETTES: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((219, 96, 58), (250, 214, 150), (52, 70, 110)),
    ((238, 178, 58), (120, 62, 40), (48, 112, 118)),
    ((70, 130, 180), (240, 236, 220), (226, 92, 72)),
    ((196, 62, 84), (250, 226, 206), (66, 48, 84)),
    ((118, 88, 66), (232, 208, 170), (190, 84, 50)),
    ((86, 158, 128), (238, 226, 160), (204, 84, 96)),
    ((236, 232, 222), (66, 62, 66), (232, 160, 70)),
    ((146, 110, 178), (248, 204, 96), (62, 122, 142)),
    ((62, 66, 78), (214, 214, 206), (222, 88, 62)),
    ((242, 140, 128), (250, 236, 214), (92, 96, 150)),
    ((204, 150, 92), (98, 62, 44), (250, 240, 214)),
    ((42, 150, 168), (252, 224, 120), (234, 98, 78)),
    ((168, 178, 92), (84, 92, 46), (232, 138, 66)),
    ((232, 196, 196), (176, 76, 96), (88, 66, 82)),
)
EYE: Colour = (34, 28, 30)
WHITE: Colour = (250, 248, 240)
SKINS: tuple[Colour, ...] = ((240, 196, 164), (212, 156, 116), (150, 100, 70), (98, 64, 48))


@dataclass(frozen=True)
class Look:
    """How one individual is painted, in integers: palette, pattern, a seed, and how varied."""

    palette: int
    pattern: int
    seed: int
    variety: int  # 0: one colour all over .. 100: parts in distinct colours

    def colours(self) -> tuple[Colour, Colour, Colour]:
        """Main, second and accent colour, drawn together when `variety` is low."""
        main, second, accent = PALETTES[self.palette % len(PALETTES)]
        share = self.variety / 100.0

        def near(c: Colour) -> Colour:
            r = tuple(m * 0.86 + 0.14 * v for m, v in zip(main, c))
            return tuple(round(a + (b - a) * share) for a, b in zip(r, c))

        return main, near(second), near(accent)

    def texture(self, period: float = 0.16) -> Pattern:
        """The coat's pattern, in units of the part."""
        options = (
            paint.stripes(period, 0.35, 0.02),
            paint.spots(period * 1.1, 0.5),
            paint.blotches(self.seed, period * 2.2),
            paint.checks(period * 1.5),
            paint.stripes(period * 1.3, 1.45, 0.03, 0.4),
        )
        return options[self.pattern % len(options)]

    def skin(self) -> Colour:
        """A skin tone."""
        return SKINS[self.seed % len(SKINS)]


def darker(c: Colour, factor: float = 0.72) -> Colour:
    """The same colour, further from the light."""
    return tuple(round(v * factor) for v in c)


@dataclass(frozen=True)
class Wave:
    """A travelling shear: the coordinate across is moved by a(s) sin(k s - phase), s along.

    `along` 0: s = x and y is moved; 1: s = y and x is moved. The amplitude grows linearly from
    `lo` at `s0` to `hi` at `s1`. Since s itself is unchanged, the inverse is exact.
    """

    along: int
    lo: float
    hi: float
    s0: float
    s1: float
    k: float
    phase: float

    def shift(self, s: np.ndarray) -> np.ndarray:
        """The displacement at positions s."""
        t = np.clip((s - self.s0) / (self.s1 - self.s0), 0, 1)
        return (self.lo + (self.hi - self.lo) * t) * np.sin(self.k * s - self.phase)

    @property
    def reach(self) -> float:
        """The largest displacement."""
        return max(abs(self.lo), abs(self.hi))


@dataclass(frozen=True)
class Piece:
    """One part in one pose: which sprite, the map from part to object units, a wave or None."""

    sprite: int
    map: Affine
    wave: Wave | None = None


def limb(length: float, r0: float, r1: float, colour: Colour, tpu: int, **fill: object) -> Canvas:
    """A limb that hangs from its joint at (0, 0) to (0, length)."""
    r = max(r0, r1)
    canvas = Canvas(-r, -r, r, length + r, tpu)
    return canvas.fill(paint.capsule(0, 0, 0, length, r0, r1), colour, **fill)
