"""What predictors that learn nothing reach on real video: `python tools/real_floor.py`.

On the validation sequences of DAVIS 2016 that are there, at 240p, scored as the networks are. Two
settings: without the first mask, the trivial predictors of ToyVOS's table (the level of each is
chosen on every tenth frame of the training sequences); with it, the first mask as it is and the
first mask carried along the flow. Written to data/results/davis16/floors.json, J of each sequence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from vosedu import datasets, flow, metrics
from vosedu.ablation.store import commit
from vosedu.clip import Clip
from vosedu.paths import data_dir
from vosedu.toyvos.baselines import TRIVIAL
from vosedu.training.data import EstimatedFlow
from vosedu.writing import write_text

FLOW = "dis-medium"
CHOICES, STEP = 20, 10  # levels tried, and of how many training frames one counts
Masks = Callable[[Clip], dict[int, np.ndarray]]


def opened(split: str) -> Sequence[Clip]:
    """The sequences of a split that are there, with estimated flow."""
    clips = datasets.open_dataset("davis16", split, resolution="240p", present_only=True)
    return EstimatedFlow(clips, FLOW)


def level_of(name: str, clips: Sequence[Clip]) -> float:
    """The level of a trivial predictor that gives the highest mean J."""
    predict, (low, high) = TRIVIAL[name]
    if not high:
        return 0.0
    levels = np.linspace(low, high, CHOICES)
    found = np.zeros((len(clips), CHOICES))
    for row, clip in zip(found, clips):
        frames = range(0, len(clip), STEP)
        for k, level in enumerate(levels):
            row[k] = np.mean(
                [metrics.region(predict(clip, t, level), clip.labels[t] > 0) for t in frames]
            )
    return float(levels[found.mean(0).argmax()])


def trivial(name: str, level: float) -> Masks:
    """A trivial predictor of ToyVOS's table as a method."""
    predict = TRIVIAL[name][0]
    return lambda clip: {t: predict(clip, t, level).astype(np.uint8) for t in range(len(clip))}


def kept(clip: Clip) -> dict[int, np.ndarray]:
    """The first mask in every frame."""
    return {t: (clip.labels[0] > 0).astype(np.uint8) for t in range(len(clip))}


def carried(clip: Clip) -> dict[int, np.ndarray]:
    """The first mask, carried from frame to frame along the flow from each frame to the last."""
    return dict(enumerate(_carried(clip)))


def _carried(clip: Clip) -> Iterator[np.ndarray]:
    estimator = flow.ESTIMATORS[FLOW]()
    soft, before = (clip.labels[0] > 0).astype(np.float32), estimator.prepare(clip.frames[0])
    yield (soft > 0.5).astype(np.uint8)
    for t in range(1, len(clip)):
        now = estimator.prepare(clip.frames[t])
        soft, before = flow.sample(soft, estimator.between(now, before)), now
        yield (soft > 0.5).astype(np.uint8)


def measure(clips: Sequence[Clip], training: Sequence[Clip]) -> dict[str, object]:
    """What is written: the levels, and setting -> predictor -> sequence -> J."""
    levels = {name: round(level_of(name, training), 3) for name in TRIVIAL}
    methods: dict[str, dict[str, Masks]] = {
        "no mask given": {name: trivial(name, level) for name, level in levels.items()},
        "first mask given": {"first mask kept": kept, "first mask along the flow": carried},
    }
    found = {
        setting: {name: _by_sequence(masks, clips) for name, masks in each.items()}
        for setting, each in methods.items()
    }
    return {
        "on": f"davis16 val 240p, {len(clips)} clips, {FLOW} flow",
        "levels": levels,
        "commit": commit(),
        "J": found,
    }


def _by_sequence(masks: Masks, clips: Sequence[Clip]) -> dict[str, float]:
    means = metrics.evaluate(masks, clips, "davis16").sequences["J-Mean"]
    return {str(name): round(float(value), 5) for name, value in means.items()}


def main() -> None:
    """Measure and write."""
    path = Path(data_dir("results")) / "davis16" / "floors.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(measure(opened("val"), opened("train")), indent=1) + "\n")
    print(path.read_text())


if __name__ == "__main__":
    main()
