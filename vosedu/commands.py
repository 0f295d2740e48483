"""What the commands of the command line do, one function each."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from vosedu.errors import InputError

T = TypeVar("T")
Arguments = argparse.Namespace

PROTOCOLS = {  # of data sets that are not named like theirs
    "davis17": "davis17-semi",
    "youtube-vos-2018": "youtube-vos",
    "youtube-vos-2019": "youtube-vos",
}


def tour(arguments: Arguments) -> None:
    """Run the tour notebook and say where its results are."""
    from vosedu import tour

    tour.run(arguments.out, arguments.profile)


def segment(arguments: Arguments) -> None:
    """Write masks/00000.png ... (indexed) and overlay.mp4 for one clip."""
    import time

    from vosedu import api
    from vosedu.clip import Clip, VideoWriter, new_folder, write_mask
    from vosedu.figures.overlay import overlay

    api.paper(arguments.method)
    clip = Clip.read(arguments.path)
    out = arguments.out or Path("runs") / clip.name
    model = api.load(arguments.method, arguments.weights, device=_device(arguments.device))
    inference = _inference(model, arguments)
    masks = new_folder(out, arguments.overwrite) / "masks"
    masks.mkdir(exist_ok=True)
    arguments.kept = f"the masks so far are in {masks}"
    for earlier in masks.glob("*.png"):
        earlier.unlink()
    began = time.perf_counter()
    results = api.segment(model, clip, inference=inference)
    with VideoWriter(out / "overlay.mp4", clip.fps, arguments.overwrite) as video:
        for result, frame in _progress(zip(results, clip.frames), len(clip), "frames"):
            write_mask(masks / f"{result.index:05d}.png", result.mask)
            video.write(overlay(frame, result.mask))
    seconds = time.perf_counter() - began
    height, width = clip.size
    print(f"{len(clip)} frames of {width} x {height} in {seconds:.1f} s")
    print(f"masks: {masks}\nvideo: {out / 'overlay.mp4'}")


def train(arguments: Arguments) -> None:
    """Train, keep the state in a folder, and write the checkpoint with its log."""
    from vosedu import api, toyvos
    from vosedu.ablation.store import commit
    from vosedu.training import digest, save_course

    paper = api.paper(arguments.key)
    config, recipe = trained(paper, arguments)
    name = f"{paper.key}-{arguments.profile}-{arguments.seed}"
    out = arguments.out or Path("runs/train") / name
    arguments.kept = f"the same command goes on from the last save in {out}"
    steps = sum(stage.steps for stage in recipe.stages)
    first = _join_torchrun() == 0
    model, history = paper.train(
        config,
        recipe,
        seed=arguments.seed,
        device=_device(arguments.device),
        folder=out,
        on_step=_training_progress(steps) if first else None,
        until=arguments.until,
    )
    if not first:
        return
    options = {"profile": arguments.profile, "seed": arguments.seed, "until": arguments.until}
    options |= {"initial": arguments.initial, "set": " ".join(arguments.set)}
    said = [f"--{name} {value}" for name, value in options.items() if value not in (None, "")]
    about = {
        "command": " ".join(["vosedu train", paper.key, *said]),
        "commit": commit(),
        "config": asdict(config),
        "recipe": asdict(recipe),
        "hashes": {"config": digest(config), "recipe": digest(recipe)},
        "data": toyvos.PIXELS,
        "seconds": round(history.seconds, 1),
        "seed": arguments.seed,
        "steps": len(history),
    }
    name = f"{paper.key}-{arguments.until}" if arguments.until else paper.key
    path = save_course(out, name, model, history, about)
    print(f"{len(history)} steps in {history.seconds:.0f} s\nweights: {path}")


def trained(paper: Any, arguments: Arguments) -> tuple[Any, Any]:
    """The Config and the Recipe that a `vosedu train` command asks for."""
    config, recipe = _changed(paper, *_profiled(paper, arguments.profile), arguments.set)
    if arguments.initial is not None:
        recipe = replace(recipe, initial=arguments.initial)
    return config, recipe


def evaluate(arguments: Arguments) -> None:
    """Print J and F of a data set, and write those of every sequence and frame when asked."""
    from vosedu import api

    api.paper(arguments.method)
    wanted = {"suite": arguments.suite, "root": arguments.root, "resolution": arguments.resolution}
    options = {name: value for name, value in wanted.items() if value is not None}
    if arguments.present_only:
        options["present_only"] = True
    clips = api.dataset(arguments.data, split=arguments.split, **options)
    if arguments.flow:
        from vosedu.training.data import EstimatedFlow

        clips = EstimatedFlow(clips, arguments.flow)
    protocol = arguments.protocol or PROTOCOLS.get(arguments.data, arguments.data)
    temporal: bool | list[str] = arguments.temporal
    if arguments.temporal and arguments.data == "davis16":
        from vosedu.datasets import DAVIS16

        temporal = [name for name, sequence in DAVIS16.items() if sequence.temporal]
    shown = _progress(clips, len(clips), "clips")
    if arguments.masks:
        from vosedu import metrics

        scores = metrics.evaluate_folder(arguments.masks, shown, protocol, temporal=temporal)
    else:
        model = api.load(arguments.method, arguments.weights, device=_device(arguments.device))
        scores = api.evaluate(
            model,
            shown,
            protocol=protocol,
            temporal=temporal,
            inference=_inference(model, arguments),
        )
    print(scores)
    if arguments.csv:
        print(*scores.to_csv(arguments.csv, arguments.overwrite), sep="\n")
    if arguments.record:
        from vosedu import ladder

        ladder.record(
            arguments.method,
            arguments.record,
            scores,
            where=" ".join([arguments.data, arguments.split, arguments.resolution or ""]).strip()
            + f", {len(clips)} clips"
            + (f", {arguments.flow} flow" if arguments.flow else ""),
            weights=arguments.weights,
        )


def ablate(arguments: Arguments) -> None:
    """List a paper's tables, or run one and print it."""
    from vosedu import ablation, api
    from vosedu.text import columns

    paper = api.paper(arguments.key)
    if arguments.table is None:
        for table in paper.tables:
            print(f"{table.key:4} {table.title} ({len(table.rows)} rows)")
        return
    table = _known(paper.table, arguments.table)
    store = ablation.Store(arguments.store) if arguments.store else None
    arguments.kept = "finished runs are kept, the same command goes on from there"
    store = ablation.run_table(
        paper,
        table,
        seeds=range(arguments.seeds),
        profile=arguments.profile,
        rows=arguments.rows,
        split=arguments.split,
        device=_device(arguments.device),
        store=store,
        runs=Path("runs/ablate"),
        jobs=arguments.jobs,
        say=lambda line: print(line, file=sys.stderr),
    )
    shown = ablation.table(
        paper, table, store, profile=arguments.profile, split=arguments.split
    ).drop(columns="claim")
    print(columns(shown.reset_index().values.tolist(), [f"Table {table.key}", *shown.columns]))


