"""Attention and other maps as pictures; arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import matplotlib
import numpy as np

from vosedu.figures.overlay import COLOURS

GAINED, LOST, EXCHANGED = COLOURS[4], COLOURS[5], COLOURS[3]  # blue, orange, yellow


def heat(frame: np.ndarray, values: np.ndarray, high: float, low: float = 0.0) -> np.ndarray:
    """A map over its frame: grey where nothing is, viridis in the places of `values`.

    frame: H x W x 3 uint8. values: h x w, each drawn as the block of pixels it stands for; `low`
    and below is darkest, `high` and above brightest. Returns H x W x 3 uint8.
    """
    height, width = frame.shape[:2]
    share = np.clip((values - low) / max(high - low, 1e-12), 0, 1).astype(np.float32)
    blocks = cv2.resize(share, (width, height), interpolation=cv2.INTER_NEAREST)
    colours = 255 * matplotlib.colormaps["viridis"](blocks)[..., :3]
    grey = frame.mean(2, keepdims=True)
    return (0.35 * grey + 0.65 * colours).round().astype(np.uint8)


def ring(frame: np.ndarray, x: int, y: int) -> np.ndarray:
    """The frame with a white ring, edged in black, around pixel (x, y)."""
    marked = np.ascontiguousarray(frame).copy()
    radius = max(3, round(min(frame.shape[:2]) / 24))
    for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.circle(marked, (int(x), int(y)), radius, colour, width, cv2.LINE_AA)
    return marked


def changes(frame: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Two masks of one frame, H x W ids, and what differs between them.

    Pixels gained are drawn in blue, lost in orange, given to another object in yellow, kept in
    white. Returns H x W x 3 uint8.
    """
    drawn = 0.5 * frame.mean(2, keepdims=True).repeat(3, 2)
    was, now = before > 0, after > 0
    for pixels, colour in (
        (now & (before == after), 255),
        (now & was & (before != after), EXCHANGED),
        (now & ~was, GAINED),
        (was & ~now, LOST),
    ):
        drawn[pixels] = 0.4 * drawn[pixels] + 0.6 * np.asarray(colour)
    return drawn.round().astype(np.uint8)


def effective_support(weights: np.ndarray, axis: int = -1) -> np.ndarray:
    """exp(entropy) of distributions along `axis`: over how many positions they spread.

    One for a single peak, the number of positions for a uniform distribution.
    """
    weights = np.asarray(weights, np.float64)
    logarithms = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
    return np.exp(-(weights * logarithms).sum(axis))


def enlarged(image: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """A small picture, h x w x 3, as large as a frame, its positions visible as blocks."""
    (height, width), (h, w) = frame.shape[:2], image.shape[:2]
    return image[np.arange(height) * h // height][:, np.arange(width) * w // width]


def principal_colours(maps: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Feature maps, each C x h x w: three principal components of all as RGB, uint8.

    The basis and its range are those of all maps together, so equal colours are equal features.
    """
    points = np.concatenate([m.reshape(len(m), -1).T for m in maps]).astype(np.float64)
    points -= points.mean(0)
    basis = np.linalg.svd(points, full_matrices=False)[2][:3].T
    projected = points @ basis
    low, high = np.percentile(projected, (2, 98), axis=0)
    colours = (255 * np.clip((projected - low) / (high - low + 1e-12), 0, 1)).astype(np.uint8)
    ends = np.cumsum([m[0].size for m in maps])[:-1]
    return [c.reshape(*m.shape[1:], 3) for c, m in zip(np.split(colours, ends), maps)]


def thumbnail(picture: np.ndarray, longest: int = 320) -> np.ndarray:
    """The picture, made smaller if its longer side exceeds `longest` pixels."""
    scale = longest / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
