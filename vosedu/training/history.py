"""What happened during a training run."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vosedu.writing import replacing


@dataclass
class History:
    """One row a step: stage, step, kind, loss, and each loss term by name.

    seconds: time spent training, over all resumed runs.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str, **where: Any) -> np.ndarray:
        """The values of one column, of the rows where the given columns have the given values."""
        chosen = [r for r in self.rows if all(r.get(key) == value for key, value in where.items())]
        return np.array([row.get(name, np.nan) for row in chosen])

    def to_csv(self, path: str | Path) -> None:
        """Write the rows as CSV."""
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        with replacing(path) as partial, partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(self.rows)
