"""A paper's trainings on ToyVOS: the course recipe, to be rerun, and the embedded network's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from vosedu import api, ladder
from vosedu.errors import InputError
from vosedu.paths import data_dir
from vosedu.text import NOT_RUN
from vosedu.toyvos import baselines
from vosedu.toyvos.suites import NAMES
from vosedu.training import Recipe


def compared(key: str) -> pd.DataFrame:
    """What each recipe is and what came of it: a column each, beside the floor and the oracle.

    Rows: where the recipe starts, its data, steps and minutes, and J and F of ToyVOS's mixed test
    clips in points. The course training's are those of `data/results/KEY/course.json`, the embedded
    network's those of rung 1; where that rung is another network's, it was "not run here".
    Raises InputError for a paper whose embedded network is that of the course recipe.
    """
    paper = api.paper(key)
    if "long" not in paper.profiles:
        raise InputError(f"the embedded network of {key} is that of its course recipe")
    course = json.loads((data_dir("results") / key / "course.json").read_text())
    note = json.loads(api.embedded(key, "course").with_suffix(".json").read_text())
    rung = ladder.read(key).get("1", {"weights": ""})
    same = rung["weights"] == ladder.checksum(key)
    mixed = next(row for row in baselines.read()["rows"] if row["suite"] == "mixed")
    columns = {
        "course, to rerun": _training(paper.recipe("course"), course, course["scored"]["numbers"]),
        "long, embedded": _training(paper.recipe("long"), note, rung["numbers"] if same else {}),
        "floor: best trivial predictor": {"J": f"{mixed['J'][mixed['best trivial']]:.1f}"},
        "oracle": {"J": f"{mixed['oracle']:.1f}"},
    }
    return pd.DataFrame(columns).fillna("").loc[list(columns["course, to rerun"])]


def by_suite(key: str) -> pd.DataFrame:
    """J of the embedded network on the test clips of every suite, beside floor and oracle.

    One line a suite, and a flow where the paper reads some: J in points with its 95 % bootstrap
    interval over clips; the best trivial predictor, which may read exact flow; where the flow is
    estimated also the best one that reads this flow; whether J is above the former. What
    `data/results/KEY/suites.json` does not hold, or of another network, was "not run here".
    """
    told = json.loads((data_dir("results") / key / "suites.json").read_text())
    same = told["weights"] == ladder.checksum(key)
    found = {name: [row for row in told["rows"] if same and row["suite"] == name] for name in NAMES}
    lines = []
    for bound in baselines.read()["rows"]:
        trivial, best = bound["J"], bound["best trivial"]
        for row in found[bound["suite"]] or [{"suite": bound["suite"], "flow": ""}]:
            line = {"suite": row["suite"], "flow": row["flow"], "J": NOT_RUN}
            if "J" in row:
                low, high = row["interval"]
                line["J"] = f"{row['J']:.1f} [{low:.1f}, {high:.1f}]"
                line["above it"] = "yes" if row["J"] > trivial[best] else "no"
            if "threshold on this flow" in row:
                others = [j for name, j in trivial.items() if name != "flow magnitude"]
                line["... on this flow"] = f"{max(*others, row['threshold on this flow']):.1f}"
            line["best trivial predictor"] = f"{trivial[best]:.1f} ({best})"
            lines.append(line | {"oracle": f"{bound['oracle']:.1f}"})
    table = pd.DataFrame(lines).fillna("")
    wanted = ["J", "best trivial predictor", "above it", "... on this flow", "oracle"]
    index = ["suite", "flow"] if table["flow"].any() else ["suite"]
    return table.set_index(index)[[name for name in wanted if name in table]]


def _training(recipe: Recipe, note: Mapping[str, Any], scores: Mapping[str, float]) -> dict:
    return {
        "starts from": recipe.initial or "random weights",
        "data": ", ".join(dict.fromkeys("+".join(s.data for s in recipe.stages).split("+"))),
        "steps": f"{note['steps']:,}",
        "minutes on a busy CPU": f"{note['seconds'] / 60:.0f}",
        **{m: f"{100 * scores[m]:.1f}" if m in scores else NOT_RUN for m in ("J", "F")},
    }
