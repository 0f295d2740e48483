"""RAFT through torchvision where it is installed, through a stand-in for it where not."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from vosedu import InputError, flow


class Shifter(nn.Module):
    """Takes torchvision's arguments; answers with what it saw."""

    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(2))
        self.seen = None

    def forward(self, first, second, num_flow_updates):
        self.seen = (first, second, num_flow_updates)
        height, width = first.shape[-2:]
        ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        position = torch.stack([xs, ys])[None].float()
        return [torch.zeros_like(position), position + self.shift[:, None, None]]


@pytest.fixture
def torchvision(monkeypatch):
    """A stand-in with the three names that the estimator needs."""

    def unreachable(**_):
        raise OSError("no route to host")

    released = SimpleNamespace(url="https://example.org/raft_small.pth", get_state_dict=unreachable)
    zoo = ModuleType("torchvision.models.optical_flow")
    zoo.built = []

    def build(weights):
        assert weights is None
        zoo.built.append(Shifter())
        return zoo.built[-1]

    zoo.raft_small = zoo.raft_large = build
    zoo.Raft_Small_Weights = zoo.Raft_Large_Weights = SimpleNamespace(DEFAULT=released)
    models = ModuleType("torchvision.models")
    models.optical_flow = zoo
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    monkeypatch.setitem(sys.modules, "torchvision.models.optical_flow", zoo)
    return zoo


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "raft.pth"
    torch.save({"shift": torch.tensor([2.0, -1.0])}, path)
    return path


def frames(height: int, width: int) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("size", "padded"),
    [((240, 428), (240, 432)), ((96, 160), (128, 160)), ((131, 128), (136, 128))],
    ids=["width", "small", "height"],
)
def test_frames_are_padded_and_the_padding_is_cut_off_again(size, padded, torchvision, weights):
    first, second = frames(*size)
    raft = flow.RAFT("small", weights, iterations=20)
    assert torchvision.built == []
    field = flow.between(first, second, raft)
    image, _, iterations = torchvision.built[0].seen
    assert tuple(image.shape) == (1, 3, *padded)
    assert iterations == 20
    top, left = (padded[0] - size[0]) // 2, (padded[1] - size[1]) // 2
    assert field.shape == (*size, 2) and field.dtype == np.float32
    np.testing.assert_array_equal(field[0, 0], (left + 2, top - 1))
    inner = image[0, :, top : top + size[0], left : left + size[1]]
    expected = torch.from_numpy(first).permute(2, 0, 1) / 127.5 - 1
    torch.testing.assert_close(inner, expected)
    torch.testing.assert_close(image[0, :, 0, left], image[0, :, top, left])


def test_the_network_is_built_once(torchvision, weights):
    raft = flow.RAFT("small", weights)
    list(flow.estimate(frames(128, 128) + frames(128, 128), raft))
    assert len(torchvision.built) == 1
    assert not torchvision.built[0].training


def test_other_weights_are_another_method_for_the_cache(torchvision, weights, tmp_path):
    other = tmp_path / "other.pth"
    torch.save({"shift": torch.zeros(2)}, other)
    names = {flow.RAFT("small", weights, iterations=n).identity for n in (12, 20)}
    names |= {flow.RAFT("small", other).identity, flow.RAFT("large", weights).identity}
    assert len(names) == 4


def test_without_torchvision_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    for method in ("raft-small", "raft-large"):
        with pytest.raises(InputError, match=r"pip install 'vosedu\[raft\]'"):
            flow.estimate(frames(128, 128), method)


class TestBadWeights:
    def test_missing_file(self, torchvision, tmp_path):
        with pytest.raises(InputError, match=r"no RAFT weights at .*absent\.pth"):
            flow.RAFT(weights=tmp_path / "absent.pth")

    def test_offline(self, torchvision):
        with pytest.raises(InputError, match=r"cannot download .*no route to host.*local file"):
            flow.between(*frames(128, 128), flow.RAFT())

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ({"shift": torch.zeros(3)}, "are not raft_small's"),
            ({"shift": torch.zeros(2), "more": torch.zeros(1)}, "are not raft_small's"),
            (torch.zeros(3), "holds no state dict"),
            (SimpleNamespace(a=1), "cannot read the RAFT weights"),
        ],
        ids=["shape", "left-over", "no-dict", "pickled-object"],
    )
    def test_other_content(self, content, words, torchvision, tmp_path):
        path = tmp_path / "bad.pth"
        torch.save(content, path)
        with pytest.raises(InputError, match=words):
            flow.between(*frames(128, 128), flow.RAFT(weights=path))

    @pytest.mark.parametrize("length", [0, 50, 600])
    def test_truncated(self, length, torchvision, weights):
        weights.write_bytes(weights.read_bytes()[:length])
        with pytest.raises(InputError, match="cannot read the RAFT weights"):
            flow.between(*frames(128, 128), flow.RAFT(weights=weights))

    def test_unknown_variant(self):
        with pytest.raises(InputError, match="no variant 'huge'"):
            flow.RAFT("huge")


@pytest.mark.skipif(
    importlib.util.find_spec("torchvision") is None,
    reason="torchvision (the extra 'raft') is not installed",
)
def test_the_real_network_finds_the_motion(shared, moving_square):
    weights = shared / "weights" / "raft_small_ct_torchvision.pth"
    if not weights.is_file():
        pytest.skip("the RAFT-small weights are not beside this checkout")
    field = flow.estimate(moving_square, flow.RAFT("small", weights))[1]
    inner = moving_square.labels[1] > 0
    np.testing.assert_allclose(np.median(field[inner], axis=0), (3, 1), atol=0.8)
    np.testing.assert_allclose(np.median(field[~inner], axis=0), (-1, 0), atol=0.8)
