"""Proposals of single frames become object tracks: UnOVOST's merging strategy.

Luiten, Zulfikar and Leibe, UnOVOST: Unsupervised Offline Video Object Segmentation and Tracking,
WACV 2020, which HCPN cites for its instance level; every step as their code has it, quirks
included. A tracklet is a run of proposals that flow connects; a trajectory is a chain of tracklets
of alike appearance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

import numpy as np
from scipy.optimize import linear_sum_assignment

ABSENT = -1


@dataclass(frozen=True, eq=False)
class Proposal:
    """One proposal of one frame.

    mask: H x W bool. score: higher is better. reid: vector of its appearance. forward: its mask
    warped to the next frame by optical flow, H x W bool.
    """

    mask: np.ndarray
    score: float
    reid: np.ndarray
    forward: np.ndarray


@dataclass(frozen=True)
class Tracklet:
    """A run of proposals: `ids` holds a proposal number per frame, or ABSENT."""

    ids: tuple[int, ...]
    start: int
    end: int
    reid: np.ndarray
    score: float


@dataclass(frozen=True)
class Merged:
    """What merging gave, with the steps that led there.

    kept: per frame, the proposals that survived overlap removal. links: per tracklet, the one it
    goes on from, or ABSENT. chains: per trajectory in rank order, the numbers of its tracklets.
    """

    kept: list[list[int]]
    tracklets: list[Tracklet]
    links: list[int]
    chains: list[tuple[int, ...]]

    def trajectories(self) -> list[tuple[int, ...]]:
        """Per trajectory in rank order, a proposal number per frame, or ABSENT."""
        return [
            tuple(max(ids) for ids in zip(*(self.tracklets[n].ids for n in chain), strict=True))
            for chain in self.chains
        ]


def merge(
    frames: Sequence[Sequence[Proposal]],
    overlap: float = 0.2,
    link: float = 0.05,
    most: int = 20,
) -> Merged:
    """Merge the proposals of a clip's frames into at most `most` trajectories.

    overlap: the IoU from which the weaker of two proposals of a frame is dropped. link: the IoU
    above which a proposal goes on in the next frame.
    """
    kept = [without_overlaps(proposals, overlap) for proposals in frames]
    tracklets = [_tracklet(ids, frames) for ids in link_frames(frames, kept, link)]
    distance = _distances(tracklets)
    links = backward_links(tracklets, distance)
    chains = list(cluster(chains_of(links), tracklets, distance, len(frames)))
    ranked = sorted(chains, key=lambda chain: -_rank(chain, tracklets))  # equal ones keep order
    return Merged(kept, tracklets, links, ranked[:most])


def paint(frames: Sequence[Sequence[Proposal]], merged: Merged) -> Iterator[np.ndarray]:
    """Per frame, H x W uint8 ids: trajectory n has id n + 1, later ones over earlier ones.

    A frame without proposals gives an empty map; at least one frame must have some.
    """
    shape = next(p.mask.shape for proposals in frames for p in proposals)
    for t, proposals in enumerate(frames):
        labels = np.zeros(shape, np.uint8)
        for number, ids in enumerate(merged.trajectories(), 1):
            if ids[t] != ABSENT:
                labels[proposals[ids[t]].mask] = number
        yield labels


# Steps 1 to 3: proposals to tracklets ------------------------------------------------------------


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two masks, H x W bool; 0 where both are empty."""
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 0.0


def without_overlaps(proposals: Sequence[Proposal], threshold: float) -> list[int]:
    """The proposals of one frame, of which no two overlap by `threshold` or more.

    In order, each is compared with the kept one it overlaps most; the higher score stays, the
    kept one where both are equal. Repeated until nothing overlaps.
    """
    ids = list(range(len(proposals)))
    while True:
        kept: list[int] = []
        met = False
        for i in ids:
            overlaps = [iou(proposals[i].mask, proposals[k].mask) for k in kept]
            if not overlaps or max(overlaps) < threshold:
                kept.append(i)
                continue
            met = True
            rival = overlaps.index(max(overlaps))
            if proposals[i].score > proposals[kept[rival]].score:
                del kept[rival]
                kept.append(i)
        if not met:
            return kept
        ids = kept


def link_frames(
    frames: Sequence[Sequence[Proposal]], kept: Sequence[Sequence[int]], threshold: float
) -> list[list[int]]:
    """Tracklets, a proposal number per frame each, by one-to-one assignment of frames in turn.

    A proposal that appears first in the last frame starts none. As long as there is no tracklet,
    neither do the proposals of a frame without a link, unless the next frame has no proposals.
    """
    tracklets: list[list[int]] = []

    def start(t: int, i: int) -> list[int]:
        tracklets.append([ABSENT] * len(frames))
        tracklets[-1][t] = i
        return tracklets[-1]

    for t in range(len(frames) - 1):
        pairs = _linked(frames[t], kept[t], frames[t + 1], kept[t + 1], threshold)
        if not tracklets and not pairs and kept[t + 1]:
            continue
        running = {ids[t]: ids for ids in tracklets if ids[t] != ABSENT}
        for i, j in pairs:
            ids = running[i] if i in running else start(t, i)
            ids[t + 1] = j
            running[i] = ids
        for i in kept[t]:
            if i not in running:
                start(t, i)
    return tracklets


