"""What `import vosedu` gives: load, segment, evaluate, dataset."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from vosedu import metrics, toyvos
from vosedu import papers as discovered
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.nn import load_weights
from vosedu.nn.weights import read_state
from vosedu.papers.contract import FeatureStore, FrameResult, Paper
from vosedu.papers.decision import decided
from vosedu.papers.embedded import as_embedded, decision_of
from vosedu.paths import data_dir


def paper(key: str | Paper[Any, Any]) -> Paper[Any, Any]:
    """The paper of that key."""
    return key if isinstance(key, Paper) else discovered.paper(key)


def papers() -> dict[str, Paper[Any, Any]]:
    """All papers by key."""
    return discovered.papers()


def paper_of(model: nn.Module) -> Paper[Any, Any]:
    """The paper whose network `model` is."""
    for each in papers().values():
        if isinstance(getattr(model, "config", None), each.Config):
            return each
    raise InputError(
        f"{type(model).__name__} is not a network of this package; "
        "make one with vosedu.load or a paper's build()"
    )


def load(
    key: str | Paper[Any, Any],
    weights: str | Path | None = "course",
    *,
    config: Any = None,
    device: str | torch.device = "cpu",
) -> nn.Module:
    """A paper's network in evaluation mode.

    weights: "course" (embedded, trained by us on ToyVOS), "davis-small" (embedded, a small ImageNet
    encoder, trained by us on DAVIS: for real video), another of `embedded_names`, "released" (the
    authors', fetched with `vosedu weights get KEY`), a path to a file of either kind, or None for
    random weights.
    config: the configuration to build; by default the one the weights were made with, as
    `vosedu train` notes it beside them.
    The network's `form` is "released" where its weights are in the authors' format, else "paper";
    `segment` then predicts in the same form; with embedded weights also with their
    `Paper.settings` and `Paper.decisions`.
    """
    method = paper(key)
    settings = method.settings.get(str(weights), {})
    decision = method.decisions.get(str(weights), "half")
    if is_embedded(weights):
        weights = embedded(method.key, str(weights))
    form = "paper"
    if weights is None or (weights != "released" and _ours(method, Path(weights), config)):
        config = config or _noted_config(method, weights) or method.Config.paper().scaled("course")
        model = method.build(config)
        if weights is not None:
            _read_into(method, partial(load_weights, model, weights), weights)
    else:
        if method.released.load is None:
            raise InputError(f"no weights were released for {method.key}: {method.released.reason}")
        config = config or method.Config.released()
        model = method.build(config)
        file = None if weights == "released" else weights
        _read_into(method, partial(method.released.load, model, file), file)
        form = "released"
    model.__dict__.update(form=form, settings=settings, decision=decision)
    return model.to(device).eval()


def is_embedded(weights: object) -> bool:
    """Whether this is how embedded weights are called: "davis-small", "course" or "course-..."."""
    return re.fullmatch(r"davis-small|course(-\w+)*", str(weights)) is not None


def embedded_names(key: str) -> list[str]:
    """What embedded weights a paper has.

    "course", variants of it such as DeAOT's "course-aot", "davis-small".
    """
    folder = data_dir("checkpoints")
    found = sorted(path.stem for path in folder.glob(f"{key}*.pt"))
    small = ["davis-small"] if _embedded_file(key, "davis-small").is_file() else []
    return ["course" + stem.removeprefix(key) for stem in found] + small


def embedded(key: str, weights: str) -> Path:
    """Where a paper's embedded weights of that name lie; InputError where it has none."""
    path = _embedded_file(key, weights)
    if not path.is_file():
        profile = weights.partition("-")[0] if weights.startswith("course") else weights
        raise InputError(
            f"{key} has no embedded weights '{weights}'; train them with 'vosedu train {key} "
            f"--profile {profile}' and name the file, or choose "
            f"{' or '.join(embedded_names(key)) or 'other weights'}"
        )
    return path


def weights_for(key: str, rendered: bool) -> str:
    """The embedded weights that suit a paper's clips: ToyVOS's rendered ones, or real video.

    "davis-small" for real video where the paper has it, else "course".
    """
    small = not rendered and _embedded_file(key, "davis-small").is_file()
    return "davis-small" if small else "course"


def _embedded_file(key: str, weights: str) -> Path:
    folder = data_dir("checkpoints")
    if weights == "davis-small":
        return folder / weights / f"{key}.pt"
    return folder / f"{key}{weights.removeprefix('course')}.pt"


def _ours(method: Paper[Any, Any], weights: Path, config: Any) -> bool:
    """Whether a checkpoint file is one of this package's, told by its note or its names."""
    if method.released.load is None or weights.with_suffix(".json").is_file():
        return True
    if weights.is_dir():  # ours is one file; a release may be several
        return False
    course = method.build(config or method.Config.paper().scaled("course"))
    return bool(course.state_dict().keys() & read_state(weights).keys())


def _read_into(
    method: Paper[Any, Any], read: Callable[[], Any], weights: str | Path | None
) -> None:
    """Call `read`; where it refuses the weights, say whose they are if they are another paper's."""
    try:
        read()
    except InputError:
        other = owner(weights) if weights is not None else None
        if other is None or other is method:
            raise
        raise _of_another(method, other, weights) from None


def owner(weights: str | Path) -> Paper[Any, Any] | None:
    """The paper that a checkpoint file, or a folder of them, is of; told by the names inside.

    It is the one whose networks have most of these names, in our layout or the authors'; None
    where no paper's have a tenth of them.
    """
    path = Path(weights)
    state: dict[str, torch.Tensor] = {}
    for file in path.rglob("*.pt*") if path.is_dir() else (path,):
        with suppress(InputError):
            state |= read_state(file)
    shares = {key: _share_of_names(each, state) for key, each in papers().items()}
    key = max(shares, key=lambda key: shares[key])
    return paper(key) if shares[key] > 0.1 else None


def _share_of_names(method: Paper[Any, Any], state: dict[str, torch.Tensor]) -> float:
    """Which part of a state dict's names a paper's networks have, in the better of both layouts."""
    renamed = method.rename(state) if method.rename else state
    ours = _names(method.key)
    return max(len(ours & layout.keys()) for layout in (state, renamed)) / max(1, len(state))


@cache
def _names(key: str) -> frozenset[str]:
    """The names of the entries of a paper's networks, released and embedded."""
    configs = paper(key).Config.released(), paper(key).Config.paper().scaled("course")
    with torch.device("meta"):
        return frozenset(n for config in configs for n in paper(key).build(config).state_dict())


def _of_another(
    method: Paper[Any, Any], other: Paper[Any, Any], weights: str | Path | None
) -> InputError:
    return InputError(
        f"{weights} holds weights of {other.name}, not of {method.name}; load them as "
        f"'{other.key}' (--method {other.key}), or name another file"
    )


def _noted_config(method: Paper[Any, Any], weights: str | Path | None) -> Any:
    """The configuration that `vosedu train` noted beside a checkpoint; None without a note."""
    note = Path(weights).with_suffix(".json") if weights is not None else None
    if note is None or not note.is_file():
        return None
    try:
        noted = json.loads(note.read_text(encoding="utf-8"))["config"]
        values = {name: tuple(v) if isinstance(v, list) else v for name, v in noted.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"the note {note} beside the weights is not one that 'vosedu train' writes; remove it "
            "to load the weights with the course configuration"
        ) from error
    if values.keys() <= {field.name for field in dataclasses.fields(method.Config)}:
        return method.Config(**values)
    for other in papers().values():
        if values.keys() <= {field.name for field in dataclasses.fields(other.Config)}:
            raise _of_another(method, other, weights)
    raise InputError(
        f"the note {note} names settings that {method.name} does not have; train the network again"
    )


def inference_of(model: nn.Module) -> Any:
    """The Inference that a network predicts with unless told otherwise, in the form of its weights.

    Embedded networks may have settings of their own. A network that `load` did not make
    predicts in the paper's form.
    """
    usual = paper_of(model).inference(getattr(model, "form", "paper"))
    return as_embedded(model, usual)


def segment(
    model: nn.Module,
    clip: Clip | np.ndarray | Iterable[np.ndarray],
    *,
    given: Mapping[int, np.ndarray] | None = None,
    inference: Any = None,
    decision: str | None = None,
    features: FeatureStore | None = None,
) -> Iterator[FrameResult]:
    """Segment a clip frame by frame, streaming, on the device the model is on.

    clip: a Clip, or frames in memory: T x H x W x 3 uint8 RGB, or an iterable of H x W x 3.
    given: frame index -> H x W ids, which semi-supervised methods start from. inference: the
    paper's Inference; by default `inference_of(model)`. decision: where masks are cut, a name of
    `papers.decision.DECISIONS`; by default one half, or what the embedded weights say. features:
    shares the features of this clip between calls.
    """
    method, clip = paper_of(model), Clip.of(clip)
    if "mask" in method.needs and not given:
        raise InputError(
            f"{method.name} needs the mask of the objects to follow in '{clip.name}'; give "
            "given={0: ids}, H x W object ids for frame 0"
        )
    if features is not None:
        features.check(model, clip)
    results = method.segment(
        model, clip, given=given, inference=inference or inference_of(model), features=features
    )
    return decided(results, decision or decision_of(model))


def evaluate(
    model: nn.Module,
    clips: Clip | Iterable[Clip],
    *,
    protocol: str | None = None,
    temporal: bool | Collection[str] = False,
    inference: Any = None,
    decision: str | None = None,
    features: FeatureStore | None = None,
) -> metrics.Scores:
    """Segment and score clips: J and F per sequence, frame and attribute.

    A method that needs the first mask takes it from the clip's labels, as `Protocol.given` says.
    protocol: a name of `metrics.PROTOCOLS`; by default the paper's. temporal: also T, of all
    sequences or of those named. inference, decision: as in `segment`. features: of the one clip
    in `clips`, where calls share them.
    """
    method = paper_of(model)
    if isinstance(clips, Clip):
        clips = [clips]
    if isinstance(clips, str | Path):
        raise InputError(f"'{clips}' is a name, not clips; open it with vosedu.dataset first")
    rules = metrics.protocol_of(protocol or method.protocol)

    def masks(clip: Clip) -> dict[int, np.ndarray]:
        results = segment(
            model,
            clip,
            given=first_masks(model, clip, rules.name),
            inference=inference,
            decision=decision,
            features=features,
        )
        return {result.index: result.mask for result in results}

    return metrics.evaluate(masks, clips, rules, temporal=temporal)


def first_masks(
    model: nn.Module, clip: Clip, protocol: str | None = None
) -> dict[int, np.ndarray] | None:
    """What a semi-supervised network is given of a clip: frame number -> H x W uint8 ids.

    None for a network that needs no mask. protocol: a name of `metrics.PROTOCOLS`, which says what
    is given; by default the paper's.
    """
    method = paper_of(model)
    rules = metrics.protocol_of(protocol or method.protocol)
    return rules.given(clip) if "mask" in method.needs else None


def dataset(name: str, split: str = "val", **options: Any) -> Sequence[Clip]:
    """Clips of a data set: "toyvos" (option `suite`), or a real one where it has been put.

    vosedu.dataset("toyvos", split="val"); vosedu.dataset("davis16", split="val", root="DAVIS")
    """
    from vosedu import datasets

    if name == "toyvos":
        datasets.check_options(name, toyvos.split, options)
        return toyvos.split(split, **options)
    return datasets.open_dataset(name, split=split, **options)
