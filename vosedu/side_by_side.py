"""The five papers beside one another: what each is given, what it scores, what it costs.

All numbers are read from `data/results`, save those of `cost`, which are counted on this machine.
Scores are in points of 100.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vosedu import api, ladder, metrics, real_video
from vosedu.clip import Clip
from vosedu.datasets import ATTRIBUTES, DAVIS16
from vosedu.datasets.sequences import FROM_YOUTUBE
from vosedu.errors import InputError
from vosedu.figures.sheet import sheet
from vosedu.metrics.sequence_statistics import bootstrap_interval
from vosedu.papers.contract import NEEDS
from vosedu.paths import data_dir
from vosedu.text import NOT_RUN
from vosedu.toyvos import baselines

RUNGS: Mapping[str, str] = {"1": "ToyVOS", "2": "real video"}


def names() -> dict[str, str]:
    """Key -> the paper's short name."""
    return {key: paper.name for key, paper in api.papers().items()}


def given() -> pd.DataFrame:
    """What each paper's method gets besides the frame, and what it gives: a row each."""
    rows = {}
    for paper in api.papers().values():
        gets = {words: "yes" if need in paper.needs else "" for need, words in NEEDS.items()}
        gives = "object ids" if "mask" in paper.needs else "probability of foreground"
        weights = "yes" if paper.released.weights else "no"
        rows[paper.name] = {"paper": f"{paper.venue} {paper.year}", "frame": "yes", **gets} | {
            "gives": gives,
            "authors' weights": weights,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def scores() -> pd.DataFrame:
    """J and F of every paper on rungs 1 and 2 of the ladder, with the floors and the oracle.

    Columns: (data, measure), each a mean with its 95 % bootstrap interval over clips as text, or
    "not run here". The floors are the best predictors that learn nothing.
    """
    rows: dict[str, dict[tuple[str, str], str]] = {}
    for key, name in names().items():
        found = current(key)
        rows[name] = {
            (where, measure): _number(found.get(rung), measure)
            for rung, where in RUNGS.items()
            for measure in ("J", "F")
        }
    for name, (toy, real) in _bounds().items():
        rows[name] = {("ToyVOS", "J"): toy, ("real video", "J"): real}
    table = pd.DataFrame.from_dict(rows, orient="index").fillna("")
    table.columns = pd.MultiIndex.from_tuples(table.columns)
    return table


def current(key: str) -> dict[str, dict[str, Any]]:
    """The rungs of a paper that were measured with the networks that are embedded now."""
    weights = {"1": "course", "2": "davis-small"}
    return {
        rung: entry
        for rung, entry in ladder.read(key).items()
        if rung not in weights or entry["weights"] == ladder.checksum(key, weights[rung])
    }


def _bounds() -> dict[str, tuple[str, str]]:
    mixed = next(row for row in baselines.read()["rows"] if row["suite"] == "mixed")
    best = mixed["best trivial"]
    kept = mixed["first mask given"]["kept"]
    rows = {
        f"floor of ToyVOS, no mask given: {best}": (f"{mixed['J'][best]:.1f}", ""),
        "floor of ToyVOS, first mask given: first mask kept": (f"{kept:.1f}", ""),
    }
    for setting, (name, values) in real_floors().items():
        mean, (low, high) = values.mean(), bootstrap_interval(values)
        rows[f"floor of real video, {setting}: {name}"] = ("", _interval(mean, low, high))
    return {**rows, "oracle of ToyVOS": (f"{mixed['oracle']:.1f}", "")}


def real_floors() -> dict[str, tuple[str, pd.Series]]:
    """Setting -> the best predictor that learns nothing, and its J of every DAVIS sequence.

    Measured by `tools/real_floor.py`; the setting says whether the first mask was given.
    """
    path = data_dir("results") / "davis16" / "floors.json"
    if not path.is_file():
        raise InputError("there are no floors on real video; run 'python tools/real_floor.py'")
    found = {}
    for setting, predictors in json.loads(path.read_text())["J"].items():
        tables = {name: 100 * pd.Series(values) for name, values in predictors.items()}
        best = max(tables, key=lambda name: float(tables[name].mean()))
        found[setting] = best, tables[best]
    return found


def _number(rung: Mapping[str, Any] | None, measure: str) -> str:
    if rung is None or measure not in rung["numbers"]:
        return NOT_RUN
    mean = 100 * rung["numbers"][measure]
    bounds = rung.get("intervals", {}).get(measure)
    return f"{mean:.1f}" if bounds is None else _interval(mean, *(100 * b for b in bounds))


def _interval(mean: float, low: float, high: float) -> str:
    return f"{mean:.1f} [{low:.0f}, {high:.0f}]"


def on_real_video(measure: str = "J") -> pd.DataFrame:
    """J or F of every paper (columns, by name) on the same DAVIS validation sequences (rows).

    A paper without a network for real video is left out.
    """
    columns = {}
    for key, name in names().items():
        try:
            columns[name] = real_video.sequences(key)[measure]
        except InputError:
            continue
    return pd.DataFrame(columns).dropna()


def paired(table: pd.DataFrame) -> pd.DataFrame:
    """Every two columns compared on the same rows: who is better, and by how much.

    table: sequences x methods. Columns of the result: the mean difference (better minus other),
    its 95 % bootstrap interval over rows, on how many rows the better one is ahead, and whether
    the interval excludes zero. The largest difference comes first.
    """
    rows = []
    for one, other in combinations(table.columns, 2):
        if table[one].mean() < table[other].mean():
            one, other = other, one
        difference = table[one] - table[other]
        low, high = bootstrap_interval(difference)
        rows.append(
            {
                "better": one,
                "than": other,
                "difference": difference.mean(),
                "from": low,
                "to": high,
                "ahead on": f"{int((difference > 0).sum())} of {len(difference)}",
                "told apart": "yes" if low > 0 else "no",
            }
        )
    return pd.DataFrame(rows).sort_values("difference", ascending=False, ignore_index=True)


def by_attribute(table: pd.DataFrame, better: str, than: str, fewest: int = 3) -> pd.DataFrame:
    """Where the difference between two columns comes from: a row for each attribute of DAVIS.

    Mean paired difference on the sequences that carry it, its bootstrap interval, and the
    difference on the others. Attributes of fewer than `fewest` sequences are left out.
    """
    difference, rows = table[better] - table[than], {}
    for code, words in ATTRIBUTES.items():
        marked = np.array([code in DAVIS16[name].attributes for name in table.index])
        if marked.sum() < fewest or marked.all():
            continue
        low, high = bootstrap_interval(difference[marked])
        rows[f"{code}, {words}"] = {
            "sequences": int(marked.sum()),
            "difference": difference[marked].mean(),
            "from": low,
            "to": high,
            "on the others": difference[~marked].mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index").sort_values("difference", ascending=False)


def leaders(table: pd.DataFrame, fewest: int = 3) -> pd.DataFrame:
    """For all sequences and for each attribute: the method of the highest mean, and its equals.

    "not told apart": the methods whose paired difference to the leader has an interval with zero.
    """
    groups = {"any sequence": table}
    for code, words in ATTRIBUTES.items():
        chosen = table[[code in DAVIS16[name].attributes for name in table.index]]
        if len(chosen) >= fewest:
            groups[f"{code}, {words}"] = chosen
    rows = {}
    for label, part in groups.items():
        best = part.mean().idxmax()
        equals = [
            other
            for other in part.columns.drop(best)
            if bootstrap_interval(part[best] - part[other])[0] <= 0
        ]
        rows[label] = {
            "sequences": len(part),
            "highest mean": best,
            "mean": part[best].mean(),
            "not told apart from it": ", ".join(equals),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def ideas() -> pd.DataFrame:
    """What each paper's own idea is worth on real video: J with it, without, and the difference.

    The network without it was trained by the same recipe; see `real_video.without_idea`.
    """
    rows = {}
    for key, name in names().items():
        try:
            found = real_video.without_idea(key)
        except InputError:
            rows[name] = {"without": NOT_RUN}
            continue
        row = found.loc["J"]
        without = str(found.index.name).removeprefix("without: ")
        rows[name] = {
            "without": without,
            "J with": f"{row['with']:.1f}",
            "J without": f"{row['without']:.1f}",
            "worth": _signed(-row["difference"], -row["to"], -row["from"]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").fillna("")


def _signed(mean: float, low: float, high: float) -> str:
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def cost(model: nn.Module, clip: Clip) -> dict[str, float]:
    """Parameters, and multiplications and additions a frame when `clip` is segmented.

    Counted are convolutions and products of matrices, as PyTorch's counter sees them; estimating
    flow and resizing are not in it.
    """
    with FlopCounterMode(display=False) as counter:
        for _ in api.segment(model, clip, given=api.first_masks(model, clip)):
            pass
    parameters = sum(p.numel() for p in model.parameters())
    return {"parameters": parameters, "operations a frame": counter.get_total_flops() / len(clip)}


def segmented(models: Mapping[str, nn.Module], clip: Clip) -> dict[str, list[np.ndarray]]:
    """The masks of a clip, H x W ids, under each network; those that need it get its first mask."""
    return {
        name: [r.mask for r in api.segment(model, clip, given=api.first_masks(model, clip))]
        for name, model in models.items()
    }


def frame_scores(masks: Mapping[str, list[np.ndarray]], clip: Clip) -> pd.DataFrame:
    """J of the foreground, all objects merged: frames but the first and the last x networks."""
    columns = {
        name: metrics.evaluate({clip.name: found}, [clip], "toyvos").frames["J"].to_numpy()
        for name, found in masks.items()
    }
    return 100 * pd.DataFrame(columns, index=pd.RangeIndex(1, len(clip) - 1, name="frame"))


def real_pictures(key: str) -> dict[str, np.ndarray]:
    """The tiles of a paper's picture on real video: sequence -> middle frame with its mask, uint8.

    They are cut out of `data/pictures/KEY-real.jpg`, which `tools/real.py` lays out in the order
    of J in the middle frames.
    """
    frames = pd.read_csv(
        data_dir("results") / key / "davis-small" / "per-frame_results.csv", index_col="Sequence"
    )
    middle = {}
    for name, rows in frames.groupby("Sequence"):
        if name not in FROM_YOUTUBE:
            middle[name] = float(rows.set_index("Frame").loc[DAVIS16[name].frames // 2, "J"])
    order = sorted(middle, key=lambda name: -middle[name])
    path = data_dir("results").parent / "pictures" / f"{key}-real.jpg"
    picture = np.asarray(Image.open(path).convert("RGB"))
    layout = sheet({f"{name}, J 00": np.zeros((240, 427, 3), np.uint8) for name in order}, 4)
    return dict(zip(order, _cut(picture, layout)))


def _cut(picture: np.ndarray, layout: Figure) -> list[np.ndarray]:
    """The parts of a drawn figure that its axes cover."""
    layout.draw_without_rendering()
    height, width = picture.shape[:2]
    parts = []
    for axes in layout.axes:
        if axes.images:
            box = axes.get_position()
            rows = slice(round((1 - box.y1) * height), round((1 - box.y0) * height))
            parts.append(picture[rows, round(box.x0 * width) : round(box.x1 * width)])
    return parts
