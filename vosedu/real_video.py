"""What the networks of the profile davis-small do on real video: committed results as tables.

`tools/real.py` measures them; the notebooks' sections on real video show them. A paper without such
a network gets an InputError.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image

from vosedu import api, ladder
from vosedu.datasets import ATTRIBUTES, DAVIS16
from vosedu.errors import InputError
from vosedu.figures.photo import photo
from vosedu.metrics.sequence_statistics import bootstrap_interval
from vosedu.paths import data_dir

if TYPE_CHECKING:
    from IPython.display import Image as Shown


def trained(key: str) -> str:
    """How long and on what the embedded network was trained, in one sentence."""
    about = json.loads(api.embedded(key, "davis-small").with_suffix(".json").read_text())
    return (
        f"{about['steps']:,} steps in {about['seconds'] / 60:.0f} minutes of a busy CPU, "
        f"commit {about['commit']}, on {about['data'].replace('+', ' and ')}"
    )


def stages(key: str) -> pd.DataFrame:
    """The stages of the recipe: a row each."""
    shown = ("name", "steps", "batch_size", "size", "lr", "frozen")
    recipe = api.paper(key).recipe("davis-small")
    rows = [{name: getattr(stage, name) for name in shown} for stage in recipe.stages]
    return pd.DataFrame(rows).set_index("name")


def scores(key: str) -> pd.DataFrame:
    """Rows J, F and T in per cent: the mean and its 95 % bootstrap interval over sequences."""
    rung = ladder.read(key).get("2")
    if rung is None:
        raise InputError(f"{key} has no scores on real video; run 'python tools/real.py {key}'")
    rows = {
        name: {"mean": value, "from": rung["intervals"][name][0], "to": rung["intervals"][name][1]}
        for name, value in rung["numbers"].items()
    }
    table = 100 * pd.DataFrame.from_dict(rows, orient="index")
    return table.rename_axis(f"{rung['on']}, protocol {rung['protocol']}")


def sequences(key: str) -> pd.DataFrame:
    """J and F of every sequence in per cent, with its attributes; the best J first."""
    table = _sequences(_folder(key))
    table["attributes"] = [" ".join(sorted(DAVIS16[name].attributes)) for name in table.index]
    return table.sort_values("J", ascending=False)


def objects(key: str, clip: str) -> pd.DataFrame:
    """J and F in per cent of every object of a clip of DAVIS 2017 that was scored besides."""
    table = pd.read_csv(_folder(key) / clip / "per-sequence_results.csv").set_index("Sequence")
    return 100 * pd.DataFrame({"J": table["J-Mean"], "F": table["F-Mean"]}).rename_axis("object")


def by_attribute(key: str) -> pd.DataFrame:
    """Mean J of the sequences that carry an attribute of DAVIS, and of those that do not."""
    j, rows = _sequences(_folder(key))["J"], {}
    for code, words in ATTRIBUTES.items():
        names = [name for name in j.index if code in DAVIS16[name].attributes]
        if 0 < len(names) < len(j):
            mean, others = j[names].mean(), j.drop(names).mean()
            rows[f"{code}, {words}"] = {
                "sequences": len(names),
                "J": mean,
                "J of the others": others,
                "difference": mean - others,
            }
    return pd.DataFrame.from_dict(rows, orient="index").sort_values("difference")


def without_object(key: str) -> pd.DataFrame:
    """What is marked in the frames of DAVIS 2016 without an object, in per cent of the frame."""
    table = pd.read_csv(_folder(key) / "without_object.csv")
    marked = table[table["object"] == 0].groupby("Sequence")["marked"]
    return pd.DataFrame(
        {
            "frames": marked.size(),
            "frames left empty": marked.agg(lambda values: int((values == 0).sum())),
            "marked, mean": marked.mean().round(2),
            "marked, at most": marked.max().round(2),
        }
    )


def picture(key: str) -> Shown:
    """The middle frame of each sequence with its mask, as far as DAVIS's terms let it be shown."""
    sheet = Image.open(data_dir("results").parent / "pictures" / f"{key}-real.jpg")
    name = api.paper(key).name
    return photo(
        np.asarray(sheet), f"Middle frames of DAVIS validation sequences with {name}'s masks"
    )


def without_idea(key: str) -> pd.DataFrame:
    """The network beside one that lacks its paper's idea, trained by the same recipe.

    Rows: J and F in per cent, each network's mean, and the difference with its 95 % bootstrap
    interval over sequences. The index names what was changed.
    """
    return _beside(key, "without", "no network without the paper's idea")


def earlier(key: str) -> pd.DataFrame:
    """The network beside the one of an earlier recipe; the table is `without_idea`'s."""
    table = _beside(key, "earlier", "no network of an earlier recipe")
    return table.rename(columns={"with": "embedded", "without": "earlier"})


def other_flow(key: str) -> pd.DataFrame:
    """The network with the flow it learnt on, DIS, and with that of RAFT-small; as `without_idea`.

    An InputError for a network that reads no flow, or was not scored so.
    """
    folder = _folder(key) / "raft"
    if not folder.is_dir():
        raise InputError(
            f"{key} was not scored with RAFT's flow; 'tools/real.py {key} --raft' does"
        )
    return _differences(key, folder, ("DIS", "RAFT-small")).rename_axis("flow at test time")


def _beside(key: str, kind: str, missing: str) -> pd.DataFrame:
    folder = _folder(key) / kind
    note = folder / "training.json"
    if not note.is_file():
        raise InputError(f"{key}: {missing} was trained on real video")
    changes = json.loads(note.read_text())["command"].partition("--set ")[2]
    named = f"{kind}: {changes}" if changes else kind
    return _differences(key, folder, ("with", "without")).rename_axis(named)


def _differences(key: str, folder: Path, names: tuple[str, str]) -> pd.DataFrame:
    embedded, other = _sequences(_folder(key)), _sequences(folder)
    rows = {}
    for name in ("J", "F"):
        difference = (other[name] - embedded[name]).dropna()
        low, high = bootstrap_interval(difference)
        rows[name] = {
            names[0]: embedded[name].mean(),
            names[1]: other[name].mean(),
            "difference": difference.mean(),
            "from": low,
            "to": high,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _folder(key: str) -> Path:
    folder = data_dir("results") / key / "davis-small"
    if not folder.is_dir():
        raise InputError(f"{key} has no results on real video; run 'python tools/real.py {key}'")
    return folder


def _sequences(folder: Path) -> pd.DataFrame:
    """J and F of each sequence in per cent; "name_1", its only object, counts as the sequence."""
    table = pd.read_csv(folder / "per-sequence_results.csv").set_index("Sequence")
    table.index = [name if name in DAVIS16 else name.rpartition("_")[0] for name in table.index]
    return 100 * pd.DataFrame({"J": table["J-Mean"], "F": table["F-Mean"]}).rename_axis("sequence")
