"""Optical flow: estimators, pictures of it, a cache, and flow of graded quality."""

from vosedu.flow.cache import FlowCache
from vosedu.flow.estimators import DIS, ESTIMATORS, Checked, Estimator, Farneback, Zero
from vosedu.flow.fields import METHODS, between, estimate, of
from vosedu.flow.knobs import (
    global_motion,
    jpeg,
    masked,
    noise,
    object_median,
    without_global_motion,
)
from vosedu.flow.ladder import LADDER, Rung
from vosedu.flow.measures import (
    Oracle,
    Score,
    contrast,
    end_point_error,
    mean_score,
    oracle_threshold,
    score,
    warp_error,
)
from vosedu.flow.pictures import FlowPictures
from vosedu.flow.raft import RAFT
from vosedu.flow.warp import advance, checked, confidence, inconsistency, inside, sample
from vosedu.flow.wheel import WHEEL, legend, to_colour

__all__ = [
    "DIS",
    "ESTIMATORS",
    "LADDER",
    "METHODS",
    "RAFT",
    "WHEEL",
    "Checked",
    "Estimator",
    "Farneback",
    "FlowCache",
    "FlowPictures",
    "Oracle",
    "Rung",
    "Score",
    "Zero",
    "advance",
    "between",
    "checked",
    "confidence",
    "contrast",
    "end_point_error",
    "estimate",
    "global_motion",
    "inconsistency",
    "inside",
    "jpeg",
    "legend",
    "masked",
    "mean_score",
    "noise",
    "object_median",
    "of",
    "oracle_threshold",
    "sample",
    "score",
    "to_colour",
    "warp_error",
    "without_global_motion",
]
