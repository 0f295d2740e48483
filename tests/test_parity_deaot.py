"""DeAOT and AOT compute what the authors' networks compute, one test per stored case."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import parity
import pytest
import torch
from torch import Tensor

from vosedu.nn import load_weights
from vosedu.papers.deaot import released
from vosedu.papers.deaot.inference import Engines, to_size
from vosedu.papers.deaot.network import Config, DeAOT, build, one_hot
from vosedu.papers.deaot.training.losses import (
    bootstrapped_cross_entropy,
    clip_losses,
    frame_losses,
    kept_share,
    soft_jaccard,
)
from vosedu.record import record

FOLDERS = parity.folders("deaot")


def cases() -> dict[str, tuple[Path, Mapping[str, Any], Mapping[str, Any]]]:
    """Case name -> folder, entry and manifest; the larger set's where both folders hold it."""
    found = {}
    for folder in FOLDERS:
        manifest = json.loads((folder / "manifest.json").read_text())
        found |= {name: (folder, entry, manifest) for name, entry in manifest["cases"].items()}
    # by model, so that a network is built once
    return dict(sorted(found.items(), key=lambda item: item[1][1]["model"]))


CASES = cases()


def variant(model: str) -> str:
    """deaott -> deaot-t, r50_deaotl -> r50-deaot-l."""
    return f"{model[:-1]}-{model[-1]}".replace("_", "-")


@lru_cache(maxsize=1)
def filled(model: str, manifest: str) -> DeAOT:
    """The network of one variant with a manifest's weights, made once."""
    about = json.loads(manifest)
    network = build(Config.released(variant(model))).eval()
    computed = network.state_dict()  # of the integer buffers, whose names are ours
    state = {}
    for name, shape in about["entries"]:
        if name in about["integer_buffers_kept_as_constructed"]:
            state[name] = computed[name]
            continue
        value = parity.weight(name, tuple(shape))
        if len(shape) == 1 and name.endswith("weight"):
            own = name.startswith("encoder.")
            value = value * np.float32(about["encoder_scale"] if own else 3.0)
        elif name.startswith("decoder.adapter_") and name.endswith("weight"):
            value = value * np.float32(0.1)
        state[name] = torch.from_numpy(value)
    load_weights(network, state, rename=released.to_ours, unused=released.UNUSED)
    return network


# Inputs by the manifest's formulas --------------------------------------------------------------


