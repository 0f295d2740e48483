"""What the measures share: a mask as bytes that are 0 or 1, checked."""

from __future__ import annotations

import numpy as np

from vosedu.errors import InputError


def binary(mask: np.ndarray, name: str = "mask") -> np.ndarray:
    """H x W mask -> contiguous uint8 of 0 and 1; non-zero is foreground.

    Real-valued masks must hold nothing but 0 and 1: where to cut a probability is the caller's
    choice, and it moves the score.
    """
    mask = np.asarray(mask)
    if mask.ndim != 2:
        raise InputError(
            f"the {name} has shape {mask.shape}; give one H x W mask of a single object"
        )
    if mask.dtype == bool:
        return np.ascontiguousarray(mask).view(np.uint8)
    if mask.dtype.kind == "f" and not np.isin(mask, (0, 1)).all():
        kind = "NaN" if np.isnan(mask).any() else "values between 0 and 1"
        raise InputError(f"the {name} holds {kind}; threshold finite probabilities first (> 0.5)")
    return (mask != 0).view(np.uint8)


def pair(
    pred: np.ndarray, gt: np.ndarray, void: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Both masks and the void map as bytes; void pixels are background in both masks."""
    pred, gt = binary(pred, "prediction"), binary(gt, "ground truth")
    void = None if void is None else binary(void, "void map")
    for name, mask in (("ground truth", gt), ("void map", void)):
        if mask is not None and mask.shape != pred.shape:
            raise InputError(
                f"the prediction is {pred.shape[1]} x {pred.shape[0]} but the {name} is "
                f"{mask.shape[1]} x {mask.shape[0]}; resize the probabilities to the annotation's "
                "size and threshold them afterwards"
            )
    if void is not None:
        keep = 1 - void
        pred, gt = pred & keep, gt & keep
    return pred, gt, void
