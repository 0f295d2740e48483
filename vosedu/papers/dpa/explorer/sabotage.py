"""What DPA's explorer breaks on purpose: flow, references, and what a part hands on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from vosedu import flow
from vosedu.nn import resize_image
from vosedu.papers.dpa.inference import Pictures
from vosedu.papers.dpa.network import DPA

Place = tuple[int, int]  # (clip, frame)
Films = Callable[[int], Pictures]  # a clip's number -> the clip as the network sees it


def noisy(films: Films, clip: int, frame: int) -> np.ndarray:
    """The frame's own flow under noise as strong as its fastest motion, one pixel at least."""
    film = films(clip)
    field = film.fields[frame]
    strength = max(1.0, float(np.percentile(np.hypot(field[..., 0], field[..., 1]), 99)))
    return resize_image(flow.to_colour(flow.noise(field, strength, seed=frame)), film.size)


def another_moment(films: Films, clip: int, frame: int) -> np.ndarray:
    """The flow of the same clip half its length away."""
    length = len(films(clip).frames)
    return films(clip).flow((frame + length // 2) % length)


def another_clip(films: Films, clip: int, frame: int) -> np.ndarray:
    """The flow of the next clip."""
    other = films(clip + 1)
    return other.flow(frame % len(other.frames))


def plain(grey: int) -> Callable[[Films, int, int], np.ndarray]:
    """A picture of one grey; white (255) is how the wheel draws that nothing moves."""
    return lambda films, clip, frame: np.full((*films(clip).size, 3), grey, np.uint8)


FLOWS: Mapping[str, Callable[[Films, int, int], np.ndarray]] = {
    "as it is": lambda films, clip, frame: films(clip).flow(frame),
    "white": plain(255),
    "grey": plain(128),
    "noisy": noisy,
    "another moment": another_moment,
    "another clip": another_clip,
}
"""The flow picture of a frame, h x w x 3 uint8."""

REFERENCES: Mapping[str, Callable[[list[Place], Place, list[Place]], tuple[list[Place], ...]]] = {
    "as chosen": lambda chosen, query, others: (chosen, chosen),
    "shuffled": lambda chosen, query, others: (chosen[::-1], [*chosen[1:], *chosen[:1]]),
    "the query itself": lambda chosen, query, others: ([query] * len(chosen),) * 2,
    "another clip's motion": lambda chosen, query, others: (chosen, others),
    "another clip": lambda chosen, query, others: (others, others),
}
"""The places whose appearance and whose motion are read, from those chosen, the query's own, and
as many of another clip. Shuffled, neither order nor pairs are kept."""

OTHER_CLIP = ("another clip", "another clip's motion")

# Switches ----------------------------------------------------------------------------------------


def _zeros(*which: int) -> Callable[..., tuple[Tensor, ...]]:
    """A hook after which some of a module's outputs are zero."""
    return lambda module, inputs, out: tuple(
        torch.zeros_like(x) if i in which else x for i, x in enumerate(out)
    )


def _zero(module: nn.Module, inputs: object, out: Tensor) -> Tensor:
    return torch.zeros_like(out)


_EXCHANGES, _READS = ("ima4.exchange", "ima5.exchange"), ("ifa_appearance.read", "ifa_motion.read")
SILENT: Mapping[str, tuple[tuple[str, ...], Callable]] = {
    "nothing": ((), _zero),
    "T_A": (_EXCHANGES, _zeros(0)),
    "T_M": (_EXCHANGES, _zeros(1)),
    "IMA": (_EXCHANGES, _zeros(0, 1)),
    "IFA": (_READS, _zero),
}
"""What can be replaced by zeros, with the modules that compute it."""


@contextmanager
def silenced(model: DPA, what: str) -> Iterator[None]:
    """The network with what a part transfers replaced by zeros; a part it lacks is none."""
    modules, hook = SILENT[what]
    known = dict(model.named_modules())
    handles = [known[name].register_forward_hook(hook) for name in modules if name in known]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
