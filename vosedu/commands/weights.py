"""`vosedu weights`: what the authors released, and encoders trained on ImageNet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vosedu.commands.common import Arguments, Commands, refuse
from vosedu.errors import InputError


def add(commands: Commands) -> None:
    """The command's parser."""
    p = commands.add(
        run,
        "weights",
        "the authors' released weights: list them, get a paper's",
        "weights get cosnet",
    )
    p.add_argument("action", choices=("list", "where", "get"))
    p.add_argument("key", nargs="?", metavar="KEY", help="the paper, or another key of the list")
    p.add_argument("file", nargs="?", metavar="FILE", help="one file, as `where` names it")
    p.add_argument("--all", action="store_true", help="every checkpoint of that key")


def run(arguments: Arguments) -> None:
    """List what was released, say where it is, or get it."""
    from vosedu import api
    from vosedu.datasets.download import fetch
    from vosedu.datasets.weights import RELEASES, get_weights, weights_folder, where_weights

    key, papers = arguments.key, api.papers()
    if arguments.action == "list":
        refuse(arguments, ("KEY", "FILE", "--all"), "on weights list")
        print("\n".join(_listed(papers, RELEASES)))
        return
    if key is None:
        raise InputError("name a paper: vosedu weights get cosnet")
    if key not in RELEASES and key in papers:
        raise InputError(f"no weights were released for {key}: {papers[key].released.reason}")
    if key not in RELEASES:
        known = ", ".join({**papers, **RELEASES})
        raise InputError(f"there are no weights of '{key}'; choose one of {known}")
    release = RELEASES[key]
    arguments.kept = "the same command goes on from there"
    if arguments.action == "where":
        refuse(arguments, ("FILE", "--all"), "on weights where, which names all files")
        print("\n".join(where_weights(key)))
    elif arguments.file is not None:
        refuse(arguments, ("--all",), "beside the name of one file")
        print(get_weights(key, arguments.file))
    elif not release.weights:
        raise InputError(f"no weights were released for {key}: {release.reason}")
    elif len(release.weights) > 1 and key not in papers and not arguments.all:
        names = ", ".join(link.name for link in release.weights)
        raise InputError(f"{key} has several files; name one of {names}, or pass --all")
    else:
        for link in release.weights if arguments.all else release.weights[:1]:
            print(fetch(link, weights_folder(key)))


def _listed(papers: Mapping[str, Any], releases: Mapping[str, Any]) -> Iterator[str]:
    """The papers' weights, then what else there is."""
    for key, paper in papers.items():
        yield f"{key}: {paper.title}"
        for link in paper.released.weights:
            yield from (f"  {line}" for line in link.describe())
        if not paper.released.weights:
            yield f"  none: {paper.released.reason}"
    for key, release in releases.items():
        if key not in papers and release.weights:
            yield f"{key}: {release.title}"
            yield f"  {len(release.weights)} files: vosedu weights where {key}"
