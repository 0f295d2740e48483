"""Solutions of notebooks/exercises/3_flow.ipynb. Look here after you have tried.

Every function passes the check of the same name: `exercises.sheet("flow").check(mirrored)`.
"""

from __future__ import annotations

import numpy as np


def length(field):
    """Of every vector."""
    return np.hypot(field[..., 0], field[..., 1])


def end_point_error(field, exact, occlusion):
    """The mean length of the error, where the next frame shows the pixel."""
    return length(field - exact)[~occlusion].mean()


def contrast(field, labels):
    """How far each vector is from the camera's, which the background's median stands for."""
    return length(field - np.median(field[labels == 0], axis=0))


def targets(field):
    """Row and column of the pixel that each vector points at, kept inside the picture."""
    height, width = field.shape[:2]
    y, x = np.mgrid[:height, :width]
    rows = np.clip(y + field[..., 1].astype(int), 0, height - 1)
    return rows, np.clip(x + field[..., 0].astype(int), 0, width - 1)


def pull_back(following, field):
    """The next frame, read where each pixel went."""
    return following[targets(field)]


def mirrored(field):
    """Places and directions change sides; what goes down still goes down."""
    return field[:, ::-1] * np.array([-1, 1])


def enlarged(field, factor):
    """The same motion in a larger picture is more pixels."""
    return field.repeat(factor, axis=0).repeat(factor, axis=1) * factor


def followed(fields, x, y):
    """Where a pixel is after all frames."""
    for field in fields:
        rows, columns = targets(field)
        y, x = rows[y, x], columns[y, x]
    return x, y


def inconsistency(forward, backward):
    """Sundaram, Brox and Keutzer (ECCV 2010), Eq. 5."""
    height, width = forward.shape[:2]
    y, x = np.mgrid[:height, :width]
    back = backward[targets(forward)]
    sizes = (forward**2).sum(axis=2) + (back**2).sum(axis=2)
    miss = ((forward + back) ** 2).sum(axis=2) / (0.01 * sizes + 0.5)
    ends = x + forward[..., 0], y + forward[..., 1]
    inside = (ends[0] >= 0) & (ends[0] < width) & (ends[1] >= 0) & (ends[1] < height)
    return np.where(inside, miss, np.inf)


def best_j(values, labels):
    """Every value that occurs is a threshold worth trying."""
    truth = labels > 0
    found = [values >= level for level in np.unique(values)]
    return max((f & truth).sum() / (f | truth).sum() for f in found)
