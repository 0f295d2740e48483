"""HCPN on clips: which mask a frame keeps, mirrored views, streaming, the released procedure."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import Asked
from scenes import noise as any_noise

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.papers.hcpn import speed
from vosedu.papers.hcpn.inference import (
    PAPER_CRF,
    HCPNPictures,
    Inference,
    as_bytes,
    segment,
    segment_released,
)
from vosedu.papers.hcpn.network import HCPN, Config, build
from vosedu.papers.speed import compare, norms_of_one_pass

QUICK = Config.paper().scaled("quick")


def network(config: Config = QUICK) -> HCPN:
    torch.manual_seed(0)
    model = build(config)
    norms_of_one_pass(model)
    with torch.no_grad():
        model(*torch.randn(3, 8, 3, 64, 96))
        model.decoder.coarse.weight *= 10
    return model.eval()


@pytest.fixture(scope="module")
def model() -> HCPN:
    return network()


def noise(frames: int = 4) -> Clip:
    return any_noise(frames, (64, 96))


def probabilities(model: HCPN, clip: Clip, **fields) -> np.ndarray:
    results = list(segment(model, clip, inference=Inference(**fields)))
    assert [r.index for r in results] == list(range(len(clip)))
    return np.stack([r.probability for r in results])


def pair_masks(model: HCPN, clip: Clip, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Both masks of a pair by the network's own forward."""
    with torch.inference_mode():
        result = model(*HCPNPictures(model, clip, Inference()).pair(index))
    return tuple(m.sigmoid()[0, 0].numpy() for m in (result.mask_a, result.mask_b))


def test_a_frame_keeps_its_mask_as_first_frame_and_the_last_one_as_second(model: HCPN) -> None:
    clip = noise()
    ours = probabilities(model, clip)
    firsts = [pair_masks(model, clip, pair)[0] for pair in range(3)]
    np.testing.assert_allclose(ours[:3], firsts, atol=1e-6)
    np.testing.assert_allclose(ours[3], pair_masks(model, clip, 2)[1], atol=1e-6)
    assert ours.std() > 1e-2


def test_the_mean_takes_both_masks_of_a_frame(model: HCPN) -> None:
    clip = noise()
    both = [pair_masks(model, clip, pair) for pair in range(3)]
    expected = [
        both[0][0],
        (both[0][1] + both[1][0]) / 2,
        (both[1][1] + both[2][0]) / 2,
        both[2][1],
    ]
    np.testing.assert_allclose(probabilities(model, clip, keep="mean"), expected, atol=1e-6)


def test_a_mirrored_view_makes_the_result_equivariant(model: HCPN) -> None:
    clip = noise(2)
    turned = replace(
        clip,
        frames=[f[:, ::-1] for f in clip.frames],
        flow=[field[:, ::-1] for field in clip.flow],  # colours are not mirrored, as released
    )
    plain = probabilities(model, clip, mirror=True)
    np.testing.assert_allclose(
        probabilities(model, turned, mirror=True)[..., ::-1], plain, atol=1e-5
    )
    assert np.abs(probabilities(model, clip) - plain).max() > 1e-3


@pytest.mark.parametrize("form", ["paper", "released"])
def test_equal_to_the_released_procedure(form: str) -> None:
    model = network(getattr(Config, form)().scaled("quick"))
    clip, inference = any_noise(4, (48, 80)), replace(Inference.released(), precision="float")
    ours = np.stack([r.probability for r in segment(model, clip, inference=inference)])
    theirs = np.stack([r.probability for r in segment_released(model, clip, inference=inference)])
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    assert ours.shape == (4, 48, 80)
    assert theirs.std() > 1e-3


def test_the_benchmark_agrees_and_reports() -> None:
    measured = compare(speed.RACE, "quick")
    assert measured["difference"] <= 1e-5
    assert measured["spread"] > 1e-3
    assert measured["ratio"] == measured["seconds_released"] / measured["seconds_ours"]


def test_every_frame_is_read_once_and_only_kept_masks_are_decoded(model: HCPN) -> None:
    clip = noise(5)
    frames = Asked(clip.frames)
    decoded = []
    hook = model.decoder.register_forward_hook(lambda *_: decoded.append(1))
    probabilities(model, replace(clip, frames=frames))
    hook.remove()
    assert Counter(frames.asked) == Counter(range(5))
    assert len(decoded) == 5


