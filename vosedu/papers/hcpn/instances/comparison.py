"""Table VIII: one instance pipeline, several sources of foreground."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from vosedu import metrics
from vosedu.clip import Clip
from vosedu.metrics.scores import Scores
from vosedu.papers.contract import FrameResult
from vosedu.papers.hcpn.instances.pipeline import (
    Foreground,
    Instances,
    Propagate,
    Propose,
    segment_instances,
)


def compare(
    clips: Sequence[Clip],
    sources: Mapping[str, Foreground],
    propose: Propose,
    propagate: Propagate,
    instances: Instances | None = None,
) -> dict[str, Scores]:
    """The DAVIS-2017 unsupervised score of the pipeline with each source of foreground, by name.

    Everything but the foreground is the same: proposals, propagator, thresholds. clips: with
    labels in every frame.
    """

    def masks(source: Foreground, clip: Clip) -> Iterator[FrameResult]:
        return segment_instances(clip, source, propose, propagate, instances or Instances())

    return {
        name: metrics.evaluate(lambda clip, s=source: masks(s, clip), clips, "davis17-unsup")
        for name, source in sources.items()
    }


def everything(clip: Clip) -> Iterator[FrameResult]:
    """A source that knows nothing: all pixels are foreground, so all proposals are kept.

    Labels then hold on every pixel, and each belongs to some object.
    """
    for t in range(len(clip)):
        yield FrameResult(t, probability=np.ones(clip.size, np.float32))


def truth(clip: Clip) -> Iterator[FrameResult]:
    """The true foreground, a bound: what the other steps lose. Needs labels in every frame."""
    for t in range(len(clip)):
        yield FrameResult(
            t, labels=((clip.labels[t] > 0) & (clip.labels[t] < 255)).astype(np.uint8)
        )
