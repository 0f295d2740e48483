"""The authors' weights: where they are, and how their names map to ours, one to one."""

from __future__ import annotations

from torch import Tensor

UNUSED: dict[str, tuple[str, ...]] = {
    "head": (),
    "first": (),
    "group": ("conv2.", "bn2.", "main_classifier2."),
}
"""Entries of the authors' state dict, by variant, that no computation of theirs reads."""

_NAMES = (
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


def name_to_ours(name: str) -> str:
    """One of the authors' entry names -> ours; a name they do not have comes back unchanged."""
    for theirs, ours in _NAMES:
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def to_ours(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The authors' state dict (without `module.`) under our names; `load_weights(rename=...)`."""
    return {name_to_ours(name): value for name, value in state.items()}


def encoder_to_ours(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The authors' initialisation file, which is the encoder alone, under our names.

    Load it into the modules `embedding` and `side` of `Config.released()`.
    """
    return to_ours({f"encoder.{name}": value for name, value in state.items()})
