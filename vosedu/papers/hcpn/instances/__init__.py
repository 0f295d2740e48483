"""The instance level of HCPN: proposals, foreground, propagation, merging.

The paper names these steps and the release has nothing of them, neither code nor thresholds, so
what stands here is our reading of the paper, step by step in `pipeline`; `tracks` is the way of
UnOVOST alone, which the paper cites for its last step.
"""

from vosedu.papers.hcpn.instances.comparison import compare, everything, truth
from vosedu.papers.hcpn.instances.merging import Merged, Proposal, merge, paint
from vosedu.papers.hcpn.instances.pipeline import Instances, segment_instances
from vosedu.papers.hcpn.instances.proposals import (
    Candidate,
    ForegroundPieces,
    MaskRCNN,
    NoisyTruth,
)
from vosedu.papers.hcpn.instances.tracks import segment_tracks

__all__ = [
    "Candidate",
    "ForegroundPieces",
    "Instances",
    "MaskRCNN",
    "Merged",
    "NoisyTruth",
    "Proposal",
    "compare",
    "everything",
    "merge",
    "paint",
    "segment_instances",
    "segment_tracks",
    "truth",
]
