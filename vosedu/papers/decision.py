"""Where a mask is cut out of a map of probabilities: at one half, or for the largest expected J.

Let q be the probability of foreground at every pixel of a frame and M a mask. If pixels are
independent, the object and M are expected to share sum_M q pixels, and to cover together
|M| + sum_{not M} q. What J is expected to be is close to the ratio of the two (Nowozin, *Optimal
Decisions from Probabilistic Models: the Intersection-over-Union Case*, CVPR 2014):

    E(M) = sum_M q / (|M| + sum_{not M} q)

A pixel that joins M adds q above and 1 - q below, so E grows exactly where q / (1 - q) > E. The
best mask is therefore every pixel with q > E* / (1 + E*), E* being its own expected J: a threshold
below one half, and the lower the less sure the frame. One half is the decision with the fewest
wrong pixels, which is another one.

A network trained by cross-entropy predicts q, and the decision is left to us. One trained by soft
IoU makes it itself: for outputs p, soft IoU is expected to be sum p q / (sum q + sum p (1 - q)),
which rises with p where q / (1 - q) > E and falls elsewhere. Its best outputs are 0 and 1, the
mask above, and one half is the right threshold for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from vosedu.errors import InputError, choose
from vosedu.papers.contract import FrameResult
from vosedu.training.losses import prior_corrected


def expected_iou(probability: np.ndarray) -> float:
    """E*: the largest J that any mask of these probabilities expects, 0 to 1.

    probability: q, of any shape. The mask that reaches it is every pixel above E* / (1 + E*).
    """
    q = np.sort(probability, axis=None)[::-1].astype(np.float64)
    shared = q.cumsum()  # of the k most probable pixels, k = 1, 2, ...
    together = np.arange(1, q.size + 1) + shared[-1] - shared
    return float((shared / together).max())


def no_object(probability: np.ndarray) -> float:
    """The probability that no pixel is foreground: what J the empty mask expects."""
    return float(np.exp(np.log1p(-np.minimum(probability.astype(np.float64), 1 - 1e-12)).sum()))


def half(probability: np.ndarray) -> np.ndarray:
    """The probability as it is: the mask is what exceeds one half."""
    return probability


def largest_expected_iou(probability: np.ndarray) -> np.ndarray:
    """The logit moved so that one half cuts out the mask with the largest expected J.

    probability: q, H x W float32. Where the empty mask expects more, the map is zero.
    """
    best = expected_iou(probability)
    if best <= no_object(probability):
        return np.zeros_like(probability)
    return prior_corrected(probability, 1 / (1 + best))


Decision = Callable[[np.ndarray], np.ndarray]
DECISIONS: Mapping[str, Decision] = {
    "half": half,
    "expected": largest_expected_iou,
}


def decided(results: Iterator[FrameResult], decision: str) -> Iterator[FrameResult]:
    """Results of a clip whose masks are cut as a name of `DECISIONS` says.

    Raises InputError for another name, and for results that are labels and no probabilities.
    """
    cut = choose(DECISIONS, decision, "there is no decision")
    return results if cut is half else _cut(results, cut, decision)


def _cut(results: Iterator[FrameResult], cut: Decision, name: str) -> Iterator[FrameResult]:
    for result in results:
        if result.probability is None:
            raise InputError(
                f"the decision '{name}' needs probabilities and this method gives labels; leave "
                "the decision out"
            )
        yield replace(result, probability=cut(result.probability))
