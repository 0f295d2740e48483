"""The ablation panel: edit a network, its training or its inference, and measure J.

Panel("cosnet", "1")        # in a notebook; everything it does is one call of ablation.run
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from html import escape
from pathlib import Path
from textwrap import fill
from threading import Thread
from typing import Any

import ipywidgets as w
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import DataFrame

from vosedu import api, toyvos
from vosedu.ablation.run import Setup, run
from vosedu.ablation.store import Record, Store
from vosedu.ablation.tables import branch, suites, table
from vosedu.ablation.threshold import HALF
from vosedu.clip import Clip
from vosedu.errors import InputError, UnknownName
from vosedu.explore import Form, WithTwin
from vosedu.figures.curves import ORDER, STYLES
from vosedu.figures.forest import draw_forest
from vosedu.figures.inline import palette_png
from vosedu.figures.overlay import COLOURS
from vosedu.lesson import table_html
from vosedu.papers.contract import Paper, Row
from vosedu.text import NOT_RUN
from vosedu.training import History

PARTS = ("config", "inference", "recipe")
OWN_CLIPS = "own clips"
STYLE = {"button_width": "auto"}
SECONDS = 1.0  # between two updates of the curve


class Stopped(Exception):
    """The user pressed stop."""


class Panel(WithTwin):
    """Pick or edit a row, train it with paired seeds, and compare it in the paper's table.

    paper, table_key: which table. out_dir: where records, trained networks and exports go.
    committed: the records to join; by default those of `data/results`. clips: score these instead
    of a suite of ToyVOS. Controls have traits one can set: `panel.row.value = "vanilla (Eq. 3)"`,
    `panel.forms["config"].fields["softmax"].value = "double"`; `run()` is what the button does.

    The base row is trained as well, with the same seeds, unless its records stand in the table.
    """

    def __init__(
        self,
        paper: str | Paper,
        table_key: str = "1",
        *,
        out_dir: str | Path = "runs/panel",
        committed: Iterable[Record] | None = None,
        clips: Sequence[Clip] | None = None,
        device: str = "cpu",
    ) -> None:
        self.paper = api.paper(paper)
        self._table = self.paper.table(table_key)
        self.out_dir, self.clips, self.device = Path(out_dir), clips, device
        self.store = Store(self.out_dir / f"{self.paper.key}-table{table_key}.json")
        self._committed = list(
            Store.of(self.paper.key, table_key) if committed is None else committed
        )
        self._curves: dict[tuple[str, str, int], np.ndarray] = {}  # profile, row, seed
        self._running: tuple[str, int, int] = ("", 0, 0)  # row, seed, steps of the whole training
        self._stop, self._quiet, self._drawn = False, False, 0.0
        labels = [row.label for row in self._table.rows if not row.unavailable]
        self.row = w.Dropdown(options=labels, value=self._table.base, description="row")
        self.profile = w.ToggleButtons(
            options=("quick", "ablate", "course"), description="profile", style=STYLE
        )
        self.seeds = w.IntSlider(2, 1, 10, description="seeds")
        known = (OWN_CLIPS,) if clips is not None else tuple(toyvos.SUITES)
        self.suite = w.Dropdown(options=known, description="scored on")
        self.split = w.ToggleButtons(options=("test", "val"), description="split", style=STYLE)
        setup = self._setup(Row("base"))
        self.forms = {
            part: Form(value, self._options(part, value), self._edited)
            for part, value in zip(PARTS, (setup.config, setup.inference, setup.recipe.stages[-1]))
        }
        self.start = w.Button(description="train and compare", button_style="primary")
        self.stop = w.Button(description="stop", disabled=True)
        self.save = w.Button(description="export")
        self.code, self.status, self.shown = w.HTML(), w.HTML(), w.HTML()
        self.curve = w.Image(format="png", layout=w.Layout(width="500px"))
        self._connect()
        tabs = w.Tab([form.widget for form in self.forms.values()])
        tabs.titles = ("network", "inference", "last stage")
        choices = (self.row, self.profile, self.seeds, self.suite, self.split)
        for choice in choices:
            choice.style.description_width = "90px"
        buttons = w.HBox([self.start, self.stop, self.save])
        left = w.VBox([*choices, self.code, buttons, self.status, self.curve])
        self.widget = w.VBox([w.HBox([left, tabs]), self.shown])

    # What is chosen ------------------------------------------------------------------------------

    @property
    def change(self) -> dict[str, Any]:
        """The edited fields, as `ablation.run` takes them; InputError for unreadable ones."""
        changes: dict[str, Any] = {}
        for part in PARTS:
            for name, value in self.forms[part].changes.items():
                clear = next(p for p in PARTS if name in self.forms[p].fields) == part
                changes[name if clear else f"{part}.{name}"] = value
        return changes

    @property
    def chosen(self) -> Row:
        """The row to train: one of the table's, or an edited one, named by what was edited."""
        row = self._table.row(self.row.value)
        edited = {part: self.forms[part].changes for part in PARTS}
        if edited == {part: self._changed(row, part) for part in PARTS}:
            return row
        label = ", ".join(f"{name} = {value}" for name, value in self.change.items())
        return Row(label or self._table.base, **edited)

    def _changed(self, row: Row, part: str) -> dict[str, Any]:
        """What a row sets that the base does not have anyway."""
        base = self.forms[part].base
        return {name: v for name, v in getattr(row, part).items() if v != getattr(base, name)}

    def call(self) -> str:
        """The Python call that does what the button does to the chosen row."""
        change = self.change
        where = self._table.threshold
        threshold = "" if where == HALF else f',\n             threshold="{where}"'
        return (
            f'ablation.run("{self.paper.key}", change={change!r},\n'
            f'             seeds=range({self.seeds.value}), profile="{self.profile.value}", '
            f'suite="{self.suite.value}", split="{self.split.value}"{threshold})'
        )

    # What is done --------------------------------------------------------------------------------

    def run(self) -> None:
        """Train and score the base row and the chosen one by seed; no run is repeated."""
        chosen, base = self.chosen, self._table.row(self._table.base)
        self._take_over({base.label, chosen.label})
        for seed in range(self.seeds.value):
            for row in dict.fromkeys((base.label, chosen.label)):
                which = chosen if row == chosen.label else base
                stages = self._setup(which).recipe.stages
                self._running = (row, seed, sum(stage.steps for stage in stages))
                self.status.value = f"{escape(row)}, seed {seed}"
                run(
                    self.paper,
                    which,
                    seeds=(seed,),
                    profile=self.profile.value,
                    suite=self.suite.value,
                    split=self.split.value,
                    clips=self.clips,
                    device=self.device,
                    store=self.store,
                    table=self._table.key,
                    threshold=self._table.threshold,
                    runs=self.out_dir / "trained",
                    on_step=self._stepped,
                )
            self._show()
        self.status.value = f"{escape(chosen.label)}: {self.seeds.value} seeds done"

    def results(self) -> DataFrame:
        """The paper's table at the chosen profile and split, with the rows trained here."""
        return table(
            self.paper,
            self._extended(),
            self._records(),
            profile=self.profile.value,
            split=self.split.value,
            columns=list(dict.fromkeys((*suites(self._table), self.suite.value))),
        )

    def export(self) -> list[Path]:
        """Write results (CSV), records (JSON) and loss curves (CSV) into a new folder."""
        number = 1
        while (folder := self.out_dir / f"export-{number:02d}").exists():
            number += 1
        folder.mkdir(parents=True)
        self.results().to_csv(folder / "results.csv")
        records = Store(folder / "records.json")
        for record in self.store:
            records.add(record)
        curves = DataFrame(
            {f"{profile}: {row}, seed {s}": [*c] for (profile, row, s), c in self._padded().items()}
        )
        curves.rename_axis("step").to_csv(folder / "loss.csv")
        for lock in folder.glob(".*.lock"):  # of the store, for writers that share its file
            lock.unlink()
        return sorted(folder.iterdir())

    def figure(self) -> Figure:
        """The loss curves, and the paired differences of all rows on the chosen suite."""
        figure = Figure(figsize=(10, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
        self._draw_curves(left)
        extended = self._extended()
        records = [
            r
            for r in self._records()
            if (r.profile, r.split) == (self.profile.value, self.split.value)
        ]
        branches = [
            branch(records, extended, row, self.suite.value)
            for row in extended.rows
            if row.label != extended.base and not row.unavailable
        ]
        draw_forest(right, branches, f"J minus J of '{extended.base}', {self.suite.value}")
        return figure

    # How the parts are joined --------------------------------------------------------------------

    def _connect(self) -> None:
        self.row.observe(lambda _: self._fill(), "value")
        self.profile.observe(lambda _: self._rescale(), "value")
        for control in (self.seeds, self.suite, self.split):
            control.observe(lambda _: self._edited(), "value")
        self.start.on_click(lambda _: Thread(target=self._in_background, daemon=True).start())
        self.stop.on_click(lambda _: setattr(self, "_stop", True))
        self.save.on_click(lambda _: self._say_exported())
        self._show_curves()
        self._fill()  # the base row, too, may change something

    def _setup(self, row: Row) -> Setup:
        return Setup.of(self.paper, row, self.profile.value, self._table.threshold)

    def _options(self, part: str, base: Any) -> Mapping[str, list[str]]:
        """Field -> the texts that `build` accepts, else those of the paper's forms and tables."""
        examples: list[Mapping[str, Any]] = [
            getattr(row, part) for t in self.paper.tables for row in t.rows
        ]
        form = {"config": self.paper.Config, "inference": self.paper.Inference}.get(part)
        if form is not None:
            examples += [
                {f.name: getattr(made(), f.name) for f in fields(form)}
                for made in (form.paper, getattr(form, "released", form.paper))
            ]
        texts = [f.name for f in fields(base) if isinstance(getattr(base, f.name), str)]
        accepted = self._accepted(base, texts) if part == "config" else {}
        return {
            name: accepted.get(name)
            or sorted({v[name] for v in examples if isinstance(v.get(name), str)})
            for name in texts
        }

    def _accepted(self, base: Any, names: Sequence[str]) -> dict[str, list[str]]:
        """Field of the Config -> the names among which `build` chooses."""
        options = {}
        for name in names:
            try:
                with torch.device("meta"):
                    self.paper.build(replace(base, **{name: "?"}))
            except UnknownName as error:
                options[name] = list(error.options)
            except Exception:  # another complaint than an unknown name: the field has no menu
                continue
        return options

    def _fill(self, changes: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Show the row (or given changes) at the chosen profile in the forms."""
        row = self._table.row(self.row.value)
        setup = self._setup(Row("base"))
        bases = (setup.config, setup.inference, setup.recipe.stages[-1])
        self._quiet = True
        try:
            for part, base in zip(PARTS, bases):
                self.forms[part].fill(base, (changes or vars(row))[part])
        finally:
            self._quiet = False
        self._edited()

    def _rescale(self) -> None:
        """Another profile: the same edits on another base."""
        try:
            self._fill({part: self.forms[part].changes for part in PARTS})
        except InputError as error:
            self.status.value = escape(str(error))

    def _edited(self) -> None:
        if self._quiet:
            return
        try:
            self.code.value = f"<pre>{escape(self.call())}</pre>"
            if not self.start.disabled:
                self.status.value = ""  # what was said of an earlier run
            self._show()
            self._show_curves()
        except InputError as error:
            self.status.value = escape(str(error))

    def _in_background(self) -> None:
        """Run beside the kernel's main thread, which then handles the stop button."""
        self._stop, self.start.disabled, self.stop.disabled = False, True, False
        try:
            self.run()
        except Stopped:
            self.status.value = "stopped; start again to go on from the last saved step"
        except Exception as error:  # a thread's traceback is not shown
            self.status.value = escape(f"{type(error).__name__}: {error}")
        finally:
            self.start.disabled, self.stop.disabled = False, True

    def _stepped(self, history: History) -> None:
        if self._stop:
            raise Stopped
        row, seed, total = self._running
        self._curves[self.profile.value, row, seed] = history.column("loss")
        done = len(history)
        now = time.monotonic()
        if done == total or now - self._drawn > SECONDS:
            self._drawn = now
            left = history.seconds * (total - done) / done
            loss = history.rows[-1]["loss"]
            self.status.value = escape(
                f"{row}, seed {seed}: step {done} of {total}, loss {loss:.3f}, {left:.0f} s left"
            )
            self._show_curves()

    def _take_over(self, labels: set[str]) -> None:
        """Put the table's own records of these rows where `run` finds them."""
        where = (self.suite.value, self.split.value, self.profile.value)
        for record in self._committed:
            if record.row in labels and (record.suite, record.split, record.profile) == where:
                self.store.add(record)

    def _records(self) -> list[Record]:
        return list({r.key: r for r in (*self._committed, *self.store)}.values())

    def _extended(self):
        known = {row.label for row in self._table.rows}
        mine = dict.fromkeys(r.row for r in self.store if r.row not in known)
        return replace(self._table, rows=(*self._table.rows, *(Row(label) for label in mine)))

    def _padded(self) -> dict[tuple[str, str, int], np.ndarray]:
        longest = max((len(curve) for curve in self._curves.values()), default=0)
        return {
            key: np.pad(curve, (0, longest - len(curve)), constant_values=np.nan)
            for key, curve in self._curves.items()
        }

    def _show(self) -> None:
        """The table, without the columns of other suites in which nothing was run."""
        results = self.results()
        rows = results.loc[[row.label for row in self._extended().rows]]
        empty = [
            name
            for name in results
            if self.suite.value not in name and rows[name].isin(("", NOT_RUN)).all()
        ]
        html = table_html(results.drop(columns=empty))
        self.shown.value = f"<div style='line-height: 1.3; overflow-x: auto'>{html}</div>"

    def _show_curves(self) -> None:
        figure = Figure(figsize=(5.6, 2.8), layout="constrained")
        self._draw_curves(figure.subplots())
        self.curve.value = palette_png(figure)

    def _draw_curves(self, axes: Axes) -> None:
        """The losses at the chosen profile: a colour and a line style for each row."""
        rows: dict[str, int] = {}
        for (profile, row, seed), losses in self._curves.items():
            if profile != self.profile.value:
                continue
            look = rows.setdefault(row, len(rows))
            width = max(1, min(50, len(losses) // 4))
            smooth = np.convolve(losses, np.ones(width) / width, "valid")
            axes.plot(
                np.arange(len(smooth)) + width,
                smooth,
                STYLES[look % len(STYLES)],
                color=COLOURS[ORDER[look % len(ORDER)]] / 255,
                label=fill(row, 30) if seed == min(self._seeds_of(row)) else None,
                lw=1.2 if look else 2.0,  # a line that covers another leaves its edge visible
            )
        axes.set_xlabel("step")
        axes.locator_params(axis="x", integer=True)
        axes.set_ylabel("loss, running mean")
        axes.set_title(f"profile {self.profile.value}, one line for each seed")
        if rows:
            axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
        else:
            axes.text(0.5, 0.5, "nothing trained yet", ha="center", transform=axes.transAxes)

    def _seeds_of(self, row: str) -> list[int]:
        return [s for p, r, s in self._curves if (p, r) == (self.profile.value, row)]

    def _say_exported(self) -> None:
        names = ", ".join(str(path) for path in self.export())
        self.status.value = escape(f"written: {names}")
