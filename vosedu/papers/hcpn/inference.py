"""Predicting masks: pair after pair of neighbouring frames, each with the flow between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vosedu import flow
from vosedu.checks import check_fields
from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.nn import imagenet_rgb, to_batch
from vosedu.nn.crf import CRF, EnergyCRF
from vosedu.papers.contract import FeatureStore, FrameResult
from vosedu.papers.hcpn.network import HCPN
from vosedu.papers.streaming import CheckedFrames, results

PAPER_CRF = EnergyCRF(smooth=(1.0, 3.0), bilateral=(25.0, 5.0, 7.0), stretch=True)
"""The CRF of Table IV, with the parameters and energies of the released script."""


@dataclass(frozen=True)
class Inference:
    """How to predict. The defaults are the paper's, as far as it says.

    keep: which masks make the result of a frame, which stands in two pairs. "first": that of the
        pair it is the first frame of, for the last frame that of its only pair (as released).
        "mean": the mean of both.
    mirror: the mean with the result for the mirrored pictures.
    precision: "float"; "byte": cut to 256 steps before the mask is resized, as released.
    crf: a dense CRF on every probability, at the clip's size, such as `PAPER_CRF`; Table IV of the
        paper includes it.
    flow: the method of `vosedu.flow` for clips that bring no flow along (the authors used RAFT).
    flow_cache: a folder that keeps estimated flow; None keeps none.
    flow_order: of the flow picture's channels, "rgb"; "bgr": red and blue exchanged, as released.
    size: height and width the frames are resized to; None: the network's `config.size`.
    """

    keep: str = "first"
    mirror: bool = False
    precision: str = "float"
    crf: CRF | None = field(default=None, metadata={"given": PAPER_CRF})
    flow: str = "dis-medium"
    flow_cache: str | None = None
    flow_order: str = "rgb"
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Raise InputError for values of another type or out of range."""
        check_fields(self)

    @classmethod
    def paper(cls) -> Inference:
        """One mask per frame, nothing mirrored, without the CRF of Table IV."""
        return cls()

    @classmethod
    def released(cls) -> Inference:
        """As the authors' test script: mirrored views, bytes, flow pictures with exchanged colours.

        The CRF is a script of its own; give it with `crf=PAPER_CRF`.
        """
        return cls(mirror=True, precision="byte", flow_order="bgr")


