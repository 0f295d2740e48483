"""Running rows of a paper's tables: train what a row needs, score it, keep a record."""

from __future__ import annotations

import dataclasses
import functools
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from vosedu import api, metrics, toyvos
from vosedu.ablation.controls import intervened
from vosedu.ablation.source import current, source_digest
from vosedu.ablation.store import Record, Store, commit, fingerprint
from vosedu.ablation.threshold import HALF, THRESHOLDS, means, scores_cross_validated
from vosedu.clip import Clip
from vosedu.errors import InputError, choose
from vosedu.papers.contract import FeatureStore, Paper, Row, Table
from vosedu.signals import keyboard_ignored
from vosedu.training import History, Recipe, digest
from vosedu.training.data import open_data

SECONDS_BETWEEN_LINES = 10.0

T = TypeVar("T")


@dataclass(frozen=True)
class Setup:
    """A row made concrete: what is built, how it is trained, how it predicts and is scored."""

    config: Any
    recipe: Recipe
    inference: Any
    intervention: str = ""
    threshold: str = HALF

    @classmethod
    def of(cls, paper: Paper, row: Row, profile: str, threshold: str = HALF) -> Setup:
        """The row's setup: the paper's form at the profile's scale, with the row's changes."""
        choose(THRESHOLDS, threshold, "there is no threshold")
        recipe, changes = paper.recipe(profile), dict(row.recipe)
        recipe = replace(recipe, initial=changes.pop("initial", recipe.initial))
        return cls(
            replace(paper.Config.paper().scaled(profile), **row.config),
            recipe.change(**changes),
            replace(paper.Inference.paper(), **row.inference),
            row.intervention,
            threshold,
        )

    @property
    def hashes(self) -> dict[str, str]:
        """Digests of the parts and the version of the data they are scored on."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        parts = {name: digest(value) for name, value in values.items() if value not in ("", HALF)}
        return {**parts, "data": toyvos.PIXELS}

    @property
    def training(self) -> str:
        """A digest of what decides the trained weights."""
        return digest(self.config, self.recipe, toyvos.PIXELS)


@dataclass(frozen=True)
class _Task:
    """One training, and the (setup, suite) pairs that are scored with its weights."""

    paper: str
    seed: int
    profile: str
    split: str
    device: str
    runs: str | None
    scorings: tuple[tuple[Setup, str], ...]

    def run(
        self,
        on_step: Callable[[History], None] | None = None,
        clips: Sequence[Clip] | None = None,
        threads: int | None = None,
    ) -> list[Record]:
        if threads is not None:
            torch.set_num_threads(threads)
        paper, setup = api.paper(self.paper), self.scorings[0][0]
        source = source_digest(self.paper, setup.recipe.initial)
        folder = None
        if self.runs is not None:
            made = digest(setup.training, source)
            folder = Path(self.runs) / f"{self.paper}-{made}-{self.seed}"
        model, history = paper.train(
            setup.config,
            setup.recipe,
            seed=self.seed,
            device=self.device,
            folder=folder,
            on_step=on_step,
        )
        scored = []
        for place in dict.fromkeys((suite, each.intervention) for each, suite in self.scorings):
            suite, intervention = place
            setups = [s for s, its_suite in self.scorings if (its_suite, s.intervention) == place]
            shown = _test_clips(setup.recipe, suite, self.split) if clips is None else clips
            shown = intervened(shown, intervention)
            ways = [each.inference for each in setups]
            scores = score_each(model, shown, ways, setup.threshold)
            scored += [(each, suite, metrics) for each, metrics in zip(setups, scores)]
        return [
            Record(
                table="",
                row="",
                seed=self.seed,
                suite=suite,
                split=self.split,
                profile=self.profile,
                data=toyvos.PIXELS,
                config=dataclasses.asdict(setup.config),
                recipe=dataclasses.asdict(setup.recipe),
                inference=dataclasses.asdict(setup.inference),
                metrics=metrics,
                steps=len(history),
                seconds=history.seconds,
                device=_device_name(self.device),
                commit=commit(),
                hashes=setup.hashes,
                intervention=setup.intervention,
                source=source,
            )
            for setup, suite, metrics in scored
        ]


def change_row(paper: Paper, change: Mapping[str, Any]) -> Row:
    """A row from fields of the Config, the Inference or a training stage, told apart by name.

    Where several have a field, the first of these is meant; "config.size", "inference.size" and
    "recipe.size" say which.
    """
    names = {
        "config": {f.name for f in fields(paper.Config)},
        "inference": {f.name for f in fields(paper.Inference)},
        "recipe": {f.name for f in fields(paper.recipe("quick").stages[-1])},
    }
    dealt: dict[str, dict[str, Any]] = {part: {} for part in names}
    for key, value in change.items():
        said, _, name = key.rpartition(".")
        part = next((p for p in ([said] if said else names) if name in names.get(p, ())), None)
        if part is None:
            names_of_settings = ", ".join(sorted(names["config"] | names["inference"]))
            raise InputError(f"{paper.key} has no setting '{key}'; it has {names_of_settings}")
        dealt[part][name] = value
    return Row(", ".join(f"{k} = {v}" for k, v in change.items()) or "base", **dealt)


def run(
    base: str | Paper,
    change: Row | Mapping[str, Any] | None = None,
    *,
    seeds: Iterable[int] = (0,),
    profile: str = "quick",
    suite: str = "mixed",
    split: str = "val",
    clips: Sequence[Clip] | None = None,
    device: str = "cpu",
    store: Store | None = None,
    table: str = "custom",
    threshold: str = HALF,
    runs: str | Path | None = None,
    on_step: Callable[[History], None] | None = None,
) -> list[Record]:
    """Train and score one variant of a paper's network, once per seed; returns its records.

    base: a paper's key, e.g. "cosnet". change: fields of its Config, Inference or last training
    stage, e.g. {"affinity": "none", "references": 0}; or a Row of one of its tables.
    The same seed means the same initial weights where variants share them, and the same batches.
    store: where records are kept and found again. runs: a folder where trainings are saved, so
    that a killed one goes on. clips: score these instead of the suite's split. threshold: where
    masks are cut, one of `ablation.THRESHOLDS`.
    """
    paper = api.paper(base)
    row = change if isinstance(change, Row) else change_row(paper, change or {})
    setup = Setup.of(paper, row, profile, threshold)
    measured = {} if store is None else _current(store, paper)
    records = []
    for seed in seeds:
        record = measured.get(fingerprint(setup.hashes, seed, suite, split, profile))
        if record is None:
            folder = None if runs is None else str(runs)
            task = _Task(paper.key, seed, profile, split, device, folder, ((setup, suite),))
            (record,) = task.run(on_step, clips)
        record = replace(record, row=row.label, table=table)
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
    jobs: int = 1,
    say: Callable[[str], object] | None = None,
) -> Store:
    """Run every row of a table on the table's suites and on those its claims name.

    Rows that differ only at test time share one trained network, and what another row or another
    table of the paper has measured is taken over, unless another version of the code measured it.
    Seeds come outermost, so that an interrupted table has whole seeds. Rows that cannot be had here
    are left out; the table says why.
    jobs: processes to train in, each with its share of the threads.
    """
    paper = api.paper(paper)
    store = store if store is not None else Store.of(paper.key, table.key)
    wanted = [
        (row, suite, Setup.of(paper, row, profile, table.threshold))
        for row in _chosen(table, rows)
        for suite in suites_of(table, row)
    ]
    measured = _current(store.family(), paper)
    tasks: dict[tuple[int, str], dict[tuple[Any, ...], tuple[Setup, str]]] = {}
    for seed in seeds:
        for row, suite, setup in wanted:
            mark = fingerprint(setup.hashes, seed, suite, split, profile)
            if mark in measured:
                store.add(replace(measured[mark], row=row.label, table=table.key))
            else:
                tasks.setdefault((seed, setup.training), {})[mark] = (setup, suite)
    folder = None if runs is None else str(runs)
    work = [
        _Task(paper.key, seed, profile, split, device, folder, tuple(scorings.values()))
        for (seed, _), scorings in tasks.items()
    ]
    began = time.monotonic()
    if say:
        say(f"{len(work)} trainings of table {table.key} are to be run")
    for done, records in enumerate(_run_all(work, jobs, say), 1):
        fresh = {record.fingerprint: record for record in records}
        for row, suite, setup in wanted:
            mark = fingerprint(setup.hashes, records[0].seed, suite, split, profile)
            if mark in fresh:
                store.add(replace(fresh[mark], row=row.label, table=table.key))
        if say:
            left = (time.monotonic() - began) / done * (len(work) - done)
            say(f"{done} of {len(work)} trainings of table {table.key} scored, {left:.0f} s left")
    return store


def score(
    model: nn.Module, clips: Sequence[Clip], inference: Any, threshold: str = HALF
) -> dict[str, list[float]]:
    """Mean J and F of each clip by the paper's protocol on ToyVOS, as fractions.

    A network whose training diverged predicts nothing: its scores are zero, and they count.
    threshold: one of `ablation.THRESHOLDS`; beside scores at a cross-validated one stand the
    thresholds and J at one half.
    """
    return score_each(model, clips, (inference,), threshold)[0]


def score_each(
    model: nn.Module, clips: Sequence[Clip], inferences: Sequence[Any], threshold: str = HALF
) -> list[dict[str, list[float]]]:
    """The scores of one network under several ways of inference; features are computed once."""
    if not all(value.isfinite().all() for value in model.state_dict().values()):
        zeros = {measure: [0.0] * len(clips) for measure in THRESHOLDS[threshold]}
        return [zeros for _ in inferences]
    if threshold == HALF:
        return [means(each) for each in _of_each(api.evaluate, model, clips, inferences)]
    paper = api.paper_of(model)
    if "mask" in paper.needs:
        raise InputError(f"{paper.name} gives labels, which have no threshold; leave it out")
    rules, found = metrics.protocol_of(paper.protocol), _of_each(_maps, model, clips, inferences)
    return [scores_cross_validated(clips, each, rules) for each in found]


def suites_of(table: Table, row: Row) -> list[str]:
    """The table's own suites, and that of the row's claim; for the base row, of every claim.

    A row without claim in a table without suites is run where the base row is, a control that
    claims name where they are judged.
    """
    named = {r.claim.suite for r in table.rows if r.claim and r.claim.control == row.label}
    if named:
        return sorted(named)
    every = row.label == table.base or not (row.claim or table.suites)
    rows = table.rows if every else (row,)
    return sorted(set(table.suites) | {row.claim.suite for row in rows if row.claim})


def stale(store: Store, paper: Paper, table: Table) -> list[Record]:
    """The records whose digests no longer match the code, or whose row is gone."""
    rows = {row.label: row for row in table.rows}
    return [
        record
        for record in store
        if record.row not in rows
        or Setup.of(paper, rows[record.row], record.profile, table.threshold).hashes
        != record.hashes
    ]


def _current(records: Iterable[Record], paper: Paper) -> dict[tuple[Any, ...], Record]:
    """Fingerprint -> record, without those that another version of the code made."""
    return {r.fingerprint: r for r in records if not r.source or current(r, paper.key)}


def _of_each(
    what: Callable[..., T], model: nn.Module, clips: Sequence[Clip], inferences: Sequence[Any]
) -> list[list[T]]:
    """For each way of inference, what is made of each clip; features are computed once a clip."""
    by_inference: list[list[T]] = [[] for _ in inferences]
    for clip in clips:
        features = FeatureStore(model, clip)
        for inference, made in zip(inferences, by_inference):
            made.append(what(model, clip, inference=inference, features=features))
    return by_inference


def _maps(model: nn.Module, clip: Clip, **how: Any) -> dict[int, np.ndarray]:
    """Frame -> H x W float32 probability."""
    return {result.index: result.probability for result in api.segment(model, clip, **how)}


def _test_clips(recipe: Recipe, suite: str, split: str) -> Sequence[Clip]:
    """A suite's clips, with flow of the method that the network was trained on."""
    _, at, method = recipe.stages[-1].data.split("+")[-1].partition("@")
    return _opened(f"toyvos/{suite}/{split}{at}{method}")


