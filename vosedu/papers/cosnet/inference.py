"""From a clip to its masks with COSNet: which references, how they are fused, in two passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vosedu.checks import check_fields
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.nn import to_batch
from vosedu.nn.crf import CRF
from vosedu.papers.contract import FeatureStore, FrameResult
from vosedu.papers.cosnet.network import COSNet, prediction_fusion, summary_fusion
from vosedu.papers.streaming import CheckedFrames, results, two_passes
from vosedu.training.losses import prior_corrected
from vosedu.training.recipe import later

FUSIONS = {"summary": summary_fusion, "prediction": prediction_fusion}
ALONE = ("side", "zero")
_CPU_POSITIONS = 960  # 4 frames of 96 x 160
_LARGEST_BATCH = 8


@dataclass(frozen=True)
class Inference:
    """How to predict; the defaults are the paper's (without its CRF).

    references: N of Eq. 13; a clip of T frames offers at most T (T - 1 for "consecutive").
    sampling: "uniform": evenly spaced over the clip; "random": distinct, drawn over the whole
        clip, the target not excluded; "consecutive": the N frames nearest to the target.
    fusion: "summary" (Eq. 13) or "prediction", the mean of the N probabilities, as released.
    exact: "random" draws anew for every frame, as released. Then any frame may be a reference of
        any other, and the embedding of every frame drawn is kept until its last use. Without it
        one draw serves the whole clip.
    alone: what N = 0 means. "side": the side prediction, which is trained on V alone. "zero": the
        head on [0, V], the gate closed everywhere. A network built with the affinity "none"
        always takes the latter: it was trained that way.
    seed: of the random draws.
    flip: average with the prediction on mirrored frames (not in the paper).
    size: height and width the frames are resized to; None: the network's `config.size`.
    prior: eta, the share of foreground in the training data; the effect of the balanced loss
        (Eq. 11) on the probability is then taken back. None: the probability as trained.
    crf: a dense CRF on every probability, at the clip's size; the paper's numbers include one.
    """

    references: int = 5
    sampling: str = "uniform"
    fusion: str = "summary"
    exact: bool = False
    alone: str = "side"
    seed: int = 0
    flip: bool = False
    size: tuple[int, int] | None = None
    prior: float | None = later(None)
    crf: CRF | None = None

    def __post_init__(self) -> None:
        """Raise InputError for values of another type or out of range."""
        check_fields(self)

    @classmethod
    def paper(cls) -> Inference:
        """Five references, evenly spaced; gated summaries averaged."""
        return cls()

    @classmethod
    def released(cls) -> Inference:
        """Five references drawn at random for every frame; predictions averaged."""
        return cls(sampling="random", fusion="prediction", exact=True)


def evenly_spaced(length: int, inference: Inference) -> list[tuple[int, ...]]:
    """The middle frames of N equal stretches of the clip, for every target."""
    count = min(inference.references, length)
    return [tuple((2 * n + 1) * length // (2 * count) for n in range(count))] * length


def drawn(length: int, inference: Inference) -> list[tuple[int, ...]]:
    """N distinct frames of the clip: one draw for all targets, or one each if `exact`."""
    count = min(inference.references, length)

    def draw(*seed: int) -> tuple[int, ...]:
        chosen = np.random.default_rng(seed).choice(length, count, replace=False)
        return tuple(sorted(chosen.tolist()))

    if inference.exact:
        return [draw(inference.seed, target) for target in range(length)]
    return [draw(inference.seed)] * length


def nearest(length: int, inference: Inference) -> list[tuple[int, ...]]:
    """The N frames nearest to each target, itself excluded; of two equally near, the earlier."""
    count = min(inference.references, length - 1)

    def around(target: int) -> tuple[int, ...]:
        near = range(max(target - count, 0), min(target + count + 1, length))
        others = sorted((n for n in near if n != target), key=lambda n: (abs(n - target), n))
        return tuple(sorted(others[:count]))

    return [around(target) for target in range(length)]


SAMPLINGS: Mapping[str, Callable[[int, Inference], list[tuple[int, ...]]]] = {
    "uniform": evenly_spaced,
    "random": drawn,
    "consecutive": nearest,
}


def reference_plan(length: int, inference: Inference) -> list[tuple[int, ...]]:
    """The reference frames of every target in a clip of `length` frames, in rising order."""
    for name, known in (("sampling", SAMPLINGS), ("fusion", FUSIONS), ("alone", ALONE)):
        if getattr(inference, name) not in known:
            raise InputError(
                f"COSNet has no {name} '{getattr(inference, name)}'; "
                f"choose one of {', '.join(known)}"
            )
    if inference.references < 0:
        raise InputError(f"COSNet cannot use {inference.references} references; give 0 or more")
    if inference.references == 0:
        return [()] * length
    return SAMPLINGS[inference.sampling](length, inference)


def segment(
    model: COSNet,
    clip: Clip,
    *,
    given: Mapping[int, np.ndarray] | None = None,
    inference: Inference | None = None,
    features: FeatureStore | None = None,
) -> Iterator[FrameResult]:
    """The foreground probability of every frame, H x W float32 at the clip's own size, in order.

    References further ahead than N frames are embedded in a first pass over the clip; the second
    pass streams the targets. Every frame is embedded once. What stays in memory is the references
    still to be read: N of them (2N for "consecutive", every drawn frame if `exact`), and every
    frame's embedding with `features`. With `clip.references` the references are frames of that
    clip. `given` is ignored: the method is unsupervised. Raises InputError for a clip it cannot
    use.
    """
    inference = inference or Inference()
    plan = checked_plan(model, clip, inference)
    if inference.crf is not None:
        inference.crf.check(clip.size)
    results = _two_passes(model, clip, plan, inference, features)
    if inference.prior is not None:
        results = _corrected(results, inference.prior)
    return results if inference.crf is None else _refined(results, clip, inference.crf)


def _two_passes(
    model: COSNet,
    clip: Clip,
    plan: list[tuple[int, ...]],
    inference: Inference,
    features: FeatureStore | None,
) -> Iterator[FrameResult]:
    def predict(
        targets: Sequence[int], encoded: list[Tensor], references: list[list[Tensor]]
    ) -> Iterator[FrameResult]:
        va = torch.cat(encoded)
        zs = attend(model, va, [torch.cat(column) for column in zip(*references)])
        yield from _results(clip, targets, fuse(model, va, zs, inference), inference)

    other = clip.references
    return two_passes(
        plan,
        encode=lambda indices: embed_frames(model, clip, indices, inference, features),
        remember=lambda embedding: embedding,
        predict=predict,
        batch=batch_size(model, inference),
        ahead=inference.references,
        encode_references=other and (lambda some: embed_frames(model, other, some, inference)),
    )


def _corrected(results: Iterable[FrameResult], prior: float) -> Iterator[FrameResult]:
    for result in results:
        yield replace(result, probability=prior_corrected(result.probability, prior))


def _refined(results: Iterable[FrameResult], clip: Clip, crf: CRF) -> Iterator[FrameResult]:
    for result, frame in zip(results, clip.frames):
        yield replace(result, probability=crf.refine(result.probability, frame))


def segment_released(
    model: COSNet, clip: Clip, *, inference: Inference | None = None
) -> Iterator[FrameResult]:
    """What the released script does: both frames of every pair embedded again, 2N per frame.

    For comparison only. The references are those of `segment`; for the two-frame network.
    """
    inference = inference or Inference.released()
    plan = checked_plan(model, clip, inference)
    for target, references in enumerate(plan):
        zs = []
        for reference in references:
            va = embed_frames(model, clip, [target], inference)[target]
            vb = embed_frames(model, clip, [reference], inference)[reference]
            zs += attend(model, va, [vb])
        if not references:
            va = embed_frames(model, clip, [target], inference)[target]
        yield from _results(clip, [target], fuse(model, va, zs, inference), inference)


def embed_frames(
    model: COSNet,
    clip: Clip,
    indices: Sequence[int],
    inference: Inference,
    features: FeatureStore | None = None,
) -> dict[int, Tensor]:
    """Frame index -> its embedding, views x C x h x w; the second view is the mirrored frame.

    What `features` holds is not computed again, and what is computed is kept there.
    """
    if features is None:
        return _embed(model, clip, indices, inference)
    keys = {index: (index, inference.size, inference.flip) for index in indices}
    new = [index for index in indices if keys[index] not in features.kept]
    fresh = _embed(model, clip, new, inference)
    features.kept.update((keys[index], v) for index, v in fresh.items())
    return {index: features.kept[keys[index]] for index in indices}


@torch.no_grad()
def _embed(
    model: COSNet, clip: Clip, indices: Sequence[int], inference: Inference
) -> dict[int, Tensor]:
    if not indices:
        return {}
    frames = CheckedFrames(clip)
    x = network_input(model, [frames[index] for index in indices], inference.size)
    views = torch.stack([x, x.flip(-1)] if inference.flip else [x], dim=1)
    # one memory layout whatever the batch, so that batching does not change the rounding
    v = model.embed(views.flatten(0, 1).contiguous()).unflatten(0, views.shape[:2])
    # a copy each, or one reference kept would keep its whole batch
    return {index: each.clone() for index, each in zip(indices, v)}


def network_input(
    model: COSNet, frames: Sequence[np.ndarray], size: tuple[int, int] | None = None
) -> Tensor:
    """Frames, each H x W x 3 uint8 -> what the network takes: B x 3 x h x w float32, normalised.

    Resized to `size` (h, w), by default the network's own. On the device of the network.
    """
    device = next(model.parameters()).device
    return model.normalise(to_batch(list(frames), size or model.config.size).to(device))


@torch.no_grad()
def attend(model: COSNet, va: Tensor, references: Sequence[Tensor]) -> list[Tensor]:
    """Views of targets and of their n-th references -> their gated summaries, one per reference."""
    return model.attend(va, references) if references else []


@torch.no_grad()
def fuse(model: COSNet, va: Tensor, zs: list[Tensor], inference: Inference) -> Tensor:
    """Embeddings and gated summaries, each B x C x h x w -> probabilities, B x 1 x H x W.

    Without summaries (N = 0) as `inference.alone` says. H and W are the network's.
    """
    size = inference.size or model.config.size
    if not zs and model.coattention.uses_references and inference.alone == "side":
        return model.saliency(va, size).sigmoid()
    return FUSIONS[inference.fusion](model, va, zs or model.attend(va, []), size)


def batch_size(model: COSNet, inference: Inference) -> int:
    """How many frames to take at once; on a CPU more than one pays for small frames only."""
    if next(model.parameters()).device.type != "cpu":
        return _LARGEST_BATCH
    height, width = inference.size or model.config.size
    positions = height * width // stride(model) ** 2
    return int(np.clip(_CPU_POSITIONS // positions, 1, _LARGEST_BATCH))


def stride(model: COSNet) -> int:
    """Pixels per position of the embedding."""
    return model.embedding.encoder.strides[-1]


def checked_plan(model: COSNet, clip: Clip, inference: Inference) -> list[tuple[int, ...]]:
    """The references of every target, none for a network that reads none.

    Raises InputError where clip and inference do not go together. Puts the model into evaluation
    mode.
    """
    if not len(clip):
        raise InputError(f"the clip '{clip.name}' has no frames; choose another")
    if not model.coattention.uses_references:
        inference = replace(inference, references=0)
    if len(clip) == 1 and inference.references:
        raise InputError(
            f"the clip '{clip.name}' has one frame and COSNet needs a second one to refer to; "
            "give more frames or set references=0"
        )
    for what, size in (("frames", clip.size), ("input", inference.size or model.config.size)):
        if min(size) < stride(model):
            raise InputError(
                f"the {what} of '{clip.name}' of {size[1]} x {size[0]} pixels is smaller than the "
                f"network's stride of {stride(model)}; enlarge the video"
            )
    plan = reference_plan(len(clip.references or clip), inference)
    model.eval()
    return [plan[min(target, len(plan) - 1)] for target in range(len(clip))]


def _results(
    clip: Clip, targets: Sequence[int], probability: Tensor, inference: Inference
) -> Iterator[FrameResult]:
    return results("COSNet", clip, targets, probability, mirrored=inference.flip)
