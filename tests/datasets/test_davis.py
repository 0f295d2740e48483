"""DAVIS 2016 and 2017, on made-up files of its layout and on the reduced real copy."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vosedu import InputError, datasets
from vosedu.datasets.sequences import DAVIS16, davis16_names, davis17_names


def test_published_counts_of_the_table():
    val = [s for s in DAVIS16.values() if s.split == "val"]
    train = [s for s in DAVIS16.values() if s.split == "train"]
    assert (len(train), len(val)) == (30, 20)
    assert (sum(s.frames for s in train), sum(s.frames for s in val)) == (2079, 1376)
    assert (sum(s.temporal for s in train), sum(s.temporal for s in val)) == (17, 10)
    codes = "AC BC CS DB DE EA FM HO IO LR MB OC OV ROT SC SV".split()
    of_val = [sum(code in s.attributes for s in val) for code in codes]
    assert of_val == [7, 4, 7, 3, 13, 11, 7, 14, 10, 5, 9, 6, 4, 10, 7, 8]
    assert set(codes) == set(datasets.ATTRIBUTES)
    assert not DAVIS16["blackswan"].attributes


def test_splits_do_not_overlap():
    assert [len(davis17_names(s)) for s in ("train", "val", "trainval", "test-dev")] == [
        60,
        30,
        90,
        30,
    ]
    assert set(davis16_names("val")) <= set(davis17_names("val"))
    assert not set(davis17_names("train")) & set(davis17_names("val"))
    assert not set(davis17_names("trainval")) & set(davis17_names("test-dev"))


def test_the_split_that_recipes_are_chosen_on_is_within_train():
    most, few = davis16_names("train-25"), davis16_names("train-5")
    assert few == ("car-turn", "hike", "mallard-water", "scooter-gray", "train")
    assert sorted(most + few) == list(davis16_names("train")) and len(most) == 25
    assert davis16_names("trainval") == tuple(DAVIS16)


def test_real_val_split_says_what_is_missing(shared):
    root = shared / "data" / "davis-mini"
    with pytest.raises(InputError, match=r"only 14 of the 20 .*bmx-trees.*present_only"):
        datasets.davis16("val", root, "240p")
    val = datasets.davis16("val", root, "240p", present_only=True)
    assert len(val) == 14
    assert val.missing == (
        "bmx-trees",
        "breakdance",
        "camel",
        "drift-chicane",
        "libby",
        "soapbox",
    )
    assert "14 of 20" in repr(val) and "camel" in repr(val)


def test_real_clips_are_whole(shared):
    root = shared / "data" / "davis-mini"
    both = datasets.davis16("trainval", root, "240p", present_only=True)
    for clip in both:
        sequence = DAVIS16[clip.name]
        assert len(clip) == sequence.frames == len(clip.labels)
        assert clip.size == (240, 428)
        assert clip.attributes == sequence.attributes
    assert len(both) == 44


def test_real_masks_have_id_1_and_may_be_empty(shared):
    train = datasets.davis16("train", shared / "data" / "davis-mini", "240p")
    bear, bumps, surf = train["bear"], train["bmx-bumps"], train["surf"]
    assert set(np.unique(bear.labels[77])) == {0, 1}
    assert set(np.unique(bear.labels[0])) == {0, 1}
    empty = [index for index in bumps.labels if not bumps.labels[index].any()]
    assert empty == [60, *range(62, 75)]
    assert not surf.labels[54].any()
    assert bear.frames[0].shape == (240, 428, 3)


def test_real_multi_object_sequence(shared):
    root = shared / "data" / "davis2017-mini"
    val = datasets.davis17("val", root, "240p", present_only=True)
    assert val.names == ("dogs-jump",)
    clip = val[0]
    assert len(clip) == len(clip.labels) == 66
    assert set(np.unique(clip.labels[0])) == {0, 1, 2, 3}


def sequence(root, name, frames=3, masks=None, size=(6, 8), annotations="Annotations"):
    """Write a sequence in DAVIS's layout; `masks` are arrays or PIL images, one per frame."""
    pictures = root / "JPEGImages" / "480p" / name
    labels = root / annotations / "480p" / name
    pictures.mkdir(parents=True)
    labels.mkdir(parents=True)
    for index in range(frames):
        Image.new("RGB", size[::-1]).save(pictures / f"{index:05d}.jpg")
    for index, mask in enumerate(masks if masks is not None else [np.zeros(size, np.uint8)] * 3):
        image = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
        image.save(labels / f"{index:05d}.png")
    return labels


def indexed(ids):
    image = Image.fromarray(ids)
    image.putpalette(list(range(256)) * 3)
    return image


def one(root, **options):
    return datasets.davis16("val", root, present_only=True, **options)["dog"]