_opened = functools.cache(open_data)


def _chosen(table: Table, rows: Iterable[str] | None) -> list[Row]:
    labels = [row.label for row in table.rows] if rows is None else [*rows, table.base]
    by_label = {row.label: row for row in table.rows}
    for label in labels:
        if label not in by_label:
            raise InputError(
                f"table {table.key} has no row '{label}'; choose from {', '.join(by_label)}"
            )
    return [row for row in table.rows if row.label in labels and not row.unavailable]


def _run_all(
    tasks: Sequence[_Task], jobs: int, say: Callable[[str], object] | None
) -> Iterator[list[Record]]:
    if jobs <= 1:
        yield from (task.run(_steps_told(task, say)) for task in tasks)
        return
    threads = max(1, (os.cpu_count() or 1) // jobs)
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, mp_context=context)
    try:
        # the processes inherit it: Ctrl-C is answered by this one
        with keyboard_ignored(spawned=True):
            running = [pool.submit(task.run, None, None, threads) for task in tasks]
        for finished in as_completed(running):
            yield finished.result()
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _steps_told(
    task: _Task, say: Callable[[str], object] | None
) -> Callable[[History], None] | None:
    """Says the step of a training, when `SECONDS_BETWEEN_LINES` have passed since the last time."""
    if say is None:
        return None
    steps = sum(stage.steps for stage in task.scorings[0][0].recipe.stages)
    said = time.monotonic()

    def tell(history: History) -> None:
        nonlocal said
        if time.monotonic() - said > SECONDS_BETWEEN_LINES:
            said = time.monotonic()
            say(f"seed {task.seed}: step {len(history)} of {steps}")

    return tell


def _device_name(device: str) -> str:
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu, {torch.get_num_threads()} threads"
