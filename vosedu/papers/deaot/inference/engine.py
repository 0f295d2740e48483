"""Memory over a video: what enters it, when, and how more objects than identities are shared out.

An `Engine` is one network with one memory and up to M objects (M identities). `Engines` are as
many as the objects need, on one encoder pass. Frames enter as `Features` of batch 1, masks as
object ids at the network's input size, 1 x H x W.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vosedu.clip import VOID
from vosedu.papers.deaot.network import DeAOT, Features, Memory, Pass, enlarge, one_hot

_CLEAR = 1e-5  # merged probabilities keep this distance from 0 and 1


class Engine:
    """Reference, long- and short-term memory of up to M objects.

    gap: frames from one long-term memory frame to the next; None: only reference frames.
    skip: how many frames back the short-term memory lies.
    long_frames: the most frames in long-term memory; beyond it the oldest that is no reference is
        dropped. None: no limit.
    """

    def __init__(
        self, model: DeAOT, gap: int | None, skip: int = 1, long_frames: int | None = None
    ) -> None:
        self.model, self.gap, self.skip, self.long_frames = model, gap, skip, long_frames
        self.objects = 0
        self.step = self.last = 0  # frames so far; the one that entered long-term memory last
        self.long: list[Memory] | None = None  # per module, newest frame first
        self.kept: list[bool] = []  # for each long-term frame: is it a reference, never dropped?
        self.recent: list[list[Memory]] = []  # the last `skip` frames, oldest first
        self.passed: Pass | None = None

    def reference(self, features: Features, ids: Tensor, objects: int) -> None:
        """A frame whose mask is given: it reads itself and enters both memories."""
        self.objects = objects
        identity = self._identify(ids)
        self.passed = self.model.propagate(features, identity=identity)
        memory = self.model.remember(self.passed.entries, identity)
        self._append(memory, kept=True)
        self.recent = [memory]

    def propagate(self, features: Features) -> None:
        """The next frame reads the memories."""
        self.step += 1
        self.passed = self.model.propagate(features, self.long, self.recent[0])

    def logits(self, size: tuple[int, int] | None = None) -> Tensor:
        """Of the last frame, 1 x (1 + M) x H x W, at `size` or at the decoder's own."""
        logits = self.model.decode(self.passed, self.objects)
        return logits if size is None else enlarge(logits, size, self.model.align)

    def update(self, ids: Tensor) -> None:
        """The last frame, with this mask, enters the short-term memory.

        After a gap it also enters the long-term memory.
        """
        memory = self.model.remember(self.passed.entries, self._identify(ids))
        self.recent = [*self.recent, memory][-self.skip :]
        if self.gap is not None and self.step - self.last >= self.gap:
            self._append(memory, kept=False)

    def _identify(self, ids: Tensor) -> Tensor:
        return self.model.identify(one_hot(ids, self.model.config.objects))

    def _append(self, new: list[Memory], kept: bool) -> None:
        """Put a frame in front of the long-term memory; drop one if there are too many."""
        self.last = self.step
        positions = new[0].key.shape[1]
        self.kept.insert(0, kept)
        memory = new if self.long is None else [_joined(n, o) for n, o in zip(new, self.long)]
        if self.long_frames is not None and len(self.kept) > self.long_frames:
            droppable = [i for i, reference in enumerate(self.kept) if not reference]
            if droppable:
                oldest = droppable[-1]
                del self.kept[oldest]
                memory = [_without(m, oldest, positions) for m in memory]
        self.long = memory


def _joined(new: Memory, old: Memory) -> Memory:
    return Memory(*(torch.cat(pair, dim=1) for pair in zip(new, old)))


def _without(memory: Memory, frame: int, n: int) -> Memory:
    """A memory of frames of n positions each without its `frame`-th."""
    return Memory(*(torch.cat([x[:, : frame * n], x[:, (frame + 1) * n :]], 1) for x in memory))


class Engines:
    """As many engines as the objects need: 1 to M to the first, M + 1 to 2 M to the second, ...

    An object of another engine is background to an engine. An engine that a new object calls for
    starts on that frame.
    """

    def __init__(
        self, model: DeAOT, gap: int | None, skip: int = 1, long_frames: int | None = None
    ) -> None:
        self.model = model
        self.settings = (gap, skip, long_frames)
        self.each: list[Engine] = []

    def reference(self, features: Features, ids: Tensor, objects: int) -> None:
        """As in `Engine`, of any number of objects; never fewer than before."""
        size = self.model.config.objects
        while len(self.each) * size < objects:
            self.each.append(Engine(self.model, *self.settings))
        for number, engine in enumerate(self.each):
            own = min(max(objects - number * size, 0), size)
            engine.reference(features, self._own(ids, number), own)

    def propagate(self, features: Features) -> None:
        """As in `Engine`."""
        for engine in self.each:
            engine.propagate(features)

    def logits(self, size: tuple[int, int] | None = None) -> Tensor:
        """As in `Engine`; of E engines 1 x (1 + E M) x H x W, merged."""
        return merged([engine.logits(size) for engine in self.each])

    def update(self, ids: Tensor) -> None:
        """As in `Engine`."""
        for number, engine in enumerate(self.each):
            engine.update(self._own(ids, number))

    def _own(self, ids: Tensor, number: int) -> Tensor:
        """The ids of one engine's objects, from 1; void stays, other objects are background."""
        size = self.model.config.objects
        own = ids - number * size
        own = torch.where((own > 0) & (own <= size) & (ids != VOID), own, 0)
        return torch.where(ids == VOID, ids, own)


def merged(logits: list[Tensor]) -> Tensor:
    """Logits of several engines -> logits of all their objects, as released.

    The background's probability is the product of the engines' backgrounds; the objects' stand
    side by side, unused identities included.
    """
    if len(logits) == 1:
        return logits[0]
    probabilities = [each.softmax(1) for each in logits]
    background = torch.stack([p[:, :1] for p in probabilities]).prod(0)
    together = torch.cat([background, *(p[:, 1:] for p in probabilities)], dim=1)
    return together.clamp(_CLEAR, 1 - _CLEAR).logit()
