"""Readers of the real data sets, of your own folders, and the registry they are fetched from."""

from __future__ import annotations

from vosedu.datasets.davis import davis16, davis17
from vosedu.datasets.sequences import ATTRIBUTES, DAVIS16
from vosedu.datasets.videos import Video, Videos

__all__ = ["ATTRIBUTES", "DAVIS16", "Video", "Videos", "davis16", "davis17"]
