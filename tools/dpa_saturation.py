"""How sharp DPA's two attentions are at full width and at ours, with and without a scale.

The paper writes no scale in Phi_1 = K_A K_M^T and Phi_2 = Q^T K. A softmax of large numbers reads
one token and lets no gradient through; one of small numbers reads the mean of all. Which of the
two it is depends on width, features and weights, so it is measured:
`python tools/dpa_saturation.py` writes `data/results/dpa/saturation.json`.

Full width stands for the paper as far as can be had here: its equations, 128 prototypes of 128
channels, 352 x 352; DAVIS frames with DIS flow; MobileNetV2 of ImageNet in the place of VGG-16
(blocks of 96 and 160 channels, both at stride 16, in the place of 512 at strides 8 and 16); every
layer behind the encoders as it is before training, since no trained weights were released.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vosedu import api, datasets, toyvos
from vosedu.ablation.store import commit
from vosedu.clip import Clip
from vosedu.datasets.weights import imagenet_file
from vosedu.nn import load_weights
from vosedu.nn.initial import initialised
from vosedu.papers.dpa.inference import DPAPictures, Inference, reference_indices
from vosedu.papers.dpa.network import DPA, Config, build
from vosedu.papers.dpa.training import IMAGENET, started
from vosedu.paths import data_dir
from vosedu.record import record
from vosedu.training.data import EstimatedFlow
from vosedu.writing import write_text

STREAMS = ("appearance", "motion")
SEQUENCES = ("blackswan", "cows", "horsejump-high")


@torch.inference_mode()
def recorded(model: DPA, clip: Clip, frame: int) -> Mapping[str, list[Tensor]]:
    """What the network computes of a frame, its four references (Eq. 8) first."""
    inference = Inference()
    pictures = DPAPictures(model, clip, inference)
    with record(model) as tape:
        references = [
            model.encode_reference(*pictures.batch([index]))
            for index in reference_indices(len(clip), inference)
        ]
        model(*pictures.batch([frame]), references)
    return tape


def attentions(tape: Mapping[str, list[Tensor]]) -> Iterator[tuple[str, Tensor, int]]:
    """Every attention: its name, its logits without a scale (R x T), terms of a logit's sum."""
    for block in ("ima4", "ima5"):
        phi = tape[f"{block}.exchange.affinity"][0][0]  # B C C -> C C
        positions = tape[f"{block}.appearance"][0][0, 0].numel()
        yield f"{block}, appearance reads motion", phi, positions
        yield f"{block}, motion reads appearance", phi.T, positions
    for stream in STREAMS:
        query = tape[f"ifa_{stream}.read.query"][0][0]  # B D D -> D D
        keys = torch.cat([each[0] for each in tape[f"ifa_{stream}.memory.key"]])  # -> ND D
        yield f"ifa, {stream}", query @ keys.T, query.shape[1]


def maps(tape: Mapping[str, list[Tensor]]) -> Iterator[tuple[str, dict[str, float]]]:
    """Every map that IMA describes: its name, how alike its prototypes, how even its regions are.

    cosine: the mean of two different prototypes. evenness: the mean entropy of a soft region over
    that of the uniform one.
    """
    for block in ("ima4", "ima5"):
        for stream in STREAMS:
            p = F.normalize(tape[f"{block}.{stream}.prototypes"][0][0], dim=1)
            regions, count = tape[f"{block}.{stream}.regions"][0][0].flatten(1), len(p)
            cosine = ((p @ p.T).sum() - count) / (count * (count - 1))
            evenness = entropy(regions).mean() / math.log(regions.shape[1])
            yield f"{block}, {stream}", {"cosine": float(cosine), "evenness": float(evenness)}


def entropy(weights: Tensor) -> Tensor:
    """In nats, of distributions along the last axis."""
    return -(weights * weights.clamp_min(1e-30).log()).sum(-1)


def sharpness(logits: Tensor, scale: float) -> dict[str, float]:
    """Of softmax(scale x logits) along the last axis, over its rows.

    entropy: mean, nats. strongest: mean of the largest weights. read: how many distinct tokens are
    some row's strongest.
    """
    weights = (scale * logits.double()).softmax(-1)
    strongest = weights.max(-1)
    return {
        "entropy": float(entropy(weights).mean()),
        "strongest": float(strongest.values.mean()),
        "read": float(len(strongest.indices.unique())),
    }


