"""Which proposal stands for which object, where a method may name objects as it likes."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from vosedu.metrics.boundary_accuracy import disc, edges_of_bytes

MAX_PROPOSALS = 20
_Contour = tuple[np.ndarray, np.ndarray, int]


def label_matrix(
    pred: np.ndarray, gt: np.ndarray, n_pred: int, n_gt: int, radius: int
) -> tuple[np.ndarray, np.ndarray]:
    """J and F of every proposal with every object on one frame.

    pred, gt: H x W uint8 ids, 0 background; ids up to n_pred and n_gt count. radius: tolerance of
    F in pixels. Returns two n_pred x n_gt arrays.
    """
    counts = np.bincount(pred.ravel().astype(np.int64) * 256 + gt.ravel(), minlength=256 * 256)
    shared = counts.reshape(256, 256)
    in_pred, in_gt = shared.sum(1)[1 : n_pred + 1], shared.sum(0)[1 : n_gt + 1]
    both = shared[1 : n_pred + 1, 1 : n_gt + 1]
    either = in_pred[:, None] + in_gt - both
    J = np.where(either > 0, both / np.maximum(either, 1), 1.0)
    ours = [_edges(pred, k, radius) if n else None for k, n in enumerate(in_pred.tolist(), 1)]
    theirs = [_edges(gt, k, radius) if n else None for k, n in enumerate(in_gt.tolist(), 1)]
    return J, _boundary_matrix(ours, theirs)


def _boundary_matrix(
    ours: Sequence[_Contour | None], theirs: Sequence[_Contour | None]
) -> np.ndarray:
    F = np.zeros((len(ours), len(theirs)))
    for p, pred_side in enumerate(ours):
        for o, gt_side in enumerate(theirs):
            if pred_side is None or gt_side is None:
                F[p, o] = pred_side is gt_side
                continue
            (pred_edges, near_pred, n), (gt_edges, near_gt, m) = pred_side, gt_side
            precision = np.count_nonzero(pred_edges & near_gt) / n
            recall = np.count_nonzero(gt_edges & near_pred) / m
            if precision + recall:
                F[p, o] = 2 * precision * recall / (precision + recall)
    return F


def _edges(ids: np.ndarray, k: int, radius: int) -> _Contour | None:
    """Boundary map of one label, the map dilated, its number of pixels; None without boundary."""
    edges = edges_of_bytes((ids == k).view(np.uint8))
    n = cv2.countNonZero(edges)
    return (edges, np.asarray(cv2.dilate(edges, disc(radius))), n) if n else None


def assign(J: np.ndarray, F: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The one-to-one assignment of proposals to objects with the highest total score.

    J, F: T x P x O with P >= O, per frame, proposal and object. Returns the P x O score matrix (the
    mean of mean J and mean F), and the proposal and object indices, in proposal order. Extra
    proposals cost nothing. Caelles et al., The 2019 DAVIS Challenge, section 3.
    """
    matrix = (J.mean(0) + F.mean(0)) / 2
    proposals, objects = linear_sum_assignment(-matrix)
    return matrix, proposals, objects
