"""How fast J and F are scored from files, against their definition written out plainly."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from vosedu.clip import Clip, MaskFiles, read_mask
from vosedu.metrics.boundary_accuracy import disc, tolerance_radius
from vosedu.metrics.evaluate import evaluate

SIZE = (480, 854)


def compare(
    frames: int = 60, size: tuple[int, int] = SIZE, threads: int | None = None, repeats: int = 3
) -> dict[str, float]:
    """J and F of one sequence from PNG files: the evaluator and the plain definition, in one run.

    frames: how many; size: (H, W); threads: workers of the evaluator, by default one per core;
    repeats: both run so often in turns, the fastest run of each counts. Returns seconds of both on
    the clock and of processor time, with the evaluator as asked and with one worker, the ratios
    (processor time bears other jobs on the machine), and the largest difference of any value.
    """
    with tempfile.TemporaryDirectory() as folder:
        truths, preds = _write_masks(Path(folder), frames, size)
        numbers: Any = range(frames)  # nobody looks at the frames, only at their number
        clip = Clip("walk", frames=numbers, labels=MaskFiles(truths))
        results = {"walk": MaskFiles(preds)}
        runs = {
            "evaluator": lambda: _ours(results, clip, threads or os.cpu_count() or 1),
            "one worker": lambda: _ours(results, clip, 1),
            "plain": lambda: plain(truths, preds),
        }
        clock, processor = dict.fromkeys(runs, np.inf), dict.fromkeys(runs, np.inf)
        values = {}
        for _ in range(repeats):
            for name, run in runs.items():
                start, start_processor = time.perf_counter(), time.process_time()
                values[name] = run()
                clock[name] = min(clock[name], time.perf_counter() - start)
                processor[name] = min(processor[name], time.process_time() - start_processor)
    difference = np.abs(values["evaluator"] - values["plain"]).max()
    return {
        "ratio": clock["plain"] / clock["evaluator"],
        "ratio of processor time, one worker": processor["plain"] / processor["one worker"],
        **{f"seconds, {name}": seconds for name, seconds in clock.items()},
        **{f"processor seconds, {name}": seconds for name, seconds in processor.items()},
        "largest difference": float(difference),
    }


def _ours(results: Mapping[str, MaskFiles], clip: Clip, threads: int) -> np.ndarray:
    track = evaluate(results, [clip], "davis16", threads=threads).tracks[0]
    return np.array([track.values["J"], track.values["F"]])


def plain(truths: Mapping[int, Path], preds: Mapping[int, Path]) -> np.ndarray:
    """J and F of the inner frames by the definition: float64 stacks, whole frames; 2 x (T - 2)."""
    inner = sorted(truths)[1:-1]
    truth = np.stack([(read_mask(truths[t]) > 0).astype(np.float64) for t in inner])
    pred = np.stack([(read_mask(preds[t]) > 0).astype(np.float64) for t in inner])
    return np.array(
        [
            [plain_region(p, g) for p, g in zip(pred, truth)],
            [plain_boundary(p, g) for p, g in zip(pred, truth)],
        ]
    )


def plain_region(pred: np.ndarray, gt: np.ndarray) -> float:
    """J by its definition."""
    pred, gt = pred.astype(bool), gt.astype(bool)
    either = np.logical_or(pred, gt).sum()
    return float(np.logical_and(pred, gt).sum() / either) if either else 1.0


def plain_boundary(pred: np.ndarray, gt: np.ndarray) -> float:
    """F by its definition."""
    kernel = disc(tolerance_radius(pred.shape))
    pred_edges, gt_edges = plain_boundary_map(pred), plain_boundary_map(gt)
    near_pred = cv2.dilate(pred_edges.astype(np.uint8), kernel).astype(bool)
    near_gt = cv2.dilate(gt_edges.astype(np.uint8), kernel).astype(bool)
    n_pred, n_gt = pred_edges.sum(), gt_edges.sum()
    if not n_pred or not n_gt:
        return float(n_pred == n_gt)
    precision = (pred_edges & near_gt).sum() / n_pred
    recall = (gt_edges & near_pred).sum() / n_gt
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def plain_boundary_map(mask: np.ndarray) -> np.ndarray:
    """Pixels that differ from their right, lower or lower-right neighbour."""
    mask = mask.astype(bool)
    right, below, diagonal = mask.copy(), mask.copy(), mask.copy()
    right[:, :-1] = mask[:, 1:]
    below[:-1] = mask[1:]
    diagonal[:-1, :-1] = mask[1:, 1:]
    edges = (mask ^ right) | (mask ^ below) | (mask ^ diagonal)
    edges[-1] = (mask ^ right)[-1]
    edges[:, -1] = (mask ^ below)[:, -1]
    edges[-1, -1] = False
    return edges


def _write_masks(
    folder: Path, frames: int, size: tuple[int, int]
) -> tuple[dict[int, Path], dict[int, Path]]:
    """A lobed blob that walks and turns, and a prediction that lags behind, as 0/255 PNGs."""
    height, width = size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    paths: tuple[dict[int, Path], dict[int, Path]] = ({}, {})
    for t in range(frames):
        for side, (dx, dy, scale) in zip(paths, ((0, 0, 1.0), (7, -5, 0.97))):
            u = x - width * (0.3 + 0.4 * t / frames) - dx
            v = y - height * 0.5 - dy
            radius = height * scale * (0.22 + 0.05 * np.cos(5 * np.arctan2(v, u) + 0.1 * t))
            mask = (np.hypot(u, v) < radius).astype(np.uint8) * 255
            path = folder / f"{len(side):05d}-{int(side is paths[1])}.png"
            Image.fromarray(mask).save(path)
            side[t] = path
    return paths
