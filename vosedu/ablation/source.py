"""Which code made a number: a digest of the modules that decide a paper's results.

They are the paper's network, variants, training and inference, and what these use of `vosedu.nn`,
`vosedu.flow`, `vosedu.training` and `vosedu.papers.streaming`. Docstrings, comments and
blank lines do not count. The embedded weights that a recipe starts from count with all their
bytes. The data have a version of their own.
"""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from vosedu import api
from vosedu.ablation.store import Record
from vosedu.paths import data_dir

PARTS = ("network", "variants", "training", "inference")
SHARED = ("vosedu.nn", "vosedu.flow", "vosedu.training", "vosedu.papers.streaming")


@cache
def source_digest(key: str, initial: str = "") -> str:
    """The digest of a paper's source, 16 hex digits.

    initial: what the recipe starts from; the files that the paper's `starts` gives it count too.
    """
    whole = hashlib.sha256()
    for module in sorted(modules_of(key)):
        whole.update(f"{module}\n{code_of(_file(module).read_text())}\n".encode())
    starts = api.paper(key).starts if initial else {}
    for name in starts[initial].split("+") if initial in starts else ():
        whole.update((data_dir("checkpoints") / f"{name}.pt").read_bytes())
    return whole.hexdigest()[:16]


def current(record: Record, key: str) -> bool:
    """Whether the present code of a paper, and the weights it starts from, made a record."""
    return record.source == source_digest(key, record.recipe.get("initial", ""))


def modules_of(key: str) -> set[str]:
    """The names of the modules whose code counts for a paper."""
    package = f"vosedu.papers.{key}"
    waiting = [f"{package}.{part}" for part in PARTS if find_spec(f"{package}.{part}")]
    modules: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module not in modules:
            modules.add(module)
            waiting += [used for used in _imported(_file(module)) if _counts(used, package)]
    return modules


def _counts(module: str, package: str) -> bool:
    return any(module == part or module.startswith(f"{part}.") for part in (package, *SHARED))


def code_of(text: str) -> str:
    """A module's text without docstrings, comments and blank lines."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str):
            for row in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                lines[row - 1] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())


def remarks(records: Iterable[Record], key: str) -> list[str]:
    """What is to be said of records that the present code did not make; nothing if it made all."""
    records = list(records)
    before = sum(not record.source for record in records)
    other = sum(bool(record.source) and not current(record, key) for record in records)
    said = []
    if before:
        said.append(
            f"{before} of {len(records)} records were made before records carried a digest of the "
            "source; whether the present code gives the same numbers is not known"
        )
    if other:
        said.append(f"{other} of {len(records)} records were made by another version of the code")
    return said


def _imported(path: Path) -> Iterator[str]:
    """The modules of vosedu that a file imports from, each name followed to where it is defined."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (_home(node.module, alias.name) for alias in node.names)


def _home(module: str, name: str) -> str:
    """The module that defines `name`, which `module` offers."""
    if not module.startswith("vosedu"):
        return module
    path = _file(module)
    if path.name != "__init__.py":
        return module
    if (path.parent / f"{name}.py").is_file() or (path.parent / name / "__init__.py").is_file():
        return f"{module}.{name}"
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module != module:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _home(node.module, alias.name)
    return module


def _file(module: str) -> Path:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"there is no source of {module}")
    return Path(spec.origin)
