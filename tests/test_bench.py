"""The bench: what it measures is elsewhere under test; here, that it reports it rightly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vosedu import api, bench, commands
from vosedu.errors import InputError
from vosedu.papers.contract import Benchmark
from vosedu.text import columns


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = (
        Benchmark("a ratio", "times", 4, True, lambda: (5.0, "")),
        Benchmark("a duration", "s", 4, False, lambda: (5.0, "of a walk")),
    )
    monkeypatch.setattr(bench, "benchmarks", lambda: {"pair": pair, "ratio": pair[:1]})


def test_budgets_are_lower_or_upper_bounds(two, capsys: pytest.CaptureFixture[str]) -> None:
    ratio, duration = bench.run(["pair"])
    assert ratio.kept
    assert not duration.kept
    printed = capsys.readouterr().out
    assert ">= 4 times" in printed
    assert "<= 4 s" in printed
    assert "MISSED  of a walk" in printed


def test_numbers_can_be_written(two, tmp_path: Path) -> None:
    bench.run(["pair"], tmp_path / "bench.json")
    written = json.loads((tmp_path / "bench.json").read_text())
    assert "cores" in written["machine"]
    assert [m["what"] for m in written["measurements"]] == ["a ratio", "a duration"]


def test_the_exit_code_says_whether_every_budget_is_kept(two) -> None:
    assert commands.main(["bench", "ratio"]) == 0
    assert commands.main(["bench", "pair"]) == 1


def test_every_paper_s_benchmarks_are_listed() -> None:
    known = bench.benchmarks()
    for key, paper in api.papers().items():
        assert known.get(key, ()) == paper.benchmarks
    assert {"cosnet", "dpa", "evaluator", "toyvos", "memory"} <= set(known)


def test_an_unknown_bench_is_refused(two) -> None:
    with pytest.raises(InputError, match="no bench 'x'; choose from pair, ratio"):
        bench.run(["x"])


def test_peak_memory_grows_with_what_is_held() -> None:
    before = bench.peak_memory()
    held = np.ones(300_000_000, np.uint8)
    assert bench.peak_memory() >= before
    assert bench.peak_memory() > held.nbytes / 2**20
    assert before > 20, "megabytes"


def test_columns_align_and_hide_nothing() -> None:
    text = columns([("a", 1.0, None), ("long", 22.5, "last")], ("name", "J", "note"))
    assert text == "name      J  note\na      1.00  -\nlong  22.50  last"
