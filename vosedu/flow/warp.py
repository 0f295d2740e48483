"""Following a field: sampling along it, carrying it forward, checking it against the way back."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

# Sundaram, Brox and Keutzer (ECCV 2010), equation 5: a vector and the way back may differ by
# 1 % of their squared lengths plus half a square pixel.
_RELATIVE, _ABSOLUTE = 0.01, 0.5


def _targets(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height, width = field.shape[:2]
    xs = np.arange(width, dtype=np.float32) + field[..., 0]
    ys = np.arange(height, dtype=np.float32)[:, None] + field[..., 1]
    return xs.astype(np.float32), ys.astype(np.float32)


def sample(values: np.ndarray, field: np.ndarray) -> np.ndarray:
    """values at x + field(x), bilinear: the next frame pulled back onto this one.

    values: H x W or H x W x C; field: H x W x 2 pixels. Outside the picture its border repeats.
    """
    xs, ys = _targets(field)
    return cv2.remap(values, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def inside(field: np.ndarray) -> np.ndarray:
    """H x W bool: where x + field(x) still lies in the picture."""
    height, width = field.shape[:2]
    xs, ys = _targets(field)
    return (xs >= 0) & (xs <= width - 1) & (ys >= 0) & (ys <= height - 1)


def advance(field: np.ndarray) -> np.ndarray:
    """The field of frame t carried along itself onto the pixels of frame t+1.

    Every vector moves to where it points. Where several arrive, the one that differs most from the
    picture's median motion stays, because objects cover background; where none arrives (uncovered
    background, picture border), the nearest pixel's vector is taken. This is the *negated backward
    flow* of a forward field: the assumption that motion continues.
    """
    ys, xs = np.nonzero(np.isfinite(field).all(axis=2) & inside(field))
    if not len(ys):
        return np.zeros_like(field)
    vectors = field[ys, xs]  # N 2
    order = np.argsort(np.hypot(*(vectors - np.median(vectors, axis=0)).T), kind="stable")
    vectors, ys, xs = vectors[order], ys[order], xs[order]
    carried = np.full_like(field, np.nan)
    # Of equal indices the last assignment stays.
    carried[np.rint(ys + vectors[:, 1]).astype(int), np.rint(xs + vectors[:, 0]).astype(int)] = (
        vectors
    )
    nearest = distance_transform_edt(
        np.isnan(carried[..., 0]), return_distances=False, return_indices=True
    )
    return carried[tuple(nearest)]


def inconsistency(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """How badly going there and back misses the start; above 1 the vector is not to be trusted.

    |f + b|^2 / (0.01 (|f|^2 + |b|^2) + 0.5) with b sampled at the end of f (Sundaram et al., ECCV
    2010). Vectors that leave the picture cannot be checked and count as infinite. H x W float32.
    """
    back = sample(backward, forward)
    miss = ((forward + back) ** 2).sum(axis=2)
    allowed = _RELATIVE * ((forward**2).sum(axis=2) + (back**2).sum(axis=2)) + _ABSOLUTE
    return np.where(inside(forward), miss / allowed, np.inf).astype(np.float32)


def confidence(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """exp(-inconsistency): H x W float32 between 0 (occluded or wrong) and 1 (confirmed)."""
    return np.exp(-inconsistency(forward, backward))


def checked(
    forward: np.ndarray, backward: np.ndarray, reach: int = 20, step: int = 8
) -> np.ndarray:
    """The forward field with inconsistent vectors replaced by a median.

    The median, taken per component, is over the trusted vectors on a grid of spacing `step` within
    `reach` pixels; where there is none, over all trusted vectors of the picture.
    """
    trusted = inconsistency(forward, backward) <= 1
    if trusted.all() or not trusted.any():
        return forward
    votes = np.where(trusted[..., None], forward, np.nan)
    padded = np.pad(votes, ((reach, reach), (reach, reach), (0, 0)), constant_values=np.nan)
    ys, xs = np.nonzero(~trusted)
    offsets = range(0, 2 * reach + 1, step)
    around = np.stack([padded[ys + dy, xs + dx] for dy in offsets for dx in offsets])  # votes N 2
    replacement = _median_of_known(around)
    everywhere = np.median(forward[trusted], axis=0)
    field = forward.copy()
    field[ys, xs] = np.where(np.isnan(replacement), everywhere, replacement)
    return field


def _median_of_known(votes: np.ndarray) -> np.ndarray:
    """Median over the first axis of what is not NaN (NaN where nothing is); NaN sorts last."""
    ordered = np.sort(votes, axis=0)
    count = np.isfinite(votes).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(votes) - 1)
    pick = [np.take_along_axis(ordered, index[None], axis=0)[0] for index in (low, high)]
    return (pick[0] + pick[1]) / 2
