"""The authors' weights, and how their names map to ours, one to one."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from vosedu.datasets.weights import RELEASES, fetched
from vosedu.nn import LoadReport, Renaming, load_weights

_BLOCKS = (("ResFS", "skip"), ("ResMM", "merge"), ("convFS", "reduce"))

_NAMES = [
    *(
        pair
        for theirs, ours in (("Encoder_M", "memory_encoder"), ("Encoder_Q", "query_encoder"))
        for pair in (
            (f"{theirs}.conv1_m.", f"{ours}.mask."),
            (f"{theirs}.conv1_o.", f"{ours}.others."),
            (f"{theirs}.conv1.", f"{ours}.stem.0."),
            (f"{theirs}.bn1.", f"{ours}.stem.1."),
            *((f"{theirs}.res{n + 2}.", f"{ours}.stages.{n}.") for n in range(3)),
            (f"{theirs}.", f"{ours}."),
        )
    ),
    *(
        (f"KV_{theirs}_r4.{what}.", f"{ours}_kv.{what.lower()}.")
        for theirs, ours in (("M", "memory"), ("Q", "query"))
        for what in ("Key", "Value")
    ),
    *(
        (f"Decoder.RF{n}.{theirs}.", f"decoder.refine{n}.{ours}.")
        for n in (3, 2)
        for theirs, ours in _BLOCKS
    ),
    ("Decoder.convFM.", "decoder.reduce."),
    ("Decoder.ResMM.", "decoder.merge."),
    ("Decoder.pred2.", "decoder.predict."),
]

to_ours = Renaming(_NAMES)
"""Renames the authors' state dict (without `module.`)."""


def load(model: nn.Module, path: str | Path | None = None) -> LoadReport:
    """Load the authors' checkpoint into `build(Config.released())`, strictly.

    path: the file; by default where `vosedu weights get stm` puts it. Raises InputError where it
    is missing or does not fit.
    """
    path = path or fetched("stm", RELEASES["stm"].weights[0].name)
    return load_weights(model, path, rename=to_ours)
