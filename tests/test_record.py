"""tap() and record(): seeing a tensor inside a network without changing the network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vosedu.record import record, recording, tap


class Attention(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if recording():
            tap("path", torch.zeros(1))
        return tap("affinity", 2 * x)


class Broken(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tap("before", x)
        raise ArithmeticError("on purpose")


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.blocks = nn.ModuleList([Attention(), Attention()])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.linear(x)
        for block in self.blocks:
            x = block(x)
        return tap("logits", x)


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return Network()


def test_tap_returns_its_argument() -> None:
    x = torch.ones(2)
    assert tap("x", x) is x
    assert not recording()


def test_recording_does_not_change_the_output(network: Network) -> None:
    x = torch.randn(4, 3)
    plain = network(x)
    with record(network):
        recorded = network(x)
    assert torch.equal(plain, recorded)


def test_names_carry_the_module_path_and_calls_keep_their_order(network: Network) -> None:
    x, y = torch.randn(2, 3), torch.randn(2, 3)
    with record(network) as tape:
        network(x)
        network(y)
    assert set(tape) == {
        "blocks.0.path",
        "blocks.0.affinity",
        "blocks.1.path",
        "blocks.1.affinity",
        "logits",
    }
    assert torch.equal(tape["logits"][0], network(x))
    assert torch.equal(tape["logits"][1], network(y))


def test_patterns_choose_what_is_kept(network: Network) -> None:
    with record(network, "blocks.1.*", "logits") as tape:
        network(torch.randn(1, 3))
    assert set(tape) == {"blocks.1.path", "blocks.1.affinity", "logits"}


def test_recorded_tensors_are_detached_and_gradients_still_flow(network: Network) -> None:
    with record(network) as tape:
        network(torch.randn(1, 3)).sum().backward()
    assert not any(tensor.requires_grad for tensors in tape.values() for tensor in tensors)
    assert network.linear.weight.grad is not None


def test_an_unknown_name_says_what_was_heard(network: Network) -> None:
    with record(network, "logits") as tape:
        network(torch.randn(1, 3))
    with pytest.raises(KeyError, match="heard: logits"):
        tape["gate"]


def test_clear_forgets_and_goes_on(network: Network) -> None:
    with record(network, "logits") as tape:
        network(torch.randn(1, 3))
        tape.clear()
        network(torch.randn(1, 3))
    assert len(tape["logits"]) == 1


def test_an_error_inside_leaves_no_hook_and_no_recorder(network: Network) -> None:
    broken = nn.Sequential(network, Broken())
    with pytest.raises(ArithmeticError), record(broken) as tape:
        broken(torch.randn(1, 3))
    assert "1.before" in tape
    assert not recording()
    with record(network) as tape:
        network(torch.randn(1, 3))
    assert "logits" in tape, "the path stack starts empty again"


def test_an_error_caught_while_recording_keeps_the_paths_right(network: Network) -> None:
    broken = Broken()
    both = nn.ModuleDict({"broken": broken, "network": network})
    with record(both) as tape:
        with pytest.raises(ArithmeticError):
            broken(torch.randn(1, 3))
        network(torch.randn(1, 3))
    assert set(tape) >= {"broken.before", "network.logits"}


def test_recorders_do_not_nest(network: Network) -> None:
    with (
        record(network),
        pytest.raises(RuntimeError, match="already running"),
        record(network),
    ):
        pass
    assert not recording()
