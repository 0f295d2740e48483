"""Where to begin looking."""

from __future__ import annotations

import numpy as np

from vosedu.clip import VOID, Clip


def on_object(clip: Clip) -> dict[str, int]:
    """Frame, x and y in the middle of the object in the labelled frame nearest to mid-clip.

    The middle of the middle frame where there are no labels, or no object.
    """
    middle, (height, width) = len(clip) // 2, clip.size
    frame = min(clip.labels, key=lambda i: abs(i - middle), default=middle)
    truth = clip.labels.get(frame)
    if truth is None or not ((truth > 0) & (truth != VOID)).any():
        return {"frame": frame, "x": width // 2, "y": height // 2}
    ys, xs = np.nonzero((truth > 0) & (truth != VOID))
    nearest = np.hypot(ys - ys.mean(), xs - xs.mean()).argmin()  # inside, unlike the mean itself
    return {"frame": frame, "x": int(xs[nearest]), "y": int(ys[nearest])}