def data(arguments: Arguments) -> int:
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
        found = manage.check(name, root, **options)
        print("\n".join(found.lines))
        return int(not found.ok)
    return 0


def weights(arguments: Arguments) -> None:
    """List what the authors released, or get a paper's weights."""
    from vosedu import api
    from vosedu.datasets.download import fetch
    from vosedu.datasets.weights import get_weights, where_weights
    from vosedu.paths import downloads_dir

    if arguments.action == "list":
        for key, paper in api.papers().items():
            print(f"{key}: {paper.title}")
            for link in paper.released.weights:
                print("\n".join(f"  {line}" for line in link.describe()))
            if not paper.released.weights:
                print(f"  none: {paper.released.reason}")
        return
    if arguments.key is None:
        raise InputError("name a paper: vosedu weights get cosnet")
    if arguments.action == "where":
        print("\n".join(where_weights(arguments.key)))
        return
    if arguments.file is not None:
        print(get_weights(arguments.key, arguments.file))
        return
    released = api.paper(arguments.key).released
    if not released.weights:
        raise InputError(f"no weights were released for {arguments.key}: {released.reason}")
    arguments.kept = "the same command goes on from there"
    for link in released.weights if arguments.all else released.weights[:1]:
        print(fetch(link, downloads_dir() / "weights" / arguments.key))


