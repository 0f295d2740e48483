"""Region similarity J, the intersection over union of two masks."""

from __future__ import annotations

import cv2
import numpy as np

from vosedu.metrics.masks import pair


def region(pred: np.ndarray, gt: np.ndarray, void: np.ndarray | None = None) -> float:
    """J = |pred and gt| / |pred or gt|; two empty masks agree and give 1.

    pred, gt: H x W, non-zero is foreground. void: H x W, non-zero pixels count for nothing.
    Perazzi et al., CVPR 2016, section 5.1; void as in the DAVIS-2017 unsupervised protocol.
    """
    pred, gt, _ = pair(pred, gt, void)
    return region_of_bytes(pred, gt)


def region_of_bytes(pred: np.ndarray, gt: np.ndarray) -> float:
    """J of two H x W uint8 masks of 0 and 1 that have one size; see `region`."""
    both = cv2.countNonZero(pred & gt)
    either = cv2.countNonZero(pred) + cv2.countNonZero(gt) - both
    return both / either if either else 1.0
