"""`vosedu bench`: speed and memory beside their budgets."""

from __future__ import annotations

from pathlib import Path

from vosedu.commands.common import Arguments, Commands


def add(commands: Commands) -> None:
    """The command's parser."""
    p = commands.add(
        run,
        "bench",
        "measure speed and memory beside their budgets",
        "bench --json bench.json",
    )
    p.add_argument("names", nargs="*", metavar="NAME", help="only these (default: all)")
    p.add_argument("--json", type=Path, help="write the numbers to this file")


def run(arguments: Arguments) -> int:
    """Measure, print one table, and write JSON when asked; exit code 1 if a budget is missed."""
    from vosedu import bench

    arguments.kept = "no numbers were written to a file"
    return int(not all(m.kept for m in bench.run(arguments.names, arguments.json)))
