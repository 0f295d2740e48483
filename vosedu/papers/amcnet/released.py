"""What the authors released: code, no weights; how names of their state dict map to ours."""

from __future__ import annotations

import re
from pathlib import Path

from torch import Tensor, nn

from vosedu.datasets.weights import RELEASES
from vosedu.errors import InputError
from vosedu.nn import LoadReport, load_weights
from vosedu.papers.contract import Released

UNUSED: tuple[str, ...] = ("rgb_dem0.", "flow_dem0.", "rgb_sa0.")
"""Entries (prefixes) that only the authors' later network file has and whose results it drops.

That file of May 2023 computes the same outputs; the first one has nothing that is not used.
"""

_NAMES = (
    (r"conv(\d)_Flow\.", r"motion.\1."),
    (r"conv(\d)_RGB\.", r"appearance.\1."),
    (r"attention_feature(\d)\.", r"fusion.\1.gate.conv."),
    (r"atten_flow_channel_(\d)\.", r"fusion.\1.channel."),
    (r"atten_flow_spatial_(\d)\.", r"fusion.\1.spatial."),
    (r"gate_RGB(\d)\.", r"reduce_fused.\1."),
    (r"gate_Flow(\d)\.", r"reduce_motion.\1."),
    (r"fuse(\d)_Flow\.", r"decoder.\1.attend.mix."),
    (r"fuse(\d)_RGB\.", r"decoder.\1.fuse."),
    (r"channel(\d)\.", r"decoder.\1.attend.channel."),
    (r"spatial(\d)\.", r"decoder.\1.attend.spatial."),
    (r"output5\.3\.", r"head."),
    *((rf"output{5 - level}\.", rf"decoder.{level}.narrow.") for level in range(5)),
)


def name_to_ours(name: str) -> str:
    """One of the authors' entry names -> ours; a name they do not have comes back unchanged.

    Their numbers count levels from fine to coarse, 0 to 4, except in `output1` (level 4) to
    `output5` (level 0). Their `gate_*` are no gates but reduce channels.
    """
    for theirs, ours in _NAMES:
        renamed, found = re.subn(f"^{theirs}", ours, name)
        if found:
            return renamed
    return name


def to_ours(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The authors' state dict (without `module.`) under our names; `load_weights(rename=...)`."""
    return {name_to_ours(name): value for name, value in state.items()}


def load(model: nn.Module, path: str | Path | None = None) -> LoadReport:
    """Load a checkpoint of the authors' training code into `build(Config.released())`, strictly.

    They released none, so `path` is that of a run of one's own.
    """
    if path is None:
        raise InputError(
            f"there are no AMC-Net weights to fetch: {RELEASES['amcnet'].reason}; give the path of "
            "a checkpoint of your own"
        )
    return load_weights(model, path, rename=to_ours, unused=UNUSED)


RELEASED = Released(
    results=RELEASES["amcnet"].results,
    unused=UNUSED,
    reason=(
        f"{RELEASES['amcnet'].reason}; train with 'vosedu train amcnet', or take the embedded "
        "course checkpoint"
    ),
    load=load,
)
