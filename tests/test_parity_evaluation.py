"""The evaluation agrees with the official DAVIS tools, one test per stored case.

Cases come from tests/golden/evaluation and from the folder that VOSEDU_PARITY_DIR names (else
../shared/parity); any further file of the same form is picked up. A file of no known form fails.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from vosedu import metrics

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "evaluation"
DEVELOPMENT = Path(os.environ.get("VOSEDU_PARITY_DIR", ROOT.parent / "shared" / "parity"))
EXACT = {"rtol": 0, "atol": 1e-12}
# Elsewhere equally cheap matchings are broken by the order of the official graph search.
T_EXACT = {"single_ellipse_shift", "single_ellipse_erode", "single_holes_parts"}

Case = Mapping[str, np.ndarray]


def _cases() -> dict[str, Path]:
    """Case name -> file; where both folders hold a case the larger set's file stands for both."""
    files = sorted(GOLDEN.glob("*.npz")) + sorted((DEVELOPMENT / "evaluation").glob("*.npz"))
    return {file.stem: file for file in files}


CASES = _cases()


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    with np.load(CASES[name], allow_pickle=False) as stored:
        case = {key: stored[key] for key in stored.files}
    form = next((form for form in CHECKS if name.startswith(form)), None)
    assert form, f"{CASES[name]} has none of the known forms {', '.join(CHECKS)}"
    CHECKS[form](case, CASES[name])


def test_some_cases_were_found() -> None:
    assert CASES


def unpack(case: Case, key: str) -> np.ndarray:
    """A bit-packed stack of masks -> T H W bool."""
    shape = case["shape"]
    return np.unpackbits(case[key])[: np.prod(shape)].reshape(shape).astype(bool)


def scores(preds, gts, voids=None) -> tuple[np.ndarray, np.ndarray]:
    """J and F of every frame."""
    voids = [None] * len(gts) if voids is None else voids
    both = [
        (metrics.region(p, g, v), metrics.boundary(p, g, v)) for p, g, v in zip(preds, gts, voids)
    ]
    return tuple(np.array(both).T)


def single(case: Case, path: Path) -> None:
    pred, gt = unpack(case, "pred"), unpack(case, "gt")
    both = scores(pred, gt, unpack(case, "void") if "void" in case else None)
    for key, values in zip("JF", both):
        np.testing.assert_allclose(values, case[key], **EXACT, err_msg=key)
        inner = values.copy()
        inner[[0, -1]] = np.nan
        if f"{key}_2016" in case:
            np.testing.assert_allclose(inner, case[f"{key}_2016"], **EXACT)
        for frames, chosen in (("all", values), ("inner", values[1:-1]), ("2016", values[1:-1])):
            if (stored := case.get(f"stats_{frames}_{key}")) is not None:
                np.testing.assert_allclose(metrics.statistics(chosen), stored, **EXACT)
    for masks, suffix in ((pred, ""), (gt, "_gt")):
        if f"T_2016{suffix}" in case:
            check_temporal(path.stem, masks, case[f"T_2016{suffix}"], case[f"T_mean{suffix}"])


def check_temporal(name: str, masks: np.ndarray, stored: np.ndarray, mean: np.ndarray) -> None:
    """T of the inner frames of a sequence, at the tolerance that the stored set states."""
    ours = np.full(len(stored), np.nan)
    ours[1:-1] = metrics.temporal(masks[1:-1])
    atol = 1e-9 if name in T_EXACT else 0.01
    np.testing.assert_allclose(ours, stored, rtol=0, atol=atol, err_msg="T")
    np.testing.assert_allclose(np.nanmean(ours), mean, rtol=0, atol=atol, err_msg="mean T")


def edge_cases(case: Case, path: Path) -> None:
    pred, gt = unpack(case, "pred"), unpack(case, "gt")
    for key, values in zip("JF", scores(pred, gt)):
        for name, ours, theirs in zip(case["names"], values, case[key]):
            np.testing.assert_allclose(ours, theirs, **EXACT, err_msg=f"{key} of {name}")
    counts = [[metrics.boundary_map(mask).sum() for mask in both] for both in zip(gt, pred)]
    np.testing.assert_array_equal(counts, case["n_boundary"])
    if "T_pair_gt_pred" in case:
        pairs = [metrics.temporal(both).item() / 5 for both in zip(gt, pred)]
        np.testing.assert_allclose(pairs, case["T_pair_gt_pred"], rtol=0, atol=0.01)


def boundary_maps(case: Case, path: Path) -> None:
    names = [key.removeprefix("mask_") for key in case if key.startswith("mask_")]
    assert names, "no mask_* in the file"
    for name in names:
        ours = metrics.boundary_map(case[f"mask_{name}"])
        np.testing.assert_array_equal(ours, case[f"bmap_{name}"] != 0, err_msg=name)


def statistics(case: Case, path: Path) -> None:
    lengths = [key.removeprefix("x_") for key in case if key.startswith("x_")]
    assert lengths, "no x_* in the file"
    for length in lengths:
        values = case[f"x_{length}"]
        kept = 3 if values.size <= 255 else 2  # beyond, the official decay wraps in 8 bits
        ours, theirs = metrics.statistics(values), case[f"mrd_{length}"]
        np.testing.assert_allclose(ours[:kept], theirs[:kept], **EXACT, err_msg=f"n = {length}")


CHECKS: dict[str, Callable[[Case, Path], None]] = {
    "single_edge": edge_cases,
    "single_": single,
    "boundary_maps": boundary_maps,
    "statistics": statistics,
}
