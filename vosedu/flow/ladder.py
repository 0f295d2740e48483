"""Flow of graded quality: the rungs on which an ablation of flow quality stands.

From worst to best, none with trained weights, so that it runs anywhere. Between the good rungs
expect small effects on a segmentation, large ones only near the bottom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from vosedu.clip import Clip
from vosedu.flow.cache import FlowCache
from vosedu.flow.fields import Last, estimate


@dataclass(frozen=True)
class Rung:
    """One quality of flow. `name` is also a method of `estimate`."""

    name: str
    about: str

    def fields(
        self, clip: Clip, last: Last = "none", cache: str | Path | FlowCache | None = None
    ) -> Sequence[np.ndarray]:
        """The clip's forward flow at this quality, lazily."""
        return estimate(clip, self.name, last=last, cache=cache)


_RUNGS = (
    Rung("zero", "no motion anywhere, a white picture"),
    Rung("shuffled", "DIS medium of another pair of frames, half a clip away"),
    Rung("dis-quarter", "DIS medium at a quarter of the size, vectors enlarged"),
    Rung("farneback-wide", "Farneback, 5 levels, Gaussian window of 25"),
    Rung("farneback", "Farneback, 3 levels, window of 15"),
    Rung("dis-ultrafast", "DIS, no variational refinement"),
    Rung("dis-fast", "DIS, 5 steps of refinement"),
    Rung("dis-half", "DIS medium at half the size, vectors enlarged"),
    Rung("dis-medium", "DIS at the frames' size, the default"),
    Rung("dis-checked", "DIS medium, vectors the way back does not confirm become a median"),
    Rung("exact", "what the renderer knows (ToyVOS only)"),
)
LADDER: Mapping[str, Rung] = MappingProxyType({rung.name: rung for rung in _RUNGS})
