"""A video in progress: frames in, object ids out, memory in between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vosedu.clip import VOID
from vosedu.errors import InputError
from vosedu.papers.deaot.inference.engine import Engines
from vosedu.papers.deaot.inference.sizes import SHORT_SIDE, ScaledView, input_size
from vosedu.papers.deaot.network import DeAOT, Features


@dataclass(frozen=True)
class Inference:
    """How to predict; the defaults are the paper's and the release's.

    gap: frames from one long-term memory frame to the next; 0: only the frames whose masks are
        given; None: the network's own (`config.gap`).
    skip: how many frames back the short-term memory lies.
    long_frames: the most frames in long-term memory, for long videos; beyond it the oldest that
        has no given mask is dropped. None: no limit, as released.
    flip: average the probabilities with those of the mirrored video, which has a memory of its own.
    scales: sizes relative to the input's to average over; each has a memory of its own.
    long_side: frames are shrunk until their long side has at most that many pixels.
    """

    gap: int | None = None
    skip: int = 1
    long_frames: int | None = None
    flip: bool = False
    scales: tuple[float, ...] = (1.0,)
    long_side: int = 1040

    def __post_init__(self) -> None:
        least = {"gap": 0, "skip": 1, "long_frames": 1, "long_side": 1}
        for name, minimum in least.items():
            value = getattr(self, name)
            if value is not None and value < minimum:
                raise InputError(f"DeAOT cannot use {name}={value}; give {minimum} or more")
        if not self.scales or min(self.scales) <= 0:
            raise InputError(f"DeAOT cannot use scales={self.scales}; give one or more above 0")

    @classmethod
    def paper(cls) -> Inference:
        """One scale, no flip, no limit of memory."""
        return cls()

    @classmethod
    def released(cls) -> Inference:
        """The same: paper and release do not differ here."""
        return cls()


class Session:
    """One video, frame by frame, from a frame whose objects are given.

    Frames are H x W x 3 uint8 RGB of one size, ids H x W uint8: 0 background, 255 void (unknown,
    not predicted). Objects may have any ids; they come back under the same ones. The model is put
    into evaluation mode and keeps its device.
    """

    def __init__(self, model: DeAOT, inference: Inference | None = None) -> None:
        self.model = model.eval()
        self.inference = inference or Inference()
        self.device = next(model.parameters()).device
        self.names = [0]  # the given id of the network's n-th object
        self.size: tuple[int, int] | None = None
        self.views: list[ScaledView] = []
        self.engines: list[Engines] = []
        self.features: list[Features] = []
        self.probabilities: Tensor | None = None  # 1 x (1 + objects) x H x W, of the last frame

    @torch.inference_mode()
    def start(self, frame: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """The first frame and its objects; returns the ids, void as background."""
        self.size = frame.shape[:2]
        self._check(frame, ids)
        self._open_views()
        self._name(ids)
        if len(self.names) == 1:
            raise InputError(
                "the mask of the first frame marks no object, so there is nothing to follow; "
                "give a mask with at least one object"
            )
        self.features = [view.features(self.model, frame, self.device) for view in self.views]
        self._refer([self._numbers(ids)] * len(self.views))
        return np.where(ids == VOID, 0, ids).astype(np.uint8)

    @torch.inference_mode()
    def step(self, frame: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
        """The next frame -> its ids, H x W uint8.

        given: ids of objects that this frame shows for the first time, or of known ones whose
        mask is to be mended; they replace the prediction where they are not 0.
        """
        self._check(frame, given)
        self.features = [view.features(self.model, frame, self.device) for view in self.views]
        own = []
        for view, engines, features in zip(self.views, self.engines, self.features):
            engines.propagate(features)
            own.append(view.turned(engines.logits(self.size)).softmax(1))
        self.probabilities = torch.stack(own).mean(0)
        if not torch.isfinite(self.probabilities).all():
            raise InputError(
                "DeAOT's output is not a number; its weights are damaged or its training "
                "diverged, use another checkpoint"
            )
        ids = self.probabilities.argmax(1)
        masks = [probability.argmax(1) for probability in own]
        if given is None:
            self._update(masks)
            return self._named(ids)
        self._name(given)
        marked = self._numbers(given)
        masks = [torch.where(marked > 0, marked, mask) for mask in masks]
        self._refer(masks)
        self._update(masks)
        return self._named(torch.where((marked > 0) & (marked != VOID), marked, ids))

    @torch.inference_mode()
    def correct(self, ids: np.ndarray) -> np.ndarray:
        """Replace the whole mask of the last frame; it becomes a reference frame."""
        if not self.features:
            raise InputError("there is no frame to correct yet; start the session first")
        self._check(np.empty((*self.size, 3), np.uint8), ids)
        self._name(ids)
        masks = [self._numbers(ids)] * len(self.views)
        self._refer(masks)
        self._update(masks)
        return np.where(ids == VOID, 0, ids).astype(np.uint8)

    @property
    def memory_frames(self) -> int:
        """Frames in long-term memory (of the first view)."""
        return len(self.engines[0].each[0].kept) if self.engines else 0

    @property
    def memory_bytes(self) -> int:
        """What all memories hold, in bytes."""
        memories = [
            memory
            for engines in self.engines
            for engine in engines.each
            for memory in [*(engine.long or []), *(m for frame in engine.recent for m in frame)]
        ]
        tensors = {x.data_ptr(): x.nbytes for memory in memories for x in memory}
        return sum(tensors.values())

    def _open_views(self) -> None:
        inference, model = self.inference, self.model
        gap = model.config.gap if inference.gap is None else inference.gap or None
        short_side = SHORT_SIDE if len(inference.scales) > 1 else None
        for scale in inference.scales:
            size = input_size(
                self.size,
                model.stride,
                model.align,
                long_side=inference.long_side,
                short_side=short_side,
                scale=scale,
            )
            for flip in (False, True) if inference.flip else (False,):
                self.views.append(ScaledView(size, flip))
                engines = Engines(model, gap, inference.skip, inference.long_frames)
                self.engines.append(engines)

    def _refer(self, masks: list[Tensor]) -> None:
        for view, engines, features, mask in zip(self.views, self.engines, self.features, masks):
            engines.reference(features, view.ids(mask), len(self.names) - 1)

    def _update(self, masks: list[Tensor]) -> None:
        for view, engines, mask in zip(self.views, self.engines, masks):
            engines.update(view.ids(mask))

    def _name(self, ids: np.ndarray) -> None:
        """Give new objects the next numbers, in rising order of their ids."""
        self.names += [i for i in np.unique(ids).tolist() if i not in (*self.names, VOID)]

    def _numbers(self, ids: np.ndarray) -> Tensor:
        """Given ids -> the network's numbers, 1 x H x W int64; void stays."""
        table = np.full(256, VOID, np.int64)
        table[self.names] = np.arange(len(self.names))
        return torch.from_numpy(table[ids]).unsqueeze(0).to(self.device)

    def _named(self, numbers: Tensor) -> np.ndarray:
        """The network's numbers, 1 x H x W -> the given ids."""
        return np.array(self.names, np.uint8)[numbers[0].cpu().numpy()]

    def _check(self, frame: np.ndarray, ids: np.ndarray | None) -> None:
        if min(frame.shape[:2]) < self.model.stride:
            raise InputError(
                f"a frame of {frame.shape[1]} x {frame.shape[0]} pixels is smaller than the "
                f"network's stride of {self.model.stride}; enlarge the video"
            )
        if frame.shape[:2] != self.size:
            raise InputError(
                f"a frame of {frame.shape[1]} x {frame.shape[0]} follows frames of "
                f"{self.size[1]} x {self.size[0]}; all frames of a video must have one size"
            )
        if ids is not None and ids.shape != self.size:
            raise InputError(
                f"a mask of shape {' x '.join(map(str, ids.shape))} does not fit frames of "
                f"{self.size[0]} x {self.size[1]} (height x width); give ids of the frames' size"
            )
