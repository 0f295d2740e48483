"""Predicting masks: a few reference frames for the whole video, then frame after frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vosedu import flow
from vosedu.checks import check_fields
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.nn import imagenet_rgb, resize_image, to_batch
from vosedu.papers.contract import FeatureStore, FrameResult
from vosedu.papers.dpa.network import DPA, FrameMaps, Reference
from vosedu.papers.streaming import CheckedFrames, results, two_passes

MOST_REPEATED = 16  # references of a clip shorter than that, frames counted again


@dataclass(frozen=True)
class Inference:
    """How to predict. The defaults are the paper's.

    references: N, how many frames of the video every frame is compared with.
    sampling: which ones. "paper": floor(i (L-1) / (N-1)) (Eq. 8), first and last frame included.
        "released": i (L // N), which never takes the last frame.
    binarise: what 0.5 is a threshold of. "half": the probability. "stretch": the probability
        stretched to 0..1 in each frame, as released; a frame without an object then still gets a
        mask.
    flow: the method of `vosedu.flow` for clips that bring no flow along (the authors used RAFT).
    flow_cache: a folder that keeps estimated flow; None keeps none.
    size: height and width the frames are resized to; None: the network's `config.size`.
    """

    references: int = 4
    sampling: str = "paper"
    binarise: str = "half"
    flow: str = "dis-medium"
    flow_cache: str | None = None
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Raise InputError for values of another type or out of range."""
        check_fields(self)

    @classmethod
    def paper(cls) -> Inference:
        """Four references by Eq. 8."""
        return cls()

    @classmethod
    def released(cls) -> Inference:
        """Four references at quarters of the video, every frame's map stretched."""
        return cls(sampling="released", binarise="stretch")


def from_end_to_end(length: int, count: int) -> tuple[int, ...]:
    """floor(i (L-1) / (N-1)), Eq. 8; undefined for N = 1, here the first frame."""
    return tuple(i * (length - 1) // max(count - 1, 1) for i in range(count))


def from_equal_parts(length: int, count: int) -> tuple[int, ...]:
    """i (L // N), as released with N = 4; all the first frame where L < N."""
    return tuple(i * (length // count) for i in range(count))


SAMPLINGS: Mapping[str, Callable[[int, int], tuple[int, ...]]] = {
    "paper": from_end_to_end,
    "released": from_equal_parts,
}


def keep(probability: np.ndarray) -> np.ndarray:
    """The probability as it is."""
    return probability


def stretch(probability: np.ndarray) -> np.ndarray:
    """(p - min) / (max - min + 1e-8): the frame's own extremes become 0 and 1."""
    low, high = probability.min(), probability.max()
    return (probability - low) / (high - low + 1e-8)


BINARISATIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "half": keep,
    "stretch": stretch,
}


def reference_indices(length: int, inference: Inference) -> tuple[int, ...]:
    """The reference frames of a video of `length` frames, N of them, in rising order."""
    return SAMPLINGS[inference.sampling](length, inference.references)


def segment(
    model: DPA,
    clip: Clip,
    *,
    given: Mapping[int, np.ndarray] | None = None,
    inference: Inference | None = None,
    features: FeatureStore | None = None,
) -> Iterator[FrameResult]:
    """The foreground probability of every frame, H x W float32 at the clip's own size, in order.

    A first pass over the clip encodes the reference frames, a second one streams; every frame is
    decoded, drawn as flow and encoded once a pass. What stays in memory is, for each reference,
    its keys and values and, until its own turn has come, its encoder maps (128 MB each at
    512 x 512 and full width). Flow comes from the clip, else it is estimated. With
    `clip.references` the references are frames of that clip. `given` is ignored: the method is
    unsupervised. Several inferences share the encoder maps of the clip's frames with `features`.
    Raises InputError for a clip it cannot use.
    """
    inference = inference or Inference()
    pictures = DPAPictures(model, clip, inference)
    model.eval()
    source = clip.references or clip
    if inference.references > max(len(source), MOST_REPEATED):
        raise InputError(
            f"'{source.name}' has {len(source)} frames to refer to, not {inference.references}; "
            f"give at most {max(len(source), MOST_REPEATED)} references"
        )
    chosen = reference_indices(len(source), inference) if model.needs_references else ()
    other = DPAPictures(model, source, inference) if clip.references else None

    def predicted(
        targets: Sequence[int], encoded: list[FrameMaps], references: list[list[Reference]]
    ) -> Iterator[FrameResult]:
        yield finish(clip, *targets, predict(model, *encoded, *references), inference)

    def encoder(shown: DPAPictures) -> Callable[[Sequence[int]], dict[int, FrameMaps]]:
        return lambda indices: {index: encode(model, shown, index) for index in indices}

    def encode_frames(indices: Sequence[int]) -> dict[int, FrameMaps]:
        if features is None:
            return encoder(pictures)(indices)
        keys = {i: (i, pictures.size, inference.flow, inference.flow_cache) for i in indices}
        fresh = encoder(pictures)([i for i in indices if keys[i] not in features.kept])
        features.kept.update((keys[i], maps) for i, maps in fresh.items())
        return {i: features.kept[keys[i]] for i in indices}

    return two_passes(
        [chosen] * len(clip),
        encode=encode_frames,
        remember=lambda maps: remember(model, maps),
        predict=predicted,
        encode_references=other and encoder(other),
    )


def segment_released(
    model: DPA, clip: Clip, *, inference: Inference | None = None
) -> Iterator[FrameResult]:
    """What the released script does: all references encoded again for every frame.

    For comparison only. The references are those of `segment`.
    """
    inference = inference or Inference.released()
    pictures = DPAPictures(model, clip, inference)
    model.eval()
    chosen = reference_indices(len(clip), inference) if model.needs_references else ()
    for target in range(len(clip)):
        references = [remember(model, encode(model, pictures, index)) for index in chosen]
        probability = predict(model, encode(model, pictures, target), references)
        yield finish(clip, target, probability, inference)


class DPAPictures:
    """A clip as the network sees it: frames and pictures of their flow, resized.

    Raises InputError where network, clip and inference do not go together.
    """

    def __init__(self, model: DPA, clip: Clip, inference: Inference) -> None:
        _check_choices(inference)
        if not isinstance(model, DPA):
            raise InputError(
                f"{type(model).__name__} takes no flow and cannot segment a video: load the "
                "two-stream network that it pre-trains"
            )
        if len(clip) < 2:
            raise InputError(
                f"the clip '{clip.name}' has {len(clip)} frame(s) and DPA needs two for their "
                "flow; give a longer clip"
            )
        self.size = inference.size or model.config.size
        if any(side % 16 or side < 32 for side in self.size):
            raise InputError(
                f"DPA cannot resize frames to {self.size[1]} x {self.size[0]}: set `size` to "
                "multiples of 16, 32 at least"
            )
        self.frames = CheckedFrames(clip)
        self.flows = flow.FlowPictures(
            replace(clip, frames=self.frames), inference.flow, cache=inference.flow_cache
        )
        self.fields = self.flows.fields

    def frame(self, index: int) -> np.ndarray:
        """A frame, h x w x 3 uint8, resized."""
        return resize_image(self.frames[index], self.size)

    def flow(self, index: int) -> np.ndarray:
        """The flow from a frame to the next as a picture, h x w x 3 uint8, drawn, then resized."""
        return resize_image(self.flows[index], self.size)

    def batch(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """What the network takes: frames normalised, flow in 0..1, both B x 3 x h x w float32."""
        pairs = [(self.flow(index), self.frame(index)) for index in indices]
        flows, frames = zip(*pairs)
        return frame_input(frames, self.size), flow_input(flows, self.size)


def frame_input(frames: Sequence[np.ndarray], size: tuple[int, int]) -> Tensor:
    """Frames, each H x W x 3 uint8, resized to `size` (h, w) and normalised: B x 3 x h x w."""
    return imagenet_rgb(to_batch(list(frames), size))


def flow_input(pictures: Sequence[np.ndarray], size: tuple[int, int]) -> Tensor:
    """Pictures of flow, each H x W x 3 uint8, resized to `size` (h, w), in 0..1: B x 3 x h x w."""
    return to_batch(list(pictures), size) / 255


@torch.inference_mode()
def encode(model: DPA, pictures: DPAPictures, index: int) -> FrameMaps:
    """Encoder maps of one frame and its flow."""
    device = next(model.parameters()).device
    frame, picture = pictures.batch([index])
    return model.features(frame.to(device), picture.to(device))


@torch.inference_mode()
def remember(model: DPA, features: FrameMaps) -> Reference:
    """What IFA needs of a reference frame, from its encoder maps."""
    return model.remember(features)


@torch.inference_mode()
def predict(model: DPA, features: FrameMaps, references: Sequence[Reference]) -> Tensor:
    """The final map, 1 x 1 x h x w, of a frame from its encoder maps."""
    return model.predict(features, references)[-1]


def _check_choices(inference: Inference) -> None:
    for name, known in (("sampling", SAMPLINGS), ("binarise", BINARISATIONS)):
        if getattr(inference, name) not in known:
            raise InputError(
                f"DPA has no {name} '{getattr(inference, name)}'; choose one of {', '.join(known)}"
            )
    if inference.references < 1:
        raise InputError(
            f"DPA cannot use {inference.references} references; give 1 or more, or choose a "
            "version without IFA"
        )


def finish(clip: Clip, index: int, probability: Tensor, inference: Inference) -> FrameResult:
    """The final map of a frame, 1 x 1 x h x w: enlarged to the clip's size, checked, binarised."""
    (result,) = results("DPA", clip, [index], probability)
    return replace(result, probability=BINARISATIONS[inference.binarise](result.probability))
