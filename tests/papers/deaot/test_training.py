"""DeAOT's losses against hand-computed values, its samples and recipes, a step of each stage."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch

from vosedu.clip import Clip
from vosedu.papers.deaot.network import Config, build, one_hot
from vosedu.papers.deaot.training import (
    GROUPS,
    Clips,
    recipe,
    sampler,
    train,
)
from vosedu.papers.deaot.training.losses import (
    bootstrapped_cross_entropy,
    clip_losses,
    collected,
    dealt,
    frame_losses,
    kept_share,
    soft_jaccard,
)
from vosedu.papers.deaot.training.snippets import (
    Snippet,
    from_still,
    from_video,
    pasted,
    renumbered,
    walk,
)
from vosedu.papers.deaot.training.start import load_initial, short_start, to_unit_size
from vosedu.training import Step

QUICK = Config.paper("deaot-s").scaled("quick")
STAGE: Clips = recipe("quick").stages[1]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def picture(size: tuple[int, int] = (60, 90)) -> tuple[np.ndarray, np.ndarray]:
    """Noise, and three objects: a large one, a middling one, one of nine pixels."""
    ids = np.zeros(size, np.uint8)
    ids[10:40, 10:40], ids[20:50, 50:80], ids[2:5, 2:5] = 3, 7, 9
    return rng().integers(0, 256, (*size, 3), np.uint8), ids


def clips(count: int = 2, frames: int = 8) -> list[Clip]:
    image, ids = picture()
    return [
        Clip(
            f"clip {k}",
            [np.roll(image, 2 * t + k, 1) for t in range(frames)],
            labels={t: np.roll(ids, 2 * t + k, 1) for t in range(frames)},
        )
        for k in range(count)
    ]


def data(name: str):
    return [picture()] * 3 if "stills" in name else clips()


# Losses


def test_cross_entropy_keeps_the_hardest_pixels() -> None:
    """Four pixels of certain classes: losses log(1 + e^-m) for margins m of -1, 0, 1 and void."""
    margins = torch.tensor([-1.0, 0.0, 1.0, 5.0])
    logits = torch.stack([torch.zeros(4), margins]).view(2, 2, 2)
    ids = torch.tensor([[1, 1], [1, 255]])
    losses = [math.log(1 + math.exp(-m)) for m in (-1, 0, 1)]
    for share, expected in ((0.25, losses[0]), (0.5, sum(losses[:2]) / 2), (1.0, sum(losses) / 4)):
        found = bootstrapped_cross_entropy(logits, ids, share)
        assert found.item() == pytest.approx(expected, rel=1e-6)


def test_jaccard_is_the_mean_over_the_classes_that_are_there() -> None:
    """Two pixels, three classes of which the last is absent; p = 0.8 and 0.6 where it counts."""
    p = torch.tensor([[0.8, 0.3], [0.1, 0.6], [0.1, 0.1]])
    found = soft_jaccard(p.log().view(3, 1, 2), torch.tensor([[0, 1]]))
    background, first = 0.8 / (0.8 + 0.3 + 0.2), 0.6 / (0.6 + 0.1 + 0.4)
    assert found.item() == pytest.approx(1 - (background + first) / 2, rel=1e-5)


def test_a_sample_pays_for_its_own_objects_only() -> None:
    torch.manual_seed(0)
    logits, ids = torch.randn(2, 4, 5, 6), torch.randint(0, 2, (2, 5, 6))
    found = frame_losses(logits, ids, torch.tensor([3, 1]), 0.5)
    other = logits.clone()
    other[1, 2:] = 100.0  # identities that sample 1 does not use
    assert torch.equal(found, frame_losses(other, ids, torch.tensor([3, 1]), 0.5))
    assert not torch.equal(found, frame_losses(other, ids, torch.tensor([3, 3]), 0.5))


@pytest.mark.parametrize(("done", "share"), [(0, 1), (0.25, 0.575), (0.5, 0.15), (1, 0.15)])
def test_the_kept_share_falls_over_the_first_half(done: float, share: float) -> None:
    assert kept_share(done) == pytest.approx(share)


# A clip through memory


def losses_of(model, order=None, predicted=False, frames=None, ids=None):
    torch.manual_seed(0)
    frames = torch.randn(2, 4, 3, 32, 48) if frames is None else frames
    ids = torch.randint(0, 3, (2, 4, 32, 48)) if ids is None else ids
    return clip_losses(
        model,
        frames,
        ids,
        torch.tensor([2, 2]),
        share=1.0,
        auxiliary=0.5,
        predicted=predicted,
        order=order,
    )


def test_the_first_frame_is_weighted_and_the_others_averaged() -> None:
    found = losses_of(build(QUICK).eval())
    assert found.per_frame.shape == (4, 2)
    torch.testing.assert_close(found.auxiliary, 0.5 * found.per_frame[0].mean())
    torch.testing.assert_close(found.main, found.per_frame[1:].mean())


def test_dealt_identities_are_collected_again() -> None:
    torch.manual_seed(0)
    mask = one_hot(torch.randint(0, 11, (2, 4, 5)), 10)
    order = torch.stack([torch.cat([torch.zeros(1).long(), 1 + torch.randperm(10)]) for _ in "ab"])
    moved = dealt(mask, order)
    for k in range(11):
        assert torch.equal(moved[1, order[1, k]], mask[1, k])
    assert torch.equal(collected(moved, order), mask)


def test_an_order_of_identities_is_a_renumbering_of_the_bank() -> None:
    """Dealing objects to other identities equals a bank and a decoder whose identities moved."""
    torch.manual_seed(0)
    model = build(QUICK).eval()
    order = torch.cat([torch.zeros(1).long(), 1 + torch.randperm(10)])
    with torch.no_grad():
        found = losses_of(model, order.expand(2, -1)).per_frame
        model.identity.bank.weight.data = model.identity.bank.weight[:, order]
        model.decoder.out.weight.data = model.decoder.out.weight[order]
        model.decoder.out.bias.data = model.decoder.out.bias[order]
        torch.testing.assert_close(found, losses_of(model).per_frame)


def test_gradients_flow_through_memory() -> None:
    """The last frame's loss reaches the first frame's pixels."""
    model = build(QUICK).eval()
    frames = torch.randn(2, 4, 3, 32, 48, requires_grad=True)
    losses_of(model, frames=frames).per_frame[3].sum().backward()
    assert frames.grad[:, 0].abs().max() > 0


def test_own_masks_in_memory_leave_the_bank_alone() -> None:
    torch.manual_seed(0)
    model = build(QUICK)
    losses_of(model, predicted=True).main.backward()
    assert model.identity.bank.weight.grad is None
    # decided by the own masks: other true masks after the first frame change later losses only
    torch.manual_seed(0)
    ids = torch.randint(0, 3, (2, 4, 32, 48))
    other = ids.clone()
    other[:, 1] = 2 - ids[:, 1]
    with torch.no_grad():
        model.eval()
        for predicted, equal in ((True, True), (False, False)):
            a = losses_of(model, predicted=predicted, ids=ids).per_frame[2:]
            b = losses_of(model, predicted=predicted, ids=other).per_frame[2:]
            assert torch.equal(a, b) is equal


def test_long_term_memory_grows_by_the_training_gap(monkeypatch) -> None:
    model = build(replace(QUICK, train_gap=2)).eval()
    lengths = []
    original = model.propagate

    def watched(features, long=None, short=None, identity=None):
        lengths.append(long[0].key.shape[1] // 24 if long else 0)
        return original(features, long, short, identity)

    monkeypatch.setattr(model, "propagate", watched)
    losses_of(model, frames=torch.randn(2, 6, 3, 32, 48), ids=torch.ones(2, 6, 32, 48).long())
    assert lengths == [0, 1, 1, 2, 2, 3]


# Samples


def test_a_still_becomes_a_clip_whose_ids_move_with_it() -> None:
    image, ids = picture()
    snippet = from_still(rng(), image, ids, 4, (48, 80))
    assert {f.shape for f in snippet.frames} == {(48, 80, 3)}
    assert {m.shape for m in snippet.ids} == {(48, 80)}
    assert set(np.unique(snippet.ids)) <= {0, 3, 7, 9}
    assert not np.array_equal(snippet.ids[0], snippet.ids[1])


def test_ids_stay_on_their_object_when_a_still_moves() -> None:
    """Where a still has one colour per object, so has every frame of it, edges aside."""
    _, ids = picture((120, 160))
    image = (ids * 20)[..., None].repeat(3, -1)
    image[ids == 0] = 250
    for seed in range(5):
        snippet = from_still(rng(seed), image, ids, 3, (120, 160))
        for frame, mask in zip(*snippet):
            inside = [cv2.erode((mask == i).astype(np.uint8), np.ones((15, 15))) for i in (3, 7)]
            spread = [frame[part > 0].std(0).max() for part in inside if part.any()]
            assert spread and max(spread) < 10


@pytest.mark.parametrize("seed", range(4))
def test_a_walk_stays_in_the_clip_and_keeps_the_gap(seed: int) -> None:
    places = walk(rng(seed), 6, 20, 3)
    assert min(places) >= 0 and max(places) <= 5
    assert all(abs(a - b) <= 3 for a, b in pairwise(places))


def test_objects_that_the_first_frame_lacks_become_background() -> None:
    clip = clips(1)[0]
    late = {t: m.copy() for t, m in clip.labels.items()}
    for t in range(1, 8):
        late[t][50:, :] = 5  # in every frame but one
    snippet = from_video(rng(3), replace(clip, labels=late), 4, (48, 80), 1)
    assert set(np.unique(snippet.ids)) <= set(np.unique(snippet.ids[0])) | {0}


def test_what_is_pasted_covers_and_is_counted_on() -> None:
    image, ids = picture()
    below, above = Snippet([image], [ids]), Snippet([255 - image], [np.roll(ids, 5, 0)])
    both = pasted(below, above)
    shown = above.ids[0] > 0
    assert np.array_equal(both.frames[0][shown], above.frames[0][shown])
    assert np.array_equal(both.frames[0][~shown], image[~shown])
    assert set(np.unique(both.ids[0][shown])) == {9 + 3, 9 + 7, 9 + 9}


def test_small_and_surplus_objects_go_and_the_others_count_from_one() -> None:
    image, ids = picture()
    snippet, count = renumbered(rng(), Snippet([image], [ids]), 10, 100)
    assert count == 2 and set(np.unique(snippet.ids[0])) == {0, 1, 2}
    assert (snippet.ids[0][ids == 9] == 0).all()
    snippet, count = renumbered(rng(), Snippet([image], [ids]), 1, 0)
    assert count == 1 and set(np.unique(snippet.ids[0])) == {0, 1}


@pytest.mark.parametrize("kind", ["still", "video"])
def test_samples_fit_the_network(kind: str) -> None:
    stage = replace(STAGE, cycle=(kind,))
    draw = sampler(stage, QUICK, data("stills" if kind == "still" else "video"))
    a, b = (draw(rng(5), Step(0, kind, 0.0)) for _ in range(2))
    assert all(torch.equal(a[name], b[name]) for name in a)  # a function of the generator alone
    assert (
        a["frames"].shape == (stage.length, 3, *stage.size) and a["frames"].dtype == torch.float32
    )
    assert a["ids"].shape == (stage.length, *stage.size)
    assert sorted(a["order"].tolist()) == list(range(11)) and a["order"][0] == 0
    assert int(a["ids"][0].max()) == int(a["objects"]) >= 1


# Recipes and training


def test_the_released_rates_at_the_reference_s_check_points() -> None:
    def rates(encoder: str, number: int, step: int) -> list[float]:
        stage = recipe("full", encoder).stages[number]
        return [stage.learning_rate(group, step) for group in GROUPS[1::2]]

    assert rates("mobilenet", 0, 1000) == pytest.approx([2.76e-5, 9.6e-5], rel=1e-6)
    assert rates("mobilenet", 0, 50000) == pytest.approx([4.132598e-5, 2.332598e-4], rel=1e-6)
    assert rates("mobilenet", 1, 50000) == pytest.approx([3.010178e-5, 1.210178e-4], rel=1e-6)
    assert rates("swin", 1, 50000) == pytest.approx([2.066299e-5, 1.166299e-4], rel=1e-6)


@pytest.mark.parametrize("variant", ["deaot-l", "r50-deaot-l", "swinb-deaot-l", "aot-l"])
def test_what_decays_and_what_is_frozen_as_released(variant: str) -> None:
    with torch.device("meta"):
        model = build(Config.released(variant))
    stage = recipe("full", model.config.encoder).stages[0]
    dealt_to = {
        id(p): group.name for group, parameters in stage.parameters(model) for p in parameters
    }
    tables = ("relative_position_bias_table", "relative_value", "decoder.out.weight")
    first = ("features.0.", "features.1.", "features.2.", "features.3.", "conv1.", "layer1.")
    first += ("patch_embed.", "layers.0.blocks.")
    for name, parameter in model.named_parameters():
        inside = name.startswith("encoder.")
        if inside and name.removeprefix("encoder.").startswith(first):
            assert id(parameter) not in dealt_to, name
            continue
        kind = "encoder" if inside else "rest"
        undecayed = parameter.dim() == 1 or name.endswith(tables)
        assert dealt_to[id(parameter)] == kind + (", undecayed" if undecayed else ""), name


@pytest.mark.parametrize("variant", ["deaot-s", "aot-s"])
def test_two_stages_train_and_the_average_is_left(variant: str) -> None:
    config = Config.paper(variant).scaled("quick")
    model, history = train(config, recipe("quick"), data=data)
    assert len(history) == 6 and not model.training
    assert np.isfinite(history.column("loss")).all()
    first = history.column("first", stage="main")  # the first frame's loss fades out
    assert first[0] > first[3] > 0


def test_training_lowers_the_loss_of_a_clip() -> None:
    """From the random start, measured on one sample with all pixels kept, before and after."""
    short = recipe("quick").change(
        main={
            "steps": 30,
            "lr": 3e-3,
            "paste": 0.0,
            "own_from": 1.0,
            "length": 3,
            "ema": None,
            "short": False,
        }
    )
    short = replace(short, stages=short.stages[1:])
    source = clips(1)
    model, _ = train(QUICK, short, data=lambda name: source)
    torch.manual_seed(0)
    start = build(QUICK).eval()
    load_initial(start, short.initial)
    batch = sampler(short.stages[0], QUICK, source)(rng(1), Step(0, "video", 0.0))
    frames = start.normalise(batch["frames"]).unsqueeze(0)

    def loss(network) -> float:
        with torch.no_grad():
            found = clip_losses(
                network,
                frames,
                batch["ids"].unsqueeze(0),
                batch["objects"].view(1),
                share=1.0,
                auxiliary=0.0,
                predicted=False,
            )
        return found.main.item()

    assert loss(model) < 0.8 * loss(start)


def test_a_killed_run_goes_on_bit_for_bit(tmp_path) -> None:
    class Killed(Exception):
        pass

    def stop(history) -> None:
        if len(history) == 3:
            raise Killed

    plan = recipe("quick")
    whole, _ = train(QUICK, plan, data=data)
    with pytest.raises(Killed):
        train(QUICK, plan, data=data, folder=tmp_path, on_step=stop)
    resumed, history = train(QUICK, plan, data=data, folder=tmp_path)
    assert len(history) == 6
    for (name, a), b in zip(whole.state_dict().items(), resumed.state_dict().values()):
        assert torch.equal(a, b), name


def test_the_course_starts_from_a_trained_encoder() -> None:
    torch.manual_seed(0)
    model = build(Config.paper().scaled("course"))
    before = model.encoder.stage1[0].weight.clone()
    load_initial(model, "common start")
    assert not torch.equal(before, model.encoder.stage1[0].weight)


def test_identities_of_unit_size() -> None:
    """A frame full of one object is embedded with a mean square of 1, whichever object it is."""
    torch.manual_seed(0)
    model = build(Config.paper().scaled("course"))
    to_unit_size(model.identity)
    for number in (1, 10):
        embedded = model.identify(one_hot(torch.full((1, 16, 16), number), 10))
        assert embedded.square().mean().item() == pytest.approx(1, abs=0.4)


def told_apart(model) -> float:
    """How often a linear probe of the decoder's last layer names the identity of a position."""
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(1, 11, (24, 6, 10), generator=draw)  # one identity per position
    stride = model.stride
    whole = ids.repeat_interleave(stride, 1).repeat_interleave(stride, 2)
    c = model.projector.out_channels
    read = torch.randn((24, c, 6, 10), generator=draw)
    identities = model.identify(one_hot(whole, 10)).mT.unflatten(2, (6, 10))  # B n C -> B C h w
    sizes = zip(model.encoder.channels, (4, 2, 1))
    maps = [torch.randn((24, n, 6 * k, 10 * k), generator=draw) for n, k in sizes]
    seen = []
    model.decoder.conv4.register_forward_hook(lambda module, given, out: seen.append(out))
    with torch.no_grad():
        model.decoder(torch.cat([read, identities], dim=1), maps)
    x = torch.nn.functional.adaptive_avg_pool2d(seen[0], (6, 10)).permute(0, 2, 3, 1)  # B h w C
    x, y = x.flatten(0, 2).double(), ids.flatten()
    x = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
    first = len(x) // 2
    target = torch.nn.functional.one_hot(y, 11).double()
    weights = torch.linalg.lstsq(x[:first], target[:first]).solution
    return ((x[first:] @ weights).argmax(1) == y[first:]).double().mean().item()


