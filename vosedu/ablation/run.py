"""Running rows of a paper's tables: train what a row needs, score it, keep a record."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vosedu import api, toyvos
from vosedu.ablation.store import Record, Store, commit
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.contract import Paper, Row, Table
from vosedu.training import History, Recipe, digest

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Setup:
    """A row made concrete: what is built, how it is trained, how it predicts."""

    config: Any
    recipe: Recipe
    inference: Any

    @classmethod
    def of(cls, paper: Paper, row: Row, profile: str) -> Setup:
        """The row's setup: the paper's form at the profile's scale, with the row's changes."""
        return cls(
            replace(paper.Config.paper().scaled(profile), **row.config),
            paper.recipe(profile).change(**row.recipe),
            replace(paper.Inference.paper(), **row.inference),
        )

    @property
    def hashes(self) -> dict[str, str]:
        """Digests of the three parts and of the data they are scored on."""
        parts = {f.name: digest(getattr(self, f.name)) for f in fields(self)}
        return {**parts, "data": toyvos.VERSION}


def change_row(paper: Paper, label: str, change: Mapping[str, Any]) -> Row:
    """A row from fields of the Config, the Inference or a training stage, told apart by name."""
    dealt: dict[str, dict[str, Any]] = {"config": {}, "inference": {}, "recipe": {}}
    names = {
        "config": {f.name for f in fields(paper.Config)},
        "inference": {f.name for f in fields(paper.Inference)},
    }
    stage = paper.recipe("quick").stages[-1]
    names["recipe"] = {f.name for f in fields(stage)}
    for key, value in change.items():
        where = next((part for part, known in names.items() if key in known), None)
        if where is None:
            known = ", ".join(sorted(names["config"] | names["inference"]))
            raise InputError(f"{paper.key} has no setting '{key}'; it has {known}")
        dealt[where][key] = value
    return Row(label, **dealt)


def run(
    base: str | Paper,
    change: Row | Mapping[str, Any] = {},  # noqa: B006
    *,
    seeds: Iterable[int] = (0,),
    profile: str = "quick",
    suite: str = "mixed",
    split: str = "val",
    clips: Sequence[Clip] | None = None,
    device: str = "cpu",
    store: Store | None = None,
    table: str = "custom",
    runs: str | Path | None = None,
    on_step: Callable[[History], None] | None = None,
    say: Progress | None = None,
) -> list[Record]:
    """Train and score one variant of a paper's network, once per seed; returns its records.

    base: a paper's key, e.g. "cosnet". change: fields of its Config, Inference or last training
    stage, e.g. {"affinity": "none", "references": 0}; or a Row of one of its tables.
    The same seed means the same initial weights where variants share them, and the same batches.
    store: where records are kept and found again. runs: a folder for trained networks, so that
    rows that differ only at test time share one. clips: other clips than the suite's split.
    """
    paper = api.paper(base)
    label = (
        ", ".join(f"{k} = {v}" for k, v in change.items()) if isinstance(change, Mapping) else ""
    )
    row = change if isinstance(change, Row) else change_row(paper, label or "base", change)
    setup = Setup.of(paper, row, profile)
    records = []
    for seed in seeds:
        kept = [] if store is None else _kept(store, setup, row, seed, suite, split, profile)
        if kept:
            records += kept
            continue
        if say:
            say(f"{row.label}, seed {seed}, {suite}")
        model, history = _trained(paper, setup, seed, device, runs, on_step)
        scored = toyvos.split(split, suite) if clips is None else clips
        record = Record(
            table=table,
            row=row.label,
            seed=seed,
            suite=suite,
            split=split,
            profile=profile,
            data=toyvos.VERSION,
            config=dataclasses.asdict(setup.config),
            recipe=dataclasses.asdict(setup.recipe),
            inference=dataclasses.asdict(setup.inference),
            metrics=score(model, scored, setup.inference),
            steps=len(history),
            seconds=history.seconds,
            device=_device_name(device),
            commit=commit(),
            hashes=setup.hashes,
        )
        if store is not None:
            store.add(record)
        records.append(record)
    return records


def run_table(
    paper: str | Paper,
    table: Table,
    *,
    seeds: Iterable[int] = range(5),
    profile: str = "ablate",
    rows: Iterable[str] | None = None,
    split: str = "test",
    device: str = "cpu",
    store: Store | None = None,
    runs: str | Path | None = None,
    say: Progress | None = None,
) -> Store:
    """Run every row of a table on the mixed split and on the suites its claims name.

    Seeds come outermost, so that an interrupted table has whole seeds. Rows that cannot be had
    here are left out; their reason stands in the table.
    """
    paper = api.paper(paper)
    store = store if store is not None else Store.of(paper.key, table.key)
    wanted = set(rows) | {table.base} if rows else None
    suites = sorted({"mixed"} | {row.claim.suite for row in table.rows if row.claim})
    for seed in seeds:
        for row in table.rows:
            if row.unavailable or (wanted is not None and row.label not in wanted):
                continue
            for suite in suites:
                if suite == "mixed" or row.label == table.base or _names(row, suite):
                    run(
                        paper,
                        row,
                        seeds=(seed,),
                        profile=profile,
                        suite=suite,
                        split=split,
                        device=device,
                        store=store,
                        table=table.key,
                        runs=runs,
                        say=say,
                    )
    return store


def score(model: nn.Module, clips: Sequence[Clip], inference: Any) -> dict[str, list[float]]:
    """Mean J and F of each clip, all labelled frames (the ToyVOS protocol), as fractions."""
    scores = api.evaluate(model, clips, inference=inference)
    return {"J": list(scores.sequences["J"]), "F": list(scores.sequences["F"])}


def stale(store: Store, paper: Paper, table: Table) -> list[Record]:
    """The records whose digests no longer match the code, or whose row is gone."""
    old = []
    for record in store:
        rows = [row for row in table.rows if row.label == record.row]
        current = rows and Setup.of(paper, rows[0], record.profile).hashes == record.hashes
        if not current:
            old.append(record)
    return old


def _names(row: Row, suite: str) -> bool:
    return row.claim is not None and row.claim.suite == suite


def _kept(
    store: Store, setup: Setup, row: Row, seed: int, suite: str, split: str, profile: str
) -> list[Record]:
    same = store.find(row=row.label, seed=seed, suite=suite, split=split, profile=profile)
    return [record for record in same if record.hashes == setup.hashes]


def _trained(
    paper: Paper,
    setup: Setup,
    seed: int,
    device: str,
    runs: str | Path | None,
    on_step: Callable[[History], None] | None,
) -> tuple[nn.Module, History]:
    folder = None
    if runs is not None:
        name = f"{paper.key}-{digest(setup.config, setup.recipe, toyvos.VERSION)}-{seed}"
        folder = Path(runs) / name
    return paper.train(
        setup.config, setup.recipe, seed=seed, device=device, folder=folder, on_step=on_step
    )


def _device_name(device: str) -> str:
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu, {torch.get_num_threads()} threads"