def bench(arguments: Arguments) -> int:
    """Measure, print one table, and write JSON when asked; exit code 1 if a budget is missed."""
    from vosedu import bench

    return int(not all(m.kept for m in bench.run(arguments.names, arguments.json)))


def doctor(arguments: Arguments) -> int:
    """Print what works here; exit code 1 if something needed does not."""
    from vosedu import doctor

    checks = doctor.examine()
    print(doctor.report(checks))
    return int(any(check.verdict == "FAIL" for check in checks))


def notebooks(arguments: Arguments) -> int:
    """Execute and check notebooks; exit code 1 if one breaks a rule."""
    import time

    from vosedu import notebooks

    paths = arguments.paths or notebooks.find()
    arguments.kept = "notebooks that had not finished are as they were"
    broken = 0
    for path in paths:
        began = time.perf_counter()
        if not arguments.check:
            notebooks.execute(path, path, timeout=1200, progress=sys.stderr.isatty())
        problems = notebooks.check(path)
        broken += bool(problems)
        print(
            f"{path}: {'keeps the rules' if not problems else f'{len(problems)} problems'}"
            + ("" if arguments.check else f", {time.perf_counter() - began:.0f} s")
        )
        for problem in problems:
            print(f"  {problem}")
    return int(broken > 0)


# Helpers -----------------------------------------------------------------------------------------


def _device(name: str | None) -> str:
    """The device asked for, or the best there is."""
    import torch

    if name is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"the device '{name}' cannot be used here ({str(error).splitlines()[0]}); "
            "vosedu doctor shows what can"
        ) from error
    return name


def _inference(model: Any, arguments: Arguments) -> Any:
    """How the network predicts (in the form of its weights), with the options' changes."""
    from vosedu import api
    from vosedu.nn.crf import CRF

    inference = api.inference_of(model)
    changes = {"references": arguments.references, "crf": CRF() if arguments.crf else None}
    wanted = {name: value for name, value in changes.items() if value is not None}
    for name in wanted.keys() - {field.name for field in fields(inference)}:
        raise InputError(f"{api.paper_of(model).key} has no --{name}; leave it out")
    return replace(inference, **wanted)


def _profiled(paper: Any, profile: str) -> tuple[Any, Any]:
    """Config and recipe of one profile."""
    from vosedu.papers.contract import PROFILES

    if profile not in PROFILES:
        raise InputError(f"there is no profile '{profile}'; choose one of {', '.join(PROFILES)}")
    return paper.Config.paper().scaled(profile), paper.recipe(profile)


def _changed(paper: Any, config: Any, recipe: Any, changes: Sequence[str]) -> tuple[Any, Any]:
    """Config and recipe with FIELD=VALUE changes."""
    from ast import literal_eval

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
    row = change_row(paper, values)
    if row.inference:
        raise InputError(f"training takes no {', '.join(row.inference)}; leave it out")
    return replace(config, **row.config), recipe.change(**row.recipe)


def _known(find: Callable[[str], T], name: str) -> T:
    """Look a table or row up; an unknown one is the user's mistake."""
    try:
        return find(name)
    except KeyError as error:
        raise InputError(str(error.args[0])) from None


def _progress(items: Iterable[T], total: int, unit: str) -> Iterable[T]:
    """The items, with a line on the terminal that shows how far they are and the time left."""
    from tqdm import tqdm

    return tqdm(items, total=total, unit=f" {unit}", disable=None, leave=False)


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
