"""Affine maps of the plane as six floats: x' = a x + b y + c, y' = d x + e y + f."""

from __future__ import annotations

import math

Affine = tuple[float, float, float, float, float, float]
IDENTITY: Affine = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def compose(m: Affine, n: Affine) -> Affine:
    """The map that applies `n` first, then `m`."""
    a, b, c, d, e, f = m
    g, h, i, j, k, q = n
    return (
        a * g + b * j,
        a * h + b * k,
        a * i + b * q + c,
        d * g + e * j,
        d * h + e * k,
        d * i + e * q + f,
    )


def invert(m: Affine) -> Affine:
    """The inverse map."""
    a, b, c, d, e, f = m
    det = a * e - b * d
    a, b, d, e = e / det, -b / det, -d / det, a / det
    return (a, b, -(a * c + b * f), d, e, -(d * c + e * f))


def place(x: float, y: float, angle: float = 0.0, sx: float = 1.0, sy: float = 1.0) -> Affine:
    """Scale by (sx, sy), rotate by `angle` (radians, clockwise on screen), move to (x, y)."""
    c, s = math.cos(angle), math.sin(angle)
    return (c * sx, -s * sy, x, s * sx, c * sy, y)


def apply(m: Affine, x: float, y: float) -> tuple[float, float]:
    """The image of one point."""
    return m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]
