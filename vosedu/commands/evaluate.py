"""`vosedu evaluate`: J, F and T of a network, or of a folder of masks, on a data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vosedu.commands import methods
from vosedu.commands.clips import add_clips, clips_of, names_of
from vosedu.commands.common import Arguments, Commands, progress, refuse

PROTOCOLS = {  # of data sets that are not named like theirs
    "davis16-flow": "davis16",
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
    _refuse_unread(arguments)
    if arguments.csv:
        csv_paths(arguments.csv, arguments.overwrite)
    if arguments.record:
        ladder.check_rung(arguments.record)
    clips = clips_of(arguments)
    protocol, temporal = protocol_of(arguments), _temporal(arguments, clips)
    if arguments.flow:
        clips = EstimatedFlow(clips, arguments.flow, methods.changes(arguments).get("flow_cache"))
    shown = progress(clips, len(clips), "clips")
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


def _refuse_unread(arguments: Arguments) -> None:
    """InputError where options do not go together, so that one would not be read."""
    from vosedu import api

    if not arguments.csv:
        refuse(arguments, ("--overwrite",), "without --csv")
    if arguments.masks:
        words = ["--weights", "--flow", "--device", "--decision", "--record"]
        words += [] if _protocol_of_the_paper(arguments) else ["--method"]
        why = "with --masks, which are scored as they are"
        refuse(arguments, words, why)
        methods.refuse_changes(arguments, methods.changes(arguments), why)
    paper = api.paper(arguments.method)
    if "flow" not in paper.needs:
        refuse(arguments, ("--flow",), f"on {paper.name}, which reads no flow")
    if arguments.data == "toyvos" and not arguments.flow:
        why = "on ToyVOS, whose clips bring their flow; give --flow to estimate it"
        methods.refuse_changes(arguments, ("flow_cache",), why)


def _protocol_of_the_paper(arguments: Arguments) -> bool:
    """Whether masks are scored as the paper does, unless another protocol is asked for."""
    own = arguments.data == "toyvos" or Path(arguments.data).is_dir()
    return own and not arguments.protocol


def protocol_of(arguments: Arguments) -> str:
    """The protocol asked for, the paper's on ToyVOS, or the data set's own."""
    from vosedu import api

    if _protocol_of_the_paper(arguments):
        return api.paper(arguments.method).protocol
    return arguments.protocol or PROTOCOLS.get(arguments.data, arguments.data)


def _temporal(arguments: Arguments, clips: Sequence[Any]) -> bool | list[str]:
    """Whether T is measured, or on which of these clips."""
    if arguments.temporal and arguments.data in ("davis16", "davis16-flow"):
        from vosedu.datasets import DAVIS16

        measured = [name for name in names_of(clips) if DAVIS16[name].temporal]
        if not measured:
            refuse(arguments, ("--temporal",), "on sequences that DAVIS measures no T of")
        return measured
    return arguments.temporal
