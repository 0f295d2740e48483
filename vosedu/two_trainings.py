"""A paper's two trainings on ToyVOS: the course recipe, to be rerun, and the embedded network's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from vosedu import api, ladder
from vosedu.errors import InputError
from vosedu.paths import data_dir
from vosedu.toyvos import baselines
from vosedu.training import Recipe

NOT_RUN = "not run here"


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


def _training(recipe: Recipe, note: Mapping[str, Any], scores: Mapping[str, float]) -> dict:
    return {
        "starts from": recipe.initial or "random weights",
        "data": ", ".join(dict.fromkeys("+".join(s.data for s in recipe.stages).split("+"))),
        "steps": f"{note['steps']:,}",
        "minutes on a busy CPU": f"{note['seconds'] / 60:.0f}",
        **{m: f"{100 * scores[m]:.1f}" if m in scores else NOT_RUN for m in ("J", "F")},
    }