def test_a_short_start_lets_identities_through_the_decoder() -> None:
    torch.manual_seed(0)
    released, short = (build(Config.paper().scaled("course")) for _ in range(2))
    to_unit_size(released.identity)
    short_start(short)
    assert told_apart(released) < 0.2
    assert told_apart(short) > 0.4


@pytest.mark.parametrize("block", ["gpm", "lstt", "single", "wide"])
def test_every_block_has_a_short_start(block: str) -> None:
    torch.manual_seed(0)
    heads = 8 if block == "lstt" else 1
    model = build(replace(Config.paper(), block=block, heads=heads).scaled("course"))
    short_start(model)
    start = model.decoder.start[0].weight.flatten(1)
    c = model.projector.out_channels
    assert not start[:, :-c].any()
    kept = start[:, -c:] @ start[:, -c:].mT if c >= len(start) else start[:, -c:].mT @ start[:, -c:]
    assert torch.allclose(kept, torch.eye(len(kept)), atol=1e-5)


@pytest.mark.parametrize(("layers", "objects"), [(1, 2), (4, 5)])
def test_as_many_samples_are_laid_on_top_as_the_stage_says(layers: int, objects: int) -> None:
    image, ids = picture()
    corner = np.zeros_like(ids)

    class Stills(list):
        """The n-th image drawn has an object of its own place."""

        drawn = 0

        def __getitem__(self, index):
            mask = corner.copy()
            mask[10:50, 16 * self.drawn : 16 * self.drawn + 14] = 1
            Stills.drawn += 1
            return image, mask

    Stills.drawn = 0
    stage = replace(recipe("quick").stages[0], layers=layers, length=1)
    draw = sampler(stage, QUICK, Stills([None]))
    batch = draw(rng(3), Step(0, "still", 0.0))
    assert Stills.drawn == layers + 1
    assert batch["objects"].item() == objects


@pytest.mark.parametrize("number", [0, 1])
def test_one_step_of_each_full_stage(number: int) -> None:
    """At full width, on clips of 97 pixels: all but the encoder's frozen part moves."""
    plan = recipe("full").change(
        **{s.name: {"steps": 1, "batch_size": 1, "size": (97, 97)} for s in recipe("full").stages}
    )
    plan = replace(plan, stages=plan.stages[number : number + 1], initial="")
    config = Config.released("deaot-l")
    torch.manual_seed(0)
    before = {n: p.clone() for n, p in build(config).named_parameters()}
    plan = plan.change(ema=None)
    source = data(("stills", "video")[number])
    model, history = train(config, plan, data=lambda name: source)
    assert np.isfinite(history.column("loss")).all()
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    still = {n for n in before if not n.startswith("encoder.")} - moved
    assert still == set()
    assert not {n for n in moved if n.startswith("encoder.features.0.")}
    assert any(n.startswith("encoder.features.17.") for n in moved)
