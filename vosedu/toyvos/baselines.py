"""What trivial predictors reach on each suite, and what an oracle would.

`python -m vosedu.toyvos.baselines` measures the table of `data/results/toyvos/baselines.json`.
Thresholds are chosen on 20 clips of the train split; the numbers are mean J over the test split
(all frames of a clip, then all clips), objects merged. `bounds` say what a cue is worth when it is
read without error (`vosedu.toyvos.cues`). `first mask given` is for methods that are given the
first mask: objects apart, by the protocol "toyvos-objects".
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from vosedu import metrics
from vosedu.clip import objects_of
from vosedu.paths import data_dir
from vosedu.toyvos import cues
from vosedu.toyvos.render import ToyClip
from vosedu.toyvos.scene import VERSION
from vosedu.toyvos.splits import Split
from vosedu.toyvos.suites import NAMES
from vosedu.writing import write_text

COMMAND = "python -m vosedu.toyvos.baselines"
_HEIGHT = 96
_CHOICES = 20  # thresholds tried, and train clips they are tried on

Predictor = Callable[[ToyClip, int, float], np.ndarray]


def empty(clip: ToyClip, t: int, level: float) -> np.ndarray:
    """Nothing."""
    return np.zeros(clip.size, bool)


def everything(clip: ToyClip, t: int, level: float) -> np.ndarray:
    """Every pixel."""
    return np.ones(clip.size, bool)


def centre(clip: ToyClip, t: int, level: float) -> np.ndarray:
    """An ellipse in the middle, `level` of the half picture in each direction."""
    h, w = clip.size
    y, x = np.mgrid[0:h, 0:w]
    return np.hypot((x + 0.5) / w * 2 - 1, (y + 0.5) / h * 2 - 1) < level


def flow_magnitude(clip: ToyClip, t: int, level: float) -> np.ndarray:
    """Exact flow longer than `level` times the 99th percentile of the frame."""
    assert clip.flow is not None
    length = np.hypot(*np.moveaxis(clip.flow[min(t, len(clip.flow) - 1)], -1, 0))
    return length > level * max(float(np.percentile(length, 99)), 1e-3)


def colour_saliency(clip: ToyClip, t: int, level: float) -> np.ndarray:
    """Distance of the smoothed Lab colour from the frame's mean colour, against its maximum."""
    lab = cv2.cvtColor(clip.frames[t], cv2.COLOR_RGB2LAB).astype(np.float32)
    away = np.linalg.norm(cv2.GaussianBlur(lab, (5, 5), 0) - lab.mean((0, 1)), axis=-1)
    return away > level * away.max()


def oracle(clip: ToyClip, t: int, level: float) -> np.ndarray:
    """Of the connected components of the instance masks, each object's right one."""
    out = np.zeros(clip.size, bool)
    for instance in clip.subjects:
        mask = clip.instances[t] == instance
        if mask.any():
            out |= _largest_piece(mask)
    return out


