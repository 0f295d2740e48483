"""The tour: one notebook run from top to bottom, and what it leaves behind."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vosedu.errors import InputError
from vosedu.text import columns
from vosedu.writing import replacing

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "00_tour.ipynb"
NEEDED = ("ipykernel", "latex2mathml", "nbconvert", "papermill")
PROFILES = ("quick", "course")
LEFT_BEHIND = {
    "tour.html": "the tour to read in a browser",
    "tour.ipynb": "the same as a notebook, executed here",
    "overlay.mp4": "the clips with their masks",
    "contact_sheet.png": "one picture of it all",
}


def run(out: str | Path, profile: str = "course") -> None:
    """Execute the tour into `out`, print the scores it computed, and say where everything is.

    profile: "quick" or "course". A folder that holds anything but an earlier tour is refused.
    """
    if profile not in PROFILES:
        raise InputError(f"the tour has no profile '{profile}'; choose {' or '.join(PROFILES)}")
    if missing := [package for package in NEEDED if find_spec(package) is None]:
        raise InputError(
            f"the tour needs {', '.join(missing)}; install them: pip install 'vosedu[notebooks]'"
        )
    out = Path(out).resolve()
    if not NOTEBOOK.is_file():
        raise InputError("the tour comes with a checkout of vosedu: git clone it and run it there")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file, not a folder; choose another output folder")
    if out.is_dir() and any(out.iterdir()) and not (out / "tour.ipynb").is_file():
        raise InputError(f"the folder {out} holds other files already; choose another with --out")
    from vosedu.page import to_html

    began = time.perf_counter()
    executed = out / "tour.ipynb"
    if not executed.exists():  # marks the folder as the tour's, should the run be stopped
        executed.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(NOTEBOOK, executed)
    execute(
        NOTEBOOK,
        executed,
        {"profile": profile, "out_dir": str(out)},
        timeout=300,
        progress=sys.stderr.isatty(),
    )
    to_html(executed, out / "tour.html")
    scores = json.loads((out / "scores.json").read_text())
    print(columns(scores["rows"], scores["columns"]))
    print(f"\ncomputed in {time.perf_counter() - began:.0f} s; in {out}:")
    print(columns((f"  {name}", what) for name, what in LEFT_BEHIND.items()))


def execute(
    source: str | Path,
    target: str | Path,
    parameters: Mapping[str, Any] | None = None,
    timeout: int | None = None,
    progress: bool = False,
) -> None:
    """Run the notebook `source` from the checkout's root and write the executed copy to `target`.

    parameters: values that replace those of its `parameters` cell.
    timeout: seconds that one cell may take.
    `target` may be `source`; it is replaced only when every cell ran. Raises InputError, naming
    the cell, when one fails.
    """
    import matplotlib.font_manager  # noqa: F401  builds its cache here, not inside a notebook
    import nbformat
    from papermill import PapermillExecutionError, execute_notebook

    source, target = Path(source), Path(target)
    if not source.is_file():
        raise InputError(f"there is no notebook {source}; check the path")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, _own_jupyter(Path(scratch)):
        partial = Path(scratch) / source.name
        try:
            execute_notebook(
                source,
                partial,
                dict(parameters or {}),
                kernel_name="python3",
                language="python",
                extra_arguments=["--IPKernelApp.log_level=50"],
                cwd=ROOT,
                progress_bar=progress,
                execution_timeout=timeout,
            )
        except PapermillExecutionError as error:
            raise InputError(
                f"{source.name} stopped in cell {error.cell_index} "
                f"with {error.ename}: {' '.join(str(error.evalue).split())}"
            ) from error
        write(clean(nbformat.read(partial, as_version=4)), target)


@contextmanager
def _own_jupyter(folder: Path) -> Iterator[None]:
    """Keep the kernel from the user's profile, and its files from the user's home."""
    ours = {
        "IPYTHONDIR": folder / "ipython",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update({name: str(value) for name, value in ours.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def clean(notebook: Any) -> Any:
    """Drop what differs between two equal runs, and the state of widgets.

    Without a saved state, nbconvert and GitHub show the picture beside a widget in its place.
    """
    notebook.metadata.pop("widgets", None)
    for owner in (notebook, *notebook.cells):
        for note in ("papermill", "execution", "jupytext"):
            owner.metadata.pop(note, None)
    return notebook


def write(notebook: Any, path: Path) -> None:
    """Write a notebook in one step, so that an interruption leaves the old one."""
    import nbformat

    with replacing(path) as partial:
        nbformat.write(notebook, partial)
