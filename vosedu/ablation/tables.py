"""A paper's table with what was measured here beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from vosedu import api
from vosedu.ablation.compare import (
    NOT_TESTABLE,
    Comparison,
    compare,
    control_works,
    rules_out,
    verdict,
)
from vosedu.ablation.run import suites_of
from vosedu.ablation.store import Record, Store
from vosedu.papers.contract import Paper, Row, Table
from vosedu.text import NOT_RUN
from vosedu.toyvos import baselines

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from vosedu.figures.forest import Branch


def suites(table: Table) -> list[str]:
    """The suites a table is run on: its own first, then those that its claims name."""
    named = {row.claim.suite for row in table.rows if row.claim}
    return [*table.suites, *sorted(named - set(table.suites))]


def table(
    paper: str | Paper,
    table: str | Table,
    store: Iterable[Record] | None = None,
    *,
    profile: str = "ablate",
    split: str = "test",
    measure: str = "J",
    columns: Sequence[str] | None = None,
) -> DataFrame:
    """One line per row: the paper's numbers, ours over seeds, the paired difference, the verdict.

    store: the records; by default the committed ones. columns: the suites to show, by default
    `suites(table)`. Differences are row minus base, in points,
    with the 95 % interval over seeds. What was not run says so, with the reason where there is one.
    "paper's size" says whether the interval excludes the difference that the paper prints. The
    last lines are a floor of each suite (the best trivial predictor, or the first mask where one is
    given) and an oracle.
    """
    from pandas import DataFrame

    paper = api.paper(paper)
    table = paper.table(table) if isinstance(table, str) else table
    records = _records(paper, table, store, profile, split)
    lines = {}
    for row in table.rows:
        line = {column: _reported(table, row, column) for column in _reported_columns(table)}
        for suite in columns or suites(table):
            compared = compare(records, row.label, table.base, suite, measure)
            line[f"our {measure}, {suite}"] = _ours(table, row, suite, compared)
            line[f"difference, {suite}"] = _difference(table, row, compared)
        line["claim"] = row.claim.text if row.claim else ""
        line["verdict"] = judge(records, table, row, measure) if row.claim else ""
        line["paper's size"] = _size(records, table, row, measure, line["verdict"])
        lines[row.label] = line
    if measure == "J" and not all(row.unavailable for row in table.rows):
        for name, values in _bounds(columns or suites(table), paper.needs).items():
            lines[name] = {f"our J, {suite}": f"{value:.2f}" for suite, value in values.items()}
    frame = DataFrame.from_dict(lines, orient="index").fillna("")
    return frame.rename_axis(f"Table {table.key}")


def controls(
    paper: str | Paper,
    table: str | Table,
    store: Iterable[Record] | None = None,
    *,
    profile: str = "ablate",
    split: str = "test",
    measure: str = "J",
) -> DataFrame:
    """One line per control and suite: what it must cost, what it cost, whether it works."""
    from pandas import DataFrame

    paper = api.paper(paper)
    table = paper.table(table) if isinstance(table, str) else table
    records = _records(paper, table, store, profile, split)
    claims = {
        (row.claim.control, row.claim.suite): row.claim
        for row in table.rows
        if row.claim and row.claim.control
    }
    lines = []
    for (control, suite), claim in claims.items():
        compared = compare(records, control, table.base, suite, measure)
        works = "" if compared is None else "yes" if control_works(claim, compared) else "no"
        cost = NOT_RUN if compared is None else str(compared)
        lines.append((control, suite, f"{claim.cost:g} or more", cost, works))
    names = ["control", "suite", f"must cost ({measure} points)", "difference", "works"]
    return DataFrame(lines, columns=names)


def judge(records: Iterable[Record], table: Table, row: Row, measure: str = "J") -> str:
    """The verdict on a row's claim, on the suite it names; "not run here" without records."""
    records = list(records)
    compared = compare(records, row.label, table.base, row.claim.suite, measure)
    control = compare(records, row.claim.control, table.base, row.claim.suite, measure)
    return NOT_RUN if compared is None else verdict(row.claim, compared, control)


def forest(
    paper: str | Paper,
    table: str | Table,
    store: Iterable[Record] | None = None,
    *,
    suite: str | None = None,
    profile: str = "ablate",
    split: str = "test",
    measure: str = "J",
) -> Figure:
    """The rows' paired differences with intervals, margins and verdicts, as a forest plot.

    Controls, which cost many times what a row does, are left out: `controls` has them. suite:
    where the differences are taken; by default, for each row, where its claim is judged.
    """
    from vosedu.figures.forest import forest_plot

    paper = api.paper(paper)
    table = paper.table(table) if isinstance(table, str) else table
    records = _records(paper, table, store, profile, split)
    branches = [
        branch(records, table, row, suite or _home(table, row), measure)
        for row in table.rows
        if row.label != table.base
        and not row.intervention
        and (row.unavailable or _changes(table, row))
    ]
    where = suite or ", ".join(dict.fromkeys(_home(table, row) for row in table.rows if row.claim))
    return forest_plot(branches, f"{measure} of the row minus {measure} of '{table.base}', {where}")


