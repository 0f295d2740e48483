"""`vosedu tour`: the tour notebook, run into a folder."""

from __future__ import annotations

from pathlib import Path

from vosedu.commands.common import Arguments, Commands


def add(commands: Commands) -> None:
    """The command's parser."""
    p = commands.add(run, "tour", "run the tour notebook into runs/tour", "tour --out runs/tour")
    p.add_argument("--out", type=Path, default=Path("runs/tour"), help="output folder")
    p.add_argument("--profile", default="course", help="quick or course")


def run(arguments: Arguments) -> None:
    """Run the tour notebook and say where its results are."""
    from vosedu import tour

    arguments.kept = f"{arguments.out} may hold a part of the tour, the same command runs it again"
    tour.run(arguments.out, arguments.profile)