def clip(role: str, size: tuple[int, int], length: int) -> list[Tensor]:
    """Windows that slide over one smooth canvas, 4 rows and 8 columns a frame."""
    height, width = size
    up = [-(-(n + step * (length - 1)) // 8) * 8 for n, step in ((height, 4), (width, 8))]
    canvas = parity.model_input(role, (1, 3, *up))
    return [canvas[..., 4 * t : 4 * t + height, 8 * t : 8 * t + width] for t in range(length)]


def label_map(size: tuple[int, int], objects: int, rule: tuple[int, int, int]) -> Tensor:
    """1 x H x W ids in a pattern of blocks."""
    (height, width), (a, b, s) = size, rule
    rows, columns = np.arange(height)[:, None], np.arange(width)
    ids = (a * rows // height + s * (b * columns // width)) % (objects + 1)
    return torch.from_numpy(ids)[None]


# One case ---------------------------------------------------------------------------------------


class Comparison:
    """Stored arrays against ours, by name; remembers which were compared."""

    def __init__(self, folder: Path, name: str, limit: float, pixels: float) -> None:
        with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
            self.stored = {key: arrays[key] for key in arrays.files}
        self.limit, self.pixels = limit, pixels
        self.seen: set[str] = set()
        self.wrong: dict[str, float] = {}

    def tensor(self, name: str, ours: Tensor) -> None:
        """max|ours - stored| / max|stored| within the limit."""
        if name in self.stored:
            self.seen.add(name)
            deviation = parity.deviation(ours.numpy(), self.stored[name])
            if not deviation <= self.limit:
                self.wrong[name] = deviation

    def labels(self, name: str, ours: Tensor) -> Tensor:
        """All but a few pixels equal; returns the stored ids, 1 x H x W, to go on with."""
        if name not in self.stored:
            return ours
        self.seen.add(name)
        stored = torch.from_numpy(self.stored[name].astype(np.int64))[None]
        share = (stored != ours).float().mean().item() if stored.shape == ours.shape else 1.0
        if not share <= self.pixels:
            self.wrong[name] = share
        return stored

    def finish(self) -> None:
        assert not self.wrong, f"beyond tolerance: {self.wrong}"
        assert set(self.stored) == self.seen, f"not compared: {set(self.stored) - self.seen}"


def thin(x: Tensor, parts: int) -> Tensor:
    """B x C x h x w -> about `parts` of its channels."""
    return x[0, :: max(1, x.shape[1] // parts)]


def heads(attention: Tensor) -> Tensor:
    """B x heads x ... -> the first and, of eight, the last head's."""
    return attention[0, [0, -1] if attention.shape[1] > 1 else [0]]


def inside(check: Comparison, model: DeAOT, tape: Any, t: int) -> None:
    """The tensors stored from inside the network, at frames 1 and 2."""
    last = len(model.layers) - 1
    if model.config.block == "lstt":
        own, far, near = "self_attention", "long_attention", "short_attention"
    else:
        own, far, near = "self_propagation.propagate.attention", "long.attention", "short.attention"
    if t == 1:
        check.tensor("self_attn_l0_f1", heads(tape[f"layers.0.{own}.attention"][0]))
        check.tensor("st_attn_l0_f1", heads(tape[f"layers.0.{near}.attention"][0]).mT)
        for k in range(last + 1):
            for ours, theirs, step in (
                ("gate", f"gate_l{k}_f1", 32),
                ("visual", f"layer{k}_vis_f1", 4),
                ("id", f"layer{k}_id_f1", 4),
                ("stream", f"layer{k}_out_f1", 4),
            ):
                if f"layers.{k}.{ours}" in tape:
                    check.tensor(theirs, tape[f"layers.{k}.{ours}"][0][0, :, ::step])
    if t == 2:
        check.tensor("lt_attn_last_f2", heads(tape[f"layers.{last}.{far}.attention"][0]))
        check.tensor("st_attn_last_f2", heads(tape[f"layers.{last}.{near}.attention"][0]).mT)


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    folder, entry, manifest = CASES[name]
    model = filled(entry["model"], json.dumps(manifest["variants"][entry["model"]]))
    limits = manifest["tolerance"]
    check = Comparison(folder, name, limits["default"], limits["label_pixels"])
    with torch.inference_mode():
        run(check, model, entry)
    check.finish()


def run(check: Comparison, model: DeAOT, entry: Mapping[str, Any]) -> None:
    """The manifest's flow per frame; memory is fed the stored labels."""
    size, out = (entry["H"], entry["W"]), tuple(entry["out"])
    gap = entry["gap"] if entry["gap"] < 9999 else None
    flips = (False, True) if entry.get("flip") else (False,)
    groups = [Engines(model, gap, entry["skip"]) for _ in flips]
    objects = entry["n"]
    frames = clip(entry["role"], size, entry["nframes"])

    def turned(x: Tensor, flip: bool) -> Tensor:
        return x.flip(-1) if flip else x

    ids = label_map(size, objects, entry["mask"])
    for group, flip in zip(groups, flips):
        group.reference(model.encode(turned(frames[0], flip)), turned(ids, flip), objects)
    check.tensor("logits4_f0", groups[0].logits()[0, : objects + 1])
    identity = model.identify(one_hot(ids, model.config.objects))
    check.tensor("id_emb_f0", identity[0])
    for t, frame in enumerate(frames[1:], 1):
        with record(model, "layers.*") as tape:
            features = [model.encode(turned(frame, flip)) for flip in flips]
            for group, each in zip(groups, features):
                group.propagate(each)
        if t == 1:
            encoder(check, features[0])
            passed = groups[0].each[0].passed
            channels = 256 if model.config.block == "lstt" else passed.read.shape[1]
            check.tensor("lstt_last_f1", passed.read[0, -channels::4].flatten(1).T)
        inside(check, model, tape, t)
        used = slice(None) if len(groups[0].each) > 1 else slice(objects + 1)
        check.tensor(f"logits4_f{t}", groups[0].logits()[0, used])
        logits = [turned(group.logits(out), flip) for group, flip in zip(groups, flips)]
        check.tensor(f"logits_f{t}", logits[0][0, used, ::2, ::2])
        probabilities = [each.softmax(1) for each in logits]
        mean = torch.stack(probabilities).mean(0)
        check.tensor(f"prob_f{t}", mean[0, used, ::4, ::4])
        raw = check.labels(f"rawlabel_f{t}", mean.argmax(1))
        own = [
            check.labels(f"enginelabel{a}_f{t}", p.argmax(1)) for a, p in enumerate(probabilities)
        ]
        ids = own if entry.get("flip") else [raw]
        if entry.get("newobj", (None,))[0] == t:
            objects = entry["newobj"][1]
            annotation = label_map(out, objects, entry["newobj"][2])
            pasted = torch.where(annotation == objects, annotation, raw)
            ids = [check.labels(f"label_f{t}", pasted)]
        resized = [to_size(each, size) for each in ids]
        resized[0] = check.labels(f"memlabel_f{t}", resized[0])
        if entry.get("newobj", (None,))[0] == t:
            groups[0].reference(features[0], resized[0], objects)
            check.tensor(f"logits4_ref_f{t}", groups[0].logits()[0, : objects + 1])
        for group, each, flip in zip(groups, resized, flips):
            group.update(turned(each, flip))
        length = groups[0].each[0].long[0].key.shape[1]
        check.tensor(f"long_len_f{t}", torch.tensor([length]))


def encoder(check: Comparison, features: Any) -> None:
    """The encoder's maps and the projected feature of frame 1."""
    for name, x, parts in zip(("enc4", "enc8", "enc16"), features.maps, (12, 16, 32)):
        check.tensor(f"{name}_f1", thin(x, parts))
    check.tensor("proj_f1", features.x[0, ::4])


# Losses -----------------------------------------------------------------------------------------

LOSSES = {
    (folder.parent.parent.name, key): (folder, value)
    for folder in FOLDERS
    if (folder / "losses.json").is_file()
    for key, value in [
        (kind, entry)
        for part in json.loads((folder / "losses.json").read_text()).values()
        for kind, entry in part.get("by_step", part.get("values", {})).items()
    ]
}


def direct_inputs() -> tuple[Tensor, list[Tensor], list[int]]:
    """Logits, ids and numbers of objects of the two samples of the direct losses."""
    logits = 2 * parity.model_input("input:loss_logits", (2, 4, 64, 64))
    first = label_map((64, 64), 3, (5, 4, 2))[0]
    first[:8] = 255
    return logits, [first, label_map((64, 64), 2, (4, 5, 1))[0]], [3, 2]


def direct_loss(step: int) -> dict[str, list[float]]:
    """Each loss of each sample at a step of 100,000."""
    share = kept_share(step / 100_000)
    logits, ids, objects = direct_inputs()
    pairs = [(x[: n + 1], mask) for x, mask, n in zip(logits, ids, objects)]
    total = frame_losses(logits, torch.stack(ids), torch.tensor(objects), share)
    return {
        "ce": [bootstrapped_cross_entropy(x, mask, share).item() for x, mask in pairs],
        "jaccard": [soft_jaccard(x, mask).item() for x, mask in pairs],
        "total": total.tolist(),
    }


def engine_loss(folder: Path, key: str) -> dict[str, Any]:
    """VARIANT/stepN/prev_pred=BOOL: a clip of two samples through memory."""
    name, step, predicted = key.split("/")
    done = int(step.removeprefix("step")) / 100_000
    manifest = json.loads((folder / "manifest.json").read_text())
    model = filled(name, json.dumps(manifest["variants"][name]))
    frames = torch.stack(
        [torch.cat(clip(f"input:train_canvas_{x}", (81, 81), 5)) for x in "ab"]
    )  # B T 3 H W
    wide = [label_map((81, 113), n, rule)[0] for n, rule in ((3, (5, 4, 2)), (2, (4, 5, 1)))]
    ids = torch.stack([torch.stack([x[:, 8 * t : 8 * t + 81] for t in range(5)]) for x in wide])
    found = clip_losses(
        model,
        frames,
        ids,
        torch.tensor([3, 2]),
        share=kept_share(done),
        auxiliary=1 - done,
        predicted=predicted == "prev_pred=True",
    )
    return {
        "loss": (found.auxiliary + found.main).item(),
        "per_frame": found.per_frame.tolist(),
    }


@pytest.mark.parametrize("key", LOSSES, ids="-".join)
def test_losses(key: tuple[str, str]) -> None:
    folder, expected = LOSSES[key]
    if "/" in key[1] and key[1].split("/")[0] not in variants_of(folder):
        pytest.skip("the manifest beside holds no such network")
    with torch.no_grad():
        found = engine_loss(folder, key[1]) if "/" in key[1] else direct_loss(int(key[1]))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            torch.tensor(found[name]), torch.tensor(value), rtol=2e-5, atol=0, msg=name
        )


def variants_of(folder: Path) -> set[str]:
    """The networks a folder's manifest describes."""
    return set(json.loads((folder / "manifest.json").read_text())["variants"])


def test_some_cases_were_found() -> None:
    assert CASES and LOSSES
