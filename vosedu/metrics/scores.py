"""Scores: what an evaluation gives back, as numbers, tables and official CSV files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vosedu.errors import InputError
from vosedu.metrics.protocols import Protocol
from vosedu.metrics.sequence_statistics import (
    Statistics,
    bootstrap_interval,
    nanmean,
    statistics,
)

if TYPE_CHECKING:
    import pandas as pd

STATISTICS = ("Mean", "Recall", "Decay")

GLOBAL, PER_SEQUENCE, PER_FRAME = (
    f"{what}_results.csv" for what in ("global", "per-sequence", "per-frame")
)


def csv_paths(folder: str | Path, overwrite: bool = False) -> list[Path]:
    """The files that `Scores.to_csv` writes; InputError where it could not or would replace one."""
    folder = Path(folder)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise InputError(f"{there} is a file, not a folder; choose another for the tables")
    paths = [folder / name for name in (GLOBAL, PER_SEQUENCE, PER_FRAME)]
    for path in paths:
        if path.exists() and not overwrite:
            raise InputError(f"{path} exists already; choose another folder or pass overwrite=True")
    return paths


@dataclass(frozen=True)
class Track:
    """One object of one sequence over its scored frames.

    object: its id; 1 where objects are merged. frames: the N frame numbers that count. values:
    "J" and "F" -> N values. group: category, "seen" or "unseen", where the protocol has groups.
    proposal: the id that the method gave the object, where ids were matched.
    """

    sequence: str
    object: int
    frames: tuple[int, ...]
    values: Mapping[str, np.ndarray]
    group: str | None = None
    proposal: int | None = None

    def statistics(self, measure: str) -> Statistics:
        """Mean, recall and decay of "J" or "F"."""
        return statistics(self.values[measure])


@dataclass(frozen=True)
class Scores:
    """The result of an evaluation.

    protocol: how it was made. tracks: one per object. temporal: sequence -> T of each pair of
    consecutive scored frames, for the sequences that T was asked for. attributes: sequence -> its
    attribute codes. how_read: in plain words, how the result files were understood.

    Dataset numbers are means over sequences or objects, never over frames.
    """

    protocol: Protocol
    tracks: tuple[Track, ...]
    temporal: Mapping[str, np.ndarray] = field(default_factory=dict)
    attribute_codes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    how_read: tuple[str, ...] = ()

    def summary(self) -> dict[str, float]:
        """The dataset's numbers by their names in tables, each between 0 and 1 (but for T)."""
        measures = self.protocol.measures
        numbers = {
            f"{measure}-{name}": float(np.mean([s[k] for s in self._statistics[measure]]))
            for measure in measures
            for k, name in enumerate(STATISTICS)
        }
        if self.protocol.unit == "group":
            numbers |= self._group_numbers()
        if len(measures) == 2:
            numbers = {"J&F-Mean": (numbers["J-Mean"] + numbers["F-Mean"]) / 2} | numbers
        if self.temporal:
            numbers["T-Mean"] = nanmean([nanmean(pairs) for pairs in self.temporal.values()])
        return numbers

    def intervals(self) -> dict[str, tuple[float, float]]:
        """95 % bootstrap intervals over sequences, by the measure: "J", "F", and "T" where it is.

        Of J and F each sequence weighs as much as it has objects, as in the mean over objects. See
        `sequence_statistics.bootstrap_interval`.
        """
        names = [n for n in (*self.protocol.measures, "T") if f"{n}-Mean" in self.sequences]
        objects = Counter(track.sequence for track in self.tracks)
        weights = None
        if len(set(objects.values())) > 1:
            weights = [objects[name] for name in self.sequences.index]
        return {
            name: bootstrap_interval(
                self.sequences[f"{name}-Mean"], weights=None if name == "T" else weights
            )
            for name in names
        }

    @cached_property
    def _statistics(self) -> dict[str, list[Statistics]]:
        return {m: [track.statistics(m) for track in self.tracks] for m in self.protocol.measures}

    def _group_numbers(self) -> dict[str, float]:
        """YouTube-Objects: J by both conventions. YouTube-VOS: J and F of seen and unseen, G."""
        groups = sorted({track.group for track in self.tracks if track.group is not None})
        means = {
            (measure, group): float(
                np.mean(
                    [
                        track.statistics(measure).mean
                        for track in self.tracks
                        if track.group == group
                    ]
                )
            )
            for measure in self.protocol.measures
            for group in groups
        }
        if self.protocol.objects == "merged":
            videos = [s.mean for s in self._statistics["J"]]
            return {
                "J category mean": float(np.mean(list(means.values()))),
                "J video mean": float(np.mean(videos)),
            }
        letters = {"seen": "S", "unseen": "U"}
        numbers = {f"{m}_{letters.get(group, group)}": v for (m, group), v in means.items()}
        if groups == ["seen", "unseen"]:
            numbers["G"] = float(np.mean(list(numbers.values())))
        return numbers

    @cached_property
    def objects(self) -> pd.DataFrame:
        """One row per object: mean, recall and decay of each measure."""
        import pandas as pd

        rows = [
            {"Sequence": track.sequence, "Object": track.object}
            | ({"Group": track.group} if track.group is not None else {})
            | ({"Proposal": track.proposal} if track.proposal is not None else {})
            | {"Frames": len(track.frames)}
            | {
                f"{measure}-{name}": value
                for measure in self.protocol.measures
                for name, value in zip(STATISTICS, self._statistics[measure][k])
            }
            for k, track in enumerate(self.tracks)
        ]
        return pd.DataFrame(rows).set_index(["Sequence", "Object"])

    @cached_property
    def sequences(self) -> pd.DataFrame:
        """One row per sequence: the means of its objects, and T where it was asked for."""
        columns = [f"{m}-{name}" for m in self.protocol.measures for name in STATISTICS]
        table = self.objects.groupby("Sequence", sort=False)[columns].mean()
        if self.temporal:
            means = {name: nanmean(pairs) for name, pairs in self.temporal.items()}
            table["T-Mean"] = [means.get(name, float("nan")) for name in table.index]
        return table

    @cached_property
    def frames(self) -> pd.DataFrame:
        """One row per sequence, object and frame: J and F."""
        import pandas as pd

        parts = [
            pd.DataFrame(
                {"Sequence": t.sequence, "Object": t.object, "Frame": t.frames}
                | {m: t.values[m] for m in self.protocol.measures}
            )
            for t in self.tracks
        ]
        return pd.concat(parts, ignore_index=True).set_index(["Sequence", "Object", "Frame"])

    def attributes(self) -> pd.DataFrame:
        """One row per attribute: the mean over the sequences that carry it, and how many do."""
        import pandas as pd

        codes = sorted(set().union(*self.attribute_codes.values()))
        rows = {}
        for code in codes:
            names = [n for n in self.sequences.index if code in self.attribute_codes.get(n, ())]
            rows[code] = {"Sequences": len(names)} | self.sequences.loc[names].mean().to_dict()
        columns = ["Sequences", *self.sequences.columns]
        table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
        return table.rename_axis("Attribute")

    def worst(self, count: int = 5, measure: str = "J") -> pd.DataFrame:
        """The scored frames with the lowest values, worst first."""
        return self.frames.sort_values(measure, kind="stable").head(count)

    def to_csv(self, folder: str | Path, overwrite: bool = False) -> list[Path]:
        """Write the tables under `folder` in the column layout of the official 2017 tool.

        global_results.csv (J&F-Mean, J-Mean, J-Recall, J-Decay, F-Mean, F-Recall, F-Decay, further
        numbers of the protocol after them), per-sequence_results.csv (Sequence, J-Mean, F-Mean; one
        row per object, called sequence_object, where objects are scored), both with three decimals
        as there, and per-frame_results.csv in full precision. Objects go by their ground-truth ids.
        """
        import pandas as pd

        folder = Path(folder)
        measures = list(self.protocol.measures)
        named = self.protocol.objects != "merged"
        rows = [
            {"Sequence": f"{t.sequence}_{t.object}" if named else t.sequence}
            | {f"{m}-Mean": self._statistics[m][k].mean for m in measures}
            for k, t in enumerate(self.tracks)
        ]
        tables = {
            GLOBAL: (pd.DataFrame([self.summary()]), "%.3f"),
            PER_SEQUENCE: (pd.DataFrame(rows), "%.3f"),
            PER_FRAME: (self.frames.reset_index(), None),
        }
        paths = csv_paths(folder, overwrite)
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            table, form = tables[path.name]
            table.to_csv(path, index=False, float_format=form)
        return paths

    def __repr__(self) -> str:
        sequences = len({track.sequence for track in self.tracks})
        counted = f"{sequences} sequences, {len(self.tracks)} objects, "
        if self.protocol.objects == "merged":
            counted = f"{sequences} sequences, "
        frames = sum(len(track.frames) for track in self.tracks)
        lines = [f"{self.protocol.title}: {counted}{frames} scored frames"]
        lines += [f"  {name:<16} {value:6.3f}" for name, value in self.summary().items()]
        return "\n".join([*lines, *self.how_read])

    def _repr_html_(self) -> str:
        import html

        import pandas as pd

        head, *_ = repr(self).splitlines()
        table = pd.DataFrame([self.summary()])
        numbers = table.to_html(index=False, float_format="{:.3f}".format)
        notes = "".join(f"<p>{html.escape(line)}</p>" for line in self.how_read)
        return f"<p><b>{html.escape(head)}</b></p>{numbers}{notes}"
