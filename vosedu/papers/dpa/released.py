"""What the authors released: no weights, masks, and names, which map to ours one to one."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from vosedu.datasets.weights import RELEASES
from vosedu.errors import InputError
from vosedu.nn import LoadReport, Renaming, load_weights
from vosedu.papers.contract import Released
from vosedu.papers.dpa.network import Config

_OCR = ("DAM4.rgb_OCR", "DAM4.flow_OCR", "DAM5.rgb_OCR", "DAM5.flow_OCR")
_NEVER_RUN = tuple(f"{ocr}.{part}." for ocr in _OCR for part in ("GAN.fc", "out"))
_IMA = ("DAM4.", "DAM5.")
_IFA = ("rgb_TAM.", "flow_TAM.")
_FUSE5 = ("rgb_fuse5.", "flow_fuse5.")

UNUSED: dict[str, tuple[str, ...]] = {
    "I": (*_IMA, *_IFA, *_FUSE5),
    "II": (*_NEVER_RUN, *_IFA, *_FUSE5),
    "III": (*_IMA, *_FUSE5),
    "IV": _NEVER_RUN,
    "pretrain": _NEVER_RUN,
}
"""Entries of the authors' state dict (prefixes), by version, that the version's forward skips.

All versions share one class of 588 entries and 43,625,704 parameters. Of IV's parameters that
never run, 4 x 33,152 are the `out` and 4 x 129 the `fc` of the prototype graphs.
"""

_STREAMS = (("rgb", "appearance"), ("flow", "motion"))
_ASPP = (
    ("1x1_1", "near"),
    *((f"3x3_{i + 1}", f"dilated.{i}") for i in range(3)),
    ("1x1_2", "pooled"),
    ("1x1_3", "project"),
)
_NON_LOCAL = (("bn_relu.0", "norm"), ("theta", "theta"), ("phi", "phi"), ("g", "g"), ("W", "out"))


def _stream(theirs: str, ours: str) -> list[tuple[str, str]]:
    return [
        (f"{theirs}_encoder.vgg", f"{ours}.encoder.features"),
        (f"{theirs}_sq4.0", f"{ours}.squeeze4"),
        (f"{theirs}_sq5.0", f"{ours}.squeeze5"),
        (f"{theirs}_COMP4.0", f"{ours}.neck.level4"),
        (f"{theirs}_COMP5.0", f"{ours}.neck.level5"),
        (f"{theirs}_COMP6", f"{ours}.neck.level6"),
        *((f"{theirs}_aspp.conv_{t}", f"{ours}.neck.aspp.{o}.0") for t, o in _ASPP),
        *((f"{theirs}_aspp.bn_conv_{t}", f"{ours}.neck.aspp.{o}.1") for t, o in _ASPP),
        (f"{theirs}_TAM.K", f"ifa_{ours}.memory.key"),
        (f"{theirs}_TAM.V", f"ifa_{ours}.memory.value"),
        (f"{theirs}_TAM.fusion", f"ifa_{ours}.fuse"),
        (f"{theirs}_fuse5.0", f"fuse5_{ours}.fuse"),
    ]


def _ima(block: int) -> list[tuple[str, str]]:
    theirs, ours = f"DAM{block}", f"ima{block}"
    pairs = []
    for number, (t, o) in enumerate(_STREAMS, 1):
        graph = f"{theirs}.{t}_OCR.GAN"
        cross = f"{theirs}.CCM.can{number}"
        pairs += [(f"{graph}.TF.{p}", f"{ours}.{o}.attention.{q}") for p, q in _NON_LOCAL]
        pairs += [(f"{graph}.conv{i}", f"{ours}.{o}.graph{i}.edge") for i in (1, 2, 3)]
        pairs += [(f"{cross}.{p}", f"{ours}.exchange.{o}.{q}") for p, q in _NON_LOCAL]
        pairs += [(f"{theirs}.{t}_fusion", f"{ours}.fuse_{o}")]
    return pairs


def _merge(theirs: str, ours: str) -> list[tuple[str, str]]:
    return [(f"{theirs}.conv1", f"{ours}.residual"), (f"{theirs}.conv2", f"{ours}.project")]


def _refine(number: int) -> list[tuple[str, str]]:
    theirs, ours = f"rgb_refine_{number}", f"decoder.refine{number}"
    return [
        (f"{theirs}.cmprs", f"{ours}.compress"),
        (f"{theirs}.merge_conv", f"{ours}.merge"),
        (f"{theirs}.pred.pred.0", f"{ours}.head.score"),
    ]


_NAMES = [
    *(pair for theirs, ours in _STREAMS for pair in _stream(theirs, ours)),
    *(pair for block in (4, 5) for pair in _ima(block)),
    *(pair for level in (4, 5, 6) for pair in _merge(f"total_fuse{level}", f"merge{level}")),
    *_merge("rgb_merge_co_56", "decoder.merge56"),
    *_merge("rgb_merge_co_45.0", "decoder.merge45"),
    ("rgb_merge_co_45.1", "decoder.reduce"),
    ("rgb_get_pred_4.pred.0", "decoder.head4.score"),
    *(pair for number in (3, 2, 1) for pair in _refine(number)),
]
to_ours = Renaming((f"{theirs}.", f"{ours}.") for theirs, ours in _NAMES)
"""Renames the authors' state dict (without `module.`)."""


def version(config: Config) -> str:
    """Which of the authors' forwards a released configuration is: "I" to "IV" or "pretrain"."""
    for name in UNUSED:
        released = Config.released(name)
        if (released.ima, released.ifa, released.network) == (
            config.ima,
            config.ifa,
            config.network,
        ):
            return name
    raise InputError(
        f"ima='{config.ima}' with ifa='{config.ifa}' exists only here: build one of the released "
        "versions, such as Config.released('IV')"
    )


def load(model: nn.Module, path: str | Path | None = None) -> LoadReport:
    """Load a checkpoint of the authors' training code into `build(Config.released(...))`.

    They released none, so `path` is that of a run of one's own.
    """
    if path is None:
        raise InputError(
            f"there are no DPA weights to fetch: {RELEASES['dpa'].reason}; give the path of a "
            "checkpoint of your own"
        )
    return load_weights(model, path, rename=to_ours, unused=UNUSED[version(model.config)])


RELEASED = Released(
    results=RELEASES["dpa"].results,
    unused=UNUSED["IV"],
    reason=(
        f"{RELEASES['dpa'].reason}; train with 'vosedu train dpa', or take the embedded course "
        "checkpoint; 'vosedu evaluate --masks' scores the archive"
    ),
    load=load,
)
