"""Attention in a window equals attention over gathered windows; heads keep their channels."""

from __future__ import annotations

import pytest
import torch

from vosedu.nn.heads import (
    GlobalAttention,
    LocalAttention,
    in_window,
    join_heads,
    split_heads,
    to_map,
    to_sequence,
)
from vosedu.record import record


def test_maps_and_sequences_are_each_other_s_inverse() -> None:
    x = torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5)
    assert to_sequence(x).shape == (2, 20, 3)
    assert torch.equal(to_map(to_sequence(x), (4, 5)), x)
    assert to_sequence(x)[0, 7, 1] == x[0, 1, 1, 2]  # row by row


@pytest.mark.parametrize("parts", [1, 2])
def test_heads_are_contiguous_inside_each_part(parts: int) -> None:
    x = torch.arange(12.0).expand(1, 4, 12)
    heads = split_heads(x, 3, parts)
    expected = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    if parts == 2:
        expected = [[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]]
    assert heads[0, :, 0].tolist() == expected
    assert torch.equal(join_heads(heads, parts), x)


def test_global_attention_with_one_head_is_the_formula() -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 6, 4), torch.randn(2, 9, 4), torch.randn(2, 9, 8)
    expected = (q @ k.mT / 2).softmax(-1) @ v
    torch.testing.assert_close(GlobalAttention()(q, k, v, (2, 3)), expected)


@pytest.mark.parametrize("heads", [1, 2])
def test_local_attention_position_by_position(heads: int) -> None:
    """Against a loop over queries, heads and places of a 3 x 3 window."""
    torch.manual_seed(0)
    attention = LocalAttention(4, heads, window=3)
    q, k, v = torch.randn(1, 12, 4), torch.randn(1, 12, 4), torch.randn(1, 12, 6)
    size, d, dv = (3, 4), 4 // heads, 6 // heads
    weight = attention.relative.weight[..., 0, 0].view(heads, 9, d)
    bias = attention.relative.bias.view(heads, 9)
    out = attention(q, k, v, size)
    for i in range(12):
        for head in range(heads):
            mine = q[0, i, head * d : (head + 1) * d]
            places = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
            found = []
            for place, (dy, dx) in enumerate(places):
                y, x = i // 4 + dy, i % 4 + dx
                if 0 <= y < 3 and 0 <= x < 4:
                    key = k[0, y * 4 + x, head * d : (head + 1) * d]
                    own = weight[head, place] @ mine + bias[head, place]
                    found.append((mine @ key / d**0.5 + own, v[0, y * 4 + x]))
            weights = torch.stack([logit for logit, _ in found]).softmax(0)
            expected = sum(w * value for w, (_, value) in zip(weights, found))
            part = slice(head * dv, (head + 1) * dv)
            torch.testing.assert_close(out[0, i, part], expected[part])


def test_the_recorded_window_holds_all_the_attention_at_its_place() -> None:
    torch.manual_seed(0)
    attention = LocalAttention(4, 1, window=3)
    q = torch.randn(1, 20, 4)
    with record(attention) as tape, torch.no_grad():
        attention(q, q, q, (4, 5))
    local = tape["attention"][0]  # B heads n window²
    assert local.shape == (1, 1, 20, 9)
    torch.testing.assert_close(local.sum(-1), torch.ones(1, 1, 20))
    assert local[0, 0, 0].nonzero().flatten().tolist() == [4, 5, 7, 8]  # the corner's own window
    dense = torch.zeros(1, 1, 20, 20)
    dense[0, 0, 7, 8] = 1.0  # to the right
    assert in_window(dense, (4, 5), 3)[0, 0, 7].argmax() == 5


def test_local_attention_after_inference_mode_still_trains() -> None:
    attention = LocalAttention(4, 1, window=3)
    x = torch.randn(1, 30, 4)
    with torch.inference_mode():
        attention(x, x, x, (5, 6))
    attention(x, x, x, (5, 6)).sum().backward()
    assert attention.relative.weight.grad is not None
