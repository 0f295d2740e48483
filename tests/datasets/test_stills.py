"""Pictures with masks: the saliency sets, DeAOT's stills, anyone's pairs."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vosedu import InputError, datasets
from vosedu.clip import write_mask
from vosedu.datasets.stills import DEAOT_STILLS, pair


def picture(path, size=(6, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size[::-1], (9, 9, 9)).save(path)


def mask(path, size=(6, 8), value=255, mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros(size, np.uint8)
    values[:2] = value
    Image.fromarray(values).convert(mode).save(path)


def test_real_pairs(shared):
    root = shared / "data" / "saliency-mini"
    assert len(datasets.pairs(root)) == 799
    duts = datasets.pairs(root, "duts")
    assert len(duts) == 499
    for index in (0, 250, -1):
        image, ids = duts[index]
        assert image.shape[:2] == ids.shape and image.dtype == ids.dtype == np.uint8
        assert set(np.unique(ids)) == {0, 1}
    assert len(datasets.pairs(root / "sod")) == 300


def test_pairs_are_a_sequence(tmp_path):
    for name in ("b", "a"):
        picture(tmp_path / "images" / f"{name}.jpg")
        mask(tmp_path / "masks" / f"{name}.png")
    stills = datasets.pairs(tmp_path)
    assert stills.names == ("a", "b")
    assert len(stills[:1]) == 1 and len(stills + stills) == 4
    assert [ids.sum() for _, ids in stills] == [16, 16]


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "P", "1"])
def test_soft_and_coloured_masks_are_cut_at_one_half(tmp_path, mode):
    picture(tmp_path / "images" / "a.jpg")
    values = np.zeros((6, 8), np.uint8)
    values[0], values[1] = 100, 200
    if mode == "1":
        values[values < 128] = 0
    (tmp_path / "masks").mkdir()
    Image.fromarray(values).convert(mode, dither=Image.Dither.NONE).save(
        tmp_path / "masks" / "a.png"
    )
    _, ids = datasets.pairs(tmp_path)[0]
    assert ids[1].all() and not ids[0].any() and not ids[2:].any()


def test_duts(tmp_path):
    for code, name in (("TR", "x"), ("TE", "y")):
        picture(tmp_path / f"DUTS-{code}" / f"DUTS-{code}-Image" / f"{name}.jpg")
        mask(tmp_path / f"DUTS-{code}" / f"DUTS-{code}-Mask" / f"{name}.png")
    assert datasets.duts("train", tmp_path).names == ("x",)
    assert datasets.duts("all", tmp_path).names == ("x", "y")
    with pytest.raises(InputError, match="no split 'val'"):
        datasets.duts("val", tmp_path)


def test_of_two_masks_the_one_of_the_pictures_size_counts(tmp_path):
    base = tmp_path / "DUTS-TR"
    picture(base / "DUTS-TR-Image" / "x.jpg")
    mask(base / "DUTS-TR-Mask" / "x.png", size=(3, 3))
    mask(base / "DUTS-TR-Mask" / "x.jpg")
    _, ids = datasets.duts("train", tmp_path)[0]
    assert ids.sum() == 16


def test_msra10k_keeps_both_in_one_folder(tmp_path):
    base = tmp_path / "MSRA10K_Imgs_GT" / "Imgs"
    picture(base / "7.jpg")
    mask(base / "7.png")
    assert datasets.msra10k(root=tmp_path).names == ("7",)


def test_dut_omron(tmp_path):
    picture(tmp_path / "DUT-OMRON-image" / "7.jpg")
    mask(tmp_path / "pixelwiseGT-new-PNG" / "7.png")
    assert len(datasets.dut_omron(root=tmp_path)) == 1


def test_deaot_stills_prepared_and_as_they_come(tmp_path):
    ids = np.zeros((6, 8), np.uint8)
    ids[0], ids[1], ids[2] = 1, 2, 255
    picture(tmp_path / "JPEGImages" / "COCO" / "c.jpg")
    (tmp_path / "Annotations" / "COCO").mkdir(parents=True)
    write_mask(tmp_path / "Annotations" / "COCO" / "c.png", ids)
    picture(tmp_path / "ECSSD" / "images" / "e.jpg")
    mask(tmp_path / "ECSSD" / "ground_truth_mask" / "e.png")
    picture(tmp_path / "MSRA10K" / "MSRA10K_Imgs_GT" / "Imgs" / "m.jpg")
    mask(tmp_path / "MSRA10K" / "MSRA10K_Imgs_GT" / "Imgs" / "m.png")
    picture(tmp_path / "PASCAL-S" / "datasets" / "imgs" / "pascal" / "p.jpg")
    mask(tmp_path / "PASCAL-S" / "datasets" / "masks" / "pascal" / "p.png")
    voc = tmp_path / "PASCALVOC2012" / "VOCdevkit" / "VOC2012"
    picture(voc / "JPEGImages" / "v.jpg")
    picture(voc / "JPEGImages" / "without_mask.jpg")
    (voc / "SegmentationObject").mkdir()
    write_mask(voc / "SegmentationObject" / "v.png", ids)
    stills = datasets.deaot_stills(root=tmp_path)
    assert stills.names == ("c", "e", "m", "p", "v")
    for index in (0, 4):
        assert set(np.unique(stills[index][1])) == {0, 1, 2}
    assert datasets.deaot_stills("ECSSD", tmp_path).names == ("e",)


def test_deaot_stills_says_which_are_absent(tmp_path):
    picture(tmp_path / "ECSSD" / "images" / "e.jpg")
    mask(tmp_path / "ECSSD" / "ground_truth_mask" / "e.png")
    with pytest.raises(InputError, match=r"has no COCO, MSRA10K.*present_only"):
        datasets.deaot_stills(root=tmp_path)
    assert len(datasets.deaot_stills(root=tmp_path, present_only=True)) == 1
    assert len(DEAOT_STILLS) == 5


def test_pairing_is_by_name_and_complete(tmp_path):
    for name in ("a", "b"):
        picture(tmp_path / "images" / f"{name}.jpg")
    mask(tmp_path / "masks" / "a.png")
    with pytest.raises(InputError, match=r"1 of 2 pictures have no mask .*b.jpg"):
        datasets.pairs(tmp_path)
    mask(tmp_path / "masks" / "b.png")
    mask(tmp_path / "masks" / "c.png")
    with pytest.raises(InputError, match=r"1 masks .* have no picture .*: c"):
        datasets.pairs(tmp_path)


def test_a_mask_of_another_size(tmp_path):
    picture(tmp_path / "images" / "a.jpg")
    mask(tmp_path / "masks" / "a.png", size=(5, 8))
    with pytest.raises(InputError, match=r"a.png is 8 x 5 but its picture a.jpg is 8 x 6"):
        datasets.pairs(tmp_path)[0]


def test_a_broken_picture(tmp_path):
    picture(tmp_path / "images" / "a.jpg")
    mask(tmp_path / "masks" / "a.png")
    (tmp_path / "masks" / "a.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"a.png"):
        datasets.pairs(tmp_path)[0]


def test_wrong_folders(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        datasets.pairs(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no folder 'images' beside 'masks'"):
        datasets.pairs(tmp_path)
    with pytest.raises(InputError, match="no pictures in"):
        pair("mine", tmp_path, tmp_path / "masks")
    with pytest.raises(InputError, match="does not hold the folder Imgs"):
        datasets.msra10k(root=tmp_path)
