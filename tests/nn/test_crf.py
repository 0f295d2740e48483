"""The dense CRF: what its kernels do, and that lattice and exact kernels agree."""

from __future__ import annotations

import numpy as np
import pytest

from vosedu.errors import InputError
from vosedu.nn import crf
from vosedu.nn.crf import CRF


def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A bright square on dark ground, and a blurred, noisy probability of it."""
    rng = np.random.default_rng(0)
    mask = np.zeros((40, 60), bool)
    mask[10:30, 20:45] = True
    frame = np.where(mask[..., None], 200, 40) + rng.integers(-10, 11, (40, 60, 3))
    shifted = np.roll(mask, (3, 3), (0, 1))
    probability = np.clip(0.25 + 0.5 * shifted + 0.1 * rng.standard_normal(mask.shape), 0.02, 0.98)
    return mask, frame.astype(np.uint8), probability.astype(np.float32)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


def test_a_shifted_mask_snaps_back_to_the_edges_of_the_image() -> None:
    mask, frame, probability = scene()
    assert iou(probability > 0.5, mask) < 0.75
    assert iou(CRF().refine_exactly(probability, frame) > 0.5, mask) > 0.95


def test_lattice_agrees_with_exact_kernels() -> None:
    pytest.importorskip("pydensecrf", reason="the extra 'crf' is not installed")
    _, frame, probability = scene()
    frame.flags.writeable = False  # as decoded files are
    exact = CRF().refine_exactly(probability, frame)
    assert iou(CRF().refine(probability, frame) > 0.5, exact > 0.5) > 0.97


def test_one_step_without_kernels_returns_the_probability() -> None:
    _, frame, probability = scene()
    still = CRF(smooth=(1.0, 0.0), bilateral=(15.0, 7.0, 0.0), steps=1)
    assert np.allclose(still.refine_exactly(probability, frame), probability, atol=1e-5)


def test_stretching_invents_an_object_in_an_empty_frame() -> None:
    _, frame, _ = scene()
    faint = np.full(frame.shape[:2], 0.01, np.float32)
    faint[5:15, 5:15] = 0.05
    assert not (CRF().refine_exactly(faint, frame) > 0.5).any()
    assert (CRF(stretch=True, bilateral=(15.0, 7.0, 0.0)).refine_exactly(faint, frame) > 0.5).any()


def test_a_large_frame_without_the_extra_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crf, "has_lattice", lambda: False)
    with pytest.raises(InputError, match="vosedu\\[crf\\]"):
        CRF().check((480, 854))
    with pytest.raises(InputError, match="vosedu\\[crf\\]"):
        CRF().refine(np.zeros((480, 854), np.float32), np.zeros((480, 854, 3), np.uint8))
