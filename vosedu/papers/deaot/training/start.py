"""What a training of DeAOT starts from: an encoder's weights, and the start of short trainings."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from vosedu.datasets.weights import MOBILENET, imagenet_file
from vosedu.errors import choose
from vosedu.nn import load_weights, read_state
from vosedu.papers.deaot.network import DeAOT, Decoder, IdentityBank
from vosedu.training.start import load_start

IMAGENET = {"mobilenet": MOBILENET, "resnet50": "resnet50-0676ba61.pth"}
"""Files of ImageNet weights, by `Config.encoder`; Swin's are its release's."""


def load_initial(model: DeAOT, initial: str) -> None:
    """Load what a recipe starts from, into the encoder.

    initial: "common start": the embedded encoder that all papers begin with at small scales;
    "imagenet": the weights that `vosedu weights get imagenet` fetches; else a file of ImageNet
    weights under torchvision's names (Swin: its release's), with or without "imagenet:" before it.
    """
    if initial == "common start":
        load_start(model.encoder, part="encoder")
    else:
        file: str | Path = initial
        if initial.startswith("imagenet"):
            name = choose(IMAGENET, model.config.encoder, "DeAOT has no ImageNet weights for")
            file = imagenet_file(initial, name)
        known = model.encoder.state_dict()
        state = {n: v for n, v in read_state(file).items() if n in known}
        load_weights(model.encoder, state)


def short_start(model: DeAOT) -> None:
    """The start of short trainings: identities are told apart from the first step on.

    As released, the identities' vectors begin small (gain 17^-2, section 3.8 of the reference page)
    and the decoder at random; both grow over 100,000 steps. A course has a few hundred.
    """
    to_unit_size(model.identity)
    hand_on(model.decoder, model.projector.out_channels)


@torch.no_grad()
def to_unit_size(bank: IdentityBank) -> None:
    """Scale the random identities so that a patch full of one has a mean square of 1; no bias.

    They begin at a hundredth of that as released, below the bias they share.
    """
    weight = bank.bank.weight
    weight.div_(weight.sum((2, 3)).square().mean().sqrt())  # of patches full of one identity
    bank.bank.bias.zero_()


@torch.no_grad()
def hand_on(decoder: Decoder, channels: int) -> None:
    """Let the decoder begin as a map that hands on the stream with the identities.

    channels: C; the last C inputs of the decoder are that stream. Each convolution on the way to
    the output begins as an orthogonal map of channels, position by position, plus a tenth of its
    random weights; the skip connections begin at a tenth. From a random start, narrow layers with
    ReLU between them mix the identities until they cannot be told apart at the output.
    """
    decoder.start[0].weight.zero_()
    nn.init.orthogonal_(decoder.start[0].weight[:, -channels:, 0, 0])
    for block in (decoder.conv16, decoder.conv8, decoder.conv4):
        weight = block[0].weight
        handed = nn.init.orthogonal_(torch.empty_like(weight[:, :, 1, 1]))
        weight.mul_(0.1)
        weight[:, :, 1, 1] += handed
    for skip in (decoder.skip16, decoder.skip8, decoder.skip4):
        skip.weight.mul_(0.1)
        skip.bias.zero_()
