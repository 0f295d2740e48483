"""Interventions that several explorers share: wrong flow, and parts of a network set to zero."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from vosedu import flow
from vosedu.nn import resize_image

# Flow --------------------------------------------------------------------------------------------


class FlowSource(Protocol):
    """A clip whose flow is drawn as a network sees it.

    fields: one H x W x 2 float32 field for each frame, pixels. size: (h, w) of the pictures.
    """

    fields: Sequence[np.ndarray]
    size: tuple[int, int]

    def flow(self, index: int) -> np.ndarray:
        """The flow picture of a frame, h x w x 3 uint8."""
        ...


Sources = Callable[[int], FlowSource]
"""The number of a clip -> its flow; numbers past the last clip start again from the first."""


def noisy(sources: Sources, clip: int, frame: int) -> np.ndarray:
    """The frame's own flow plus noise as large as its fastest motion, one pixel at least."""
    source = sources(clip)
    field = source.fields[frame]
    strength = max(1.0, float(np.percentile(np.hypot(field[..., 0], field[..., 1]), 99)))
    return resize_image(flow.to_colour(flow.noise(field, strength, seed=frame)), source.size)


def another_moment(sources: Sources, clip: int, frame: int) -> np.ndarray:
    """The flow of the same clip half its length later, counted round its end."""
    source = sources(clip)
    length = len(source.fields)
    return source.flow((frame + length // 2) % length)


def another_clip(sources: Sources, clip: int, frame: int) -> np.ndarray:
    """The flow of the next clip."""
    source = sources(clip + 1)
    return source.flow(frame % len(source.fields))


def plain(grey: int) -> Callable[[Sources, int, int], np.ndarray]:
    """A picture of one grey; white (255) is the colour of no motion."""
    return lambda sources, clip, frame: np.full((*sources(clip).size, 3), grey, np.uint8)


FLOWS: Mapping[str, Callable[[Sources, int, int], np.ndarray]] = {
    "as it is": lambda sources, clip, frame: sources(clip).flow(frame),
    "white": plain(255),
    "grey": plain(128),
    "noisy": noisy,
    "another moment": another_moment,
    "another clip": another_clip,
}
"""Flow pictures of a frame, h x w x 3 uint8, each called as (sources, clip, frame)."""

FLOW_TIPS: Mapping[str, str] = {
    "as it is": "the flow of this frame",
    "white": "the picture of no motion anywhere",
    "grey": "a colour that stands for no motion at all: neither still nor moving",
    "noisy": "this frame's flow plus noise as large as its fastest motion",
    "another moment": "the flow of this clip, half its length later",
    "another clip": "the flow of the next clip",
}

# Parts of a network ------------------------------------------------------------------------------

Hook = Callable[[nn.Module, Any, Any], Any]
"""A forward hook: (module, inputs, output) -> the output to use instead."""


def zero(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
    """A hook after which a module's output is zero."""
    return torch.zeros_like(output)


def zero_items(*which: int) -> Hook:
    """A hook after which some items of a module's tuple of outputs are zero."""
    return lambda module, inputs, output: tuple(
        torch.zeros_like(x) if i in which else x for i, x in enumerate(output)
    )


@contextmanager
def hooked(model: nn.Module, modules: Collection[str], hook: Hook) -> Iterator[None]:
    """Inside, `hook` runs after each of the named modules; names the network lacks are skipped."""
    named = dict(model.named_modules())
    handles = [named[name].register_forward_hook(hook) for name in modules if name in named]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
