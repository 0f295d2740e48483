"""Object tracks without a propagator: pieces of the foreground of every frame, merged by UnOVOST.

It needs neither a detector nor a first mask and finds objects that appear late, but two objects
that touch are one piece. All masks of a clip are in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np

from vosedu import flow
from vosedu.clip import Clip
from vosedu.papers.contract import FrameResult
from vosedu.papers.hcpn.instances.merging import Proposal, merge, paint

CLOSE = np.ones((3, 3), np.uint8)  # a mask that grows when it is carried has gaps of a pixel


def segment_tracks(
    clip: Clip,
    foreground: Iterable[FrameResult],
    *,
    least: int = 16,
    method: str = "dis-medium",
) -> Iterator[FrameResult]:
    """The object ids of every frame, H x W uint8, in order: connected pieces, linked and ranked.

    foreground: one result for every frame, with a probability or a mask. least: pixels of a piece
    at least. method: of `vosedu.flow`, for clips that bring no flow along. A piece's score is its
    mean probability, its appearance the mean colour in 0..1.
    """
    fields = flow.of(clip, method)
    frames = [
        pieces(clip.frames[result.index], result, fields[result.index], least)
        for result in foreground
    ]
    if not any(frames):
        empty = np.zeros(clip.size, np.uint8)
        yield from (FrameResult(t, labels=empty) for t in range(len(frames)))
        return
    for t, labels in enumerate(paint(frames, merge(frames))):
        yield FrameResult(t, labels=labels)


def pieces(
    frame: np.ndarray, foreground: FrameResult, field: np.ndarray, least: int
) -> Sequence[Proposal]:
    """The connected pieces of a frame's foreground, with what UnOVOST compares.

    frame: H x W x 3 uint8. field: the flow to the next frame, H x W x 2 pixels.
    """
    mask = (foreground.mask > 0).astype(np.uint8)
    count, parts = cv2.connectedComponents(mask)
    sure = mask if foreground.probability is None else foreground.probability
    found = [parts == number for number in range(1, count)]
    return [
        Proposal(p, float(sure[p].mean()), frame[p].mean(0) / 255, carried(p, field))
        for p in found
        if p.sum() >= least
    ]


def carried(mask: np.ndarray, field: np.ndarray) -> np.ndarray:
    """A mask, H x W bool, where its pixels are in the next frame, by the flow to it."""
    ys, xs = np.nonzero(mask)
    to_y = np.rint(ys + field[ys, xs, 1]).astype(int)
    to_x = np.rint(xs + field[ys, xs, 0]).astype(int)
    inside = (to_y >= 0) & (to_y < mask.shape[0]) & (to_x >= 0) & (to_x < mask.shape[1])
    moved = np.zeros(mask.shape, np.uint8)
    moved[to_y[inside], to_x[inside]] = 1
    return cv2.morphologyEx(moved, cv2.MORPH_CLOSE, CLOSE) > 0
