"""Predicting masks: frame after frame, each with the picture of the flow that leaves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from vosedu.checks import check_fields
from vosedu.clip import Clip
from vosedu.errors import InputError, choose
from vosedu.flow import FlowPictures
from vosedu.nn import imagenet_rgb
from vosedu.nn.crf import CRF, EnergyCRF
from vosedu.papers.amcnet.network import AMCNet
from vosedu.papers.contract import FeatureStore, FrameResult
from vosedu.papers.streaming import CheckedFrames

PAPER_CRF = EnergyCRF(smooth=(3.0, 3.0), bilateral=(30.0, 5.0, 5.0))
"""The CRF of the paper's last rows, with the parameters and energies of the released script."""

FILTERS = {"bicubic": Image.Resampling.BICUBIC, "nearest": Image.Resampling.NEAREST}


@dataclass(frozen=True)
class Inference:
    """How to predict. The defaults give the mask that the network's probability stands for.

    order: "enlarge": the probability is enlarged to the clip's size, then thresholded at one half.
        "binarise": as released, thresholded at the network's size, the mask of 0 and 255 enlarged
        by `filter`, and every value above 0 counted as object, which widens the edge.
    filter: Pillow's filter for frames and flow pictures, and for masks under "binarise". The
        release names none: "bicubic" is Pillow's default since 7.0, "nearest" was it before.
    crf: a dense CRF on every probability at the clip's size, such as `PAPER_CRF`.
    flow: the method of `vosedu.flow` for clips that bring no flow along (the authors used PWC-Net).
    flow_cache: a folder that keeps estimated flow; None keeps none.
    size: height and width the pictures are resized to; None: the network's `config.size`.
    """

    order: str = "enlarge"
    filter: str = "bicubic"
    crf: CRF | None = field(default=None, metadata={"given": PAPER_CRF})
    flow: str = "dis-medium"
    flow_cache: str | None = None
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Raise InputError for values of another type or out of range."""
        check_fields(self)

    @classmethod
    def paper(cls) -> Inference:
        """Enlarge, then threshold. The paper does not say how; its last rows add a CRF."""
        return cls()

    @classmethod
    def released(cls) -> Inference:
        """Binarise, then enlarge; the last frame gets a mask as well, which it does not there."""
        return cls(order="binarise")


def resized(rgb: np.ndarray, size: tuple[int, int], how: str = "bicubic") -> np.ndarray:
    """H x W x 3 uint8 -> `size` (height, width) by a filter of `FILTERS`; 8-bit, as released."""
    if rgb.shape[:2] == tuple(size):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((size[1], size[0]), FILTERS[how]))


def to_input(rgb: np.ndarray) -> Tensor:
    """A resized frame or flow picture, h x w x 3 uint8 RGB -> what the network takes of either.

    1 x 3 x h x w float32, normalised with ImageNet's mean and deviation.
    """
    pixels = torch.from_numpy(np.array(rgb)).permute(2, 0, 1)  # h w 3 -> 3 h w
    return imagenet_rgb(pixels.float().unsqueeze(0))


# From the probability to the clip's size ---------------------------------------------------------


def enlarged(probability: np.ndarray, size: tuple[int, int], how: str) -> FrameResult:
    """h x w float32 -> the probability at `size`; its mask is thresholded at one half."""
    map_ = torch.from_numpy(probability)[None, None]  # h w -> 1 1 h w
    if probability.shape != tuple(size):
        map_ = F.interpolate(map_, size, mode="bilinear", align_corners=False)
    return FrameResult(0, probability=map_[0, 0].numpy())


def binarised(probability: np.ndarray, size: tuple[int, int], how: str) -> FrameResult:
    """h x w float32 -> the enlarged 8-bit mask as probability, and all of it above 0 as mask."""
    grey = Image.fromarray((probability >= 0.5).astype(np.uint8) * 255)
    if probability.shape != tuple(size):
        grey = grey.resize((size[1], size[0]), FILTERS[how])
    values = np.asarray(grey)
    return FrameResult(0, values.astype(np.float32) / 255, (values > 0).astype(np.uint8))


ORDERS: Mapping[str, Callable[[np.ndarray, tuple[int, int], str], FrameResult]] = {
    "enlarge": enlarged,
    "binarise": binarised,
}


# Frames in, masks out ----------------------------------------------------------------------------


def segment(
    model: AMCNet,
    clip: Clip,
    *,
    given: Mapping[int, np.ndarray] | None = None,
    inference: Inference | None = None,
    features: FeatureStore | None = None,
) -> Iterator[FrameResult]:
    """The foreground probability of every frame, H x W float32 at the clip's own size, in order.

    One pass; two frames are in memory at a time. The last frame, which no flow leaves, takes the
    negated flow back to the frame before it. Flow comes from the clip, else it is estimated.
    `given` is ignored: the method is unsupervised; nothing is shared through `features`. Raises
    InputError for a clip it cannot use.
    """
    inference = inference or Inference()
    pictures = AMCPictures(model, clip, inference)
    model.eval()
    for index in range(len(clip)):
        probability = predict(model, *pictures.tensors(index))
        yield finish(pictures, index, probability, inference)


@torch.inference_mode()
def predict(model: AMCNet, frame: Tensor, picture: Tensor) -> np.ndarray:
    """The probability of a frame and its flow picture, both 1 x 3 x h x w -> h x w float32."""
    device = next(model.parameters()).device
    return model(frame.to(device), picture.to(device)).probability[0, 0].float().cpu().numpy()


def finish(
    pictures: AMCPictures, index: int, probability: np.ndarray, inference: Inference
) -> FrameResult:
    """A probability h x w as the result of frame `index`, at the clip's size."""
    if not np.isfinite(probability).all():
        raise InputError(
            f"AMC-Net's output for frame {index} of '{pictures.name}' is not a number; its weights "
            "are "
            "damaged or its training diverged, use another checkpoint"
        )
    result = ORDERS[inference.order](probability, pictures.shape, inference.filter)
    if inference.crf is None:
        return replace(result, index=index)
    refined = inference.crf.refine(result.probability, pictures.frames[index])
    return FrameResult(index, probability=refined)


