"""Measured runs, one record each, in JSON files that grow and can be resumed."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from vosedu.errors import InputError
from vosedu.paths import data_dir
from vosedu.writing import write_text


@dataclass(frozen=True)
class Record:
    """One row of a table, with one seed, scored on one suite.

    intervention: what was done to the clips before scoring, a name of `ablation.INTERVENTIONS`.
    metrics: measure -> one value per clip, in the order of the split. `ablation.THRESHOLDS` says
        which measures there are.
    hashes: digests of config, recipe, inference and data version; a record whose digests differ
        from the code's no longer counts.
    source: digest of the code that made it, see `ablation.source`; "" for records made before
        records carried one.
    """

    table: str
    row: str
    seed: int
    suite: str
    split: str
    profile: str
    data: str
    config: dict[str, Any]
    recipe: dict[str, Any]
    inference: dict[str, Any]
    metrics: dict[str, list[float]]
    steps: int
    seconds: float
    device: str
    commit: str
    hashes: dict[str, str] = field(default_factory=dict)
    intervention: str = ""
    source: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two records the same run."""
        return (self.row, self.seed, self.suite, self.split, self.profile)

    @property
    def fingerprint(self) -> tuple[Any, ...]:
        """What makes two records the same measurement, whatever their row is called."""
        return fingerprint(self.hashes, self.seed, self.suite, self.split, self.profile)

    def mean(self, measure: str = "J") -> float:
        """Mean over clips, in points (percent)."""
        values = self.metrics[measure]
        return 100 * sum(values) / len(values)


def fingerprint(
    hashes: dict[str, str], seed: int, suite: str, split: str, profile: str
) -> tuple[Any, ...]:
    """The identity of a measurement: digests of its setup, and what it was run on."""
    return (*sorted(hashes.items()), seed, suite, split, profile)


class Store:
    """The records of one table: `data/results/<paper>/<table>.json`.

    Writing is atomic and one record at a time, so an interrupted table goes on where it stopped.
    A record with the key of an older one replaces it. Several processes may add to one file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._records = self._read()

    def _read(self) -> dict[tuple[Any, ...], Record]:
        """What the file holds now."""
        if not self.path.exists():
            return {}
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))["records"]
            records = [Record(**row) for row in rows]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{self.path} is not a results file ({error}); move it away or delete it"
            ) from error
        return {record.key: record for record in records}

    @classmethod
    def of(cls, paper: str, table: str) -> Store:
        """The committed store of a paper's table."""
        return cls(data_dir("results") / paper / f"table{table}.json")

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def __len__(self) -> int:
        return len(self._records)

    def find(self, **wanted: Any) -> list[Record]:
        """The records whose fields have the wanted values."""
        return [r for r in self if all(getattr(r, key) == value for key, value in wanted.items())]

    def family(self) -> Iterator[Record]:
        """The records of this table, then those of the paper's other tables beside it."""
        yield from self
        for path in sorted(self.path.parent.glob("table*.json")):
            if path != self.path:
                yield from Store(path)

    def add(self, record: Record) -> None:
        """Add a record to the file, beside what other processes have added to it meanwhile."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f".{self.path.name}.lock")):
            self._records = {**self._records, **self._read(), record.key: record}
            rows = [_compact(dataclasses.asdict(each)) for each in self]
            text = '{"records": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]}\n"
            write_text(self.path, text)


def _compact(row: dict[str, Any]) -> dict[str, Any]:
    row["metrics"] = {
        name: [round(value, 5) for value in values] for name, values in row["metrics"].items()
    }
    row["seconds"] = round(row["seconds"], 1)
    return row


def commit() -> str:
    """The checkout's commit, with "+" when tracked files differ from it; "" outside a checkout."""
    here = Path(__file__).parent
    try:
        head = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True
        )
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no", "--", "*.py"],
            cwd=here,
            capture_output=True,
            text=True,
        )
    except OSError:
        return ""
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
