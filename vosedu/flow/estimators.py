"""Flow from two frames without trained weights: DIS and Farneback, with OpenCV.

An estimator prepares a frame once (`prepare`) and compares two prepared frames (`between`), so a
frame that belongs to two pairs is converted once. `identity` names everything that decides the
numbers; a cache relies on it. Flow is computed at the size of the frames and never on a resized
copy, unless the method's name says so: vectors from an anisotropic resize point elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import cv2
import numpy as np

from vosedu.errors import InputError
from vosedu.flow.raft import RAFT
from vosedu.flow.warp import checked


class Estimator(Protocol):
    """What computes flow between two frames of one size."""

    identity: str

    def prepare(self, frame: np.ndarray) -> Any:
        """An H x W x 3 uint8 RGB frame in the form `between` takes."""

    def between(self, first: Any, second: Any) -> np.ndarray:
        """Flow from the first to the second frame: H x W x 2 float32 (dx, dy), pixels."""


def _grey(frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)


class Zero:
    """No motion anywhere; the bottom of the ladder (a white picture)."""

    identity = "zero"

    def prepare(self, frame: np.ndarray) -> np.ndarray:
        return np.zeros((*frame.shape[:2], 2), np.float32)

    def between(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return first.copy()


class DIS:
    """Dense inverse search (Kroeger et al., ECCV 2016).

    preset: "ultrafast", "fast" or "medium". factor: compute on frames reduced to this share of
    their size and enlarge the vectors; 1 is the frames' own size.
    """

    PRESETS: Mapping[str, int] = MappingProxyType(
        {
            "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
            "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
            "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
        }
    )
    SMALLEST = 12  # pixels; below, the search has no patch to start from

    def __init__(self, preset: str = "medium", factor: float = 1.0) -> None:
        if preset not in self.PRESETS:
            raise InputError(f"DIS has no preset '{preset}'; choose {', '.join(self.PRESETS)}")
        self.preset, self.factor = preset, factor
        self.identity = f"dis-{preset}-{factor:g}-opencv-{cv2.__version__}"
        self._engine = cv2.DISOpticalFlow.create(self.PRESETS[preset])

    def __reduce__(self) -> tuple[type[DIS], tuple[str, float]]:
        """Copies are made anew: OpenCV's engine cannot be pickled for another process."""
        return DIS, (self.preset, self.factor)

    def prepare(self, frame: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
        height, width = frame.shape[:2]
        grey = _grey(frame)
        if self.factor != 1:
            size = (round(width * self.factor), round(height * self.factor))
            if min(size) > 0:
                grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        if min(grey.shape) < self.SMALLEST or min(height, width) * self.factor < self.SMALLEST:
            raise InputError(
                f"frames of {width} x {height} are too small for DIS flow at {self.factor:g} of "
                f"their size; enlarge them to at least {round(self.SMALLEST / self.factor)} pixels"
            )
        return grey, (height, width)

    def between(
        self, first: tuple[np.ndarray, tuple[int, int]], second: tuple[np.ndarray, tuple[int, int]]
    ) -> np.ndarray:
        (grey, (height, width)), (other, _) = first, second
        field = self._engine.calc(grey, other, None)
        if grey.shape == (height, width):
            return field
        enlarge = np.float32([width / grey.shape[1], height / grey.shape[0]])
        return cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR) * enlarge


class Farneback:
    """Polynomial expansion (Farneback, SCIA 2003), with OpenCV's usual or with a wide window."""

    SETTINGS: Mapping[str, tuple[float, int, int, int, int, float, int]] = MappingProxyType(
        {
            # pyramid scale, levels, window, iterations, neighbourhood, its sigma, flags
            "default": (0.5, 3, 15, 3, 5, 1.2, 0),
            "wide": (0.5, 5, 25, 5, 7, 1.5, cv2.OPTFLOW_FARNEBACK_GAUSSIAN),
        }
    )

    def __init__(self, setting: str = "default") -> None:
        if setting not in self.SETTINGS:
            raise InputError(
                f"Farneback has no setting '{setting}'; choose {', '.join(self.SETTINGS)}"
            )
        self.setting = self.SETTINGS[setting]
        self.identity = f"farneback-{setting}-opencv-{cv2.__version__}"

    def prepare(self, frame: np.ndarray) -> np.ndarray:
        return _grey(frame)

    def between(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return cv2.calcOpticalFlowFarneback(first, second, None, *self.setting)


class Checked:
    """Another estimator asked both ways; vectors the way back does not confirm become a median."""

    def __init__(self, estimator: Estimator) -> None:
        self.estimator = estimator
        self.identity = f"checked-{estimator.identity}"

    def prepare(self, frame: np.ndarray) -> Any:
        return self.estimator.prepare(frame)

    def between(self, first: Any, second: Any) -> np.ndarray:
        there, back = self.estimator.between(first, second), self.estimator.between(second, first)
        return checked(there, back)


ESTIMATORS: Mapping[str, Callable[[], Estimator]] = MappingProxyType(
    {
        "zero": Zero,
        "dis-quarter": lambda: DIS("medium", 0.25),
        "dis-half": lambda: DIS("medium", 0.5),
        "dis-ultrafast": lambda: DIS("ultrafast"),
        "dis-fast": lambda: DIS("fast"),
        "dis-medium": lambda: DIS("medium"),
        "dis-checked": lambda: Checked(DIS("medium")),
        "farneback": lambda: Farneback("default"),
        "farneback-wide": lambda: Farneback("wide"),
        "raft-small": lambda: RAFT("small"),
        "raft-large": lambda: RAFT("large"),
    }
)
