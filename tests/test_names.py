"""One name, one thing: no two public classes of the package share a name."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "vosedu"
PRESCRIBED = {"Config", "Inference"}  # each paper and the common start have their own


def public_classes() -> dict[str, list[str]]:
    """Class name -> the modules that define it at their top level."""
    modules = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules[node.name].append(path.relative_to(PACKAGE.parent).as_posix())
    return modules


def test_no_two_public_classes_share_a_name() -> None:
    shared = {name: where for name, where in public_classes().items() if len(where) > 1}
    papers = {name: shared.pop(name) for name in PRESCRIBED}
    assert shared == {}, "give one of each pair another name"
    for name, where in papers.items():
        folders = [Path(module).parts[:3] for module in where]
        assert len(set(folders)) == len(folders), f"one {name} a paper"
