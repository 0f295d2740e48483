"""Places in a list of clips: which clip, which frame, and the pixel an explorer starts from."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vosedu.clip import VOID, Clip

Place = tuple[int, int]
"""(number of the clip in the explorer's list, number of the frame in that clip)."""

NOISE: Place = (-1, 0)
"""Stands for an image of uniform noise, which belongs to no clip."""


def place_name(place: Place, clip: int) -> str:
    """What a title calls a place while clip number `clip` is shown."""
    if place == NOISE:
        return "noise"
    return f"frame {place[1]}" + ("" if place[0] == clip else ", other clip")


def available(options: Iterable[str], clips: int) -> tuple[str, ...]:
    """The options that a list of so many clips allows.

    An option that takes something from another clip has "another clip" in its name; with one clip
    there is no other.
    """
    return tuple(option for option in options if clips > 1 or "another clip" not in option)


def on_object(clip: Clip) -> dict[str, int]:
    """Frame, x and y in the middle of the object in the labelled frame nearest to mid-clip.

    The middle of the middle frame where there are no labels, or no object.
    """
    centre, (height, width) = len(clip) // 2, clip.size
    frame = min(clip.labels, key=lambda i: abs(i - centre), default=centre)
    truth = clip.labels.get(frame)
    if truth is None or not ((truth > 0) & (truth != VOID)).any():
        return {"frame": frame, "x": width // 2, "y": height // 2}
    x, y = middle((truth > 0) & (truth != VOID))
    return {"frame": frame, "x": x, "y": y}


def middle(region: np.ndarray) -> tuple[int, int]:
    """(x, y) of the pixel of a region, H x W bool, that is nearest to the region's mean."""
    ys, xs = np.nonzero(region)
    nearest = np.hypot(ys - ys.mean(), xs - xs.mean()).argmin()  # inside, unlike the mean itself
    return int(xs[nearest]), int(ys[nearest])
