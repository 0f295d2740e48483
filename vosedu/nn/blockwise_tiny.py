"""The tiny encoder in five blocks, to be run from any block on, as `VGG16` is."""

from __future__ import annotations

from torch import Tensor, nn

from vosedu.nn.resnet import BasicBlock
from vosedu.nn.tiny import TinyEncoder
from vosedu.record import tap


class BlockwiseTiny(TinyEncoder):
    """The tiny encoder of output stride 8, its last stage in two blocks, the second at stride 16.

    Maps a B x 3 x H x W picture to five maps of strides 2, 4, 8, 8, 16. The weights are those of
    `TinyEncoder`: block 5 takes every second position of block 4 and drops the dilation of 2, and
    so computes every second position of the encoder's last map.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__(width, output_stride=8)
        channels = self.channels[-1]
        self.stage4[1] = BasicBlock(channels, channels, 1, (1, 1), False)
        self.channels = (*self.channels, channels)
        self.strides = (*self.strides, 16)

    def forward(self, x: Tensor, first: int = 1, last: int = 5) -> tuple[Tensor, ...]:
        """The maps of blocks `first` to `last`, fine to coarse.

        x: the picture for block 1, for another the map of the block before it. A recorder has the
        maps as `block1` to `block5`.
        """
        blocks: list[nn.Module] = [self.stage1, self.stage2, self.stage3, *self.stage4]
        maps = []
        for number in range(first, last + 1):
            if number == 5:
                x = x[..., ::2, ::2]
            x = tap(f"block{number}", blocks[number - 1](x))
            maps.append(x)
        return tuple(maps)
