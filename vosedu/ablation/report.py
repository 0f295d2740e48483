"""A table of the paper beside what was measured here, as text."""

from __future__ import annotations

from vosedu.ablation.compare import compare, verdict
from vosedu.ablation.store import Store
from vosedu.papers.contract import Table
from vosedu.text import columns

HEADER = ("row", "suite", "paper", "J", "difference to the full row", "verdict")


def render(table: Table, store: Store, split: str = "test", profile: str = "ablate") -> str:
    """One line per row and suite: the paper's first number, our mean J, the paired difference.

    J in points, mean over seeds; the interval is the 95 % t-interval over seeds of the difference
    to the table's base row. What was not run says so; what cannot be had here says why.
    """
    records = store.find(split=split, profile=profile)
    suites = sorted(
        {record.suite for record in records}, key=lambda suite: (suite != "mixed", suite)
    )
    lines = []
    for row in table.rows:
        reported = next(iter(row.reported.values()), None)
        if row.unavailable:
            lines.append((row.label, "", reported, None, row.unavailable, ""))
            continue
        measured = 0
        for suite in suites:
            found = compare(records, row.label, table.base, suite)
            if found is None:
                continue
            measured += 1
            judged = row.claim is not None and row.claim.suite == suite
            lines.append(
                (
                    row.label,
                    suite,
                    reported,
                    found.row,
                    "" if row.label == table.base else str(found),
                    verdict(row.claim, found) if judged else "",
                )
            )
        if not measured:
            lines.append((row.label, "", reported, None, "not run here", ""))
    title = f"Table {table.key}: {table.title} (compared with: {table.base})"
    return "\n".join([title, columns(lines, HEADER), *([table.note] if table.note else [])])
