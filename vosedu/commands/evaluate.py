"""`vosedu evaluate`: J, F and T of a network, or of a folder of masks, on a data set."""

from __future__ import annotations

from pathlib import Path

from vosedu.commands import methods
from vosedu.commands.clips import add_clips, clips_of
from vosedu.commands.common import Arguments, Commands, progress
from vosedu.errors import InputError

PROTOCOLS = {  # of data sets that are not named like theirs
    "davis17": "davis17-semi",
    "youtube-vos-2018": "youtube-vos",
    "youtube-vos-2019": "youtube-vos",
}


def add(commands: Commands) -> None:
    """The command's parser."""
    p = commands.add(
        run,
        "evaluate",
        "score a network, or a folder of masks, on a data set",
        "evaluate --method cosnet --data toyvos --split val",
    )
    p.add_argument(
        "--masks", type=Path, metavar="FOLDER", help="score these masks, a subfolder per sequence"
    )
    add_clips(p, "toyvos")
    p.add_argument("--flow", help="estimate flow by this method, even where the clips bring some")
    p.add_argument("--protocol", help="how masks are scored (default: as the data set's is)")
    p.add_argument(
        "--temporal", action="store_true", help="also T, on DAVIS-2016's sequences for it"
    )
    p.add_argument("--csv", type=Path, metavar="FOLDER", help="write the tables there")
    p.add_argument("--overwrite", action="store_true", help="replace earlier tables")
    p.add_argument("--record", metavar="RUNG", help="keep J and F as this rung of the ladder")
    methods.add_network(p, commands)


def run(arguments: Arguments) -> None:
    """Print J and F of a data set, and write those of every sequence and frame when asked."""
    from vosedu import api, ladder, metrics
    from vosedu.metrics.scores import csv_paths
    from vosedu.training.data import EstimatedFlow

    arguments.kept = "no scores were written"
    if arguments.csv:
        csv_paths(arguments.csv, arguments.overwrite)
    if arguments.record:
        ladder.check_rung(arguments.record)
    if arguments.record and arguments.masks:
        raise InputError("--record keeps the scores of a network; leave it out with --masks")
    clips = clips_of(arguments)
    if arguments.flow:
        clips = EstimatedFlow(clips, arguments.flow)
    shown = progress(clips, len(clips), "clips")
    protocol, temporal = protocol_of(arguments), _temporal(arguments)
    if arguments.masks:
        scores = metrics.evaluate_folder(arguments.masks, shown, protocol, temporal=temporal)
    else:
        model = methods.load(arguments)
        inference = methods.inference(model, arguments)
        scores = api.evaluate(
            model, shown, protocol=protocol, temporal=temporal, inference=inference
        )
    print(scores)
    if len(clips) > 1:
        bounds = (f"{m} {low:.3f} to {high:.3f}" for m, (low, high) in scores.intervals().items())
        print(f"95 % bootstrap interval over {len(clips)} sequences: {', '.join(bounds)}")
    if arguments.csv:
        print(*scores.to_csv(arguments.csv, arguments.overwrite), sep="\n")
    if arguments.record:
        where = " ".join([arguments.data, arguments.split, arguments.resolution or ""]).strip()
        where += f", {len(clips)} clips" + (f", {arguments.flow} flow" if arguments.flow else "")
        ladder.record(
            arguments.method, arguments.record, scores, where=where, weights=arguments.weights
        )


def protocol_of(arguments: Arguments) -> str:
    """The protocol asked for, the paper's on ToyVOS, or the data set's own."""
    from vosedu import api

    if arguments.protocol:
        return arguments.protocol
    if arguments.data == "toyvos" or Path(arguments.data).is_dir():
        return api.paper(arguments.method).protocol
    return PROTOCOLS.get(arguments.data, arguments.data)


def _temporal(arguments: Arguments) -> bool | list[str]:
    """Whether T is measured, or on which sequences."""
    if arguments.temporal and arguments.data == "davis16":
        from vosedu.datasets import DAVIS16

        return [name for name, sequence in DAVIS16.items() if sequence.temporal]
    return arguments.temporal
