"""Executing the committed notebooks in place, and the rules they keep.

    python tools/notebooks.py                    # execute all of them again, and check them
    python tools/notebooks.py --check PATH ...   # only check these
    python tools/notebooks.py --html FOLDER      # write them as pages that need no network

The exit code is 1 if a notebook breaks a rule.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from vosedu.errors import InputError
from vosedu.page import WIDGET, to_html
from vosedu.tour import ROOT, execute

PARAMETERS = ("profile", "seed", "device", "out_dir")
CELLS = range(40, 111)
MOST_LINES = 60
SHORT = 14  # lines of a set-up cell that may stay open
MOST_BYTES = 1_000_000
FIRST_SCREEN = {
    "what the reader will be able to do": r"\bable to\b",
    "prerequisites": r"prerequisite",
    "the minutes it takes": r"\bminutes?\b|\bmin\b",
    "the disk it needs": r"\bdisk\b",
    "a citation": r"\bcit(e|ation)\b|\bpaper\b",
}
LAST_SCREEN = {
    "what we learned": r"\blearn(ed|t)\b",
    "exercises": r"\bexercises?\b",
    "what to read": r"\bread\b",
}
NOT_SEEN = r"(not|never) (be )?(see|seen|show|shown)\b"
MACHINE_PATH = r"(?<![\w.~-])/(home|root|tmp|work|Users|private|mnt)/[\w.]"


def find(folder: str | Path | None = None) -> list[Path]:
    """All notebooks below `folder` (default: the checkout's), in reading order."""
    folder = Path(folder) if folder else ROOT / "notebooks"
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; notebooks come with a checkout of vosedu")
    found = folder.rglob("*.ipynb")
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def check(path: str | Path) -> list[str]:
    """What keeps the notebook at `path` from being committed: one sentence each, none if fine."""
    path = Path(path)
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        return [f"is no valid notebook: {str(error).splitlines()[0]}"]
    return [
        *_check_whole(path, notebook),
        *_check_parameters(notebook),
        *_check_folded(notebook),
        *_check_screens(path, notebook),
        *_check_sources(path, notebook),
        *_check_outputs(notebook),
        *_check_pictures(notebook),
    ]


def _check_whole(path: Path, notebook: NotebookNode) -> Iterator[str]:
    if len(notebook.cells) not in CELLS:
        yield f"has {len(notebook.cells)} cells, not {CELLS[0]} to {CELLS[-1]}"
    if path.stat().st_size > MOST_BYTES:
        yield f"is {path.stat().st_size / 1e6:.2f} MB, above {MOST_BYTES / 1e6:.0f} MB"
    if "widgets" in notebook.metadata:
        yield "saves the state of widgets, so that exported HTML does not show their pictures"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    if counts != list(range(1, len(code) + 1)):
        yield "was not executed from top to bottom in a fresh kernel (counts are not 1..n)"


def _check_parameters(notebook: NotebookNode) -> Iterator[str]:
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    if len(tagged) != 1:
        yield f"has {len(tagged)} cells tagged 'parameters', not one"
        return
    values = {}
    for node in ast.parse(tagged[0].source).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name):
                values[target.id] = node.value
    for name in PARAMETERS:
        if name not in values:
            yield f"its parameters cell does not set '{name}'"
    if "profile" in values and getattr(values["profile"], "value", None) != "course":
        yield 'its parameters cell does not set profile = "course"'


