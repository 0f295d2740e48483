"""COSNet computes what the authors' network computes, one test per stored case."""

from __future__ import annotations

import json
from functools import cache

import parity
import pytest
import torch
from torch import Tensor

from vosedu.nn import load_weights
from vosedu.papers.cosnet import released
from vosedu.papers.cosnet.network import (
    Config,
    COSNet,
    build,
    enlarge,
    prediction_fusion,
    summary_fusion,
)
from vosedu.record import record

CASES = parity.cases("cosnet")
VARIANTS = {"siamese_head": "head", "siamese_first_release": "first", "group": "group"}

FIRST = {
    "affinity": "coattention.affinity",
    "attn_a": "coattention.attention",
    "attn_b": "coattention.attention_b",
    "z_a": "coattention.summary",
    "gate_a": "coattention.gate",
    "logit_a": "head",
    **{f"layer{stage}_a": f"embedding.encoder.layer{stage}" for stage in (1, 2, 3, 4)},
    "v_a": "embedding",
    "side_logit_a": "side",
}
"""The authors' tensor -> the first that we record under this name."""
SECOND = {
    "v_b": "embedding",
    "z_b": "coattention.summary",
    "gate_b": "coattention.gate",
    "logit_b": "head",
    "side_logit_b": "side",
}
NAMES = (*FIRST.values(), "fused")


@cache
def filled(variant: str, entries: str) -> COSNet:
    """The network of one variant with a manifest's weights, made once."""
    state = parity.fill(*json.loads(entries))
    model = build(Config.released(variant)).eval()
    load_weights(model, state, rename=released.to_ours, unused=released.UNUSED[variant])
    return model


def pair(model: COSNet, a: Tensor, b: Tensor) -> dict[str, Tensor]:
    """One pass of the two-frame network."""
    with record(model, *NAMES) as tape:
        output = model(a, b)
    ours = {name: tape[of][0] for name, of in FIRST.items()}
    ours |= {name: tape[of][1] for name, of in SECOND.items()}
    ours["affinity"] = ours["affinity"].transpose(1, 2)  # the authors' rows are positions of a
    return ours | {
        "prob_a": output.a.sigmoid(),
        "prob_b": output.b.sigmoid(),
        "side_prob_a": output.side_a.sigmoid(),
        "side_prob_b": output.side_b.sigmoid(),
    }


def pred(model: COSNet, a: Tensor, *references: Tensor) -> dict[str, Tensor]:
    """Prediction fusion over any number of references, each tensor also per reference."""
    va = model.embed(a)
    size = a.shape[-2:]
    with record(model, *NAMES) as tape:
        zs = model.attend(va, [model.embed(b) for b in references])
        probability = prediction_fusion(model, va, zs, size)
    ours = {"v_a": va, "prob_a": probability}
    for n in range(len(references)):
        logit = tape["head"][n]
        ours |= {
            f"v_b_{n}": tape["embedding"][n],
            f"affinity_{n}": tape["coattention.affinity"][n].transpose(1, 2),
            f"attn_a_{n}": tape["coattention.attention"][n],
            f"z_a_{n}": tape["coattention.summary"][n],
            f"gate_a_{n}": tape["coattention.gate"][n],
            f"logit_a_{n}": logit,
            f"prob_a_{n}": enlarge(logit, size).sigmoid(),
        }
    return ours


def summ(model: COSNet, a: Tensor, *references: Tensor) -> dict[str, Tensor]:
    """Summary fusion, Eq. 13."""
    va = model.embed(a)
    zs = model.attend(va, [model.embed(b) for b in references])
    with record(model, *NAMES) as tape:
        probability = summary_fusion(model, va, zs, a.shape[-2:])
    return {
        "v_a": va,
        "z_fused": tape["fused"][0],
        "logit_a": tape["head"][0],
        "prob_a": probability,
    }


def group(model: COSNet, a: Tensor, references: Tensor) -> dict[str, Tensor]:
    """One pass of the group network."""
    with record(model, *NAMES) as tape:
        output = model(a, references)
    affinity = tape["coattention.affinity"][0]
    ours = {name: tape[of][0] for name, of in FIRST.items() if of in tape}
    return ours | {
        "affinity": affinity.transpose(1, 2),
        "attn_b": model.coattention.attention_b(affinity.transpose(1, 2)),
        "v_refs": torch.cat(tape["embedding"][1:], dim=2),
        "prob_a": output.a.sigmoid(),
        "side_prob_a": output.side_a.sigmoid(),
    }


FUNCTIONS = {"pair": pair, "pred": pred, "summ": summ, "group": group}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    case = CASES[name]
    entries = json.dumps([case.manifest["state_dict"], case.manifest["fill_scale"]])
    model = filled(VARIANTS[case.entry["variant"]], entries)
    inputs = [parity.model_input(i["role"], tuple(i["shape"])) for i in case.entry["inputs"]]
    with torch.inference_mode():
        ours = FUNCTIONS[case.entry["function"]](model, *inputs)
    deviations = parity.compare(case, ours, case.manifest["tolerance"]["default"])
    print(f"largest deviation {max(deviations.values()):.1e}")


def test_some_cases_were_found() -> None:
    assert CASES