def test_2016_merges_whatever_is_not_background(tmp_path):
    grey = np.zeros((6, 8), np.uint8)
    grey[2:4] = 255
    alpha = Image.merge("LA", [Image.fromarray(grey), Image.new("L", (8, 6), 255)])
    ids = np.zeros((6, 8), np.uint8)
    ids[2], ids[3] = 1, 2
    sequence(tmp_path, "dog", masks=[grey, alpha, indexed(ids)])
    clip = one(tmp_path)
    for index in range(3):
        np.testing.assert_array_equal(clip.labels[index], grey // 255)


def test_2017_keeps_ids_and_void(tmp_path):
    ids = np.zeros((6, 8), np.uint8)
    ids[0], ids[1], ids[2] = 1, 2, 255
    sequence(tmp_path, "dog", masks=[indexed(ids)] * 3, annotations="Annotations_unsupervised")
    clip = datasets.davis17("val", tmp_path, task="unsupervised", present_only=True)["dog"]
    assert set(np.unique(clip.labels[1])) == {0, 1, 2, 255}


def test_2017_test_dev_has_the_first_mask_only(tmp_path):
    sequence(tmp_path, "golf", masks=[np.zeros((6, 8), np.uint8)])
    clip = datasets.davis17("test-dev", tmp_path, present_only=True)["golf"]
    assert list(clip.labels) == [0]


def test_an_archives_outer_folder_may_stay(tmp_path):
    sequence(tmp_path / "DAVIS", "dog")
    assert len(one(tmp_path)) == 3


def test_default_root_is_the_download_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path))
    sequence(tmp_path / "davis16" / "DAVIS", "dog")
    assert len(one(None)) == 3


def test_clips_by_number_name_slice_and_pick(tmp_path):
    for name in ("dog", "goat", "libby"):
        sequence(tmp_path, name)
    val = datasets.davis16("val", tmp_path, present_only=True)
    assert [clip.name for clip in val] == ["dog", "goat", "libby"]
    assert val[-1].name == "libby" and val["goat"].name == "goat"
    assert val[1:].names == ("goat", "libby")
    assert val.pick(["libby", "dog"]).names == ("libby", "dog")
    with pytest.raises(InputError, match="no sequence 'cat'"):
        val["cat"]
    with pytest.raises(InputError, match="no sequence cow"):
        val.pick(["dog", "cow"])


BAD = {
    "unknown split": (lambda r: datasets.davis16("test", r), "no split 'test'.*train, val"),
    "unknown task": (lambda r: datasets.davis17("val", r, task="x"), "no task 'x'"),
    "no folder": (lambda r: datasets.davis16("val", r / "no"), "no folder .*data get davis16"),
    "wrong root": (
        lambda r: datasets.davis16("val", r / "JPEGImages"),
        "does not hold the folder JPEGImages",
    ),
    "resolution": (lambda r: one(r, resolution="1080p"), "no folder '1080p' but 480p"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_question(tmp_path, name):
    sequence(tmp_path, "dog")
    ask, message = BAD[name]
    with pytest.raises(InputError, match=message):
        ask(tmp_path)


def test_none_of_the_sequences(tmp_path):
    sequence(tmp_path, "bear")
    with pytest.raises(InputError, match="none of the 20"):
        datasets.davis16("val", tmp_path, present_only=True)


def test_no_annotations(tmp_path):
    labels = sequence(tmp_path, "dog", masks=[])
    with pytest.raises(InputError, match=r"dog: 3 of 3 frames have no mask .*00000.jpg"):
        one(tmp_path)
    labels.rmdir()
    with pytest.raises(InputError, match=r"no folder .*Annotations.480p.dog"):
        one(tmp_path)


def test_a_mask_is_missing(tmp_path):
    labels = sequence(tmp_path, "dog")
    (labels / "00001.png").unlink()
    with pytest.raises(InputError, match=r"1 of 3 frames .*00001.jpg"):
        one(tmp_path)


def test_a_mask_without_frame(tmp_path):
    labels = sequence(tmp_path, "dog")
    Image.new("L", (8, 6)).save(labels / "00009.png")
    with pytest.raises(InputError, match=r"00009.png has no frame"):
        one(tmp_path)


def test_a_mask_of_another_size(tmp_path):
    labels = sequence(tmp_path, "dog")
    Image.new("L", (9, 6)).save(labels / "00002.png")
    with pytest.raises(InputError, match=r"00002.png is 9 x 6 but .* 8 x 6"):
        one(tmp_path)


def test_an_empty_sequence(tmp_path):
    sequence(tmp_path, "dog", frames=0, masks=[])
    with pytest.raises(InputError, match=r"dog: there are no frames in"):
        one(tmp_path)


def test_a_broken_mask(tmp_path):
    labels = sequence(tmp_path, "dog")
    (labels / "00000.png").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"00000.png"):
        one(tmp_path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "I;16"])
def test_masks_without_ids(tmp_path, mode):
    labels = sequence(tmp_path, "dog")
    Image.new(mode, (8, 6)).save(labels / "00000.png")
    with pytest.raises(InputError, match=r"00000.png"):
        one(tmp_path).labels[0]
