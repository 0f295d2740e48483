"""The short-term window against gathering it for every query; memory over a long video."""

from __future__ import annotations

import time
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from vosedu import toyvos
from vosedu.nn.heads import LocalAttention, to_map
from vosedu.papers.contract import Benchmark
from vosedu.papers.deaot.inference import Inference, Session
from vosedu.papers.deaot.network import Config, build

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


def memory_over(
    frames: int = 1000, long_frames: int | None = 3, early: int = 50, profile: str = "course"
) -> tuple[float, float]:
    """Megabytes of all memories of DeAOT-L after `early` and after `frames` frames.

    A clip of ToyVOS is played forwards again and again; weights are random, since they change no
    size. long_frames: the cap on long-term memory, as in `Inference`.
    """
    torch.manual_seed(0)
    clip = toyvos.split("val")[0]
    model = build(Config.paper("deaot-l").scaled(profile))
    session = Session(model, Inference(long_frames=long_frames))
    session.start(clip.frames[0], clip.labels[0])
    held = {}
    for t in range(1, frames):
        session.step(clip.frames[t % len(clip)])
        held[t + 1] = session.memory_bytes / 1e6
    return held[early], held[frames]


def _growth() -> tuple[float, str]:
    early, late = memory_over()
    return late / early, (
        f"at most 3 long-term frames, course scale: {early:.2f} MB after 50 frames, {late:.2f} MB "
        "after 1,000"
    )


BENCHMARKS = (
    Benchmark(
        "DeAOT-L's memory, 1,000 frames against 50, capped",
        "times",
        1.0,
        at_least=False,
        measure=_growth,
    ),
    *(
        Benchmark(
            f"DeAOT's window against gathering it, {size}",
            "times as fast",
            1.0,
            at_least=True,
            measure=partial(_ratio, size),
        )
        for size in SIZES
    ),
)


def _wait(device: str | torch.device) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
