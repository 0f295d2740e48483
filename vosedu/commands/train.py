"""`vosedu train`: one network, resumable, on one machine or under torchrun."""

from __future__ import annotations

import os
import sys
from ast import literal_eval
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from vosedu.commands.common import Arguments, Commands, add_device, device, refuse, unread
from vosedu.errors import InputError


def add(commands: Commands) -> None:
    """The command's parser."""
    p = commands.add(
        run,
        "train",
        "train a paper's network; the same command again goes on where it stopped",
        "train cosnet --profile course --seed 0",
    )
    p.add_argument("key", metavar="KEY", help="the paper")
    p.add_argument(
        "--profile", default="course", help="quick, ablate, course, long, davis-small, full"
    )
    p.add_argument("--seed", type=int, default=0)
    add_device(p)
    p.add_argument("--until", metavar="STAGE", help="stop after the stage of that name")
    p.add_argument(
        "--data",
        metavar="NAME",
        help="videos of the last stage: a folder of your own videos and masks, or a split such as "
        "davis16/train (default: those of the recipe)",
    )
    p.add_argument("--initial", help="weights to start from, as the recipe's `initial`")
    p.add_argument(
        "--set",
        nargs="+",
        default=(),
        metavar="FIELD=VALUE",
        help="change fields of the Config or of the last stage, e.g. encoder=mobilenet steps=500",
    )
    p.add_argument(
        "--workers",
        type=int,
        default=0,
        help="processes that draw samples ahead, for a GPU that would wait for them",
    )
    p.add_argument("--out", type=Path, help="folder of the run (default: runs/train/...)")


def run(arguments: Arguments) -> None:
    """Train, keep the state in a folder, and write the checkpoint with its log."""
    from vosedu import api
    from vosedu.ablation.store import commit
    from vosedu.training import digest, save_course
    from vosedu.training.data import open_data

    paper = api.paper(arguments.key)
    config, recipe = trained(paper, arguments)
    if arguments.data is not None:
        open_data(recipe.stages[-1].data)  # what is wrong with it is said before the work
    name = f"{paper.key}-{arguments.profile}-{arguments.seed}"
    out = arguments.out or Path("runs/train") / name
    checkpoint = f"{paper.key}-{arguments.until}" if arguments.until else paper.key
    _check_out(out, f"{checkpoint}.pt")
    arguments.kept = partial(_kept, out / "state.pt")
    steps = sum(stage.steps for stage in recipe.stages)
    first = _join_torchrun() == 0
    model, history = paper.train(
        config,
        recipe,
        seed=arguments.seed,
        device=device(arguments.device),
        folder=out,
        on_step=_training_progress(steps) if first else None,
        until=arguments.until,
        workers=arguments.workers,
    )
    if not first:
        return
    options = {"profile": arguments.profile, "seed": arguments.seed, "until": arguments.until}
    options |= {
        "data": arguments.data,
        "initial": arguments.initial,
        "set": " ".join(arguments.set),
    }
    said = [f"--{name} {value}" for name, value in options.items() if value not in (None, "")]
    about = {
        "command": " ".join(["vosedu train", paper.key, *said]),
        "commit": commit(),
        "config": asdict(config),
        "recipe": asdict(recipe),
        "hashes": {"config": digest(config), "recipe": digest(recipe)},
        "data": _data_of(recipe),
        "seconds": round(history.seconds, 1),
        "seed": arguments.seed,
        "steps": len(history),
    }
    path = save_course(out, checkpoint, model, history, about)
    print(f"{len(history)} steps in {history.seconds:.0f} s\nweights: {path}")


def _kept(state: Path) -> str:
    """What a stopped run leaves."""
    if not state.exists():
        return f"no step was saved in {state.parent} yet, the same command starts again"
    return f"the same command goes on from the last save, {state}"


def _data_of(recipe: Any) -> str:
    """The data that the stages draw from; of ToyVOS with the version whose pixels they have."""
    from vosedu import toyvos

    parts = [p for stage in recipe.stages for p in f"{stage.data}+{stage.stills}".split("+") if p]
    names = "+".join(dict.fromkeys(parts))
    return f"{names} ({toyvos.PIXELS})" if "toyvos" in names else names


