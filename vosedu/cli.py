"""The command line: `vosedu COMMAND`; what each does stands in `commands`."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vosedu import commands
from vosedu.commands import Arguments
from vosedu.errors import InputError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; exit code 0: done, 1: a check failed, 2: bad input, 130: stopped."""
    arguments = parser().parse_args(argv)
    try:
        return arguments.run(arguments) or 0
    except InputError as error:
        print(f"vosedu: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT}:
            raise
        print(f"vosedu: {error.strerror}: {error.filename or 'output'}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        kept = getattr(arguments, "kept", "nothing half-done was left behind")
        print(f"\nvosedu: stopped; {kept}", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    whole = argparse.ArgumentParser(prog="vosedu", description="Learn video object segmentation.")
    subcommands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(run: Callable[[Arguments], int | None], name: str, what: str, example: str) -> Any:
        made = subcommands.add_parser(
            name,
            help=what,
            description=what[0].upper() + what[1:] + ".",
            epilog=f"example:\n  vosedu {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run=run)
        return made

    p = command(
        commands.tour, "tour", "run the tour notebook into runs/tour", "tour --out runs/tour"
    )
    p.add_argument("--out", type=Path, default=Path("runs/tour"), help="output folder")
    p.add_argument("--profile", default="course", help="quick or course")

    p = command(
        commands.segment,
        "segment",
        "segment a video file, a folder of frames or a DAVIS sequence",
        "segment holiday.mp4 --method cosnet --references 5 --out runs/holiday",
    )
    p.add_argument("path", metavar="VIDEO_OR_FOLDER", type=Path)
    _network_options(p)
    p.add_argument("--out", type=Path, help="output folder (default: runs/ and the clip's name)")
    p.add_argument("--overwrite", action="store_true", help="replace an earlier result")

    p = command(
        commands.train,
        "train",
        "train a paper's network; the same command again goes on where it stopped",
        "train cosnet --profile course --seed 0",
    )
    p.add_argument("key", metavar="KEY", help="the paper")
    p.add_argument("--profile", default="course", help="quick, ablate, course or full")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--device", help="cpu, cuda, ... (default: the best there is)")
    p.add_argument("--until", metavar="STAGE", help="stop after the stage of that name")
    p.add_argument("--initial", help="weights to start from, as the recipe's `initial`")
    p.add_argument(
        "--set",
        nargs="+",
        default=(),
        metavar="FIELD=VALUE",
        help="change fields of the Config or of the last stage, e.g. encoder=mobilenet steps=500",
    )
    p.add_argument("--out", type=Path, help="folder of the run (default: runs/train/...)")

    p = command(
        commands.evaluate,
        "evaluate",
        "score a network, or a folder of masks, on a data set",
        "evaluate --method cosnet --data toyvos --split val",
    )
    _network_options(p)
    p.add_argument(
        "--masks", type=Path, metavar="FOLDER", help="score these masks, a subfolder per sequence"
    )
    p.add_argument("--data", default="toyvos", help="toyvos, or a name from vosedu data list")
    p.add_argument("--split", default="val")
    p.add_argument("--suite", help="of ToyVOS (default: mixed)")
    p.add_argument("--root", type=Path, help="folder of a real data set")
    p.add_argument("--resolution", help="of DAVIS (default: 480p)")
    p.add_argument("--flow", help="estimate flow by this method, even where the clips bring some")
    p.add_argument("--present-only", action="store_true", help="leave out absent sequences")
    p.add_argument("--protocol", help="how masks are scored (default: as the data set's is)")
    p.add_argument(
        "--temporal", action="store_true", help="also T, on DAVIS-2016's sequences for it"
    )
    p.add_argument("--csv", type=Path, metavar="FOLDER", help="write the tables there")
    p.add_argument("--overwrite", action="store_true", help="replace earlier tables")
    p.add_argument("--record", metavar="RUNG", help="keep J and F as this rung of the ladder")

    p = command(
        commands.ablate,
        "ablate",
        "run the rows of a paper's table over paired seeds, beside the paper's numbers",
        "ablate cosnet --table 1 --seeds 5",
    )
    p.add_argument("key", metavar="KEY", help="the paper")
    p.add_argument("--table", help="which table (default: list them)")
    p.add_argument("--rows", nargs="+", metavar="LABEL", help="only these rows, and the base row")
    p.add_argument("--seeds", type=int, default=5, metavar="K")
    p.add_argument("--profile", default="ablate", help="quick or ablate")
    p.add_argument("--split", default="test")
    p.add_argument("--device", help="cpu, cuda, ... (default: the best there is)")
    p.add_argument("--jobs", type=int, default=1, help="trainings to run at the same time")
    p.add_argument("--store", type=Path, help="results file (default: data/results/KEY/...)")

    p = command(
        commands.data,
        "data",
        "the real data sets: list them, get one, say where it belongs, check what is there",
        "data get davis16",
    )
    p.add_argument("action", choices=("list", "get", "where", "check"))
    p.add_argument("name", nargs="?", help="a name from the list")
    p.add_argument("--root", type=Path, help="another folder than the default")
    p.add_argument("--resolution", help="of DAVIS (default: 480p)")
    p.add_argument("--part", nargs="+", metavar="KEY", help="only these archives")

    p = command(
        commands.weights,
        "weights",
        "the authors' released weights: list them, get a paper's",
        "weights get cosnet",
    )
    p.add_argument("action", choices=("list", "where", "get"))
    p.add_argument("key", nargs="?", metavar="KEY", help="the paper")
    p.add_argument("file", nargs="?", metavar="FILE", help="one file, as `where` names it")
    p.add_argument("--all", action="store_true", help="also what only training needs")

    p = command(
        commands.bench,
        "bench",
        "measure speed and memory beside their budgets",
        "bench --json bench.json",
    )
    p.add_argument("names", nargs="*", metavar="NAME", help="only these (default: all)")
    p.add_argument("--json", type=Path, help="write the numbers to this file")

    command(commands.doctor, "doctor", "say what works on this machine", "doctor")

    p = command(
        commands.notebooks,
        "notebooks",
        "execute notebooks again, in place, and check them",
        "notebooks notebooks/00_tour.ipynb",
    )
    p.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="default: all of them")
    p.add_argument("--check", action="store_true", help="only check, execute nothing")
    return whole


def _network_options(p: argparse.ArgumentParser) -> None:
    p.add_argument("--method", default="cosnet", metavar="KEY", help="the paper")
    p.add_argument("--weights", default="course", help="course, released, or a file")
    p.add_argument("--device", help="cpu, cuda, ... (default: the best there is)")
    p.add_argument("--references", type=int, metavar="N", help="reference frames of each frame")
    p.add_argument(
        "--crf", action="store_true", help="refine with a dense CRF, COSNet's published parameters"
    )
