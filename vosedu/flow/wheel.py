"""The Middlebury colour wheel: a field of vectors as a picture.

Hue is the direction, saturation the length relative to a reference length; zero motion is white.
Wheel and formula are those of the RAFT viewer, of `flow_vis` and of torchvision's `flow_to_image`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from vosedu.errors import InputError

EPS = 1e-5
PERCENTILE = 99.0
Scale = Literal["max", "percentile"] | float

# Steps from red to yellow, yellow to green, green to cyan, cyan to blue, blue to magenta, and
# magenta back to red.
_STEPS = (15, 6, 4, 11, 13, 6)
# In each ramp one channel moves: (channel, whether it rises); the others stay at 0 or 255.
_RAMPS = ((1, True), (0, False), (2, True), (1, False), (0, True), (2, False))


def _make_wheel() -> np.ndarray:
    colours = np.zeros((sum(_STEPS), 3), np.uint8)
    colour, start = np.array([255, 0, 0]), 0
    for steps, (channel, rises) in zip(_STEPS, _RAMPS):
        ramp = 255 * np.arange(steps) // steps
        colours[start : start + steps] = colour
        colours[start : start + steps, channel] = ramp if rises else 255 - ramp
        colour[channel] = 255 if rises else 0
        start += steps
    return colours


WHEEL = _make_wheel()  # 55 x 3 uint8 RGB


def to_colour(
    field: np.ndarray,
    scale: Scale = "max",
    order: Literal["rgb", "bgr"] = "rgb",
    still: float = 0.0,
) -> np.ndarray:
    """Draw a flow field.

    field: H x W x 2, (dx, dy) in pixels; vectors that are not finite are drawn white.
    scale: the length drawn fully saturated. "max" takes the longest vector of this picture (what
        all five papers' tools do), "percentile" the 99th percentile with saturation beyond it (one
        mismatched vector no longer washes out the rest), a number that many pixels (comparable
        between frames).
    order: "rgb", or "bgr": red and blue exchanged. HCPN's released weights were trained on
        exchanged colours, because an RGB array went to a writer that takes BGR.
    still: a picture whose reference length is below this many pixels is drawn white; 0.5 is a good
        choice for training of one's own, 0 is what the papers do.
    Returns H x W x 3 uint8.
    """
    if field.ndim != 3 or field.shape[2] != 2:
        raise InputError(
            f"a flow field has the shape H x W x 2 but this one has {field.shape}; "
            "pass one field at a time"
        )
    if order not in ("rgb", "bgr"):
        raise InputError(f"the channel order '{order}' is unknown; choose rgb or bgr")
    known = np.isfinite(field).all(axis=2)
    field = np.where(known[..., None], field, 0).astype(np.float64)
    radius = np.hypot(field[..., 0], field[..., 1])
    reference = _reference_length(radius[known], scale)
    if reference < still:
        return np.full((*field.shape[:2], 3), 255, np.uint8)
    radius = np.minimum(radius / (reference + EPS), 1)[..., None]  # H W 1

    angle = np.arctan2(-field[..., 1], -field[..., 0]) / np.pi
    position = (angle + 1) / 2 * (len(WHEEL) - 1)
    below = position.astype(np.intp)
    share = (position - below)[..., None]
    colours = WHEEL / 255
    hue = (1 - share) * colours[below] + share * colours[(below + 1) % len(WHEEL)]  # H W 3
    picture = np.floor(255 * (1 - radius * (1 - hue))).astype(np.uint8)
    return picture if order == "rgb" else np.ascontiguousarray(picture[..., ::-1])


def _reference_length(radius: np.ndarray, scale: Scale) -> float:
    if scale == "max":
        return float(radius.max(initial=0))
    if scale == "percentile":
        return float(np.percentile(radius, PERCENTILE)) if radius.size else 0.0
    if isinstance(scale, (int, float)) and scale > 0:
        return float(scale)
    raise InputError(
        f"the flow scale {scale!r} is unknown; choose max, percentile or a number of pixels above 0"
    )


def legend(side: int = 129) -> np.ndarray:
    """The wheel itself, side x side x 3 uint8: the colour of every direction, white at rest."""
    axis = np.linspace(-1, 1, side)
    field = np.stack(np.meshgrid(axis, axis), axis=2)
    field[np.hypot(field[..., 0], field[..., 1]) > 1] = np.nan
    return to_colour(field, scale=1.0)
