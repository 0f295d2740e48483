"""`vosedu ablate`: the rows of a paper's table over paired seeds."""

from __future__ import annotations

import sys
from pathlib import Path

from vosedu.commands.common import Arguments, Commands, add_device, device, refuse
from vosedu.errors import InputError

RUNNING = ("--rows", "--seeds", "--profile", "--split", "--device", "--jobs", "--store")


def add(commands: Commands) -> None:
    """The command's parser."""
    p = commands.add(
        run,
        "ablate",
        "run the rows of a paper's table over paired seeds, beside the paper's numbers",
        "ablate cosnet --table 1 --seeds 5",
    )
    p.add_argument("key", metavar="KEY", help="the paper")
    p.add_argument("--table", help="which table (default: list them)")
    p.add_argument("--rows", nargs="+", metavar="LABEL", help="only these rows, and the base row")
    p.add_argument("--seeds", type=int, default=5, metavar="K")
    p.add_argument("--profile", default="ablate", help="quick, ablate or course")
    p.add_argument("--split", default="test")
    add_device(p)
    p.add_argument("--jobs", type=int, default=1, help="trainings to run at the same time")
    p.add_argument("--store", type=Path, help="results file (default: data/results/KEY/...)")


def run(arguments: Arguments) -> None:
    """List a paper's tables, or run one and print it."""
    from vosedu import ablation, api, toyvos
    from vosedu.ablation.source import remarks
    from vosedu.papers.contract import PROFILES
    from vosedu.text import columns
    from vosedu.writing import check_writable

    paper = api.paper(arguments.key)
    if arguments.table is None:
        refuse(arguments, RUNNING, "without --table, which lists the tables")
        for table in paper.tables:
            print(f"{table.key:4} {table.title} ({len(table.rows)} rows)")
        return
    try:
        table = paper.table(arguments.table)
    except KeyError as error:
        raise InputError(str(error.args[0])) from None
    for what, number in (("--seeds", arguments.seeds), ("--jobs", arguments.jobs)):
        if number < 1:
            raise InputError(f"{what} {number} runs nothing; give 1 or more")
    if arguments.profile not in PROFILES:
        raise InputError(
            f"there is no profile '{arguments.profile}'; choose one of {', '.join(PROFILES)}"
        )
    if arguments.split not in toyvos.SPLITS:
        raise InputError(
            f"ToyVOS has no split '{arguments.split}'; choose one of {', '.join(toyvos.SPLITS)}"
        )
    if arguments.store:
        check_writable(arguments.store)
    store = ablation.Store(arguments.store) if arguments.store else None
    arguments.kept = "finished runs are kept, the same command goes on from there"
    store = ablation.run_table(
        paper,
        table,
        seeds=range(arguments.seeds),
        profile=arguments.profile,
        rows=arguments.rows,
        split=arguments.split,
        device=device(arguments.device),
        store=store,
        runs=Path("runs/ablate"),
        jobs=arguments.jobs,
        say=lambda line: print(line, file=sys.stderr),
    )
    shown = ablation.table(
        paper, table, store, profile=arguments.profile, split=arguments.split
    ).drop(columns="claim")
    for remark in remarks(store, paper.key):
        print(f"note: {remark}")
    print(columns(shown.reset_index().values.tolist(), [f"Table {table.key}", *shown.columns]))