class AMCPictures:
    """A clip as the network sees it: frames and pictures of their flow.

    size: height and width they are resized to. Raises InputError where network, clip and inference
    do not go together.
    """

    def __init__(self, model: AMCNet, clip: Clip, inference: Inference) -> None:
        choose(ORDERS, inference.order, "AMC-Net has no order")
        choose(FILTERS, inference.filter, "AMC-Net has no filter")
        if len(clip) < 2:
            raise InputError(
                f"the clip '{clip.name}' has {len(clip)} frame(s) and AMC-Net needs two for their "
                "flow; give a longer clip"
            )
        self.name, self.shape, self.filter = clip.name, clip.size, inference.filter
        self.size = inference.size or model.config.size
        if min(self.size) < 32:
            raise InputError(
                f"AMC-Net cannot resize frames to {self.size[1]} x {self.size[0]}: set `size` to "
                "32 or more each way"
            )
        self.frames = CheckedFrames(clip)
        self._flow = FlowPictures(
            Clip(clip.name, self.frames, flow=clip.flow),
            inference.flow,
            cache=inference.flow_cache,
        )

    @property
    def fields(self) -> Sequence[np.ndarray]:
        """The flow that leaves each frame, H x W x 2 float32, pixels, at the clip's size."""
        return self._flow.fields

    def frame(self, index: int) -> np.ndarray:
        """A frame, h x w x 3 uint8."""
        return resized(self.frames[index], self.size, self.filter)

    def flow(self, index: int) -> np.ndarray:
        """The picture of the flow that leaves a frame, h x w x 3 uint8: drawn, then resized."""
        return resized(self._flow[index], self.size, self.filter)

    def tensors(self, index: int) -> tuple[Tensor, Tensor]:
        """What the network takes of a frame: itself and its flow picture, 1 x 3 x h x w each."""
        picture = self.flow(index)  # first: it decodes the frame and the next
        return to_input(self.frame(index)), to_input(picture)
