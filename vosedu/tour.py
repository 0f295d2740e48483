"""The tour: one notebook run from top to bottom, and what it leaves behind."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

import nbformat

from vosedu import notebooks
from vosedu.errors import InputError
from vosedu.text import columns
from vosedu.writing import write_text

NOTEBOOK = notebooks.ROOT / "notebooks" / "00_tour.ipynb"
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
    out = Path(out).resolve()
    if not NOTEBOOK.is_file():
        raise InputError("the tour comes with a checkout of vosedu: git clone it and run it there")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file, not a folder; choose another output folder")
    if out.is_dir() and any(out.iterdir()) and not (out / "tour.ipynb").is_file():
        raise InputError(f"the folder {out} holds other files already; choose another with --out")
    began = time.perf_counter()
    executed = out / "tour.ipynb"
    notebooks.execute(
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


def to_html(notebook: Path, target: Path) -> None:
    """Write a notebook as one HTML file; widgets, which need a kernel, leave their pictures."""
    from nbconvert import HTMLExporter

    logging.getLogger("traitlets").setLevel(logging.ERROR)
    content = nbformat.read(notebook, as_version=4)
    content.metadata.pop("widgets", None)
    for cell in content.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(notebooks.WIDGET, None)
    text, _ = HTMLExporter(template_name="lab").from_notebook_node(content)
    write_text(target, text)
