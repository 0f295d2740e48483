"""AMC-Net on clips: sizes, thresholds, streaming, the last frame, bad input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scenes import Asked, noise

from vosedu.clip import Clip
from vosedu.errors import InputError
from vosedu.nn.crf import CRF, EnergyCRF
from vosedu.papers.amcnet.inference import (
    AMCPictures,
    Inference,
    binarised,
    enlarged,
    resized,
    segment,
    to_input,
)
from vosedu.papers.amcnet.network import AMCNet, Config, build
from vosedu.papers.speed import norms_of_one_pass

QUICK = Config.paper().scaled("quick")


@pytest.fixture(scope="module")
def model() -> AMCNet:
    torch.manual_seed(0)
    network = build(QUICK)
    norms_of_one_pass(network)
    with torch.no_grad():
        network(*torch.randn(2, 8, 3, 48, 80))
    return network.eval()


def probabilities(model: AMCNet, clip: Clip, **fields) -> np.ndarray:
    results = list(segment(model, clip, inference=Inference(**fields)))
    assert [r.index for r in results] == list(range(len(clip)))
    return np.stack([r.probability for r in results])


# What the network sees ---------------------------------------------------------------------------


def test_inputs_are_rgb_normalised_with_imagenets_mean() -> None:
    image = np.zeros((48, 80, 3), np.uint8)
    image[..., 0] = 255
    red, green, blue = to_input(image)[0, :, 0, 0].tolist()
    assert (red, green, blue) == pytest.approx(
        ((1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225), rel=1e-4
    )


@pytest.mark.parametrize("how", ["bicubic", "nearest"])
def test_pictures_are_resized_by_pillows_filter(how: str) -> None:
    image = noise(2, (50, 90)).frames[0]
    expected = Image.fromarray(image).resize((64, 32), Image.Resampling[how.upper()])
    assert np.array_equal(resized(image, (32, 64), how), np.asarray(expected))


def test_the_result_is_the_networks_own_forward(model: AMCNet) -> None:
    clip = noise(4)
    pictures = AMCPictures(model, clip, Inference())
    with torch.no_grad():
        expected = model(*pictures.tensors(2)).probability[0, 0].numpy()
    np.testing.assert_allclose(probabilities(model, clip)[2], expected, atol=1e-6)
    assert expected.std() > 1e-3


def test_frame_and_flow_are_not_interchanged(model: AMCNet) -> None:
    clip = noise(3)
    still = replace(clip, flow=[np.zeros_like(field) for field in clip.flow])
    tensors = AMCPictures(model, still, Inference()).tensors(0)
    white = to_input(np.full((48, 80, 3), 255, np.uint8))
    assert torch.equal(tensors[1], white)
    assert not torch.equal(tensors[0], white)


def test_the_last_frame_has_the_flow_that_ends_there(model: AMCNet) -> None:
    field = np.zeros((48, 80, 2), np.float32)
    field[10:20, 30:50] = (6, 0)
    clip = Clip("mover", noise(3).frames, flow=[field, field])
    pictures = AMCPictures(model, clip, Inference())
    moved = (pictures.flow(2) < 255).any(axis=2)
    assert moved[12:18, 38:50].all(), "the object has moved on by six pixels"
    assert not moved[:, :30].any() and not moved[:8].any()
    assert len(list(segment(model, clip))) == 3


# From the probability to a mask ------------------------------------------------------------------


def disc() -> np.ndarray:
    """The probability of a disc with radius 90 of 384."""
    y, x = np.mgrid[:384, :384] - 191.5
    return (np.hypot(y, x) < 90).astype(np.float32)


def test_binarising_first_widens_a_disc_by_about_one_per_cent() -> None:
    """Section 7.3 of the reference page: 1.2 % larger, IoU 0.988, on a way to 854 x 480."""
    wide = binarised(disc(), (480, 854), "bicubic")
    grey = (wide.probability * 255).round()
    assert set(np.unique(wide.labels)) == {0, 1}
    sharp = grey > 127
    assert wide.mask.sum() / sharp.sum() == pytest.approx(1.012, abs=0.004)
    assert (sharp & (wide.mask > 0)).sum() / (sharp | (wide.mask > 0)).sum() == pytest.approx(
        0.988, abs=0.004
    )


def test_binarising_with_the_nearest_filter_leaves_no_grey() -> None:
    result = binarised(disc(), (480, 854), "nearest")
    assert set(np.unique(result.probability)) == {0.0, 1.0}
    assert np.array_equal(result.mask, result.probability > 0)


def test_enlarging_first_thresholds_at_one_half() -> None:
    ramp = np.tile(np.linspace(0, 1, 4, dtype=np.float32), (2, 1))
    result = enlarged(ramp, (4, 8), "bicubic")
    assert result.probability.shape == (4, 8)
    assert result.labels is None
    assert result.mask[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_one_half_itself_is_object_where_the_release_thresholds() -> None:
    assert binarised(np.full((2, 2), 0.5, np.float32), (2, 2), "bicubic").mask.all()


def test_results_have_the_clips_own_size(model: AMCNet) -> None:
    assert probabilities(model, noise(3, (50, 90))).shape == (3, 50, 90)
    assert probabilities(model, noise(3, (50, 90)), size=(64, 96)).shape == (3, 50, 90)
    results = list(segment(model, noise(3, (50, 90)), inference=Inference.released()))
    assert all(r.labels.shape == (50, 90) for r in results)


def test_the_crfs_energies_are_the_released_scripts() -> None:
    """Section 7.4: p = 0 costs (0, 11.513), p = 1 the mirror, 0.5 nothing, 64/255 (0, 0.903)."""
    p = np.array([[0.0, 1.0, 0.5, 64 / 255]], np.float32)
    unary = EnergyCRF()._unary(p)
    expected = [[0, 11.513, 0, 0], [11.513, 0, 0, 0.903]]
    np.testing.assert_allclose(unary, expected, atol=1e-3)


def test_the_crf_is_given_frame_and_probability(model: AMCNet) -> None:
    class Noted(CRF):
        def refine(self, probability: np.ndarray, frame: np.ndarray) -> np.ndarray:
            return frame[..., 0] / 255 + 0 * probability

    clip = noise(3)
    refined = probabilities(model, clip, crf=Noted())
    np.testing.assert_allclose(refined[1], clip.frames[1][..., 0] / 255)


# Streaming ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("flow", [True, False], ids=["exact", "estimated"])
def test_every_frame_is_decoded_once_and_in_order(model: AMCNet, flow: bool) -> None:
    clip = noise(12, flow=flow)
    frames = Asked(clip.frames)
    stream = segment(model, Clip("counted", frames, flow=clip.flow))
    next(stream)
    assert max(frames.asked) <= 1
    list(stream)
    assert frames.asked == sorted(frames.asked)
    assert len(frames.asked) == len(set(frames.asked)) == 12


def test_estimated_flow_is_kept_in_the_folder_it_is_given(model: AMCNet, tmp_path: Path) -> None:
    clip = noise(4, flow=False)
    first = probabilities(model, clip, flow_cache=str(tmp_path))
    files = sorted(tmp_path.rglob("*.npz"))
    assert len(files) == 4  # three forward fields and one back from the last frame
    times = [file.stat().st_mtime_ns for file in files]
    again = probabilities(model, clip, flow_cache=str(tmp_path))
    assert times == [file.stat().st_mtime_ns for file in files]
    assert np.array_equal(first, again)


# Bad input ---------------------------------------------------------------------------------------


def refused(model: AMCNet, clip: Clip, match: str, **fields) -> None:
    with pytest.raises(InputError, match=match):
        probabilities(model, clip, **fields)


@pytest.mark.parametrize("frames", [0, 1])
def test_too_short_clips(model: AMCNet, frames: int) -> None:
    refused(model, Clip("short", noise(2).frames[:frames]), "'short' has")


def test_settings_that_do_not_exist(model: AMCNet) -> None:
    refused(model, noise(), "32 or more", size=(20, 80))
    refused(model, noise(), "no order 'otsu'", order="otsu")
    refused(model, noise(), "no filter 'box'", filter="box")
    refused(model, noise(flow=False), "no flow method", flow="magic")


def test_frames_and_flow_that_do_not_fit(model: AMCNet) -> None:
    clip = noise(4)
    mixed = [*clip.frames[:3], clip.frames[3][:40]]
    refused(model, Clip("mixed", mixed, flow=clip.flow), "frame 3 of 'mixed' is 80 x 40")
    refused(model, Clip("few", clip.frames, flow=clip.flow[:2]), "4 frames but 2 flow")
    small = [field[:40] for field in clip.flow]
    refused(model, Clip("small", clip.frames, flow=small), "flow of frame 0")


def test_numbers_that_are_none(model: AMCNet) -> None:
    clip = noise(4)
    clip.flow[1][3, 4] = np.nan
    refused(model, clip, "flow of frame 1 of 'noise'")
    broken = build(QUICK)
    with torch.no_grad():
        broken.head.weight[0, 0, 0, 0] = float("nan")
    refused(broken, noise(), "output for frame 0")
