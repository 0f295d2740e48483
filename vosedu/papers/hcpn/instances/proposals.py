"""Candidate objects of a clip's first frame: by a detector, or, on ToyVOS, by a stand-in."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from vosedu.clip import VOID, Clip
from vosedu.datasets.weights import RELEASES, weights_folder
from vosedu.errors import InputError
from vosedu.nn import load_weights
from vosedu.papers.contract import FrameResult


@dataclass(frozen=True, eq=False)
class Candidate:
    """What may be an object: its mask, H x W bool, and how sure the detector is, 0 to 1."""

    mask: np.ndarray
    score: float


@dataclass(frozen=True)
class NoisyTruth:
    """A stand-in for a detector: the true masks of everything that is there, made worse.

    Where the clip knows all its instances (ToyVOS) objects and look-alikes are proposed alike,
    so that something has to tell them apart; else the labelled objects. It shows what the steps
    behind a detector do, not what a detector can do.

    shift: pixels by which a mask is moved at most. thickness: pixels it grows or shrinks at most.
    missed: the share of things that are not found. doubled: the share that is proposed twice, the
    second time worse. seed: with the clip's name it decides everything.
    """

    shift: int = 2
    thickness: int = 1
    missed: float = 0.05
    doubled: float = 0.3
    seed: int = 0

    def __call__(self, clip: Clip) -> list[Candidate]:
        """The candidates of frame 0. Raises InputError for a clip without labels there."""
        rng = np.random.default_rng([self.seed, zlib.crc32(clip.name.encode())])
        ids = _everything(clip)
        found = []
        for number in np.unique(ids[(ids != 0) & (ids != VOID)]):
            missed, twice = rng.random(2) < (self.missed, self.doubled)
            for attempt in range(0 if missed else 1 + int(twice)):
                mask = self._worse(rng, ids == number, 1 + attempt)
                if mask.any():
                    found.append(Candidate(mask, float(rng.uniform(0.7, 1.0) - 0.2 * attempt)))
        return found

    def _worse(self, rng: np.random.Generator, mask: np.ndarray, times: int) -> np.ndarray:
        dx, dy = rng.integers(-self.shift * times, self.shift * times + 1, 2)
        grow = int(rng.integers(-self.thickness * times, self.thickness * times + 1))
        values = mask.astype(np.uint8)
        if grow:
            kernel = np.ones((2 * abs(grow) + 1,) * 2, np.uint8)
            values = (cv2.dilate if grow > 0 else cv2.erode)(values, kernel)
        matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        return cv2.warpAffine(values, matrix, mask.shape[::-1], flags=cv2.INTER_NEAREST) > 0


def _everything(clip: Clip) -> np.ndarray:
    """H x W ids of all things in frame 0."""
    instances = getattr(clip, "instances", ())
    if len(instances):
        return instances[0]
    if 0 not in clip.labels:
        raise InputError(
            f"the clip '{clip.name}' has no labels in its first frame, which the stand-in for a "
            "detector needs; give labels, or propose with MaskRCNN"
        )
    return clip.labels[0]


@dataclass(frozen=True)
class ForegroundPieces:
    """The connected pieces of the first frame's foreground, for clips without labels or detector.

    Nothing tells two objects that touch apart, and all that is foreground is proposed. The score
    is the mean probability. foreground: as the pipeline takes it; only its first frame is asked
    for. least: pixels of a piece at least.
    """

    foreground: Callable[[Clip], Iterable[FrameResult]]
    least: int = 16

    def __call__(self, clip: Clip) -> list[Candidate]:
        """The candidates of frame 0."""
        first = next(iter(self.foreground(clip)))
        mask = (first.mask > 0).astype(np.uint8)
        count, parts = cv2.connectedComponents(mask)
        sure = mask if first.probability is None else first.probability
        pieces = (parts == number for number in range(1, count))
        return [Candidate(p, float(sure[p].mean())) for p in pieces if p.sum() >= self.least]


class MaskRCNN:
    """torchvision's Mask R-CNN (He et al., ICCV 2017), ResNet-50 with FPN, trained on COCO.

    least: the score below which nothing is proposed. weights: the checkpoint file; by default
    where `vosedu weights get maskrcnn` puts it. Raises InputError without torchvision or the file.
    """

    def __init__(
        self,
        least: float = 0.3,
        weights: str | Path | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        try:
            from torchvision.models.detection import maskrcnn_resnet50_fpn
        except ImportError:
            raise InputError(
                "Mask R-CNN comes with torchvision, which is not installed; install it with "
                "pip install 'vosedu[raft]'"
            ) from None
        path = Path(weights or weights_folder("maskrcnn") / RELEASES["maskrcnn"].weights[0].name)
        if not path.is_file():
            raise InputError(
                f"Mask R-CNN's weights are not at {path}; fetch them with 'vosedu weights get "
                "maskrcnn' or put the file there"
            )
        self.least, self.device = least, torch.device(device)
        self.network = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
        load_weights(self.network, path)
        self.network.to(self.device).eval()

    @torch.inference_mode()
    def __call__(self, clip: Clip) -> list[Candidate]:
        """The candidates of frame 0, best first."""
        pixels = torch.from_numpy(np.array(clip.frames[0])).permute(2, 0, 1)  # H W 3 -> 3 H W
        (found,) = self.network([pixels.float().to(self.device) / 255])
        return candidates_of(found, self.least)


def candidates_of(found: Mapping[str, Any], least: float) -> list[Candidate]:
    """A detector's result, `scores` N and `masks` N x 1 x H x W in 0..1 -> candidates."""
    masks, scores = found["masks"][:, 0].cpu().numpy() >= 0.5, found["scores"].cpu().numpy()
    kept = [(m, float(s)) for m, s in zip(masks, scores) if s >= least and m.any()]
    return [Candidate(mask, score) for mask, score in sorted(kept, key=lambda each: -each[1])]
