"""What DPA computed for one frame under one setting, and what can be read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vosedu.papers.dpa.explorer.sabotage import Place
from vosedu.papers.dpa.network import Reference

STREAMS = ("appearance", "motion")

HEARD = (
    "squeezed*",
    "f5_*",
    "ima?.appearance.cosine",
    "ima?.motion.cosine",
    "ima?.exchange.*",
    "ima5.fuse_*.refined",
    "ifa_*.read.attention",
    "ifa_*.read.cosine",
    "ifa_*.fuse.refined",
    "fuse5_*.fused",
    "decoder.gate",
    "decoder.maps",
)


@dataclass(frozen=True)
class Remembered:
    """A reference: what the network keeps of it, and its soft regions (C x h x w) by stream."""

    memory: Reference
    regions: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Trace:
    """One frame seen by the network under one setting, with N references.

    clip: its number. frame: H x W x 3 uint8. flow: its flow picture, h x w x 3 uint8, as the
    network saw it. probability: H x W float32. references: by stream, N places (clip, frame).
    remembered: by stream, the soft regions of the references. heard: the taps of HEARD, by name,
    arrays without the batch axis in call order.
    """

    clip: int
    frame: np.ndarray
    flow: np.ndarray
    probability: np.ndarray
    references: Mapping[str, tuple[Place, ...]]
    remembered: Mapping[str, tuple[np.ndarray, ...]]
    heard: Mapping[str, list[np.ndarray]]

    @property
    def mask(self) -> np.ndarray:
        """H x W uint8, the probability thresholded at one half."""
        return (self.probability > 0.5).astype(np.uint8)

    def names(self, stream: str) -> list[str]:
        """What to call the references of a stream in titles."""
        return [
            f"frame {frame}" + ("" if clip == self.clip else ", other clip")
            for clip, frame in self.references[stream]
        ]

    def tap(self, name: str) -> np.ndarray | None:
        """What the first tap of that name said; None where this network does not have it."""
        return self.heard[name][0] if name in self.heard else None

    def regions(self, block: int, stream: str) -> np.ndarray:
        """S, the soft regions of block 4 or 5: C x h x w, each sums to one."""
        x = self.heard[f"squeezed{block}_{stream}"][0]
        return _over_positions(x)

    def cell(self, block: int, x: int, y: int) -> int:
        """The position, 0 .. hw - 1, of a block's map in which pixel (x, y) of the frame lies."""
        height, width = self.frame.shape[:2]
        h, w = self.heard[f"squeezed{block}_appearance"][0].shape[1:]
        return y * h // height * w + x * w // width

    def owner(self, block: int, stream: str, x: int, y: int) -> int:
        """The prototype in whose soft region pixel (x, y) weighs most."""
        regions = self.regions(block, stream)
        return int(regions.reshape(len(regions), -1)[:, self.cell(block, x, y)].argmax())

    def transfer(self, block: int, stream: str, x: int, y: int) -> np.ndarray | None:
        """Where in the other modality the pixel's prototype reads: h x w, sums to one.

        In the released form positions read, not prototypes. None without IMA; without prototypes
        a channel of the map stands where a prototype would.
        """
        other = STREAMS[stream == STREAMS[0]]
        mixing = self.tap(f"ima{block}.exchange.attention_{stream}")
        regions = self.regions(block, other)
        if mixing is not None:
            return np.tensordot(mixing[self.owner(block, stream, x, y)], regions, 1)
        looking = self.tap(f"ima{block}.exchange.{stream}.attention")
        if looking is not None:
            return looking[self.cell(block, x, y)].reshape(regions.shape[1:])
        return None

    def attention(self, stream: str) -> np.ndarray | None:
        """softmax(Phi2): readers x N x tokens of each reference; None without IFA."""
        weights = self.tap(f"ifa_{stream}.read.attention")
        if weights is None:
            return None
        return weights.reshape(len(weights), len(self.references[stream]), -1)

    def mass(self, stream: str) -> np.ndarray:
        """The share of all attention that each of the N references gets; empty without IFA."""
        attention = self.attention(stream)
        return np.empty(0) if attention is None else attention.sum(2).mean(0)

    def reading(self, stream: str, x: int, y: int) -> np.ndarray | None:
        """Where the pixel's prototype reads: N x h x w, sums to one over all references."""
        attention = self.attention(stream)
        if attention is None:
            return None
        h, w = self.heard[f"squeezed5_{stream}"][0].shape[1:]
        if not self.remembered[stream]:  # without prototypes: positions read positions
            return attention[self.cell(5, x, y)].reshape(-1, h, w)
        row = attention[self.owner(5, stream, x, y)]
        return np.stack([np.tensordot(a, s, 1) for a, s in zip(row, self.remembered[stream])])


def _over_positions(x: np.ndarray) -> np.ndarray:
    """softmax over positions: C x h x w -> C x h x w."""
    e = np.exp(x - x.max(axis=(1, 2), keepdims=True))
    return e / e.sum(axis=(1, 2), keepdims=True)
