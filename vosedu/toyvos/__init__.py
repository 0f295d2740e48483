"""ToyVOS 1.1: the embedded data set, rendered from a seed.

`scene(seed, suite, **dials)` plans a scene in integers, `render(scene, height)` draws it as a
`ToyClip`; `split(name, suite)` and `stills(name)` are the fixed sets, `TorchClips` the endless one,
`attributes(clip)` measures DAVIS's attributes, `cue_scores(clip)` whether motion or appearance is
right in each frame.
"""

from __future__ import annotations

from vosedu.toyvos.cues import cue_scores
from vosedu.toyvos.dials import ATTRIBUTES
from vosedu.toyvos.measured import attributes
from vosedu.toyvos.render import ToyClip, render
from vosedu.toyvos.scene import PIXELS, VERSION, Scene
from vosedu.toyvos.splits import split, stills
from vosedu.toyvos.suites import NAMES as SUITES
from vosedu.toyvos.suites import SPLITS, scene
from vosedu.toyvos.torch_data import TorchClips

__all__ = [
    "ATTRIBUTES",
    "PIXELS",
    "SPLITS",
    "SUITES",
    "VERSION",
    "Scene",
    "TorchClips",
    "ToyClip",
    "attributes",
    "cue_scores",
    "render",
    "scene",
    "split",
    "stills",
]
