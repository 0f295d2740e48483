"""A trained network taken into the package: the same weights, equal tensors stored once."""

from __future__ import annotations

from pathlib import Path

import embed
import torch

from vosedu.nn import read_state


def test_equal_tensors_are_stored_once_and_read_back_as_they_were(tmp_path: Path) -> None:
    weight = torch.randn(100, 100, generator=torch.Generator().manual_seed(0)).half()
    state = {"a.w": weight, "b.w": weight.clone(), "c.w": weight + 1, "n": torch.tensor(3)}
    run, there = tmp_path / "run", tmp_path / "there"
    run.mkdir()
    torch.save(state, run / "dpa.pt")
    for end in ("json", "csv"):
        (run / f"dpa.{end}").write_text(end)
    path = embed.embed("dpa", run, there)
    found = read_state(path)
    assert list(found) == list(state)
    assert all(torch.equal(found[name], value) for name, value in state.items())
    saved = (run / "dpa.pt").stat().st_size - path.stat().st_size
    assert weight.nbytes <= saved < 1.1 * weight.nbytes
    assert [(there / f"dpa.{end}").read_text() for end in ("json", "csv")] == ["json", "csv"]
