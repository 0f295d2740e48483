"""The reproduction ladder: how far a paper's numbers were followed here, rung by rung.

`data/results/<key>/ladder.json` holds the rungs that were measured; a rung that is not in it was
not run here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from vosedu import toyvos
from vosedu.ablation.store import commit
from vosedu.api import embedded, is_embedded
from vosedu.errors import choose
from vosedu.metrics.scores import Scores
from vosedu.paths import data_dir
from vosedu.writing import write_text

RUNGS: Mapping[str, str] = {
    "0": "the authors' network, output for output",
    "1": "ToyVOS, course scale, our weights",
    "2": "real DAVIS, a small encoder, our weights",
    "3": "DAVIS 480p, the authors' weights",
    "4": "the full recipe on GPUs",
}


def read(key: str) -> dict[str, dict[str, Any]]:
    """The measured rungs of a paper: rung -> its record."""
    path = data_dir("results") / key / "ladder.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def record(key: str, rung: str, scores: Scores, *, where: str, weights: str) -> None:
    """Write one measured rung of a paper, in place of an earlier one.

    Of every measure its mean and the 95 % bootstrap interval over the clips.
    where: data set, split and number of clips, in words. weights: a name of embedded ones,
    "released" or a file; of embedded ones the checksum is kept, so that a test can tell when the
    checkpoint has changed.
    """
    check_rung(rung)
    summary, intervals = scores.summary(), scores.intervals()
    entry = {
        "numbers": {m: round(summary[f"{m}-Mean"], 5) for m in intervals},
        "intervals": {m: [round(bound, 5) for bound in b] for m, b in intervals.items()},
        "on": where,
        "protocol": scores.protocol.name,
        "weights": checksum(key, weights) if is_embedded(weights) else weights,
        "data": toyvos.PIXELS if where.startswith("toyvos") else where.partition(",")[0],
        "commit": commit(),
    }
    path = data_dir("results") / key / "ladder.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    rungs = dict(sorted((read(key) | {rung: entry}).items()))
    write_text(path, json.dumps(rungs, indent=1) + "\n")


def check_rung(rung: str) -> None:
    """InputError for a rung that the ladder does not have."""
    choose(RUNGS, rung, "the ladder has no rung")


def checksum(key: str, weights: str = "course") -> str:
    """The sha256 of a paper's embedded checkpoint, in hex."""
    return hashlib.sha256(embedded(key, weights).read_bytes()).hexdigest()
