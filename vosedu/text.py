"""Plain text for terminals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

NOT_RUN = "not run here"
"""What stands in a table or figure in the place of a number that was not measured."""


def columns(rows: Iterable[Sequence[Any]], header: Sequence[str] = ()) -> str:
    """Rows as aligned columns; numbers go to the right, floats with two decimals.

    The last column is not padded. None is shown as "-".
    """
    rows = [list(row) for row in rows]
    cells = [[_cell(value) for value in row] for row in rows]
    if header:
        cells.insert(0, list(header))
    widths = [max(len(cell) for cell in column) for column in zip(*cells)]
    right = [all(isinstance(v, int | float | None) for v in column) for column in zip(*rows)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right)
        ).rstrip()
        for line in cells
    )


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