def test_results_come_while_the_clip_is_read(model: HCPN) -> None:
    frames = Asked(noise(6).frames)
    stream = segment(model, replace(noise(6), frames=frames))
    next(stream)
    assert max(Counter(frames.asked).values()) == 1


def test_flow_is_estimated_where_there_is_none(model: HCPN) -> None:
    clip = noise(3)
    assert not np.allclose(
        probabilities(model, clip), probabilities(model, replace(clip, flow=None))
    )


def test_the_order_of_the_flow_s_colours_counts(model: HCPN) -> None:
    clip = noise(2)
    rgb, bgr = (
        HCPNPictures(model, clip, Inference(flow_order=order)).flow(0) for order in ("rgb", "bgr")
    )
    assert not torch.equal(rgb, bgr)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    torch.testing.assert_close((rgb * std + mean).flip(1), bgr * std + mean)


def test_bytes_differ_by_at_most_two_steps(model: HCPN) -> None:
    clip = noise(2)
    cut, exact = probabilities(model, clip, precision="byte"), probabilities(model, clip)
    assert 0 < np.abs(cut - exact).max() <= 2 / 255


def test_bytes_are_cut_not_rounded() -> None:
    maps = torch.tensor([[0.999, 0.5], [0.0, 1.0]]).view(1, 1, 2, 2)
    assert (as_bytes(maps, (2, 2)) * 255).round().flatten().tolist() == [254, 127, 0, 255]


def test_clips_it_cannot_use_are_said_so(model: HCPN) -> None:
    with pytest.raises(InputError, match="1 frame"):
        list(segment(model, noise(1)))
    with pytest.raises(InputError, match="multiples of 32"):
        list(segment(model, noise(), inference=Inference(size=(60, 96))))
    with pytest.raises(InputError, match="keep"):
        list(segment(model, noise(), inference=Inference(keep="second")))
    mixed = noise(3)
    frames = [*mixed.frames[:2], np.zeros((32, 32, 3), np.uint8)]
    with pytest.raises(InputError, match="frame 2"):
        list(segment(model, replace(mixed, frames=frames, flow=None)))
    broken = network()
    with torch.no_grad():
        broken.decoder.coarse.bias.fill_(float("nan"))
    with pytest.raises(InputError, match="not a number"):
        list(segment(broken, noise()))


# CRF ---------------------------------------------------------------------------------------------


def test_the_crf_is_the_released_scripts() -> None:
    """Section 7.5: both kernels, five steps, and the unary costs of probabilities 0 to 1.

    e_1 = -ln(1 - p + 1e-8) / (1.05 sigmoid(1 - p)) of the object and e_0, the same of p; the
    costs are -ln(clip(e, 1e-5, 1)). Every frame's largest probability becomes 1 first.
    """
    assert PAPER_CRF.smooth == (1.0, 3.0), "Gaussian: deviation, weight"
    assert PAPER_CRF.bilateral == (25.0, 5.0, 7.0), "bilateral: place, colour, weight"
    assert PAPER_CRF.steps == 5
    probability = np.array([[0.0, 0.05, 0.1, 0.2]], np.float32)
    p = np.array([0.0, 0.25, 0.5, 1.0])  # divided by the largest
    e = [-np.log(q + 1e-8) * (1 + np.exp(-q)) / 1.05 for q in (p, 1 - p)]
    expected = -np.log(np.clip(e, 1e-5, 1))
    np.testing.assert_allclose(PAPER_CRF._unary(probability), expected, atol=1e-4)
    assert expected[1, 0] == pytest.approx(11.513, abs=1e-3), "background of p = 0 is certain"
    assert not PAPER_CRF._unary(np.zeros((1, 4), np.float32))[0].any(), "an empty frame stays empty"


def test_a_faint_object_is_kept_as_the_release_keeps_it() -> None:
    """A frame whose probabilities stay below one half gets its object by the stretching alone."""
    frame = np.zeros((16, 16, 3), np.uint8)
    frame[4:12, 4:12] = 255
    faint = np.where(frame[..., 0] > 0, 0.4, 0.02).astype(np.float32)
    stretched = PAPER_CRF.refine_exactly(faint, frame) > 0.5
    plain = replace(PAPER_CRF, stretch=False).refine_exactly(faint, frame) > 0.5
    assert stretched.tolist() == (frame[..., 0] > 0).tolist() and not plain.any()
