"""Measure what DeAOT's notebooks read from `data/results/deaot`.

    python tools/measure_deaot.py family    # DeAOT-L, DeAOT-T and AOT-L of the course: J, F, time
    python tools/measure_deaot.py caps      # J with a cap on long-term memory, on long clips

`family` scores the first clips of the test split of two suites of ToyVOS. `caps` plays clips of the
val split forwards and backwards until they are long, so that the cap has something to drop.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vosedu import api, ladder, metrics, toyvos
from vosedu.ablation.store import commit
from vosedu.clip import VOID, Clip
from vosedu.lazy import Made
from vosedu.papers.deaot.inference import Inference, Session
from vosedu.papers.deaot.network import DeAOT
from vosedu.paths import data_dir
from vosedu.writing import write_text

NETWORKS = {"DeAOT-L": "course", "DeAOT-T": "course-t", "AOT-L": "course-aot"}
SUITES = ("similar-objects", "mixed")
CAPS = {"no cap": None, "8 frames": 8, "3 frames": 3, "1 frame": 1}
ROUNDS, TIMED, WARM = 5, 12, 2  # timing: passes, frames of a pass, and those before them


# The networks of the course beside each other ----------------------------------------------------


def family(clips: int = 40) -> dict[str, Any]:
    """J and F of every clip, processor time per frame, memory over a clip and size of each network.

    clips: of each suite, the first so many.
    """
    models = {name: api.load("deaot", weights) for name, weights in NETWORKS.items()}
    shown = {suite: toyvos.split("test", suite)[:clips] for suite in SUITES}
    rows = {}
    times = milliseconds(models, shown[SUITES[0]][0])
    for name, model in models.items():
        rows[name] = {
            "weights": NETWORKS[name],
            "checkpoint": ladder.checksum("deaot", NETWORKS[name]),
            "parameters": sum(p.numel() for p in model.parameters()),
            "ms per frame": times[name],
            "memory": memory_over(model, shown[SUITES[0]][0]),
            "scores": {suite: scored(model, each) for suite, each in shown.items()},
        }
    number = {suite: len(each) for suite, each in shown.items()}
    return _about("test", number) | {"rows": rows}


def scored(model: DeAOT, clips: Sequence[Clip]) -> dict[str, list[float]]:
    """J and F of each clip by the paper's protocol on ToyVOS."""
    sequences = api.evaluate(model, clips).sequences
    return {m: [round(float(v), 5) for v in sequences[f"{m}-Mean"]] for m in ("J", "F")}


def milliseconds(models: Mapping[str, DeAOT], clip: Clip) -> dict[str, float]:
    """Processor time of one thread per frame, the median of passes that take turns."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(ROUNDS):
        for name, model in models.items():
            session = Session(model)
            session.start(clip.frames[0], clip.labels[0])
            for t in range(WARM):
                session.step(clip.frames[1 + t])
            began = time.process_time()
            for t in range(TIMED):
                session.step(clip.frames[1 + (WARM + t) % (len(clip) - 1)])
            found[name].append(1000 * (time.process_time() - began) / TIMED)
    torch.set_num_threads(threads)
    return {name: round(statistics.median(values), 2) for name, values in found.items()}


def memory_over(model: DeAOT, clip: Clip) -> list[float]:
    """Megabytes of all memories after each frame of a clip."""
    session = Session(model)
    session.start(clip.frames[0], clip.labels[0])
    held = [session.memory_bytes / 1e6]
    for frame in clip.frames[1:]:
        session.step(frame)
        held.append(session.memory_bytes / 1e6)
    return [round(value, 4) for value in held]


# The cap on long-term memory ---------------------------------------------------------------------


def caps(clips: int = 4, frames: int = 61, longest: int = 1001) -> dict[str, Any]:
    """J with each of `CAPS` on clips played to and fro, and along one that is played much longer.

    clips: of each suite, the first so many. frames: of each. longest: of the one.
    """
    model = api.load("deaot")
    rows = {
        suite: {
            name: [
                round(float(np.mean(followed(model, to_and_fro(clip, frames), cap)[0])), 5)
                for clip in toyvos.split("val", suite)[:clips]
            ]
            for name, cap in CAPS.items()
        }
        for suite in SUITES
    }
    one = to_and_fro(toyvos.split("val", SUITES[0])[0], longest)
    along = {}
    for name in ("no cap", "3 frames"):
        js, held = followed(model, one, CAPS[name])
        along[name] = {"J": [round(j, 4) for j in js], "memory": [round(m, 3) for m in held]}
    about = _about("val", dict.fromkeys(SUITES, clips))
    about["weights"] = ladder.checksum("deaot")
    return about | {"frames": frames, "rows": rows, "longest": longest, "along": along}


def to_and_fro(clip: Clip, frames: int) -> Clip:
    """The clip played forwards, backwards, forwards, ... until it has so many frames."""
    period = 2 * (len(clip) - 1)
    place = [min(t % period, period - t % period) for t in range(frames)]
    return replace(
        clip,
        frames=Made(frames, lambda t: clip.frames[place[t]], clip.size),
        labels={t: clip.labels[k] for t, k in enumerate(place)},
        flow=None,
    )


def followed(model: DeAOT, clip: Clip, cap: int | None) -> tuple[list[float], list[float]]:
    """Mean J of the first frame's objects, and megabytes of memory, at each frame after it."""
    session = Session(model, Inference(long_frames=cap))
    session.start(clip.frames[0], clip.labels[0])
    objects = sorted(set(np.unique(clip.labels[0]).tolist()) - {0, VOID})
    js, held = [], []
    for t in range(1, len(clip)):
        ids, truth = session.step(clip.frames[t]), clip.labels[t]
        void = truth == VOID
        js.append(
            float(np.mean([metrics.region(ids == k, truth == k, void=void) for k in objects]))
        )
        held.append(session.memory_bytes / 1e6)
    return js, held


# Both --------------------------------------------------------------------------------------------


def _about(split: str, clips: Mapping[str, int]) -> dict[str, Any]:
    return {"split": split, "clips": dict(clips), "data": toyvos.PIXELS, "commit": commit()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one of the two and write `data/results/deaot/NAME.json`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("family", "caps"))
    options = parser.parse_args(arguments)
    found = {"family": family, "caps": caps}[options.what]()
    path = Path(data_dir("results")) / "deaot" / f"{options.what}.json"
    write_text(path, json.dumps(found, indent=1) + "\n")
    print(path)


if __name__ == "__main__":
    main()