def _check_folded(notebook: NotebookNode) -> Iterator[str]:
    """The imports after the parameters are not what the reader came for."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    tagged = [i for i, cell in enumerate(code) if "parameters" in cell.metadata.get("tags", ())]
    for cell in code[tagged[0] + 1 : tagged[0] + 2] if tagged else ():
        in_lab = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        in_pages = "hide-input" in cell.metadata.get("tags", ())
        if len(cell.source.splitlines()) > SHORT and not (in_lab and in_pages):
            yield "its set-up cell is not folded: tag it 'hide-input' and hide its source"


def _check_screens(path: Path, notebook: NotebookNode) -> Iterator[str]:
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    first, last = "\n".join(prose[:3]), "\n".join(prose[-5:])
    wanted = dict(LAST_SCREEN)
    if (ROOT / "vosedu" / "papers" / path.resolve().parent.name).is_dir():
        wanted["what the paper claims that we could not see"] = NOT_SEEN
    for screen, text, parts in (("first", first, FIRST_SCREEN), ("last", last, wanted)):
        for part, pattern in parts.items():
            if not re.search(pattern, text, re.IGNORECASE):
                yield f"its {screen} screen does not say {part}"


def _check_sources(path: Path, notebook: NotebookNode) -> Iterator[str]:
    for number, cell in enumerate(notebook.cells):
        if len(cell.source.splitlines()) > MOST_LINES:
            yield f"cell {number}: is longer than {MOST_LINES} lines"
        if machine := _machine_path(cell.source):
            yield f"cell {number}: names the machine path {machine}"
        if cell.cell_type == "markdown":
            for link in _local_links(cell.source):
                if not (path.parent / link).exists():
                    yield f"cell {number}: its link to {link} leads nowhere"
        elif cell.cell_type == "code":
            if not cell.source.strip():
                yield f"cell {number}: is empty"
            for node in ast.walk(_parse(cell.source)):
                if isinstance(node, ast.ClassDef):
                    yield f"cell {number}: defines the class {node.name}; the package computes"


def _check_outputs(notebook: NotebookNode) -> Iterator[str]:
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                yield f"cell {number}: ends in {output.ename}"
                continue
            if output.get("name") == "stderr":
                yield f"cell {number}: writes to stderr"
            for text in _output_texts(output):
                if machine := _machine_path(text):
                    yield f"cell {number}: shows the machine path {machine}"
                if address := re.search(r"\b0x[0-9a-fA-F]{6,}", text):
                    yield f"cell {number}: shows the object address {address.group()}"
                if warning := re.search(r"\b[A-Z]\w*Warning\b", text):
                    yield f"cell {number}: shows a {warning.group()}"


def _check_pictures(notebook: NotebookNode) -> Iterator[str]:
    cells = notebook.cells
    for number, cell in enumerate(cells):
        shown = _mime_types(cell)
        if WIDGET in shown:
            following = next((c for c in cells[number + 1 :] if c.cell_type == "code"), None)
            if "image/png" not in shown | _mime_types(following):
                yield f"cell {number}: its widget has no PNG twin in this cell or the next"
        if any(kind.startswith("image/") for kind in shown):
            above = next(
                (c for c in reversed(cells[:number]) if WIDGET not in _mime_types(c)), None
            )
            if above is None or above.cell_type != "markdown":
                yield f"cell {number}: no text above says what its picture shows"


def _mime_types(cell: NotebookNode | None) -> set[str]:
    outputs = cell.get("outputs", ()) if cell else ()
    return {kind for output in outputs for kind in output.get("data", {})}


def _output_texts(output: NotebookNode) -> Iterator[str]:
    if output.output_type == "stream":
        yield output.text
    for kind, content in output.get("data", {}).items():
        if kind.startswith("text/") or kind == "image/svg+xml":
            yield re.sub(r"data:image/[\w+]+;base64,[\w+/=\s]+", "", content)


def _machine_path(text: str) -> str | None:
    if str(ROOT) in text:
        return str(ROOT)
    found = re.search(MACHINE_PATH, text)
    return found.group() + "..." if found else None


def _local_links(markdown: str) -> Iterator[str]:
    prose = re.sub(r"```.*?```|`[^`]*`", "", markdown, flags=re.DOTALL)
    found = re.findall(r"\]\(\s*<?([^)\s>]+)", prose)
    found += re.findall(r"(?:src|href)=[\"']([^\"']+)", prose)
    for link in found:
        if not re.match(r"[a-z][a-z0-9+.-]*:|#", link, re.IGNORECASE):
            yield link.split("#")[0]


def _parse(source: str) -> ast.Module:
    """The syntax tree of a cell; lines that only IPython reads (% and !) are left out."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def write_pages(paths: Sequence[Path], folder: Path) -> None:
    """Write notebooks as pages; those of the checkout lie below `folder` as the notebooks do."""
    for path in paths:
        inside = path.resolve().is_relative_to(ROOT / "notebooks")
        place = path.resolve().relative_to(ROOT / "notebooks") if inside else Path(path.name)
        target = folder / place.with_suffix(".html")
        target.parent.mkdir(parents=True, exist_ok=True)
        to_html(path, target)
        print(target)


def main(argv: Sequence[str] | None = None) -> int:
    """Execute and check; returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Execute notebooks again, in place, and check them."
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="default: all of them")
    parser.add_argument("--check", action="store_true", help="only check, execute nothing")
    parser.add_argument(
        "--html", type=Path, metavar="FOLDER", help="only write them as HTML pages, below FOLDER"
    )
    arguments = parser.parse_args(argv)
    if arguments.html:
        write_pages(arguments.paths or find(), arguments.html)
        return 0
    broken = 0
    for path in arguments.paths or find():
        began = time.perf_counter()
        if not arguments.check:
            execute(path, path, timeout=1200, progress=sys.stderr.isatty())
        problems = check(path)
        broken += bool(problems)
        print(
            f"{path}: {'keeps the rules' if not problems else f'{len(problems)} problems'}"
            + ("" if arguments.check else f", {time.perf_counter() - began:.0f} s")
        )
        for problem in problems:
            print(f"  {problem}")
    return int(broken > 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        sys.exit(f"notebooks: {error}")
