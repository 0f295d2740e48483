"""The authors' weights, and how their names map to ours, one to one."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from vosedu.datasets.weights import RELEASES, weights_folder
from vosedu.errors import InputError
from vosedu.nn import LoadReport, load_weights

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


def name_to_ours(name: str) -> str:
    """One of the authors' entry names -> ours; a name they do not have comes back unchanged."""
    for theirs, ours in _NAMES:
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def to_ours(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The authors' state dict (without `module.`) under our names; `load_weights(rename=...)`."""
    return {name_to_ours(name): value for name, value in state.items()}


def load(model: nn.Module, path: str | Path | None = None) -> LoadReport:
    """Load the authors' checkpoint into `build(Config.released())`, strictly.

    path: the file; by default where `vosedu weights get stm` puts it. Raises InputError where it
    is missing or does not fit.
    """
    path = path or weights_folder("stm") / RELEASES["stm"].weights[0].name
    if not Path(path).is_file():
        raise InputError(
            f"STM's weights are not at {path}; fetch them with 'vosedu weights get stm' or put "
            "the file there"
        )
    return load_weights(model, path, rename=to_ours)
