"""tap() and record(): seeing a tensor inside a network without changing the network."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

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
        "linear",
        "blocks.0",
        "blocks.1",
        "logits",
    }
    assert torch.equal(tape["logits"][0], network(x))
    assert torch.equal(tape["logits"][1], network(y))


def test_what_modules_return_is_recorded_under_their_paths(network: Network) -> None:
    x = torch.randn(2, 3)
    with record(network, "linear", "blocks.?") as tape:
        network(x)
    first = network.linear(x)
    assert set(tape) == {"linear", "blocks.0", "blocks.1"}
    assert torch.equal(tape["linear"][0], first)
    assert torch.equal(tape["blocks.1"][0], 4 * first)


def test_an_operation_in_place_does_not_change_what_was_recorded() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.ReLU(inplace=True))
    x = torch.randn(8, 3)
    with record(network) as tape:
        network(x)
    assert torch.equal(tape["0"][0], network[0](x)) and (tape["0"][0] < 0).any()
    assert torch.equal(tape["1"][0], tape["0"][0].relu())


class Pair(NamedTuple):
    a: torch.Tensor
    b: torch.Tensor


class Two(nn.Module):
    def __init__(self, output: Callable[[torch.Tensor, torch.Tensor], object]) -> None:
        super().__init__()
        self.output = output
        self.linear = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> object:
        return self.output(x, self.linear(x))


@pytest.mark.parametrize(
    "output",
    [lambda a, b: (a, b), Pair, lambda a, b: {"a": a, "b": b}],
    ids=("tuple", "named", "dict"),
)
def test_of_a_module_that_returns_no_tensor_only_its_parts_are_recorded(output) -> None:
    network = nn.ModuleDict({"two": Two(output)})
    with record(network) as tape:
        network["two"](torch.randn(1, 3))
    assert set(tape) == {"two.linear"}


def test_what_was_recorded_in_inference_mode_can_be_used_outside(network: Network) -> None:
    with torch.inference_mode(), record(network) as tape:
        network(torch.randn(1, 3))
    weight = torch.ones(3, requires_grad=True)
    (weight * tape["logits"][0]).sum().backward()
    assert torch.equal(weight.grad, tape["logits"][0][0])


@pytest.mark.parametrize("same", [True, False])
def test_a_recorder_does_not_record_another_thread(network: Network, same: bool) -> None:
    """Both networks run at the same time: each waits in its forward for the other."""
    here, there = network, network if same else Network()
    meet, recorded_there = threading.Barrier(2, timeout=60), []

    def wait(_module: nn.Module, _inputs: object) -> None:
        meet.wait()

    for each in {here, there}:
        each.blocks[1].register_forward_pre_hook(wait)

    def run() -> None:
        there(torch.full((1, 3), 2.0))
        recorded_there.append(recording())

    ones, other = torch.ones(1, 3), threading.Thread(target=run)
    with record(here) as tape:
        other.start()
        here(ones)
        other.join()
    assert recorded_there == [False]
    blocks = [f"blocks.{n}{name}" for n in (0, 1) for name in ("", ".path", ".affinity")]
    assert set(tape) == {"linear", *blocks, "logits"}
    assert all(len(tensors) == 1 for tensors in tape.values())
    assert torch.equal(tape["linear"][0], here.linear(ones))


def test_two_threads_record_at_the_same_time(network: Network) -> None:
    meet, tapes = threading.Barrier(2, timeout=60), {}

    def wait(_module: nn.Module, _inputs: object) -> None:
        meet.wait()

    network.blocks[0].register_forward_pre_hook(wait)

    def run(value: float) -> None:
        with record(network, "linear", "logits") as tape:
            network(torch.full((1, 3), value))
        tapes[value] = tape

    threads = [threading.Thread(target=run, args=(value,)) for value in (1.0, 2.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for value, tape in tapes.items():
        (recorded,) = tape["linear"]
        assert torch.equal(recorded, network.linear(torch.full((1, 3), value)))


def test_without_a_recorder_there_are_no_hooks(network: Network) -> None:
    with record(network):
        network(torch.randn(1, 3))
    for module in network.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks


def test_patterns_choose_what_is_kept(network: Network) -> None:
    with record(network, "blocks.1.*", "logits") as tape:
        network(torch.randn(1, 3))
    assert set(tape) == {"blocks.1.path", "blocks.1.affinity", "logits"}


def test_recorded_tensors_are_detached_and_gradients_still_flow(network: Network) -> None:
    with record(network) as tape:
        network(torch.randn(1, 3)).sum().backward()
    assert not any(tensor.requires_grad for tensors in tape.values() for tensor in tensors)
    assert network.linear.weight.grad is not None


def test_an_unknown_name_says_what_was_recorded(network: Network) -> None:
    with record(network, "logits") as tape:
        network(torch.randn(1, 3))
    with pytest.raises(KeyError, match="recorded: logits"):
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
    assert {"broken.before", "network.logits"} <= set(tape) and "broken" not in set(tape)


def test_recorders_do_not_nest(network: Network) -> None:
    with (
        record(network),
        pytest.raises(RuntimeError, match="already running"),
        record(network),
    ):
        pass
    assert not recording()