def _check_out(out: Path, checkpoint: str) -> None:
    """InputError, before the work, where the run cannot write or would replace a foreign file."""
    if (out / checkpoint).exists() and not (out / "state.pt").exists():
        raise InputError(
            f"{out / checkpoint} was not written by a run in {out} and is not replaced; choose "
            "another folder with --out, or move it away"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder {out} cannot be made ({error.strerror}); choose another with --out"
        ) from error


def trained(paper: Any, arguments: Arguments) -> tuple[Any, Any]:
    """The Config and the Recipe that a `vosedu train` command asks for."""
    config, usual = _profiled(paper, arguments.profile)
    config, recipe = _changed(paper, config, usual, arguments.set)
    last = usual.stages[-1].name
    if arguments.until in {stage.name for stage in usual.stages[:-1]}:
        why = f"with --until {arguments.until}: it changes the last stage, '{last}'"
        refuse(arguments, ("--data",), why)
        if recipe != usual:
            raise unread(f"--set {' '.join(arguments.set)}", why)
    if arguments.data is not None:
        recipe = recipe.change(data=_videos(arguments.data, recipe.stages[-1].data))
    if arguments.initial is not None:
        recipe = replace(recipe, initial=arguments.initial)
    return config, recipe


def _videos(name: str, before: str) -> str:
    """The data of that name or folder, with flow of the method that the data before it had."""
    if Path(name).is_dir():
        if any(sign in name for sign in "+@"):
            raise InputError(f"the folder {name} has '+' or '@' in its path; rename it or link it")
        name = f"folder:{name}"
    method = before.split("+")[0].partition("@")[2]
    return f"{name}@{method}" if method and "@" not in name else name


def _profiled(paper: Any, profile: str) -> tuple[Any, Any]:
    """Config and recipe of one profile."""
    if profile not in paper.profiles:
        raise InputError(
            f"{paper.key} has no profile '{profile}'; choose one of {', '.join(paper.profiles)}"
        )
    return paper.config(profile), paper.recipe(profile)


def _changed(paper: Any, config: Any, recipe: Any, changes: Sequence[str]) -> tuple[Any, Any]:
    """Config and recipe with FIELD=VALUE changes."""
    from vosedu.ablation.run import change_row

    values: dict[str, Any] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals:
            raise InputError(f"'{change}' sets nothing; write FIELD=VALUE, e.g. steps=500")
        try:
            values[name] = literal_eval(text)
        except (ValueError, SyntaxError):
            values[name] = text
    for name in values:
        if hasattr(config, name) and hasattr(recipe.stages[-1], name):
            raise InputError(
                f"both the network and its training have a setting '{name}'; write "
                f"config.{name}=..., recipe.{name}=... or both"
            )
    row = change_row(paper, values)
    if row.inference:
        raise InputError(f"training takes no {', '.join(row.inference)}; leave it out")
    return replace(config, **row.config), recipe.change(**row.recipe)


def _join_torchrun() -> int:
    """Under torchrun: join the other processes and take a GPU. The number of this process."""
    import torch

    if "LOCAL_RANK" not in os.environ:
        return 0
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    torch.distributed.init_process_group()
    return torch.distributed.get_rank()


def _training_progress(steps: int) -> Callable[[Any], None]:
    """Shows step, loss and time left: one line on a terminal, some twenty in a log."""
    from tqdm import tqdm

    bar = tqdm(total=steps, unit=" steps", disable=None, leave=False)

    def show(history: Any) -> None:
        done = len(history)
        bar.set_postfix(loss=f"{history.rows[-1]['loss']:.3f}", refresh=False)
        bar.update(done - bar.n)
        if bar.disable and done % max(1, steps // 20) == 0:
            left = history.seconds / done * (steps - done)
            print(f"step {done} of {steps}, {left:.0f} s left", file=sys.stderr)

    return show
