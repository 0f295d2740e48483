"""The short-term window as one masked product, against gathering a window for every query."""

from __future__ import annotations

import time
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from vosedu.nn.heads import LocalAttention, to_map
from vosedu.papers.contract import Benchmark

SIZES = {"course": (12, 20), "480p": (30, 53), "long side 1040": (37, 66)}
"""Name -> height and width of the map, in positions."""


def gathered(
    attention: LocalAttention, q: Tensor, k: Tensor, v: Tensor, size: tuple[int, int]
) -> Tensor:
    """What `attention` computes, with each query's window of keys and values copied out (unfold).

    q, k: B x n x Ck, v: B x n x Cv -> B x n x Cv.
    """
    heads, window = attention.heads, attention.window

    def windows(x: Tensor, parts: int = 1) -> Tensor:
        """B x n x (parts heads d) -> B x parts x heads x d x window² x n."""
        cut = F.unfold(to_map(x, size), window, padding=window // 2)  # B (C window²) n
        return cut.view(len(x), parts, heads, -1, window**2, x.shape[1])

    rows = to_map(q, size).view(len(q), 1, heads, -1, 1, q.shape[1])  # B 1 heads d 1 n
    logits = (rows / rows.shape[3] ** 0.5 * windows(k)).sum(3)  # B 1 heads window² n
    bias = attention.relative(to_map(q, size)).view_as(logits)
    inside = windows(torch.ones_like(k[..., :heads]))[:, :, :, 0] > 0
    weights = (logits + bias).masked_fill(~inside, float("-inf")).softmax(3)
    x = (windows(v, attention.parts) * weights.unsqueeze(3)).sum(4)  # B parts heads d n
    return x.flatten(1, 3).transpose(1, 2)  # -> B n (parts heads d)


@torch.inference_mode()
def compare(
    size: str = "480p", device: str | torch.device = "cpu", repeats: int = 3, seed: int = 0
) -> dict[str, float | str]:
    """Time both on one map at the released widths of a GPM (keys 128, values 1024, 15 x 15).

    Returns the map's size, the best time of each in milliseconds, their ratio, and the largest
    difference of the outputs relative to the largest output.
    """
    torch.manual_seed(seed)
    height, width = SIZES[size]
    attention = LocalAttention(128, 1, 15, parts=2).to(device)
    q, k, v = (torch.randn(1, height * width, c, device=device) for c in (128, 128, 1024))
    times, outputs = {}, {}
    for name, run in (
        ("gathered", lambda: gathered(attention, q, k, v, (height, width))),
        ("masked", lambda: attention(q, k, v, (height, width))),
    ):
        outputs[name] = run()  # warms up
        best = float("inf")
        for _ in range(repeats):
            _wait(device)
            began = time.perf_counter()
            run()
            _wait(device)
            best = min(best, time.perf_counter() - began)
        times[name] = 1000 * best
    apart = (outputs["masked"] - outputs["gathered"]).abs().max() / outputs["gathered"].abs().max()
    return {
        "map": f"{height} x {width}",
        "gathered ms": times["gathered"],
        "masked ms": times["masked"],
        "ratio": times["gathered"] / times["masked"],
        "difference": apart.item(),
    }


def _ratio(size: str) -> tuple[float, str]:
    found = compare(size)
    times = f"{found['gathered ms']:.0f} ms and {found['masked ms']:.0f} ms"
    return float(
        found["ratio"]
    ), f"map of {found['map']}, {times}, difference {found['difference']:.0e}"


BENCHMARKS = tuple(
    Benchmark(
        f"DeAOT's window against gathering it, {size}",
        "times as fast",
        1.0,
        at_least=True,
        measure=partial(_ratio, size),
    )
    for size in SIZES
)


def _wait(device: str | torch.device) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
