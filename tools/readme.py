"""The README's tables, made from the papers and the results files: `python tools/readme.py`."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from notebooks import ROOT, find
from vosedu import api, flow, ladder, toyvos
from vosedu.clip import Clip
from vosedu.datasets.weights import RELEASES
from vosedu.figures.overlay import overlay
from vosedu.papers.contract import NEEDS, Paper
from vosedu.text import NOT_RUN

README = ROOT / "README.md"
PICTURES = ROOT / "data" / "pictures"


def render(text: str) -> str:
    """The README with every block between `<!-- NAME -->` and `<!-- end -->` made anew."""

    def block(found: re.Match[str]) -> str:
        name = found.group(1)
        return f"<!-- {name} -->\n{BLOCKS[name]()}\n<!-- end -->"

    return re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", block, text, flags=re.DOTALL)


def papers() -> str:
    """One row per paper."""
    rows = []
    for key, paper in api.papers().items():
        needs = [words for need, words in NEEDS.items() if need in paper.needs]
        inputs = " + ".join(["frame", *needs])
        example = f"![{inputs}, and the mask](data/pictures/{key}.png)"
        named = f"{paper.name}, {paper.venue} {paper.year}"
        rows.append((f"`{key}`", named, paper.setting, inputs, example, _lessons(key) or "to come"))
    return _table(("key", "paper", "setting", "input", "example", "notebooks"), rows)


def climbed() -> str:
    """The reproduction ladder: one row per rung, one column per paper."""
    found = api.papers()
    rows = [("what the paper prints", *(_headline(paper) for paper in found.values()))]
    for rung, title in ladder.RUNGS.items():
        rows.append((f"{rung}: {title}", *(_rung(key, rung) for key in found)))
    return _table(("rung", *found), rows)


def released() -> str:
    """The commands that measure rung 3, and the numbers that the papers print."""
    rows = []
    for key, paper in api.papers().items():
        if not paper.released.weights:
            continue
        words = ["vosedu evaluate --data davis16 --method", key, "--weights released"]
        command = " ".join([*words, RELEASES[key].options]).strip()
        rows.append((paper.name, f"`vosedu weights get {key}`", f"`{command}`", _headline(paper)))
    return _table(("paper", "get", "evaluate", "the paper prints"), rows)


def lessons() -> str:
    """The notebooks that belong to no single paper."""
    folder = ROOT / "notebooks"
    rows = [
        (f"[{place.with_suffix('')}](notebooks/{place})", _title(folder / place))
        for place in (path.relative_to(folder) for path in find())
        if place.parts[0] not in api.papers()
    ]
    return _table(("notebook", "what it is about"), rows)


BLOCKS: dict[str, Callable[[], str]] = {
    "papers": papers,
    "ladder": climbed,
    "released": released,
    "lessons": lessons,
}


def _headline(paper: Paper) -> str:
    row = paper.tables[0].row(paper.tables[0].base)
    davis = {
        name: value for name, value in row.reported.items() if name in ("DAVIS16 J", "DAVIS16 F")
    }
    return ", ".join(f"{name} {value:.1f}" for name, value in davis.items())


def _rung(key: str, rung: str) -> str:
    if rung == "0":
        manifest = ROOT / "tests" / "golden" / key / "manifest.json"
        cases = len(json.loads(manifest.read_text())["cases"]) if manifest.is_file() else 0
        agree = "case agrees" if cases == 1 else "cases agree"
        return f"{cases} stored {agree} ([test](tests/test_parity_{key}.py))"
    entry = ladder.read(key).get(rung)
    if entry is None:
        return NOT_RUN
    between = {
        name: f" [{100 * low:.0f}, {100 * high:.0f}]"
        for name, (low, high) in entry.get("intervals", {}).items()
    }
    numbers = ", ".join(
        f"{name} {100 * value:.1f}{between.get(name, '')}"
        for name, value in entry["numbers"].items()
    )
    return f"{numbers} ({entry['on']})"


def _lessons(key: str) -> str:
    found = [path for path in find() if path.parent.name == key]
    return ", ".join(
        f"[{path.stem.split('_', 1)[1]}](notebooks/{key}/{path.name})" for path in found
    )


def _title(path: Path) -> str:
    first = json.loads(path.read_text())["cells"][0]["source"]
    text = "".join(first)
    return re.sub(r"^[#\d ·]+", "", text.splitlines()[0]).strip()


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tour_picture() -> None:
    """Make the README's first picture from the contact sheet that the last tour left."""
    sheet = ROOT / "runs" / "tour" / "contact_sheet.png"
    if sheet.is_file():
        with Image.open(sheet) as image:
            size = (800, round(image.height * 800 / image.width))
            small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        _save(small, "tour")


def paper_picture(key: str, clip: Clip, frame: int) -> None:
    """Make a paper's picture: its input for one frame, and the mask it gives."""
    paper = api.paper(key)
    needs = paper.needs
    model = api.load(key)
    given = api.first_masks(model, clip)
    results = api.segment(model, clip, given=given)
    result = next(r for r in results if r.index == frame)
    seen = [clip.frames[frame]]
    if given:
        seen += [overlay(clip.frames[t], ids) for t, ids in given.items()]
    if "references" in needs:
        seen += [clip.frames[0], clip.frames[len(clip) - 1]]
    if "flow" in needs:
        seen.append(flow.to_colour(flow.of(clip)[frame]))
    seen.append(overlay(clip.frames[frame], result.mask))
    gap = np.full((clip.size[0], 4, 3), 255, np.uint8)
    strip = [part for picture in seen for part in (picture, gap)][:-1]
    _save(Image.fromarray(np.concatenate(strip, axis=1)), key)


def _save(image: Image.Image, name: str) -> None:
    PICTURES.mkdir(exist_ok=True)
    image.quantize(192).save(PICTURES / f"{name}.png", optimize=True)


def main() -> None:
    """Make what the command line asks for."""
    parser = argparse.ArgumentParser(description="The README's pictures and tables.")
    parser.add_argument("--tables", action="store_true", help="leave the pictures as they are")
    if not parser.parse_args().tables:
        tour_picture()
        for key in api.papers():
            paper_picture(key, toyvos.split("val")[1], 8)
    README.write_text(render(README.read_text()))


if __name__ == "__main__":
    main()
