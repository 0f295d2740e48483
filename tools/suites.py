"""What the embedded networks score on every suite of ToyVOS, for notebook 2.

    python tools/suites.py cosnet dpa

segments the test clips of each suite with the network that comes with the package and writes
data/results/KEY/suites.json, suite by suite; the scores on `mixed` become rung 1 of the ladder. A
network that reads flow is scored with the clips' own flow, which is exact, and on `mixed` with
estimated flow as well (that is its rung 1), beside a threshold on the length of that same flow (its
level is chosen on train clips, as that of the threshold on exact flow was).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from vosedu import api, ladder, toyvos
from vosedu.ablation.store import commit
from vosedu.metrics import Scores
from vosedu.paths import data_dir
from vosedu.toyvos import baselines
from vosedu.toyvos.suites import NAMES
from vosedu.training.data import EstimatedFlow
from vosedu.writing import write_text

METHOD = "dis-medium"
LEVELS = np.linspace(*baselines.TRIVIAL["flow magnitude"][1], 20)


def rows(key: str, suites: Sequence[str], clips: int | None) -> Iterator[tuple[dict, Scores]]:
    """A line with J, its interval over clips, and F; and all scores. Suite by suite."""
    model, reads_flow = api.load(key), "flow" in api.paper(key).needs
    for suite in suites:
        test = toyvos.split("test", suite)[:clips]
        for method in ("", METHOD) if reads_flow and suite == "mixed" else ("",):
            scores = api.evaluate(model, EstimatedFlow(test, method) if method else test)
            row = {
                "suite": suite,
                "flow": method or ("exact" if reads_flow else ""),
                "clips": len(test),
                **{m: round(100 * scores.summary()[f"{m}-Mean"], 2) for m in ("J", "F")},
                "interval": [round(100 * bound, 2) for bound in scores.intervals()["J"]],
            }
            if method:
                row["threshold on this flow"] = threshold(suite, clips)
            yield row, scores


def threshold(suite: str, clips: int | None) -> float:
    """J of the best level of a threshold on the length of estimated flow, in points."""
    train, test = (EstimatedFlow(toyvos.split(s, suite), METHOD)[:clips] for s in ("train", "test"))
    few = train[: min(20, len(train))]
    best = max(LEVELS, key=lambda level: baselines.score(baselines.flow_magnitude, few, level, 5))
    return round(baselines.score(baselines.flow_magnitude, test, best), 2)


def measure(key: str, suites: Sequence[str] = NAMES, clips: int | None = None) -> None:
    """Write a paper's lines, with what they were measured with, and its rung 1."""
    told: dict[str, Any] = {"weights": ladder.checksum(key), "split": "test"}
    told |= {"data": toyvos.PIXELS, "commit": commit(), "rows": []}
    for row, scores in rows(key, suites, clips):
        told["rows"].append(row)
        write_text(data_dir("results") / key / "suites.json", json.dumps(told, indent=1) + "\n")
        print(key, row, flush=True)
        if row["suite"] == "mixed":
            where = f"toyvos test, {row['clips']} clips"
            where += f", {row['flow']} flow" if row["flow"] else ""
            ladder.record(key, "1", scores, where=where, weights="course")


def main() -> None:
    """Measure and write what the command line names."""
    parser = argparse.ArgumentParser(prog="python tools/suites.py", description=__doc__)
    parser.add_argument("keys", metavar="KEY", nargs="+", choices=list(api.papers()))
    for key in parser.parse_args().keys:
        measure(key)


if __name__ == "__main__":
    main()
