"""What the records of a table show, as tables and sentences for a notebook.

Every function takes a `Table` and the records of one split and one profile. Differences are row
minus base in points, with the 95 % t-interval over seeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pandas import DataFrame

from vosedu.ablation.compare import (
    CANNOT_TELL,
    NO_EFFECT,
    NOT_TESTABLE,
    REVERSED,
    SEEN,
    Comparison,
    by_seed,
    compare,
    seeds_needed,
    stated,
)
from vosedu.ablation.store import Record
from vosedu.ablation.tables import against_the_paper, judge, reported_difference, suites
from vosedu.papers.contract import Row, Table
from vosedu.text import NOT_RUN

MEANING = {
    SEEN: "we saw it",
    REVERSED: "we saw the opposite",
    NO_EFFECT: "we saw no effect beyond {margin:g} points",
    CANNOT_TELL: "our runs cannot tell",
    NOT_TESTABLE: "it cannot be tested here, as the control did not cost what it must",
    NOT_RUN: NOT_RUN,
}


def printed(table: Table) -> DataFrame:
    """The paper's numbers, one line per row."""
    numbers = DataFrame({row.label: dict(row.reported) for row in table.rows}).T
    return numbers.rename_axis(f"Table {table.key}, paper")


def claimed(table: Table) -> list[Row]:
    """The rows with a claim."""
    return [row for row in table.rows if row.claim]


def seeds_run(table: Table, records: Iterable[Record]) -> DataFrame:
    """How many seeds of each row were run on each suite."""
    records = list(records)
    return DataFrame(
        {
            row.label: {s: len(by_seed(records, row.label, s)) or NOT_RUN for s in suites(table)}
            for row in table.rows
        }
    ).T.rename_axis(f"Table {table.key}, seeds")


def per_clip(
    records: Iterable[Record], row: str, base: str, suite: str, measure: str = "J"
) -> np.ndarray | None:
    """Row minus base on each clip, in points, mean over the seeds both have; None without any."""
    scores: dict[str, dict[int, np.ndarray]] = {row: {}, base: {}}
    for record in records:
        if record.suite == suite and record.row in scores:
            scores[record.row][record.seed] = 100 * np.array(record.metrics[measure])
    shared = scores[row].keys() & scores[base].keys()
    if not shared:
        return None
    return np.mean([scores[row][seed] - scores[base][seed] for seed in shared], axis=0)


def verdicts(
    table: Table, records: Iterable[Record], factors: Sequence[float] = (0.5, 2.0)
) -> DataFrame:
    """Every claim beside what was measured, its verdict, and the verdict with other margins.

    "paper's size" says whether our interval excludes the difference that the paper prints.
    """
    records = list(records)
    lines = {}
    for row in claimed(table):
        difference, compared = reported_difference(table, row), _compared(table, records, row)
        judged = judge(records, table, row)
        line: dict[str, Any] = {
            "claim": row.claim.text,
            "paper": "" if np.isnan(difference) else f"{difference:+.2f}",
            "suite": row.claim.suite,
            "ours": str(compared or NOT_RUN),
            "paper's size": against_the_paper(difference, compared, judged),
            "margin": f"{row.claim.margin:g}",
            "verdict": judged,
        }
        for factor in factors:
            claim = replace(row.claim, margin=factor * row.claim.margin)
            line[f"margin x {factor:g}"] = judge(records, table, replace(row, claim=claim))
        lines[row.label] = line
    return DataFrame(lines).T.rename_axis(f"Table {table.key}")


def spread(table: Table, records: Iterable[Record]) -> DataFrame:
    """How much seeds vary, alone and in pairs, and how many would show the paper's difference."""
    records = list(records)
    lines = {}
    for row in claimed(table):
        difference, compared = reported_difference(table, row), _compared(table, records, row)
        line = {"suite": row.claim.suite, "ours": str(compared or NOT_RUN)}
        if compared and len(compared.seeds) > 1:
            each = [by_seed(records, label, row.claim.suite) for label in (row.label, table.base)]
            alone = [np.std([values[s] for s in compared.seeds], ddof=1) for values in each]
            paired = float(np.std(compared.differences, ddof=1))
            line |= {"SD, row": f"{alone[0]:.2f}", "SD, base": f"{alone[1]:.2f}"}
            line |= {"SD of the pairs": f"{paired:.2f}"}
            if difference:
                needed = "" if np.isnan(difference) else seeds_needed(difference, paired)
                line["seeds for the paper's"] = "over 1000" if needed is None else str(needed)
        lines[row.label] = line
    return DataFrame(lines).T.fillna("").rename_axis(f"Table {table.key}")


def over_clips(table: Table, records: Iterable[Record]) -> DataFrame:
    """The interval over seeds beside that over clips, and the share of clips that get worse."""
    records = list(records)
    lines = {}
    for row in claimed(table):
        each = per_clip(records, row.label, table.base, row.claim.suite)
        lines[row.label] = {
            "suite": row.claim.suite,
            "over seeds": str(_compared(table, records, row) or NOT_RUN),
            "over clips": NOT_RUN if each is None else stated(each, "clips"),
            "clips that get worse": NOT_RUN if each is None else f"{100 * np.mean(each < 0):.0f} %",
        }
    return DataFrame(lines).T.rename_axis(f"Table {table.key}")


def counts(tables: Iterable[tuple[Table, Iterable[Record]]]) -> str:
    """How many claims of the given tables got each verdict, as Markdown."""
    found = Counter(
        judge(records, table, row)
        for table, some in tables
        for records in (list(some),)
        for row in claimed(table)
    )
    each = ", ".join(f"**{found[name]}** {name}" for name in MEANING)
    return f"Of {found.total()} claims: {each}."


def conclusions(table: Table, records: Iterable[Record]) -> str:
    """What the verdict on each claim means, as a list in Markdown."""
    return "\n".join(_sentences(table, list(records)))


def _sentences(table: Table, records: list[Record]) -> Iterator[str]:
    for row in claimed(table):
        compared = _compared(table, records, row)
        meaning = MEANING[judge(records, table, row)].format(margin=row.claim.margin)
        measured = f", {compared}" if compared else ""
        yield f"- *{row.label}* ({row.claim.suite}): {row.claim.text}: **{meaning}**{measured}."


def unseen(table: Table, records: Iterable[Record]) -> list[str]:
    """One line in Markdown for each claim that was not seen."""
    records = list(records)
    lines = []
    for row in claimed(table):
        verdict, difference = judge(records, table, row), reported_difference(table, row)
        if verdict != SEEN:
            said = "" if np.isnan(difference) else f" (paper: {difference:+.2f})"
            lines.append(f"- Table {table.key}, {row.label}: {row.claim.text}{said}: {verdict}")
    return lines


def _compared(table: Table, records: list[Record], row: Row) -> Comparison | None:
    return compare(records, row.label, table.base, row.claim.suite)
