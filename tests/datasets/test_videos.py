"""FBMS, YouTube-Objects, YouTube-VOS and anyone's own folder, on made-up files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from vosedu import Clip, InputError, datasets
from vosedu.clip import VideoWriter, write_mask
from vosedu.datasets.sequences import YOUTUBE_OBJECTS, fbms_names

SIZE = (6, 8)


def picture(path, size=SIZE, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size[::-1], (value,) * 3).save(path)


def grey(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint8)).save(path)


def band(rows, value, size=SIZE):
    """A map with `value` in some rows, 0 elsewhere."""
    values = np.zeros(size, np.uint8)
    values[list(rows)] = value
    return values


# FBMS-59


def fbms_video(root, name, frames=4, folder="Testset"):
    base = root / folder / name
    for index in range(frames):
        picture(base / f"{name}_{index + 1:04d}.jpg")
    (base / "GroundTruth").mkdir()
    return base / "GroundTruth"


def fbms_clip(root, name):
    return datasets.fbms("test", root, present_only=True)[name]


def test_fbms_lists():
    assert (len(fbms_names("test")), len(fbms_names("train"))) == (30, 29)
    assert not set(fbms_names("test")) & set(fbms_names("train"))


def test_fbms_prefers_colour_whose_background_is_white(tmp_path):
    truth = fbms_video(tmp_path, "camel01")
    colour = np.full((*SIZE, 3), 255, np.uint8)
    colour[1], colour[2] = (255, 0, 0), (0, 0, 0)
    Image.fromarray(colour).save(truth / "camel01_0002_gt.ppm")
    Image.fromarray(colour).save(truth / "camel01_0002PROB_gt.ppm")
    grey(truth / "camel01_0002_gt.pgm", band([1], 255))
    clip = fbms_clip(tmp_path, "camel01")
    assert list(clip.labels) == [1]
    np.testing.assert_array_equal(clip.labels[1], band([1, 2], 1))


def test_fbms_grey_levels_are_objects(tmp_path):
    truth = fbms_video(tmp_path, "cars1")
    values = band([1], 80) + band([2], 255) + band([3], 20)
    grey(truth / "cars1_01.pgm", values)
    clip = fbms_clip(tmp_path, "cars1")
    np.testing.assert_array_equal(clip.labels[0], band([1, 2], 1))


@pytest.mark.parametrize(
    "name, rows", [("marple7", [1, 2, 3]), ("marple2", [2]), ("marple4", [1, 2])]
)
def test_fbms_thresholds_differ_by_video(tmp_path, name, rows):
    truth = fbms_video(tmp_path, name)
    grey(truth / f"{name}_001.pgm", band([1], 80) + band([2], 255) + band([3], 20))
    np.testing.assert_array_equal(fbms_clip(tmp_path, name).labels[0], band(rows, 1))


def test_fbms_converted_masks_follow_the_papers_rule(tmp_path):
    truth = fbms_video(tmp_path, "cats01")
    grey(truth / "cats01_0003.png", band([1], 128) + band([2], 129))
    clip = fbms_clip(tmp_path, "cats01")
    np.testing.assert_array_equal(clip.labels[2], band([2], 1))


def test_fbms_labels_of_another_size_are_resized(tmp_path):
    truth = fbms_video(tmp_path, "cats01")
    grey(truth / "cats01_0001.png", band([0, 1], 255, (3, 4)))
    labels = fbms_clip(tmp_path, "cats01").labels[0]
    np.testing.assert_array_equal(labels, band([0, 1, 2, 3], 1))


def test_fbms_without_annotations(tmp_path):
    truth = fbms_video(tmp_path, "cats01")
    with pytest.raises(InputError, match=r"cats01: 4 of 4 frames have no mask .*GroundTruth"):
        fbms_clip(tmp_path, "cats01")
    truth.rmdir()
    with pytest.raises(InputError, match=r"no folder .*GroundTruth"):
        fbms_clip(tmp_path, "cats01")


def test_fbms_annotation_beyond_the_video(tmp_path):
    truth = fbms_video(tmp_path, "cats01")
    grey(truth / "cats01_0009.pgm", band([1], 255))
    with pytest.raises(InputError, match=r"cats01_0009.pgm has no frame"):
        fbms_clip(tmp_path, "cats01")


def test_fbms_broken_annotation(tmp_path):
    truth = fbms_video(tmp_path, "cats01")
    (truth / "cats01_0001.pgm").write_bytes(b"P5 nonsense")
    with pytest.raises(InputError, match=r"cats01_0001.pgm"):
        fbms_clip(tmp_path, "cats01").labels[0]


def test_fbms_parts(tmp_path):
    fbms_video(tmp_path, "cats01")
    with pytest.raises(InputError, match="folder Testset and Trainingset"):
        datasets.fbms("all", tmp_path, present_only=True)
    with pytest.raises(InputError, match=r"only 1 of the 30"):
        datasets.fbms("test", tmp_path)
    with pytest.raises(InputError, match="no split 'val'"):
        datasets.fbms("val", tmp_path)


# YouTube-Objects


def yto_shot(root, category, video="0001", shot="001", nested=True, frames=12):
    base = root / category / "data" / video / "shots" / shot
    for index in range(frames):
        name = f"{index + 1:05d}.jpg" if nested else f"frame{index + 1:04d}.jpg"
        picture(base / "images" / name if nested else base / name)
    Image.fromarray(band([1], 200)).save(_made(base / "labels" / "00001.jpg"), quality=100)
    Image.fromarray(band([1], 200)).save(base / "labels" / "00011.jpg", quality=100)
    return base


def _made(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize("nested", [True, False], ids=["images folder", "frames beside"])
def test_youtube_objects(tmp_path, nested):
    yto_shot(tmp_path, "cow", nested=nested)
    clips = datasets.youtube_objects("cow", tmp_path, present_only=True)
    assert clips.names == ("cow_0001",) and datasets.category(clips.names[0]) == "cow"
    clip = clips[0]
    assert (len(clip), list(clip.labels)) == (12, [0, 10])
    np.testing.assert_array_equal(clip.labels[10], band([1], 1))
    assert "1 of 20" in repr(clips)


def test_youtube_objects_several_shots_have_several_names(tmp_path):
    yto_shot(tmp_path, "dog", shot="001")
    yto_shot(tmp_path, "dog", shot="002")
    clips = datasets.youtube_objects("dog", tmp_path, present_only=True)
    assert clips.names == ("dog_0001_001", "dog_0001_002")


def test_youtube_objects_counts():
    assert sum(YOUTUBE_OBJECTS.values()) == 126


def test_youtube_objects_says_what_is_short(tmp_path):
    yto_shot(tmp_path, "cow")
    with pytest.raises(InputError, match=r"lacks annotated videos of cow \(1 of 20\)"):
        datasets.youtube_objects("cow", tmp_path)
    with pytest.raises(InputError, match="does not hold the folder aeroplane and bird"):
        datasets.youtube_objects("all", tmp_path)
    assert len(datasets.youtube_objects("all", tmp_path, present_only=True)) == 1
    with pytest.raises(InputError, match="no split 'zebra'"):
        datasets.youtube_objects("zebra", tmp_path)


# YouTube-VOS


def vos_video(root, split, name, frames=(0, 5, 10), masks=None):
    for index in frames:
        picture(root / split / "JPEGImages" / name / f"{index:05d}.jpg")
    for index, ids in (masks or {}).items():
        write_mask(_made(root / split / "Annotations" / name / f"{index:05d}.png"), ids)


def test_youtube_vos_labels_may_come_late(tmp_path):
    ids = band([1], 1) + band([2], 3)
    vos_video(tmp_path, "valid", "a1", masks={5: band([1], 1), 10: ids})
    clip = datasets.youtube_vos("valid", tmp_path, 2018, present_only=True)["a1"]
    assert (len(clip), list(clip.labels), clip.fps) == (3, [1, 2], 6.0)
    np.testing.assert_array_equal(clip.labels[2], ids)


def test_youtube_vos_at_thirty_frames(tmp_path):
    vos_video(tmp_path, "valid", "a1", masks={5: band([1], 1)})
    vos_video(tmp_path, "valid_all_frames", "a1", frames=range(11))
    clips = datasets.youtube_vos("valid", tmp_path, all_frames=True, present_only=True)
    assert (len(clips["a1"]), list(clips["a1"].labels)) == (11, [5])


def test_youtube_vos_training_needs_every_mask(tmp_path):
    vos_video(tmp_path, "train", "a1", masks={0: band([1], 1)})
    clips = datasets.youtube_vos("train", tmp_path, present_only=True)
    with pytest.raises(InputError, match=r"a1: 2 of 3 frames have no mask"):
        clips[0]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"split": "val"}, "no split 'val'"),
        ({"year": 2020}, "no YouTube-VOS 2020"),
        ({"split": "test"}, "does not hold the folder test"),
        ({"all_frames": True}, "no folder .*valid_all_frames"),
        ({}, "holds 1 of 507 videos"),
    ],
    ids=["split", "year", "part", "all frames", "short"],
)
def test_youtube_vos_wrong_question(tmp_path, options, message):
    vos_video(tmp_path, "valid", "a1", masks={0: band([1], 1)})
    with pytest.raises(InputError, match=message):
        datasets.youtube_vos(**{"split": "valid", "root": tmp_path, **options})


def test_youtube_vos_categories(tmp_path):
    vos_video(tmp_path, "train", "a1")
    objects = {"1": {"category": "penguin", "frames": ["00005", "00010"]}}
    path = tmp_path / "train" / "meta.json"
    path.write_text(json.dumps({"videos": {"a1": {"objects": objects}}}))
    found = datasets.youtube_vos_objects("train", tmp_path)
    assert found["a1"][1].category == "penguin" and found["a1"][1].frames == ("00005", "00010")
    path.write_text("{}")
    with pytest.raises(InputError, match=r"meta.json is not a YouTube-VOS"):
        datasets.youtube_vos_objects("train", tmp_path)


# one's own folder


def own(base, frames, masks, video=""):
    for index in range(3):
        picture(base / frames / video / f"{index:05d}.png", value=index)
    if masks is not None:
        write_mask(_made(base / masks / video / "00001.png"), band([1], 2))


LAYOUTS = {
    "as DAVIS": ("JPEGImages", "Annotations", "mine"),
    "as DAVIS with resolution": ("JPEGImages/480p", "Annotations/480p", "mine"),
    "frames and masks": ("frames", "masks", "mine"),
    "as Clip.write": ("mine/frames", "mine/masks", ""),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_own_folder(tmp_path, layout):
    own(tmp_path, *LAYOUTS[layout])
    clips = datasets.folder(tmp_path)
    assert clips.names == ("mine",)
    assert (len(clips[0]), list(clips[0].labels)) == (3, [1])
    np.testing.assert_array_equal(clips[0].labels[1], band([1], 2))


def test_own_folder_with_one_video(tmp_path):
    own(tmp_path / "mine", "frames", "masks")
    assert datasets.folder(tmp_path / "mine").names == ("mine",)


def test_own_folder_without_masks(tmp_path):
    own(tmp_path, "one", None)
    own(tmp_path, "two", None)
    clips = datasets.folder(tmp_path)
    assert clips.names == ("one", "two")
    assert all(len(clip) == 3 and not clip.labels for clip in clips)


def test_own_folder_with_masks_elsewhere(tmp_path):
    own(tmp_path / "pictures", "one", None)
    write_mask(_made(tmp_path / "labels" / "one" / "00000.png"), band([1], 1))
    clips = datasets.folder(tmp_path / "pictures", masks=tmp_path / "labels")
    assert list(clips["one"].labels) == [0]


def test_own_video_files(tmp_path):
    (tmp_path / "films").mkdir()
    with VideoWriter(tmp_path / "films" / "walk.mp4") as video:
        for _ in range(3):
            video.write(np.zeros((32, 48, 3), np.uint8))
    write_mask(_made(tmp_path / "labels" / "walk" / "00002.png"), band([1], 1, (32, 48)))
    clips = datasets.folder(tmp_path / "films", masks=tmp_path / "labels")
    assert clips.names == ("walk",)
    assert (len(clips[0]), list(clips[0].labels)) == (3, [2])


def test_a_written_clip_is_a_data_set(tmp_path):
    frames = [np.full((*SIZE, 3), value, np.uint8) for value in (1, 2)]
    Clip("mine", frames, {0: band([1], 5)}).write(tmp_path / "set" / "mine")
    clip = datasets.folder(tmp_path / "set")["mine"]
    np.testing.assert_array_equal(clip.frames[1], frames[1])
    np.testing.assert_array_equal(clip.labels[0], band([1], 5))


def test_own_folder_that_holds_nothing(tmp_path):
    with pytest.raises(InputError, match="no frames and no videos"):
        datasets.folder(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        datasets.folder(tmp_path / "nowhere")
    own(tmp_path, "one", None)
    with pytest.raises(InputError, match=r"no folder .*masks"):
        datasets.folder(tmp_path, masks=tmp_path / "nowhere")


def test_own_masks_must_fit(tmp_path):
    own(tmp_path, "frames", "masks", "mine")
    write_mask(tmp_path / "masks" / "mine" / "00002.png", band([1], 1, (5, 5)))
    with pytest.raises(InputError, match=r"00002.png is 5 x 5 but .* 8 x 6"):
        datasets.folder(tmp_path)[0]
    write_mask(tmp_path / "masks" / "mine" / "00002.png", band([1], 1))
    write_mask(tmp_path / "masks" / "mine" / "00007.png", band([1], 1))
    with pytest.raises(InputError, match=r"00007.png has no frame"):
        datasets.folder(tmp_path)[0]


def test_two_masks_of_one_frame(tmp_path):
    own(tmp_path, "frames", "masks", "mine")
    grey(tmp_path / "masks" / "mine" / "00001.bmp", band([1], 255))
    with pytest.raises(InputError, match=r"00001.png and 00001.bmp are both masks"):
        datasets.folder(tmp_path)[0]
