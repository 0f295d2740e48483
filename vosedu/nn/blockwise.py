"""MobileNetV2 in five blocks, to be run from any block on, as `VGG16` is."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from vosedu.nn.mobilenet import FIVE, MobileNetV2
from vosedu.record import tap


class BlockwiseMobileNet(nn.Module):
    """MobileNetV2 up to its 160 channels, under torchvision's names, in the parts of `FIVE`.

    Maps a B x 3 x H x W picture to five maps of strides 2, 4, 8, 16, 16. normalise: what is done to
    a picture first, for pictures that come without ImageNet's mean and deviation taken off.
    """

    def __init__(self, normalise: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        net = MobileNetV2.in_five(output_stride=16)
        self.features = net.features[: FIVE[-1]]
        self.channels, self.strides = net.channels, net.strides
        self.normalise = normalise

    def forward(self, x: Tensor, first: int = 1, last: int = 5) -> tuple[Tensor, ...]:
        """The maps of blocks `first` to `last`, fine to coarse.

        x: the picture for block 1, for another the map of the block before it. A recorder has the
        maps as `block1` to `block5`.
        """
        if first == 1 and self.normalise is not None:
            x = self.normalise(x)
        maps = []
        for number in range(first, last + 1):
            start = FIVE[number - 2] if number > 1 else 0
            for layer in self.features[start : FIVE[number - 1]]:
                x = layer(x)
            maps.append(tap(f"block{number}", x))
        return tuple(maps)

    def extra_repr(self) -> str:
        """What distinguishes an encoder that normalises from one that does not."""
        return f"normalise={getattr(self.normalise, '__name__', None)}"
