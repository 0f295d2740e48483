"""Ways to make flow worse or better on purpose, each a pure function of one field or picture.

They are orthogonal to the ladder: any rung can be turned by any of them.
"""

from __future__ import annotations

import cv2
import numpy as np

from vosedu.clip import VOID
from vosedu.errors import InputError


def jpeg(picture: np.ndarray, quality: int = 30) -> np.ndarray:
    """A flow picture (H x W x 3 uint8) after JPEG compression; quality 1 to 100."""
    if not 1 <= quality <= 100:
        raise InputError(f"the JPEG quality {quality} is impossible; choose 1 to 100")
    # The writer subsamples chroma only if it knows which channels are which: hand it BGR.
    _, stored = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1])


def noise(field: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    """The field with independent Gaussian noise of `sigma` pixels on each component."""
    random = np.random.default_rng(seed)
    return field + random.normal(0, sigma, field.shape).astype(np.float32)


def masked(field: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """The field times a confidence in 0..1 (H x W, see `confidence`): doubt becomes stillness."""
    return field * confidence[..., None].astype(np.float32)


def global_motion(field: np.ndarray, step: int = 8) -> np.ndarray:
    """What the camera did: the field of the homography that most vectors agree with.

    Fitted to every `step`-th vector with RANSAC (1 pixel). H x W x 2 float32; zero where fewer than
    four vectors are known.
    """
    height, width = field.shape[:2]
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    grid = np.stack([xs, ys], axis=2)  # H W 2
    start, vectors = (a[step // 2 :: step, step // 2 :: step].reshape(-1, 2) for a in (grid, field))
    finite = np.isfinite(vectors).all(axis=1)
    start, end = start[finite], (start + vectors)[finite]
    homography = cv2.findHomography(start, end, cv2.RANSAC, 1.0)[0] if len(start) >= 4 else None
    if homography is None:
        return np.zeros_like(field)
    return (cv2.perspectiveTransform(grid, homography) - grid).astype(np.float32)


def without_global_motion(field: np.ndarray, step: int = 8) -> np.ndarray:
    """The field minus `global_motion`: a panning background becomes still."""
    return field - global_motion(field, step)


def object_median(field: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The field with every object's vectors replaced by their median: a bound, it reads labels.

    labels: H x W object ids; background (0) and void (255) keep their vectors. Tells what perfectly
    coherent object motion would give.
    """
    bound = field.copy()
    for name in np.unique(labels):
        inside = (labels == name) & np.isfinite(field).all(axis=2)
        if name not in (0, VOID) and inside.any():
            bound[labels == name] = np.median(field[inside], axis=0)
    return bound
