"""Readers of the real data sets, of your own folders, and the registry they are fetched from.

    from vosedu import datasets
    val = datasets.davis16("val")            # after `vosedu data get davis16`
    mine = datasets.folder("my_videos")      # frames, and masks where there are some

Videos come as a sequence of `Clip`, stills as a sequence of (image, mask).
"""

from __future__ import annotations

from vosedu.datasets.davis import davis16, davis16_flow, davis17
from vosedu.datasets.fbms import fbms
from vosedu.datasets.manage import Report, check, get, list_datasets, where
from vosedu.datasets.own import folder
from vosedu.datasets.registry import REGISTRY, check_options, open_dataset
from vosedu.datasets.sequences import ATTRIBUTES, DAVIS16
from vosedu.datasets.stills import Stills, deaot_stills, dut_omron, duts, msra10k, pairs
from vosedu.datasets.videos import Video, Videos
from vosedu.datasets.weights import get_weights, list_weights, where_weights
from vosedu.datasets.youtube import (
    category,
    youtube_objects,
    youtube_vos,
    youtube_vos_objects,
)

__all__ = [
    "ATTRIBUTES",
    "DAVIS16",
    "REGISTRY",
    "Report",
    "Stills",
    "Video",
    "Videos",
    "category",
    "check",
    "check_options",
    "davis16",
    "davis16_flow",
    "davis17",
    "deaot_stills",
    "dut_omron",
    "duts",
    "fbms",
    "folder",
    "get",
    "get_weights",
    "list_datasets",
    "list_weights",
    "msra10k",
    "open_dataset",
    "pairs",
    "where",
    "where_weights",
    "youtube_objects",
    "youtube_vos",
    "youtube_vos_objects",
]
