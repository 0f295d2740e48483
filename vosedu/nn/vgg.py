"""VGG-16's convolutional part (Simonyan and Zisserman, ICLR 2015, configuration D)."""

from __future__ import annotations

from torch import Tensor, nn

from vosedu.record import tap

_BLOCKS = (2, 2, 3, 3, 3)
_CHANNELS = (64, 128, 256, 512, 512)


class VGG16(nn.Module):
    """The thirteen convolutions of VGG-16 in five blocks with a 2 x 2 max pool between them.

    Maps a B x 3 x H x W picture to five maps, one per block, after its last ReLU and before the
    next pool: strides 1, 2, 4, 8, 16. The pool behind block 5 is left out.

    With `norm=False` the layers are numbered as in torchvision's `vgg16().features`, with
    `norm=True` (BatchNorm after every convolution, for training from scratch) as in
    `vgg16_bn().features`, so that their ImageNet files fit. `width` scales the channels.
    """

    def __init__(self, width: float = 1.0, norm: bool = False) -> None:
        super().__init__()
        self.channels = tuple(max(4, round(width * c)) for c in _CHANNELS)
        self.strides = (1, 2, 4, 8, 16)
        layers: list[nn.Module] = []
        self._ends: list[int] = []
        inputs = 3
        for convolutions, outputs in zip(_BLOCKS, self.channels):
            if layers:
                layers.append(nn.MaxPool2d(2))
            for _ in range(convolutions):
                layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
                if norm:
                    layers.append(nn.BatchNorm2d(outputs))
                layers.append(nn.ReLU(inplace=True))
                inputs = outputs
            self._ends.append(len(layers))
        self.features = nn.Sequential(*layers)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, first: int = 1, last: int = 5) -> tuple[Tensor, ...]:
        """The maps of blocks `first` to `last`, fine to coarse.

        x: the picture for block 1, for another the map of the block before it. A recorder has the
        maps as `block1` to `block5`.
        """
        maps = []
        for number in range(first, last + 1):
            start = self._ends[number - 2] if number > 1 else 0
            for layer in self.features[start : self._ends[number - 1]]:
                x = layer(x)
            maps.append(tap(f"block{number}", x))
        return tuple(maps)
