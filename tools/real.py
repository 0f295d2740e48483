"""What the networks of the profile davis-small do on real video: scores and pictures.

    python tools/real.py dpa           # one paper
    python tools/real.py cosnet dpa    # several
    python tools/real.py dpa --without runs/train/dpa-none/dpa.pt
    python tools/real.py deaot --earlier runs/train/deaot-before/deaot.pt
    python tools/real.py amcnet dpa --raft

reads the validation sequences of DAVIS 2016 at 240p that are there, segments them with the embedded
network of each paper (a semi-supervised one is given the first mask) and writes, for each,

- data/results/KEY/davis-small/: J, F and, of unsupervised papers, T of every sequence and frame,
  and the paper's rung 2;
- data/results/KEY/davis-small/without_object.csv: how much of a frame the network marks around the
  only frames of the set without an object, which belong to two training sequences;
- data/pictures/KEY-real.jpg: the middle frame of every sequence with its mask, best J first. The
  sequences from YouTube are left out, as their terms ask (frames: DAVIS 2016, Perazzi et al., CVPR
  2016, CC BY-NC 4.0, at half its size).

With --without it scores a network that was trained by the same recipe without the paper's idea, and
writes its scores and its note to data/results/KEY/davis-small/without/; with --earlier one of an
earlier recipe, to earlier/. With --raft it scores the embedded network again, which learnt on the
flow of DIS, with that of RAFT-small (the set davis16-flow), and writes to raft/.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from vosedu import api, datasets, ladder, metrics
from vosedu.clip import Clip
from vosedu.datasets.sequences import FROM_YOUTUBE
from vosedu.figures.overlay import overlay
from vosedu.figures.sheet import sheet
from vosedu.metrics import Scores
from vosedu.training.data import EstimatedFlow

DATA = Path(__file__).resolve().parent.parent / "data"
FLOW = "dis-medium"
KINDS = ("without", "earlier")


def scored(
    key: str, weights: str = "davis-small", data: str = "davis16"
) -> tuple[Scores, dict[str, np.ndarray], str]:
    """The scores on DAVIS val, clip -> mask of its middle frame, H x W, and what was read."""
    paper, model = api.paper(key), api.load(key, weights)
    needs = paper.needs
    how = replace(paper.inference("paper"), **paper.settings.get("davis-small", {}))
    clips = _clips("val", needs, data=data)
    rules = metrics.protocol_of("davis17-semi" if "mask" in needs else "davis16")
    middle: dict[str, np.ndarray] = {}

    def masks(clip: Clip) -> dict[int, np.ndarray]:
        given = api.first_masks(model, clip, rules.name)
        found = {r.index: r.mask for r in api.segment(model, clip, given=given, inference=how)}
        middle[clip.name] = found[len(clip) // 2]
        return found

    scores = metrics.evaluate(masks, clips, rules, temporal="mask" not in needs)
    where = f"davis16 val 240p, {len(clips)} clips" + (f", {FLOW} flow" if "flow" in needs else "")
    return scores, middle, where


def drawn(middle: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Clip -> mask of its middle frame: title -> overlay, best J first, without YouTube's."""
    shown = []
    for clip in _clips("val", frozenset(), [name for name in middle if name not in FROM_YOUTUBE]):
        t = len(clip) // 2
        j = metrics.region(middle[clip.name] > 0, clip.labels[t] > 0)
        title = f"{clip.name}, J {100 * j:.0f}"
        shown.append((j, title, overlay(clip.frames[t], middle[clip.name])))
    return {title: picture for _, title, picture in sorted(shown, key=lambda one: -one[0])}


def without_object(key: str) -> pd.DataFrame:
    """The shares of a frame that the mask and the annotation mark, in per cent, frame by frame."""
    needs = api.paper(key).needs
    clips = {clip.name: clip for clip in _clips("train", needs, ("bmx-bumps", "surf"))}
    model = api.load(key, "davis-small")
    rows = []
    for name, start, stop in (("bmx-bumps", 56, 80), ("surf", 46, 55)):
        clip = clips[name].cut(start, stop)
        rows += [
            {
                "Sequence": name,
                "Frame": start + r.index,
                "marked": 100 * float((r.mask > 0).mean()),
                "object": 100 * float((clip.labels[r.index] > 0).mean()),
            }
            for r in api.segment(model, clip, given=api.first_masks(model, clip))
        ]
    return pd.DataFrame(rows)


def _clips(
    split: str, needs: frozenset[str], names: Sequence[str] = (), data: str = "davis16"
) -> Sequence[Clip]:
    clips = datasets.open_dataset(data, split, resolution="240p", present_only=True)
    if names:
        clips = clips.pick(names)
    return EstimatedFlow(clips, FLOW) if "flow" in needs and data == "davis16" else clips


def measure(key: str) -> Scores:
    """Write the scores, the picture and the table of a paper's embedded network."""
    scores, middle, where = scored(key)
    folder = DATA / "results" / key / "davis-small"
    scores.to_csv(folder, overwrite=True)
    ladder.record(key, "2", scores, where=where, weights="davis-small")
    sheet(drawn(middle), columns=4).savefig(
        DATA / "pictures" / f"{key}-real.jpg",
        dpi=90,
        pil_kwargs={"quality": 80, "optimize": True},
    )
    without_object(key).round(3).to_csv(folder / "without_object.csv", index=False)
    return scores


def measure_beside(key: str, weights: Path, kind: str) -> Scores:
    """Write the scores and the note of another network; kind: "without" the idea, or "earlier"."""
    scores, _, _ = scored(key, str(weights))
    folder = DATA / "results" / key / "davis-small" / kind
    scores.to_csv(folder, overwrite=True)
    shutil.copy(weights.with_suffix(".json"), folder / "training.json")
    return scores


def measure_raft(key: str) -> Scores:
    """Write the scores of the embedded network with the flow of RAFT-small."""
    if "flow" not in api.paper(key).needs:
        raise SystemExit(f"{key} reads no flow; name a paper that does")
    scores, _, _ = scored(key, data="davis16-flow")
    scores.to_csv(DATA / "results" / key / "davis-small" / "raft", overwrite=True)
    return scores


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("keys", metavar="KEY", nargs="+", choices=list(api.papers()))
    for kind in KINDS:
        parser.add_argument(f"--{kind}", type=Path, metavar="WEIGHTS")
    parser.add_argument("--raft", action="store_true")
    arguments = parser.parse_args()
    for key in arguments.keys:
        given = {kind: getattr(arguments, kind) for kind in KINDS if getattr(arguments, kind)}
        for kind, weights in given.items():
            print(key, kind, measure_beside(key, weights, kind), sep="\n")
        if arguments.raft:
            print(key, "raft", measure_raft(key), sep="\n")
        elif not given:
            print(key, measure(key), sep="\n")


if __name__ == "__main__":
    main()
