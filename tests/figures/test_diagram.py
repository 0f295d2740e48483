"""The diagram of a network is what one run of it does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vosedu.figures.diagram import OUTPUT, Graph, architecture, traced


class Net(nn.Module):
    """Two pictures pass one encoder, the second without gradient; a skip, a sum, a join."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.look_up = nn.Embedding(5, 4)
        self.blocks = nn.ModuleList(nn.Conv2d(4, 4, 1, bias=False) for _ in range(2))
        self.head = nn.Conv2d(8, 1, 1)
        self.unused = nn.Conv2d(1, 1, 1)

    def forward(self, frame: Tensor, other: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        a = self.encoder(frame)
        with torch.no_grad():
            b = self.encoder(other).softmax(1).detach()
        named = torch.zeros_like(a)
        named[:] = self.look_up(ids).permute(0, 3, 1, 2)
        x = self.blocks[1](self.blocks[0](b + named))
        return self.head(torch.cat([a, x], 1)), a


PARTS = {"encoder": "V", "look_up": "", "blocks.?": "", "head": "Eq. 1"}


@pytest.fixture(scope="module")
def inputs() -> dict[str, Tensor]:
    shapes = {"frame": (1, 3, 8, 12), "other": (1, 3, 8, 12)}
    ids = torch.zeros(1, 4, 6, dtype=torch.long)
    return {name: torch.zeros(shape) for name, shape in shapes.items()} | {"ids": ids}


@pytest.fixture(scope="module")
def graph(inputs: dict[str, Tensor]) -> Graph:
    net = Net()
    return traced(net, net.forward, inputs, PARTS)


def test_arrows_are_where_results_go(graph: Graph) -> None:
    assert graph.arrows == {
        ("frame", "encoder"),
        ("other", "encoder"),
        ("ids", "look_up"),
        ("encoder", "blocks.?"),
        ("look_up", "blocks.?"),
        ("blocks.?", "head"),
        ("encoder", "head"),
        ("encoder", OUTPUT),
        ("head", OUTPUT),
    }


def test_shapes_and_counts_are_those_of_the_run(graph: Graph) -> None:
    assert graph.boxes["encoder"].lines == ["V", "4 x 4 x 6", "112 weights", "called 2 times"]
    assert graph.boxes["blocks.?"].lines == ["4 x 4 x 6", "32 weights"]
    assert graph.boxes["head"].lines == ["Eq. 1", "1 x 4 x 6", "9 weights"]
    assert graph.boxes["frame"].lines == ["3 x 8 x 12"]


class Alternating(nn.Module):
    """Its one stage hears the other and the other hears it; a late part feeds an early one."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(nn.Linear(2, 2) for _ in range(2))
        self.mix, self.late = nn.Linear(2, 2), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mix(self.stages[0](x))
        return self.mix(self.stages[1](x) + self.late(x.detach()))


def test_circles_are_drawn_too() -> None:
    net = Alternating()
    figure = architecture(
        net, net.forward, {"x": torch.zeros(1, 2)}, {"stages.?": "", "mix": "", "late": ""}
    )
    (axes,) = figure.axes
    arrows = axes.get_xlabel().removeprefix("a diagram with the arrows ").split(", ")
    both = {"x to stages.?", "stages.? to mix", "mix to stages.?", "mix to late", "late to mix"}
    assert set(arrows) == {*both, "mix to output"}
    assert len(axes.lines) == len(arrows), "every arrow has its head"


def test_the_network_is_left_as_it_was(inputs: dict[str, Tensor]) -> None:
    net = Net()
    traced(net, net.forward, inputs, PARTS)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


@pytest.mark.parametrize(
    ("part", "said"), [("nothing", "has no module 'nothing'"), ("unused", "does not call unused")]
)
def test_a_part_that_is_not_there(inputs: dict[str, Tensor], part: str, said: str) -> None:
    net = Net()
    with pytest.raises(KeyError, match=said):
        traced(net, net.forward, inputs, {part: ""})


def test_every_box_is_drawn_once_and_inside(inputs: dict[str, Tensor]) -> None:
    net = Net()
    figure = architecture(net, net.forward, inputs, PARTS, width=8)
    (axes,) = figure.axes
    texts = [text.get_text() for text in axes.texts]
    assert sorted(set(texts) & {*inputs, *PARTS, OUTPUT}) == sorted({*inputs, *PARTS, OUTPUT})
    places = [text.get_position() for text in axes.texts if text.get_weight() == "bold"]
    assert len(places) == len(set(places)) == len({*inputs, *PARTS, OUTPUT})
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert all(left < x < right and top < y < bottom for x, y in places)
