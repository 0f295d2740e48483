"""`vosedu data`: the real data sets."""

from __future__ import annotations

from pathlib import Path

from vosedu.commands.common import Arguments, Commands
from vosedu.errors import InputError


def add(commands: Commands) -> None:
    """The command's parser."""
    p = commands.add(
        run,
        "data",
        "the real data sets: list them, get one, say where it belongs, check what is there",
        "data get davis16",
    )
    p.add_argument("action", choices=("list", "get", "where", "check"))
    p.add_argument("name", nargs="?", help="a name from the list")
    p.add_argument("--root", type=Path, help="another folder than the default")
    p.add_argument("--resolution", help="of DAVIS (default: 480p)")
    p.add_argument("--part", nargs="+", metavar="KEY", help="only these archives")


def run(arguments: Arguments) -> int:
    """List the data sets, say where one belongs, get it, or look it over."""
    from vosedu.datasets import manage

    name, root = arguments.name, arguments.root
    if arguments.action == "list":
        print("\n".join(manage.list_datasets()))
        return 0
    if name is None:
        raise InputError(f"name a data set: vosedu data {arguments.action} davis16")
    if arguments.action == "where":
        print("\n".join(manage.where(name)))
    elif arguments.action == "get":
        arguments.kept = "the same command goes on from there"
        manage.get(name, arguments.part, root)
    else:
        options = {"resolution": arguments.resolution} if arguments.resolution else {}
        report = manage.check(name, root, **options)
        print("\n".join(report.lines))
        return int(not report.ok)
    return 0
