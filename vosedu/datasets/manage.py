"""What `vosedu data list|where|get|check` do: each is one call here, and returns lines to print."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from vosedu.datasets.download import fetch, recorded, sha256_of
from vosedu.datasets.files import listing
from vosedu.datasets.places import home
from vosedu.datasets.registry import REGISTRY, DataSet, Part, check_options, entry
from vosedu.datasets.sequences import DAVIS16
from vosedu.datasets.stills import Stills
from vosedu.datasets.unpack import unpack
from vosedu.datasets.videos import Videos
from vosedu.errors import InputError


def list_datasets() -> list[str]:
    """One line per data set: name, whether something of it lies here, what it is, how large."""
    width = max(map(len, REGISTRY))
    lines = []
    for name, dataset in REGISTRY.items():
        here = "here" if _holds_data(home(name)) else "-"
        lines.append(f"{name:<{width}}  {here:<4}  {dataset.what}; size: {dataset.size}")
    return lines


def where(name: str) -> list[str]:
    """Where a data set goes, where it comes from, and what a person must do for it."""
    dataset = entry(name)
    folder = home(name)
    lines = [
        f"{dataset.title}: {dataset.what}",
        f"folder: {folder} ({'in use' if _holds_data(folder) else 'nothing there yet'})",
        f"page: {dataset.page}",
        f"size: {dataset.size}",
        f"licence: {dataset.licence}",
        f"used by: {dataset.used_by}",
    ]
    for part in dataset.parts:
        optional = f" (only with --part {part.key})" if part.optional else ""
        lines += [f"part {part.key}{optional}:", *(f"  {line}" for line in part.link.describe())]
    lines += _steps(dataset, folder)
    if dataset.parts:
        lines.append(
            f"by hand: put an archive in {folder / 'archives'} under its own name and run "
            f"'vosedu data get {name}', or unpack it into {folder}; then run "
            f"'vosedu data check {name}'"
        )
    return lines


def get(
    name: str,
    parts: Sequence[str] | None = None,
    root: str | Path | None = None,
    *,
    say: Callable[[str], object] = print,
    progress: bool = True,
) -> Path:
    """Fetch and unpack a data set; returns its folder.

    parts: keys as `where` lists them; None takes all that are not optional. root: another folder
    than the default. Can be interrupted and run again at any point: archives continue where they
    broke off, files that are unpacked stay, files of the user's are never overwritten. Archives
    stay in `<folder>/archives`, with their sha256, until the user deletes them.
    InputError: see `fetch` and `unpack`; a set that only a person can fetch names the steps.
    """
    dataset = entry(name)
    folder = home(name) if root is None else Path(root).expanduser()
    wanted = _wanted(dataset, parts)
    steps = _steps(dataset, folder)
    if not wanted:
        raise InputError(
            f"{dataset.title} cannot be fetched by a program: "
            f"{'; '.join(line.strip() for line in steps[1:])}; then run 'vosedu data check {name}'"
        )
    for part in wanted:
        archive = fetch(part.link, folder / "archives", say=say, progress=progress)
        say(f"unpacking {archive.name}")
        done = unpack(archive, folder / part.into, progress)
        say(f"  {done.written} files written, {done.same} were there already")
        if done.kept:
            say(f"  kept, though the archive has other bytes: {listing(done.kept)}")
    for line in steps:
        say(line)
    say(f"{dataset.title} is in {folder}; 'vosedu data check {name}' looks it over")
    return folder


@dataclass(frozen=True)
class Report:
    """What `check` found. ok: every split that is here is whole. lines: to print."""

    ok: bool
    lines: tuple[str, ...]


def check(name: str, root: str | Path | None = None, **options: object) -> Report:
    """Look a data set over: archives against their sha256, every video or pair of every split.

    Counts, frames without mask, masks without frame, sizes (from the file headers) and, for DAVIS
    2016, the number of frames of each video. A split of which nothing is here is mentioned and
    counts as no fault, as long as another one is here. options: as the reader takes them
    (resolution="1080p", ...). InputError only if there is no such data set or no folder.
    """
    dataset = entry(name)
    folder = home(name) if root is None else Path(root).expanduser()
    if not folder.is_dir():
        raise InputError(
            f"{name}: there is no folder {folder}; run 'vosedu data get {name}', or name the "
            "folder you have"
        )
    check_options(name, dataset.open, options)
    lines = [f"{dataset.title} in {folder}"]
    faults = list(_archive_faults(dataset, folder))
    seen = 0
    for split, count in dataset.splits.items():
        try:
            some = {"present_only": True} if dataset.partial else {}
            data = dataset.read(split, folder, **some, **options)
        except InputError as error:
            lines.append(f"  {split}: not here ({error})")
            continue
        seen += 1
        split_faults = list(_faults(data, count))
        noun = "videos" if isinstance(data, Videos) else "pictures"
        verdict = "whole" if not split_faults else f"faults: {len(split_faults)}"
        lines.append(f"  {split}: {len(data)} of {count} {noun}, {verdict}")
        lines += [f"    {fault}" for fault in split_faults]
        faults += split_faults
    lines += [f"  {fault}" for fault in faults if fault.startswith("archive")]
    if not seen:
        lines.append("  nothing of it could be read")
    return Report(bool(seen) and not faults, tuple(lines))


def _faults(data: Videos | Stills, count: int) -> Iterator[str]:
    if len(data) < count:
        missing = listing(getattr(data, "missing", ()))
        yield f"{count - len(data)} are missing" + (f": {missing}" if missing else "")
    if isinstance(data, Stills):
        for still in data.stills:
            try:
                still.check()
            except InputError as error:
                yield str(error)
        return
    for video in tqdm(
        data.videos, data.title, unit=" videos", ascii=True, disable=None, leave=False
    ):
        try:
            clip = video.open()
        except InputError as error:
            yield str(error)
            continue
        expected = DAVIS16[clip.name].frames if clip.name in DAVIS16 else None
        if data.title.startswith("DAVIS") and expected and len(clip) != expected:
            yield f"{clip.name} has {len(clip)} of {expected} frames"


def _archive_faults(dataset: DataSet, folder: Path) -> Iterator[str]:
    for part in dataset.parts:
        archive = folder / "archives" / part.link.name
        if not archive.is_file():
            continue
        expected = part.link.sha256 or recorded(archive)
        if expected and not sha256_of(archive).startswith(expected):
            yield f"archive {archive.name} is not what was fetched; delete it and get it again"


def _wanted(dataset: DataSet, parts: Sequence[str] | None) -> list[Part]:
    if parts is not None:
        return [dataset.part(key) for key in parts]
    return [part for part in dataset.parts if not part.optional]


def _steps(dataset: DataSet, folder: Path) -> list[str]:
    if not dataset.steps:
        return []
    numbered = [f"  {i}. {step.format(home=folder)}" for i, step in enumerate(dataset.steps, 1)]
    return ["what a person has to do:", *numbered]


def _holds_data(folder: Path) -> bool:
    return folder.is_dir() and any(path.name != "archives" for path in folder.iterdir())
