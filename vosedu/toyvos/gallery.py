"""Pictures of ToyVOS as arrays: film strips, contact sheets, outlines."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from vosedu.toyvos import families, themes
from vosedu.toyvos.render import ToyClip, render
from vosedu.toyvos.suites import scene

# Okabe and Ito's colours, which most colour-blind people tell apart
OUTLINES = ((240, 228, 66), (86, 180, 233), (213, 94, 0), (204, 121, 167))


def outlined(frame: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """A frame (H x W x 3 uint8) with a line around each object of `ids` (H x W)."""
    out = frame.copy()
    for k in np.unique(ids):
        if k and k != 255:
            lines, _ = cv2.findContours(
                (ids == k).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
            )
            cv2.drawContours(out, lines, -1, OUTLINES[(int(k) - 1) % 4], max(1, len(frame) // 120))
    return out


def sheet(pictures: Sequence[np.ndarray], columns: int, gap: int = 3) -> np.ndarray:
    """Pictures of one size in rows, white between them."""
    h, w = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    out = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, 3), 255, np.uint8)
    for k, picture in enumerate(pictures):
        y, x = k // columns * (h + gap), k % columns * (w + gap)
        out[y : y + h, x : x + w] = picture
    return out


def strip(clip: ToyClip, times: Sequence[int], outline: bool = True) -> np.ndarray:
    """Frames of a clip side by side, objects outlined."""
    frames = [
        outlined(clip.frames[t], clip.labels[t]) if outline else clip.frames[t] for t in times
    ]
    return sheet(frames, len(frames))


def family_sheet(height: int = 120, columns: int = 5) -> np.ndarray:
    """One picture per family."""
    pictures = []
    for k, family in enumerate(families.NAMES):
        calm = {"OC": 0, "OV": 0, "LR": 0, "SV": 0, "EA": 0, "AC": 0, "BC": 0, "MB": 0}
        plan = scene(40 + k, family=family, objects=1, **calm)
        pictures.append(render(plan, height, frames=9).frames[8])
    return sheet(pictures, columns)


def theme_sheet(height: int = 120, columns: int = 4) -> np.ndarray:
    """One picture per background."""
    pictures = []
    for k, theme in enumerate(themes.NAMES):
        plan = scene(20 + k, theme=theme, objects=1, LR=0, OV=0, OC=0, EA=0)
        pictures.append(render(plan, height, frames=9).frames[8])
    return sheet(pictures, columns)


def dial_pair(code: str, seed: int, height: int = 96) -> tuple[ToyClip, ToyClip]:
    """The same seed with one dial low and high, the other troubles low."""
    calm = dict.fromkeys(
        ("AC", "BC", "CS", "DB", "EA", "FM", "IO", "LR", "OC", "OV", "SV", "MB"), "low"
    )
    low, high = (
        render(scene(seed, **{"objects": 1, **calm, code: level}), height)
        for level in ("low", "high")
    )
    return low, high