def _linked(
    now: Sequence[Proposal],
    kept_now: Sequence[int],
    after: Sequence[Proposal],
    kept_after: Sequence[int],
    threshold: float,
) -> list[tuple[int, int]]:
    """Pairs of proposals of two neighbouring frames, in the order of the first."""
    if not kept_now or not kept_after:
        return []
    scores = np.array([[iou(now[i].forward, after[j].mask) for j in kept_after] for i in kept_now])
    rows, columns = linear_sum_assignment(-scores)
    return [
        (kept_now[r], kept_after[c])
        for r, c in zip(rows, columns, strict=True)
        if scores[r, c] > threshold
    ]


def _tracklet(ids: Sequence[int], frames: Sequence[Sequence[Proposal]]) -> Tracklet:
    present = [t for t, i in enumerate(ids) if i != ABSENT]
    proposals = [frames[t][ids[t]] for t in present]
    return Tracklet(
        tuple(ids),
        present[0],
        present[-1],
        np.mean([p.reid for p in proposals], axis=0),
        float(np.mean([p.score for p in proposals])),
    )


# Steps 5 to 8: tracklets to trajectories ---------------------------------------------------------


def _distances(tracklets: Sequence[Tracklet]) -> np.ndarray:
    """Distances of appearance as shares of the largest, K x K; NaN where all are alike."""
    reids = np.array([tracklet.reid for tracklet in tracklets])
    if len(reids) == 0:
        return np.zeros((0, 0))
    distance = np.linalg.norm(reids[:, None] - reids[None], axis=2)
    largest = distance.max()
    return distance / largest if largest > 0 else np.full_like(distance, np.nan)


def backward_links(tracklets: Sequence[Tracklet], distance: np.ndarray) -> list[int]:
    """Per tracklet the most alike of those that ended before it started, or ABSENT.

    Where the second most alike already goes on from the most alike, it is the second.
    """
    links = [ABSENT] * len(tracklets)
    for n in sorted(range(len(tracklets)), key=lambda n: tracklets[n].start):
        ended = [k for k, other in enumerate(tracklets) if other.end < tracklets[n].start]
        ended.sort(
            key=lambda k: (np.nan_to_num(distance[n, k]), tracklets[k].start, tracklets[k].end, k)
        )
        if not ended:
            continue
        second = ended[min(1, len(ended) - 1)]
        links[n] = second if links[second] == ended[0] else ended[0]
    return links


def chains_of(links: Sequence[int]) -> list[tuple[int, ...]]:
    """From the last tracklet down, each one not yet in a chain, followed back to its root."""
    visited: set[int] = set()
    chains = []
    for n in reversed(range(len(links))):
        if n in visited:
            continue
        chain = []
        while n != ABSENT:
            chain.append(n)
            n = links[n]
        visited.update(chain)
        chains.append(tuple(sorted(chain)))
    return chains


def cluster(
    chains: Sequence[tuple[int, ...]],
    tracklets: Sequence[Tracklet],
    distance: np.ndarray,
    frames: int,
) -> Iterator[tuple[int, ...]]:
    """Trajectories: of the chains with the same root the best one, then the rest without it."""
    for _, same_root in groupby(sorted(chains), key=lambda chain: chain[0]):
        group = list(same_root)
        best = max(  # of equal ones the first
            group,
            key=lambda chain: (
                _value(chain, tracklets, distance, frames),
                max(tracklets[n].end for n in chain),
            ),
        )
        yield best
        rest = [_without_front(chain, best) for chain in group if chain != best]
        yield from cluster([chain for chain in rest if chain], tracklets, distance, frames)


def _value(
    chain: tuple[int, ...], tracklets: Sequence[Tracklet], distance: np.ndarray, frames: int
) -> float:
    """0.9 times the share of frames covered plus 0.1 times the likeness of the most alike two."""
    covered = sum(tracklets[n].end - tracklets[n].start for n in chain)
    alike = [1 - distance[i, k] for i, k in combinations(chain, 2)]
    value = 0.9 * covered / frames + 0.1 * max(alike, default=0.0)
    return 0.0 if np.isnan(value) else value


def _without_front(chain: tuple[int, ...], taken: tuple[int, ...]) -> tuple[int, ...]:
    shared = 0
    while shared < len(chain) and chain[shared] in taken:
        shared += 1
    return chain[shared:]


def _rank(chain: tuple[int, ...], tracklets: Sequence[Tracklet]) -> float:
    """The mean over a trajectory's tracklets of score times length up to and with each."""
    length, terms = 0, []
    for tracklet in sorted((tracklets[n] for n in chain), key=lambda tracklet: tracklet.start):
        length += tracklet.end - tracklet.start + 1
        terms.append(tracklet.score * length)
    return float(np.mean(terms))
