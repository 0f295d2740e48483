"""Where the masks of a row are cut: at one half, or at a cross-validated threshold.

How long a network was trained, with what loss and from which random numbers moves its probabilities
up or down, and one half then cuts away what the network found. A cross-validated threshold takes
this out of a comparison: the masks of a clip are cut where the mean J of all the other clips is
largest, so that no clip has a say in its own threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from vosedu import metrics
from vosedu.clip import Clip
from vosedu.metrics.protocols import Protocol
from vosedu.metrics.scores import Scores

HALF, CROSS_VALIDATED = "half", "cross-validated"
THRESHOLDS: Mapping[str, tuple[str, ...]] = {
    HALF: ("J", "F"),
    CROSS_VALIDATED: ("J", "F", "threshold", "J at one half"),
}
"""Where masks are cut -> the measures that a record then holds."""

_LOGITS = sorted(np.arange(-5, 5.25, 0.25), key=lambda logit: (abs(logit), logit))
TRIED = 1 / (1 + np.exp(-np.array(_LOGITS)))
"""The thresholds among which one is chosen, from one half outwards: logits -5 to 5 by a quarter."""

Probabilities = Mapping[int, np.ndarray]  # frame -> H x W float32


def scores_cross_validated(
    clips: Sequence[Clip], found: Sequence[Probabilities], rules: Protocol
) -> dict[str, list[float]]:
    """Mean J and F of each clip at its threshold; the threshold; and J at one half.

    found: the probabilities of each clip, of all frames that `rules` scores.
    """
    regions = np.array([_regions(clip, maps, rules) for clip, maps in zip(clips, found)])
    thresholds = cross_validated(regions)
    scores = means(
        metrics.evaluate({clip.name: {t: p > cut for t, p in maps.items()}}, [clip], rules)
        for clip, maps, cut in zip(clips, found, thresholds)
    )
    return {**scores, "threshold": thresholds, "J at one half": regions[:, 0].tolist()}


def means(scores: Iterable[Scores]) -> dict[str, list[float]]:
    """Mean J and F of each clip, as fractions, from the scores of one clip each."""
    tables = [each.sequences for each in scores]
    return {m: [float(t[f"{m}-Mean"].iloc[0]) for t in tables] for m in THRESHOLDS[HALF]}


def cross_validated(regions: np.ndarray) -> list[float]:
    """The threshold of each clip: the one of `TRIED` with the largest mean J over the other clips.

    regions: C x len(TRIED), the mean J of each clip at each threshold. Of equally good thresholds
    the one nearest to one half is taken; a clip that is alone is cut there.
    """
    others = regions.sum(0) - regions  # C x thresholds
    return TRIED[others.argmax(1)].tolist() if len(regions) > 1 else [0.5]


def _regions(clip: Clip, maps: Probabilities, rules: Protocol) -> np.ndarray:
    """The clip's mean J at each threshold of `TRIED`."""
    return np.mean(
        [
            [metrics.region(maps[t] > cut, clip.labels[t] > 0) for cut in TRIED]
            for t in rules.scored_frames(clip)
        ],
        axis=0,
    )
