"""MobileNetV2 in parts: the same maps, block by block, stream by stream."""

from __future__ import annotations

import torch

from vosedu.nn import MobileNetV2, TinyEncoder
from vosedu.nn.blockwise import BlockwiseMobileNet
from vosedu.nn.blockwise_tiny import BlockwiseTiny
from vosedu.nn.stream import mobilenet_stream
from vosedu.record import record


def test_blocks_give_the_encoders_maps_from_any_block_on() -> None:
    whole, blocks = MobileNetV2.in_five(output_stride=16).eval(), BlockwiseMobileNet().eval()
    blocks.load_state_dict(
        {name: value for name, value in whole.state_dict().items() if name in blocks.state_dict()}
    )
    x = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        wanted, maps = whole(x), blocks(x)
        (last,) = blocks(maps[3], first=5)
        few = blocks(x, last=2)
    assert [m.shape[1] for m in maps] == list(blocks.channels) == [16, 24, 32, 96, 160]
    assert [64 // m.shape[2] for m in maps] == list(blocks.strides) == [2, 4, 8, 16, 16]
    for ours, theirs in zip(maps, wanted, strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(last, maps[4]) and len(few) == 2 and torch.equal(few[1], maps[1])


def test_an_encoder_that_normalises_is_told_from_one_that_does_not() -> None:
    """Outputs kept on disk are found by what the module prints, among other things."""
    plain, other = BlockwiseMobileNet(), BlockwiseMobileNet(torch.neg)
    assert repr(plain) != repr(other)
    other.load_state_dict(plain.state_dict())
    x = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(other.eval()(x)[-1], plain.eval()(-x)[-1])


def test_a_stream_is_the_encoder_cut_into_a_stem_and_four_stages() -> None:
    whole, stream = MobileNetV2.in_five().eval(), mobilenet_stream().eval()
    parts = [stream.stem, *stream.stages]
    state = whole.state_dict()
    for part in parts:
        part.load_state_dict({n: state[f"features.{n}"] for n in part.state_dict()})
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        wanted = whole(x)
        maps = [x := part(x) for part in parts]
    assert stream.channels == (24, 32, 96, 160)
    for ours, theirs in zip(maps, wanted, strict=True):
        assert torch.equal(ours, theirs)


def test_the_tiny_encoder_in_blocks_has_its_weights_and_its_maps() -> None:
    whole, blocks = TinyEncoder(output_stride=8).eval(), BlockwiseTiny().eval()
    blocks.load_state_dict(whole.state_dict())
    x = torch.rand(2, 3, 64, 96)
    with torch.no_grad(), record(blocks) as tape:
        maps, wanted = blocks(x), whole(x)
        (last,) = blocks(maps[3], first=5)
        few = blocks(x, last=2)
    assert [m.shape[1] for m in maps] == list(blocks.channels) == [16, 32, 64, 96, 96]
    assert [64 // m.shape[2] for m in maps] == list(blocks.strides) == [2, 4, 8, 8, 16]
    for ours, theirs in zip(maps[:3], wanted[:3], strict=True):
        assert torch.equal(ours, theirs)
    torch.testing.assert_close(maps[4], wanted[3][..., ::2, ::2])
    assert torch.equal(last, maps[4]) and len(few) == 2 and torch.equal(few[1], maps[1])
    assert {f"block{number}" for number in range(1, 6)} <= set(tape)
