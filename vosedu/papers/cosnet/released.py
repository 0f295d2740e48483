"""The authors' weights: where they are, and how their names map to ours, one to one."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from vosedu.datasets.weights import RELEASES, fetched
from vosedu.nn import LoadReport, Renaming, load_weights
from vosedu.papers.contract import Released

UNUSED: dict[str, tuple[str, ...]] = {
    "head": (),
    "first": (),
    "group": ("conv2.", "bn2.", "main_classifier2."),
}
"""Entries of the authors' state dict, by variant, that no computation of theirs reads."""

to_ours = Renaming(
    (
        ("encoder.layer5.conv.", "embedding.aspp.pool.0."),
        ("encoder.layer5.bn_x.", "embedding.aspp.pool.1."),
        *(
            (f"encoder.layer5.{theirs}_{branch}.", f"embedding.aspp.branches.{branch}.{ours}.")
            for branch in range(4)
            for theirs, ours in (("conv2d", 0), ("bn", 1))
        ),
        ("encoder.layer5.bottleneck.", "embedding.aspp.fuse.0."),
        ("encoder.layer5.bn.", "embedding.aspp.fuse.1."),
        ("encoder.layer5.prelu.", "embedding.aspp.fuse.2."),
        ("encoder.main_classifier.", "side."),
        ("encoder.", "embedding.encoder."),
        ("linear_e.", "coattention.affinity.w."),
        ("gate.", "coattention.gate.f."),
        ("conv1.", "head.of.a.0."),
        ("bn1.", "head.of.a.1."),
        ("main_classifier1.", "head.of.a.3."),
        ("conv2.", "head.of.b.0."),
        ("bn2.", "head.of.b.1."),
        ("main_classifier2.", "head.of.b.3."),
    )
)
"""Renames the authors' state dict (without `module.`)."""


def encoder_to_ours(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The authors' initialisation file, which is the encoder alone, under our names."""
    return to_ours({f"encoder.{name}": value for name, value in state.items()})


def load(model: nn.Module, path: str | Path | None = None) -> LoadReport:
    """Load the authors' checkpoint into `build(Config.released(...))`, strictly.

    path: the file; by default where `vosedu weights get cosnet` puts it.
    """
    unused = UNUSED["group" if model.config.group else "head"]
    return load_weights(
        model, path or fetched("cosnet", WEIGHTS.name), rename=to_ours, unused=unused
    )


def load_encoder(model: nn.Module, path: str | Path | None = None) -> LoadReport:
    """Load the authors' initialisation, embedding and side prediction, the same way."""
    return load_weights(
        embedding_of(model), path or fetched("cosnet", ENCODER.name), rename=encoder_to_ours
    )


def embedding_of(model: nn.Module) -> nn.ModuleDict:
    """The part of a COSNet that the authors call its encoder: embedding and side prediction."""
    return nn.ModuleDict({"embedding": model.embedding, "side": model.side})


WEIGHTS, ENCODER = RELEASES["cosnet"].weights
RELEASED = Released(
    weights=(WEIGHTS, ENCODER),
    results=RELEASES["cosnet"].results,
    unused=UNUSED["head"],
    load=load,
)
