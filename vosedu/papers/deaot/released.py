"""The authors' weights: where they are, and how their names map to ours."""

from __future__ import annotations

import re
from pathlib import Path

from torch import Tensor, nn

from vosedu.datasets.weights import RELEASES, fetched
from vosedu.errors import InputError
from vosedu.nn import LoadReport, load_weights
from vosedu.papers.contract import Released
from vosedu.papers.deaot.config import VARIANTS
from vosedu.papers.deaot.network import Config

UNUSED = ("LSTT.mask_token",)
"""Entries of the authors' state dict that no computation of theirs reads (AOT only)."""

_TOP = (
    ("encoder_projector.", "projector."),
    ("patch_wise_id_bank.", "identity.bank."),
    ("id_norm.", "identity.norm."),
    ("LSTT.decoder_norms.0.gn.", "neck.norm."),
    ("LSTT.decoder_norms.", "neck.norms."),
    ("LSTT.layers.", "layers."),
    ("decoder.conv_out.", "decoder.out."),
    ("decoder.conv_in.conv.", "decoder.start.0."),
    ("decoder.conv_in.gn.", "decoder.start.1."),
    *(
        (f"decoder.{theirs}", f"decoder.{ours}")
        for n in (16, 8, 4)
        for theirs, ours in (
            (f"adapter_{n}x.", f"skip{n}."),
            (f"conv_{n}x.conv.", f"conv{n}.0."),
            (f"conv_{n}x.gn.", f"conv{n}.1."),
        )
    ),
)

_GPM = (
    ("norm1.", "norm."),
    ("linear_U.", "u."),
    ("id_norm1.", "id_norm."),
    ("linear_ID_V.", "id_v."),
    ("linear_ID_U.", "id_u."),
    ("long_term_attn.dw_conv.", "long.local."),
    ("long_term_attn.projection.", "long.project.mix."),
    ("short_term_attn.relative_emb_k.", "short.attention.relative."),
    ("short_term_attn.dw_conv.", "short.local."),
    ("short_term_attn.projection.", "short.project.mix."),
    ("norm2.", "self_propagation.norm."),
    ("id_norm2.", "self_propagation.id_norm."),
    ("self_attn.linear_QK.", "self_propagation.matching.qk."),
    ("self_attn.linear_V1.", "self_propagation.v."),
    ("self_attn.linear_V2.", "self_propagation.id_v."),
    ("self_attn.linear_U1.", "self_propagation.u."),
    ("self_attn.linear_U2.", "self_propagation.id_u."),
    ("self_attn.dw_conv.", "self_propagation.propagate.local."),
    ("self_attn.projection.", "self_propagation.propagate.project.mix."),
)

_LSTT = (
    ("norm1.", "self_norm."),
    ("self_attn.linear_Q.", "self_q."),
    ("self_attn.linear_K.", "self_k."),
    ("self_attn.linear_V.", "self_v."),
    ("self_attn.projection.", "self_out."),
    ("norm2.", "memory_norm."),
    ("linear_Q.", "q."),
    ("linear_V.", "v."),
    ("long_term_attn.projection.", "long_out."),
    ("short_term_attn.relative_emb_k.", "short_attention.relative."),
    ("short_term_attn.relative_emb_v", "short_attention.relative_value"),
    ("short_term_attn.projection.", "short_out."),
    ("norm3.", "last_norm."),
    ("linear1.", "feed_forward.enter."),
    ("activation.gn.", "feed_forward.norm."),
    ("activation.conv.", "feed_forward.conv."),
    ("linear2.", "feed_forward.leave."),
)
_LAYER = re.compile(r"(layers\.\d+\.)(.+)")


def to_ours(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The authors' state dict (without `module.`) under our names; `load_weights(rename=...)`.

    One entry of theirs is one of ours, but for DeAOT's `linear_QV`, whose first rows are the map
    to Q = K and whose others are W_V. Names they do not have come back unchanged.
    """
    layer_names = _GPM if any("linear_QV." in name for name in state) else _LSTT
    ours: dict[str, Tensor] = {}
    for name, value in state.items():
        new = _replaced(name, _TOP)
        found = None if name.startswith("encoder.") else _LAYER.fullmatch(new)
        if found is None:
            ours[new] = value
            continue
        layer, rest = found.groups()
        if rest.startswith("linear_QV."):
            kind = rest.removeprefix("linear_QV.")
            keys = len(value) - len(state[name.replace("linear_QV.", "linear_U.")])
            ours[f"{layer}matching.qk.{kind}"] = value[:keys]
            ours[f"{layer}v.{kind}"] = value[keys:]
        else:
            ours[layer + _replaced(rest, layer_names)] = value
    return ours


def _replaced(name: str, table: tuple[tuple[str, str], ...]) -> str:
    for theirs, ours in table:
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def file_of(config: Config) -> str:
    """The authors' checkpoint of a released configuration, trained on all stages."""
    for name in VARIANTS:
        if Config.released(name) == config:
            *encoder, family, depth = name.split("-")
            start = {"r50": "R50_", "swinb": "SwinB_"}[encoder[0]] if encoder else ""
            family = {"aot": "AOT", "deaot": "DeAOT"}[family]
            return f"{start}{family}{depth.upper()}_PRE_YTB_DAV.pth"
    raise InputError(
        "this configuration exists only here, so no weights were released for it; build one of "
        "the released, such as Config.released('deaot-l')"
    )


def load(model: nn.Module, path: str | Path | None = None) -> LoadReport:
    """Load the authors' checkpoint into `build(Config.released(...))`, strictly.

    path: the file; by default where `vosedu weights get deaot` puts the variant's.
    """
    file = path or fetched("deaot", file_of(model.config))
    return load_weights(model, file, rename=to_ours, unused=UNUSED)


RELEASED = Released(
    weights=RELEASES["deaot"].weights,
    results=RELEASES["deaot"].results,
    unused=UNUSED,
    load=load,
)