def scales(channels: int, terms: int) -> Mapping[str, float]:
    """Name -> factor: none, as the paper; 1/sqrt(C); one over the root of a logit's terms."""
    return {"none": 1.0, "1/sqrt(C)": channels**-0.5, "1/sqrt(terms)": terms**-0.5}


def measured(
    networks: Sequence[tuple[str, DPA]], clips: Sequence[Clip], frames: Sequence[int]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Attentions by network, name and scale, and maps by network and name: means over the rest.

    Networks of one kind have one name.
    """
    read: dict[tuple[str, ...], list[dict[str, float]]] = {}
    seen: dict[tuple[str, ...], list[dict[str, float]]] = {}
    for (kind, model), clip, frame in itertools.product(networks, clips, frames):
        tape = recorded(model, clip, frame)
        for name, logits, terms in attentions(tape):
            shape = {"readers": logits.shape[0], "tokens": logits.shape[1], "terms": terms}
            most = {"most": math.log(logits.shape[1])}
            for how, scale in scales(model.config.prototypes, terms).items():
                line = sharpness(logits, scale) | most | shape
                read.setdefault((kind, name, how), []).append(line)
        for name, line in maps(tape):
            seen.setdefault((kind, name), []).append(line)
    return (
        [dict(zip(("network", "attention", "scale"), k)) | _mean(v) for k, v in read.items()],
        [dict(zip(("network", "map"), k)) | _mean(v) for k, v in seen.items()],
    )


def _mean(lines: Sequence[dict[str, float]]) -> dict[str, float]:
    mean = {name: round(float(np.mean([line[name] for line in lines])), 4) for name in lines[0]}
    return {**mean, "measurements": len(lines)}


def at_full_width(seed: int, small: bool, weights: str) -> DPA:
    """The paper's form with 128 prototypes at 352 x 352, MobileNetV2 in VGG-16's place.

    small: convolutions behind the encoders from N(0, 0.01). weights: as `Recipe.initial` of a
    network with ImageNet's encoders.
    """
    model = build(replace(Config.paper("IV"), encoder="mobilenet", size=(352, 352)))
    initialised(model, seed, small=small)
    name, unused = IMAGENET["mobilenet"]
    for branch in (model.appearance, model.motion):
        load_weights(branch.encoder, imagenet_file(weights, name), unused=unused)
    return model.eval()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python tools/dpa_saturation.py", description=__doc__)
    parser.add_argument("--resolution", default="240p", help="folder of DAVIS frames")
    parser.add_argument("--weights", default="imagenet", help='or "imagenet:FILE"')
    parser.add_argument("--seeds", type=int, default=2, help="untrained networks of each kind")
    parser.add_argument("--out", type=Path, default=data_dir("results") / "dpa" / "saturation.json")
    options = parser.parse_args(arguments)
    every = datasets.open_dataset(
        "davis16", split="val", resolution=options.resolution, present_only=True
    )
    davis = EstimatedFlow([c for c in every if c.name in SEQUENCES], "dis-medium")
    toy = [
        clip
        for suite in ("passers-by", "turns")
        for clip in EstimatedFlow(toyvos.split("val", suite)[:2], "dis-medium")
    ]
    full = [
        (f"full width before training, {how}", at_full_width(seed, small, options.weights))
        for how, small in (("PyTorch's initial layers", False), ("N(0, 0.01) as released", True))
        for seed in range(options.seeds)
    ]
    untrained = build(Config.paper().scaled("ablate"))
    networks = [
        ("our ablation scale before training", started(untrained, 0, "common").eval()),
        ("our course network, trained", api.load("dpa", device="cpu")),
    ]
    frames = (4, 10)
    wide, ours = measured(full, davis, frames), measured(networks, toy, frames)
    told = {
        "full width": f"DAVIS {', '.join(c.name for c in davis)}, frames {frames}",
        "ours": f"ToyVOS val {', '.join(c.name for c in toy)}, frames {frames}",
        "seeds": options.seeds,
        "commit": commit(),
        "attentions": wide[0] + ours[0],
        "maps": wide[1] + ours[1],
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_text(options.out, json.dumps(told, indent=1) + "\n")
    print(f"{len(told['attentions'])} attentions in {options.out}")


if __name__ == "__main__":
    main()
