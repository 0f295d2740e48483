"""The house has floors: imports run downwards only, and importing vosedu stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "vosedu"
FLOORS = (
    {"checks", "errors", "lazy", "paths", "signals", "text", "writing"},
    {"clip", "record"},
    {"nn", "flow", "metrics"},
    {"toyvos", "datasets"},
    {"training", "figures", "explore", "lesson"},
    {"papers"},
    {"api"},
    {"ablation", "ladder"},
    {"real_video", "two_trainings"},
    {"exercises", "side_by_side"},
    {"bench", "doctor", "commands", "page", "tour", "__main__"},
)
LEVEL = {room: level for level, floor in enumerate(FLOORS) for room in floor}
PAPERS = sorted(path.name for path in (PACKAGE / "papers").iterdir() if path.is_dir())
SEVEN = {
    "network",
    "variants",
    "training",
    "inference",
    "ablations",
    "explorer",
    "released",
}


def room_of(path: Path) -> tuple[str, ...]:
    """vosedu/papers/cosnet/network.py -> ("papers", "cosnet", "network")."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """The rooms of vosedu that a file imports anywhere, types aside."""
    tree = ast.parse(path.read_text())
    hidden = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        names: list[str] = []
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("vosedu."):
                yield tuple(name.split(".")[1:])


def files() -> list[tuple[Path, tuple[str, ...]]]:
    return [(path, room_of(path)) for path in sorted(PACKAGE.rglob("*.py"))]


def test_every_room_has_a_floor() -> None:
    rooms = {room[0] for _, room in files() if room}
    assert rooms <= set(LEVEL), "give the new room a floor in this test and in the design"


def test_imports_run_downwards_only() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {'.'.join(target)}"
        for path, room in files()
        if room
        for target in imports(path)
        if target[0] in LEVEL and LEVEL[target[0]] > LEVEL[room[0]]
    ]
    assert wrong == []


def test_papers_never_import_each_other() -> None:
    wrong = [
        f"{'.'.join(room)} imports {'.'.join(target)}"
        for path, room in files()
        if room[:1] == ("papers",) and len(room) > 1 and room[1] in PAPERS
        for target in imports(path)
        if target[:1] == ("papers",) and len(target) > 1 and target[1] in PAPERS
        if target[1] != room[1]
    ]
    assert wrong == []


def test_a_paper_s_folder_holds_nothing_but_the_seven_names() -> None:
    extra = {"__init__", "config", "speed", "real", "long", "instances"}
    for paper in PAPERS:
        found = {
            path.stem
            for path in (PACKAGE / "papers" / paper).iterdir()
            if path.suffix == ".py" or (path / "__init__.py").is_file()
        }
        assert found <= SEVEN | extra, paper


def test_importing_vosedu_loads_nothing_for_notebooks() -> None:
    heavy = ("ipywidgets", "matplotlib", "pandas", "IPython", "papermill")
    program = (
        "import sys, vosedu\n"
        "vosedu.load, vosedu.segment, vosedu.evaluate, vosedu.dataset\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_files_are_short() -> None:
    """350 lines of code (blank lines, comments, docstrings aside) are long; 400 are too long."""
    long = {str(path.relative_to(PACKAGE)): count_code(path) for path, _ in files()}
    assert {name: count for name, count in long.items() if count > 400} == {}


def count_code(path: Path) -> int:
    source = path.read_text()
    lines = {
        number
        for number, line in enumerate(source.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str):
            lines -= set(range(node.lineno, node.end_lineno + 1))
    return len(lines)
