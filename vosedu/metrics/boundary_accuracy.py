"""Boundary accuracy F, the agreement of two contours within a tolerance."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np

from vosedu.errors import InputError
from vosedu.metrics.masks import binary, pair

TOLERANCE = 0.008


def boundary_map(mask: np.ndarray) -> np.ndarray:
    """H x W mask -> H x W bool: which pixels are on the contour.

    They differ from their right, lower or lower-right neighbour.
    The contour is one pixel wide and sits on the upper left of each edge. Neighbours outside the
    picture do not count, so a mask that the frame cuts off has no boundary along the frame.
    """
    return edges_of_bytes(binary(mask)).view(bool)


def edges_of_bytes(mask: np.ndarray) -> np.ndarray:
    """`boundary_map` of an H x W uint8 mask of 0 and 1, as the same."""
    edges = np.zeros_like(mask)
    edges[:, :-1] = mask[:, :-1] ^ mask[:, 1:]
    edges[:-1] |= mask[:-1] ^ mask[1:]
    edges[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return edges


def tolerance_radius(size: tuple[int, int], tolerance: float = TOLERANCE) -> int:
    """How far, in pixels, two boundary pixels may lie apart and still match.

    size: (H, W). A tolerance below 1 is a share of the picture's diagonal, rounded up; from 1 on
    it is in pixels already.
    """
    if not tolerance >= 0:
        raise InputError(f"the boundary tolerance is {tolerance}; give 0 or more")
    return math.ceil(tolerance if tolerance >= 1 else tolerance * math.hypot(*size))


@lru_cache(maxsize=16)
def disc(radius: int) -> np.ndarray:
    """The filled disc dx^2 + dy^2 <= radius^2, (2 radius + 1)^2 uint8."""
    axis = np.arange(-radius, radius + 1)
    return (axis[:, None] ** 2 + axis**2 <= radius**2).astype(np.uint8)


def boundary(
    pred: np.ndarray, gt: np.ndarray, void: np.ndarray | None = None, tolerance: float = TOLERANCE
) -> float:
    """F = 2PR / (P + R) of two contours.

    Precision P is the share of predicted boundary pixels no farther from a true one than the
    tolerance radius (0.008 of the diagonal: 8 pixels at 854 x 480); recall R swaps the roles. Two
    masks without boundary agree and give 1, one without gives 0.

    pred, gt: H x W, non-zero is foreground. void: H x W, non-zero pixels become background in both
    masks before boundaries are taken. Perazzi et al., CVPR 2016, section 5.1; dilation in place of
    bipartite matching as in the official tools, whose numbers these are.
    """
    pred, gt, _ = pair(pred, gt, void)
    return boundary_of_bytes(pred, gt, tolerance_radius(pred.shape, tolerance))


def boundary_of_bytes(pred: np.ndarray, gt: np.ndarray, radius: int) -> float:
    """F of two H x W uint8 masks of 0 and 1 that have one size; see `boundary`."""
    # All work happens in the masks' joint bounding box, grown by the pixel that the upper-left
    # convention needs; what the frame clips keeps its rule for last rows and columns.
    x, y, width, height = cv2.boundingRect(pred | gt)
    window = np.s_[max(y - 1, 0) : y + height + 1, max(x - 1, 0) : x + width + 1]
    pred, gt = pred[window], gt[window]
    if np.array_equal(pred, gt):
        return 1.0
    pred_edges, gt_edges = edges_of_bytes(pred), edges_of_bytes(gt)
    n_pred, n_gt = cv2.countNonZero(pred_edges), cv2.countNonZero(gt_edges)
    if not n_pred or not n_gt:
        return float(n_pred == n_gt)
    near_gt, near_pred = cv2.dilate(gt_edges, disc(radius)), cv2.dilate(pred_edges, disc(radius))
    precision = cv2.countNonZero(pred_edges & near_gt) / n_pred
    recall = cv2.countNonZero(gt_edges & near_pred) / n_gt
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
