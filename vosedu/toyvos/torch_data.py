"""ToyVOS as a PyTorch data set without end: sample k is a pure function of (seed, k)."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset

from vosedu.errors import InputError
from vosedu.toyvos.paint import generator
from vosedu.toyvos.render import ToyClip, check_size, render
from vosedu.toyvos.suites import SUITES, scene

_FIRST = 1_000_000  # seeds of samples; those of the fixed splits and stills are smaller


class TorchClips(Dataset[dict[str, torch.Tensor]]):
    """Freshly rendered training clips; with any number of workers the same sample k.

    A sample is a dict: frames (T x 3 x H x W float32, 0..1), labels (T x H x W int64), flow
    (T-1 x 2 x H x W float32, pixels), occlusion (T-1 x H x W bool). No seed of a split occurs.
    """

    def __init__(
        self,
        seed: int = 0,
        suite: str = "mixed",
        height: int = 96,
        frames: int | None = None,
        length: int = 1_000_000,
        **dials: object,
    ) -> None:
        check_size(height, None)
        if suite not in SUITES:
            raise InputError(f"ToyVOS has no suite {suite!r}; choose from {', '.join(SUITES)}")
        self.seed, self.suite, self.height, self.frames = seed, suite, height, frames
        self.length, self.dials = length, dials
        scene(0, suite, **dials)  # refuse impossible dials now rather than in a worker

    def __len__(self) -> int:
        return self.length

    def clip(self, k: int) -> ToyClip:
        """Sample k as a clip."""
        seed = _FIRST + int(generator(9, self.seed, k).integers(0, 2**31))
        return render(scene(seed, self.suite, **self.dials), self.height, frames=self.frames)

    def __getitem__(self, k: int) -> dict[str, torch.Tensor]:
        if not 0 <= k < self.length:
            raise IndexError(k)
        clip = self.clip(k)
        frames = torch.from_numpy(np.stack(clip.frames))  # T H W 3
        flow = (
            torch.from_numpy(np.stack(clip.flow))
            if len(clip) > 1
            else torch.zeros(0, *clip.size, 2)
        )
        labels = np.stack([clip.labels[t] for t in range(len(clip))])
        hidden = np.stack(clip.occlusion) if len(clip) > 1 else np.zeros((0, *clip.size), bool)
        return {
            "frames": frames.permute(0, 3, 1, 2).float() / 255,  # T H W 3 -> T 3 H W
            "labels": torch.from_numpy(labels).long(),
            "flow": flow.permute(0, 3, 1, 2).contiguous(),  # T-1 H W 2 -> T-1 2 H W
            "occlusion": torch.from_numpy(hidden),
        }