def _largest_piece(mask: np.ndarray) -> np.ndarray:
    """H x W bool with something in it -> its largest connected piece."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return pieces == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())


def first_mask_kept(clip: ToyClip) -> dict[int, np.ndarray]:
    """The first mask for every frame: frame -> H x W ids."""
    return dict.fromkeys(range(len(clip)), clip.labels[0])


def largest_pieces(clip: ToyClip) -> dict[int, np.ndarray]:
    """Of each object of the first mask the largest connected piece: frame -> H x W ids."""
    objects = objects_of(clip.labels[0])
    masks = {}
    for t, ids in clip.labels.items():
        masks[t] = np.zeros_like(ids)
        for number in set(objects).intersection(objects_of(ids)):
            masks[t][_largest_piece(ids == number)] = number
    return masks


GIVEN: dict[str, Callable[[ToyClip], dict[int, np.ndarray]]] = {
    "kept": first_mask_kept,
    "oracle": largest_pieces,
}
TRIVIAL: dict[str, tuple[Predictor, tuple[float, float]]] = {
    "empty": (empty, (0, 0)),
    "all foreground": (everything, (0, 0)),
    "centre prior": (centre, (0.1, 1.2)),
    "flow magnitude": (flow_magnitude, (0.05, 0.95)),
    "colour saliency": (colour_saliency, (0.1, 0.9)),
}
SINGLE_FRAME = ("empty", "all foreground", "centre prior", "colour saliency")
BOUNDS: dict[str, Predictor] = {
    "every object": cues.every_object,
    "largest object": cues.largest_object,
    "most central object": cues.central_object,
    "what moves": cues.what_moves,
    "what looks alike": cues.what_looks_alike,
}


def score(predict: Predictor, clips: Sequence[ToyClip], level: float, step: int = 1) -> float:
    """Mean J in points over every `step`-th frame, then over clips."""
    return 100 * float(
        np.mean(
            [
                np.mean(
                    [
                        metrics.region(predict(c, t, level), c.labels[t] > 0)
                        for t in range(0, len(c), step)
                    ]
                )
                for c in clips
            ]
        )
    )


def score_apart(
    predict: Callable[[ToyClip], dict[int, np.ndarray]], clips: Sequence[ToyClip]
) -> float:
    """Mean J in points over the objects of a clip, then over clips."""
    found = metrics.evaluate(predict, clips, "toyvos-objects").sequences["J-Mean"]
    return 100 * float(found.mean())


def measure(suite: str) -> dict[str, object]:
    """The row of one suite."""
    train, test = Split("train", suite, _HEIGHT)[:_CHOICES], Split("test", suite, _HEIGHT)
    row: dict[str, object] = {"suite": suite, "clips": len(test)}
    levels: dict[str, float] = {}
    scores: dict[str, float] = {}
    for name, (predict, (low, high)) in TRIVIAL.items():
        tries = np.linspace(low, high, _CHOICES) if high else [0.0]
        best = max(tries, key=lambda v, f=predict: score(f, train, v, 5)) if high else 0.0
        levels[name] = round(float(best), 3)
        scores[name] = round(score(predict, test, best), 2)
    top = max(scores, key=scores.__getitem__)
    reach = round(score(oracle, test, 0.0), 2)
    single = max(SINGLE_FRAME, key=scores.__getitem__)
    row |= {
        "J": scores,
        "levels": levels,
        "best trivial": top,
        "oracle": reach,
        "gap": round(reach - scores[top], 2),
        "best single-frame": single,
        "single-frame gap": round(reach - scores[single], 2),
        "bounds": {name: round(score(cue, test, 0.0), 2) for name, cue in BOUNDS.items()},
        "first mask given": {n: round(score_apart(f, test), 2) for n, f in GIVEN.items()},
        "seeds": [test.seeds.start, test.seeds.stop],
    }
    return row


def rows(suites: Sequence[str] = NAMES) -> Iterator[dict[str, object]]:
    """Measured rows, one suite at a time."""
    for suite in suites:
        yield measure(suite)


def read() -> dict[str, object]:
    """The committed table."""
    return json.loads((data_dir("results") / "toyvos" / "baselines.json").read_text())


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all suites and write the table."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--suite", action="append", choices=NAMES, help="only this suite; no file")
    chosen = parser.parse_args(arguments).suite
    table = []
    for row in rows(chosen or NAMES):
        table.append(row)
        print(
            row["suite"],
            row["J"],
            "oracle",
            row["oracle"],
            "gap",
            row["gap"],
            row["bounds"],
            flush=True,
        )
    if not chosen:
        target = Path(data_dir("results")) / "toyvos" / "baselines.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        record = {
            "version": VERSION,
            "command": COMMAND,
            "height": _HEIGHT,
            "split": "test",
            "thresholds": f"best of {_CHOICES} on {_CHOICES} train clips",
            "rows": table,
        }
        write_text(target, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