def as_float(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """The maps as they are, to be resized as the result of every method is."""
    return maps


def as_bytes(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Probabilities cut to 256 steps, then resized by Pillow's bicubic filter, as released.

    maps: B x 1 x h x w -> B x 1 x H x W, H x W being `size`.
    """
    steps = (maps[:, 0] * 255).byte().cpu().numpy()  # B 1 h w -> B h w
    pictures = [Image.fromarray(m).resize(size[::-1], Image.Resampling.BICUBIC) for m in steps]
    return torch.from_numpy(np.stack([np.asarray(p) for p in pictures]))[:, None].float() / 255


PRECISIONS: Mapping[str, Callable[[Tensor, tuple[int, int]], Tensor]] = {
    "float": as_float,
    "byte": as_bytes,
}
KEEPS = ("first", "mean")
ORDERS = ("rgb", "bgr")


def segment(
    model: HCPN,
    clip: Clip,
    *,
    given: Mapping[int, np.ndarray] | None = None,
    inference: Inference | None = None,
    features: FeatureStore | None = None,
) -> Iterator[FrameResult]:
    """The foreground probability of every frame, H x W float32 at the clip's own size, in order.

    One pass over the clip's pairs; each frame is decoded and resized once, and only masks that
    are kept are decoded from features. (A frame passes two encoders, those of first and of second
    frames, which share no weights, and meets another flow in each: no feature of it serves both
    pairs.) Flow comes from the clip, else it is estimated. `given` is ignored: the method is
    unsupervised; nothing is shared through `features`. Raises InputError for a clip it cannot use.
    """
    inference = inference or Inference()
    pictures = HCPNPictures(model, clip, inference)
    model.eval()
    found = _kept(model, pictures, inference)
    yield from found if inference.crf is None else _refined(found, pictures, inference.crf)


def _kept(model: HCPN, pictures: HCPNPictures, inference: Inference) -> Iterator[FrameResult]:
    """The results of all frames; between two pairs one map waits, where both are averaged."""
    clip, waiting = pictures.clip, None
    pairs = len(clip) - 1
    both = inference.keep == "mean"
    for pair in range(pairs):
        first, second = predict(model, pictures.pair(pair), both or pair == pairs - 1)
        yield finish(clip, pair, _mean(waiting, first), inference)
        waiting = second if both else None
    yield finish(clip, pairs, second, inference)


def _mean(one: Tensor | None, other: Tensor) -> Tensor:
    return other if one is None else (one + other) / 2


def segment_released(
    model: HCPN, clip: Clip, *, inference: Inference | None = None
) -> Iterator[FrameResult]:
    """What the released script does: both masks of every pair are decoded, most are overwritten.

    For comparison only. The mirrored view is a pass of its own.
    """
    inference = inference or Inference.released()
    pictures = HCPNPictures(model, clip, inference)
    model.eval()
    kept: dict[int, Tensor] = {}
    for pair in range(len(clip) - 1):
        views = pictures.pair(pair).split(1, dim=1)
        maps = [predict(model, view, True) for view in views]
        for index, of_views in zip((pair, pair + 1), zip(*maps)):
            kept[index] = torch.cat(of_views)
        yield finish(clip, pair, kept.pop(pair), inference)
    yield finish(clip, len(clip) - 1, kept.pop(len(clip) - 1), inference)


class HCPNPictures:
    """A clip as the network sees it: pairs of frames and the pictures of their flow, resized.

    Raises InputError where network, clip and inference do not go together.
    """

    def __init__(self, model: HCPN, clip: Clip, inference: Inference) -> None:
        _check_choices(inference)
        if len(clip) < 2:
            raise InputError(
                f"the clip '{clip.name}' has {len(clip)} frame(s) and HCPN needs two for a pair; "
                "give a longer clip"
            )
        self.size = inference.size or model.config.size
        if any(side % 32 or side < 32 for side in self.size):
            raise InputError(
                f"HCPN cannot resize frames to {self.size[1]} x {self.size[0]}: set `size` to "
                "multiples of 32"
            )
        self.device = next(model.parameters()).device
        self.mirror = inference.mirror
        self.frames = CheckedFrames(clip)
        self.clip = replace(clip, frames=self.frames)
        self.flows = flow.FlowPictures(
            self.clip,
            inference.flow,
            last="none",
            cache=inference.flow_cache,
            order=inference.flow_order,
        )
        self._second: tuple[int, Tensor] | None = None

    def frame(self, index: int) -> Tensor:
        """What the network takes of a frame, 1 x 3 x h x w float32."""
        return frame_input([self.frames[index]], self.size)

    def flow(self, index: int) -> Tensor:
        """What the network takes of the flow from a frame to the next, 1 x 3 x h x w float32."""
        return flow_input([self.flows[index]], self.size)

    def pair(self, index: int) -> Tensor:
        """Frame `index`, the next one and their flow, as they are and, if wanted, mirrored.

        3 x V x 3 x h x w float32: the three inputs, V views of each.
        """
        held, first = self._second or (None, None)
        first = first if held == index else self.frame(index)
        second = self.frame(index + 1)
        self._second = (index + 1, second)
        pair = torch.stack([first, second, self.flow(index)]).to(self.device)
        return torch.cat([pair, pair.flip(-1)], dim=1) if self.mirror else pair


def frame_input(frames: Sequence[np.ndarray], size: tuple[int, int]) -> Tensor:
    """Frames, each H x W x 3 uint8, resized to `size` (h, w) and normalised: B x 3 x h x w."""
    return imagenet_rgb(to_batch(list(frames), size))


def flow_input(pictures: Sequence[np.ndarray], size: tuple[int, int]) -> Tensor:
    """Pictures of flow, each H x W x 3 uint8, prepared as frames are: B x 3 x h x w."""
    return frame_input(pictures, size)


@torch.inference_mode()
def predict(model: HCPN, pair: Tensor, both: bool) -> tuple[Tensor, Tensor | None]:
    """Probabilities of a pair's first frame and, if wanted, of its second: V x 1 x h x w each."""
    v_a, v_b = model.encode(*pair)
    size = model.output_size(pair[0])
    second = model.decoder(v_b, size)[0].sigmoid() if both else None
    return model.decoder(v_a, size)[0].sigmoid(), second


def finish(clip: Clip, index: int, maps: Tensor, inference: Inference) -> FrameResult:
    """A frame's map, V x 1 x h x w: views averaged, resized to the clip's size, checked."""
    if inference.mirror:
        maps = (maps[:1] + maps[1:].flip(-1)) / 2  # V 1 h w -> 1 1 h w
    (result,) = results("HCPN", clip, [index], PRECISIONS[inference.precision](maps, clip.size))
    return result


def _refined(
    found: Iterator[FrameResult], pictures: HCPNPictures, crf: CRF
) -> Iterator[FrameResult]:
    for result in found:
        refined = crf.refine(result.probability, pictures.frames[result.index])
        yield replace(result, probability=refined)


def _check_choices(inference: Inference) -> None:
    known = {"keep": KEEPS, "precision": tuple(PRECISIONS), "flow_order": ORDERS}
    for name, values in known.items():
        if getattr(inference, name) not in values:
            raise InputError(
                f"HCPN has no {name} '{getattr(inference, name)}'; choose one of "
                f"{', '.join(values)}"
            )
