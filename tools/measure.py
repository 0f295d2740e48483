"""Measure what HCPN's notebooks read from `data/results/hcpn`.

    python tools/measure.py attributes      # every clip of ToyVOS's test split, with its attributes
    python tools/measure.py attributes --data davis16 --resolution 480p     # the same on DAVIS
    python tools/measure.py instances       # Table VIII: one pipeline, several foregrounds

`attributes` on ToyVOS also writes rung 1 of the ladder, which is the mean over the same clips. On
DAVIS it takes the videos of the split that are there, with the attributes of the data set's own
list, and the embedded network for real video where HCPN has one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from vosedu import api, ladder, toyvos
from vosedu.ablation.store import commit
from vosedu.clip import Clip
from vosedu.metrics.scores import Scores
from vosedu.papers.contract import FrameResult
from vosedu.papers.hcpn.instances import NoisyTruth, compare, everything, truth
from vosedu.papers.stm.inference import propagate
from vosedu.papers.stm.training import checkpoint, load_course
from vosedu.paths import data_dir
from vosedu.training.data import EstimatedFlow
from vosedu.writing import write_text

FLOW = "dis-medium"
SOURCES = ("cosnet", "amcnet", "hcpn")
SUITE = "similar-objects"


def attributes(data: str, split: str, resolution: str | None) -> dict[str, Any]:
    """J and F of each clip under an embedded HCPN, with the clip's attributes."""
    rendered = data == "toyvos"
    weights = api.weights_for("hcpn", rendered)
    clips = api.dataset(data, split, **({} if rendered else _there(resolution)))
    model = api.load("hcpn", weights)
    scores = api.evaluate(model, EstimatedFlow(clips, FLOW), protocol=_protocol(data))
    if rendered:
        where = f"{data} {split}, {len(clips)} clips, {FLOW} flow"
        ladder.record("hcpn", "1", scores, where=where, weights=weights)
    rows = [
        {"clip": name, "J": round(row["J-Mean"], 5), "F": round(row["F-Mean"], 5)}
        | {"attributes": sorted(scores.attribute_codes[name])}
        for name, row in scores.sequences.iterrows()
    ]
    where = f"{data} {split} {resolution or ''}".strip()
    return _about(where, {"hcpn": weights}) | {"network": weights, "rows": rows}


def _there(resolution: str | None) -> dict[str, Any]:
    """Options of a real data set: what of it is there, at one resolution."""
    return {"present_only": True} | ({"resolution": resolution} if resolution else {})


def _protocol(data: str) -> str:
    return "toyvos" if data == "toyvos" else "davis16"


def instances(clips: Sequence[Clip]) -> dict[str, Any]:
    """The DAVIS-2017 unsupervised score of the instance pipeline with each foreground."""
    follow = partial(propagate, load_course())
    scores = compare(EstimatedFlow(clips, FLOW), sources(), NoisyTruth(), follow)
    rows = {name: _numbers(each) for name, each in scores.items()}
    by_clip = {name: _by_clip(each) for name, each in scores.items()}
    about = _about(f"toyvos test {SUITE}, {len(clips)} clips", dict.fromkeys(SOURCES, "course"))
    about |= {"stm": _sha256(checkpoint()), "proposals": repr(NoisyTruth())}
    return about | {"rows": rows, "J&F by clip": by_clip}


def sources() -> dict[str, Callable[[Clip], Iterator[FrameResult]]]:
    """Three methods as sources of foreground, then two bounds."""
    methods = {api.paper(key).name: partial(api.segment, api.load(key)) for key in SOURCES}
    return {**methods, "everything": everything, "truth": truth}


def _numbers(scores: Scores) -> dict[str, float]:
    return {name: round(value, 5) for name, value in scores.summary().items()}


def _by_clip(scores: Scores) -> dict[str, float]:
    """Clip -> the mean of J and F over its objects."""
    means = scores.sequences[["J-Mean", "F-Mean"]].mean(axis=1)
    return {str(clip): round(value, 5) for clip, value in means.items()}


def _about(where: str, networks: Mapping[str, str]) -> dict[str, Any]:
    """networks: paper -> the name of its embedded weights."""
    weights = {key: ladder.checksum(key, name) for key, name in networks.items()}
    data = toyvos.PIXELS if where.startswith("toyvos") else where
    return {"on": where, "flow": FLOW, "weights": weights, "data": data, "commit": commit()}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(name: str, found: Mapping[str, Any]) -> Path:
    """Write `data/results/hcpn/NAME.json`."""
    path = data_dir("results") / "hcpn" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(found, indent=1) + "\n")
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one of the two and write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("attributes", "instances"))
    parser.add_argument("--data", default="toyvos")
    parser.add_argument("--split", help="default: test on ToyVOS, else val")
    parser.add_argument("--resolution")
    parser.add_argument("--clips", type=int, help="of `instances`: the first so many (all)")
    options = parser.parse_args(arguments)
    if options.what == "instances":
        print(write("instances", instances(toyvos.split("test", SUITE)[: options.clips])))
        return
    split = options.split or ("test" if options.data == "toyvos" else "val")
    found = attributes(options.data, split, options.resolution)
    print(write(f"attributes-{options.data}", found))


if __name__ == "__main__":
    main()