def branch(
    records: Iterable[Record], table: Table, row: Row, suite: str, measure: str = "J"
) -> Branch:
    """A row's line in a forest plot: its verdict stands there on the suite its claim names."""
    from vosedu.figures.forest import Branch

    records = list(records)
    compared = compare(records, row.label, table.base, suite, measure)
    if compared is None:
        return Branch(row.label, (), (float("nan"),) * 2, 0.0, NOT_RUN)
    judged = row.claim is not None and row.claim.suite == suite
    return Branch(
        row.label,
        compared.differences,
        (compared.low, compared.high),
        row.claim.margin if judged else 0.0,
        judge(records, table, row, measure) if judged else "",
    )


def _home(table: Table, row: Row) -> str:
    """Where a row's difference is taken: on its claim's suite, else where the others are judged.

    A row without a claim that is run on none of the claims' suites has the first of its own.
    """
    if row.claim:
        return row.claim.suite
    own = suites_of(table, row)
    judged = [other.claim.suite for other in table.rows if other.claim]
    return next((suite for suite in judged if suite in own), own[0])


def _changes(table: Table, row: Row) -> bool:
    """False for a row that repeats the full one, as tables do once for each group of rows."""
    setups = [
        (r.config, r.recipe, r.inference, r.intervention) for r in (row, table.row(table.base))
    ]
    return setups[0] != setups[1]


def _size(records: Iterable[Record], table: Table, row: Row, measure: str, judged: str) -> str:
    if row.claim is None:
        return ""
    compared = compare(records, row.label, table.base, row.claim.suite, measure)
    return against_the_paper(reported_difference(table, row, measure=measure), compared, judged)


def reported_difference(table: Table, row: Row, base: str = "", measure: str = "J") -> float:
    """What the paper reports for a row minus its base; NaN where it prints no number.

    base: another row to compare with than the table's. The column is the first that ends in the
    measure's name, or else the first of all.
    """
    other = table.row(base or table.base).reported
    columns = [column for column in row.reported if column.split()[-1] == measure]
    column = next(iter(columns or row.reported), "")
    values = (row.reported.get(column), other.get(column))
    return float("nan") if None in values else round(values[0] - values[1], 2)


def against_the_paper(difference: float, compared: Comparison | None, judged: str) -> str:
    """Whether our interval excludes the difference that the paper prints.

    Where the claim's control failed (`judged` is the verdict), the interval says nothing of it.
    """
    if difference != difference or compared is None or len(compared.seeds) < 2:
        return ""
    if judged == NOT_TESTABLE:
        return "control failed"
    return (
        f"{difference:+.2f} {'ruled out' if rules_out(compared, difference) else 'not ruled out'}"
    )


def _bounds(suites: Sequence[str], needs: Collection[str]) -> dict[str, dict[str, float]]:
    """A floor and an oracle of each suite, from ToyVOS's measured table.

    The floor is the best trivial predictor; for a method that is given the first mask, that mask.
    """
    measured = {row["suite"]: row for row in baselines.read()["rows"]}
    rows = {suite: measured[suite] for suite in suites if suite in measured}
    if "mask" in needs:
        given = {suite: row["first mask given"] for suite, row in rows.items()}
        return {
            "floor: first mask kept": {s: r["kept"] for s, r in given.items()},
            "oracle": {s: r["oracle"] for s, r in given.items()},
        }
    return {
        "floor: best trivial predictor": {s: r["J"][r["best trivial"]] for s, r in rows.items()},
        "oracle": {s: r["oracle"] for s, r in rows.items()},
    }


def _records(
    paper: Paper, table: Table, store: Iterable[Record] | None, profile: str, split: str
) -> list[Record]:
    store = Store.of(paper.key, table.key) if store is None else store
    return [r for r in store if r.profile == profile and r.split == split]


def _reported_columns(table: Table) -> list[str]:
    return list(dict.fromkeys(column for row in table.rows for column in row.reported))


def _reported(table: Table, row: Row, column: str) -> str:
    value, base = row.reported.get(column), table.row(table.base).reported.get(column)
    if value is None:
        return ""
    if base is None or row.label == table.base:
        return f"{value:g}"
    return f"{value:g} ({value - base:+.2f})"


def _ours(table: Table, row: Row, suite: str, compared: Comparison | None) -> str:
    if compared is not None:
        return f"{compared.row:.2f}"
    if row.intervention and suite not in suites_of(table, row):
        return ""
    return f"{NOT_RUN}: {row.unavailable}" if row.unavailable else NOT_RUN


def _difference(table: Table, row: Row, compared: Comparison | None) -> str:
    return "" if compared is None or row.label == table.base else str(compared)
