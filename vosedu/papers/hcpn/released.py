"""The authors' weights: two files, encoder and decoder, and how their names map to ours."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from vosedu.datasets.weights import RELEASES, fetched
from vosedu.errors import InputError
from vosedu.nn import LoadReport, Renaming, load_weights, read_state
from vosedu.papers.contract import Released

_REFINES = {"RF4": 2, "RF3": 1, "RF2": 0}

UNUSED: tuple[str, ...] = (
    "pca_res2.",
    "cca_res2.",
    *(f"cca_res{stage}.faf.global_att2." for stage in (3, 4, 5)),
    *(
        f"{refine}.{part}."
        for refine in _REFINES
        for part in ("convFS1", "pdc.block2", "pdc.block3")
    ),
    *(f"pred{stage}." for stage in (5, 4, 3)),
)
"""Entries of the authors' two state dicts that their forward pass never reads."""


def _stream(number: int, ours: str) -> list[tuple[str, str]]:
    stem = [
        (f"conv1_{number}.", f"encoder.{ours}.stem.0."),
        (f"bn1_{number}.", f"encoder.{ours}.stem.1."),
    ]
    return stem + [(f"res{s + 2}_{number}.", f"encoder.{ours}.stages.{s}.") for s in range(4)]


def _stage(number: int) -> list[tuple[str, str]]:
    block = f"encoder.blocks.{number - 2}"
    fusion = f"{block}.ccm.fusion"
    return [
        (f"gated_res{number}.", f"decoder.bridges.{number - 2}."),
        (f"pca_res{number}.p_f1.", f"{block}.pcm.affinity.appearance."),
        (f"pca_res{number}.p_f2.", f"{block}.pcm.affinity.motion."),
        (f"pca_res{number}.c_f1.", f"{block}.pcm.appearance.score."),
        (f"pca_res{number}.c_f2.", f"{block}.pcm.motion.score."),
        (f"cca_res{number}.gct.", f"{block}.ccm.attention."),
        (f"cca_res{number}.faf.local_att.", f"{fusion}.local1."),
        (f"cca_res{number}.faf.local_att2.", f"{fusion}.local2."),
        (f"cca_res{number}.faf.global_att.", f"{fusion}.whole."),
        *(
            (f"bdry{number}.{theirs}.", f"decoder.heads.{number - 2}.layers.{ours}.")
            for theirs, ours in (("bn1", 0), ("conv1", 1), ("bn2", 3), ("conv2", 4), ("conv3", 6))
        ),
    ]


def _refine(theirs: str, number: int) -> list[tuple[str, str]]:
    ours = f"decoder.refine.{number}"
    return [
        (f"{theirs}.pdc.block0.", f"{ours}.pyramid.near."),
        (f"{theirs}.pdc.block1.conv.", f"{ours}.pyramid.far."),
        (f"{theirs}.pdc.bn.", f"{ours}.pyramid.norm."),
        (f"{theirs}.convFS2.", f"{ours}.skip.conv1."),
        (f"{theirs}.convFS3.", f"{ours}.skip.conv2."),
        (f"{theirs}.convMM1.", f"{ours}.merge.conv1."),
        (f"{theirs}.convMM2.", f"{ours}.merge.conv2."),
    ]


_NAMES = [
    *(
        pair
        for number, ours in ((1, "image_a"), (2, "image_b"), (3, "flow"))
        for pair in _stream(number, ours)
    ),
    *(pair for number in (2, 3, 4, 5) for pair in _stage(number)),
    *(pair for theirs, number in _REFINES.items() for pair in _refine(theirs, number)),
    ("GC.conv_l1.", "decoder.deepest.tall_first.0."),
    ("GC.conv_l2.", "decoder.deepest.tall_first.1."),
    ("GC.conv_r1.", "decoder.deepest.wide_first.0."),
    ("GC.conv_r2.", "decoder.deepest.wide_first.1."),
    ("convG1.", "decoder.deepest_residual.conv1."),
    ("convG2.", "decoder.deepest_residual.conv2."),
    ("pred2.", "decoder.coarse."),
    ("concat.", "decoder.mcr.fuse."),
]

to_ours = Renaming(_NAMES)
"""Renames the authors' encoder and decoder (without `module.`), in one state dict."""


def load(model: nn.Module, path: str | Path | None = None) -> LoadReport:
    """Load the authors' two checkpoint files into `build(Config.released())`, strictly.

    path: the folder that holds `encoder_<tag>.pt` and `decoder_<tag>.pt`; by default where
    `vosedu weights get hcpn` puts it. Raises InputError where a file is missing, where there are
    several of one kind, or where a file does not fit.
    """
    folder = Path(path or fetched("hcpn", RELEASES["hcpn"].weights[0].name))
    state = {**read_state(_file(folder, "encoder")), **read_state(_file(folder, "decoder"))}
    return load_weights(model, state, rename=to_ours, unused=UNUSED)


def _file(folder: Path, part: str) -> Path:
    files = sorted(folder.rglob(f"{part}_*.pt"))
    if not files:
        raise InputError(
            f"there is no {part}_*.pt in {folder}: HCPN's weights are two files, encoder and "
            "decoder; fetch them with 'vosedu weights get hcpn' or put them there"
        )
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise InputError(f"{folder} holds several {part}s ({names}); leave one of them there")
    return files[0]


RELEASED = Released(
    weights=RELEASES["hcpn"].weights,
    results=RELEASES["hcpn"].results,
    unused=UNUSED,
    load=load,
)
