"""Clips: reading and writing videos, frames and masks, and what bad input says."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosedu.clip import (
    PALETTE,
    Clip,
    VideoFrames,
    VideoWriter,
    objects_of,
    output_folder,
    permuted,
    read_mask,
    write_mask,
)
from vosedu.errors import InputError


def frames(count: int = 4, height: int = 32, width: int = 48) -> list[np.ndarray]:
    """A bright square walking over a smooth background, which video codecs keep well."""
    background = np.linspace(0, 120, width, dtype=np.uint8)[None, :, None]
    pictures = []
    for index in range(count):
        picture = np.broadcast_to(background, (height, width, 3)).copy()
        picture[8:24, 4 + 4 * index : 16 + 4 * index] = (230, 180, 60)
        pictures.append(picture)
    return pictures


def folder_of(path: Path, pictures: list[np.ndarray], suffix: str = ".png") -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(path / f"{index:05d}{suffix}")
    return path


def video_of(path: Path, pictures: list[np.ndarray], fps: float = 24.0) -> Path:
    with VideoWriter(path, fps) as video:
        for picture in pictures:
            video.write(picture)
    return path


def one_sentence(error: pytest.ExceptionInfo[InputError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 400
    return text


class TestFolders:
    def test_frames_come_in_the_order_of_their_names(self, tmp_path: Path) -> None:
        pictures = frames()
        clip = Clip.read(folder_of(tmp_path / "walk", pictures))
        assert (clip.name, len(clip), clip.size) == ("walk", 4, (32, 48))
        assert all(np.array_equal(a, b) for a, b in zip(clip.frames, pictures, strict=True))

    def test_a_clip_written_and_read_again_is_the_same(self, tmp_path: Path) -> None:
        ids = {0: np.zeros((32, 48), np.uint8), 2: np.full((32, 48), 3, np.uint8)}
        ids[2][:4] = 255
        Clip("walk", frames(), ids).write(tmp_path / "out")
        clip = Clip.read(tmp_path / "out")
        assert all(np.array_equal(a, b) for a, b in zip(clip.frames, frames(), strict=True))
        assert list(clip.labels) == [0, 2]
        assert np.array_equal(clip.labels[2], ids[2])

    def test_a_davis_sequence_finds_its_masks_and_maps_255_to_1(self, tmp_path: Path) -> None:
        folder = folder_of(tmp_path / "JPEGImages" / "480p" / "bear", frames(), ".jpg")
        masks = tmp_path / "Annotations" / "480p" / "bear"
        masks.mkdir(parents=True)
        mask = np.zeros((32, 48), np.uint8)
        mask[8:24, 4:16] = 255
        Image.fromarray(mask).save(masks / "00000.png")
        clip = Clip.read(folder)
        assert list(clip.labels) == [0]
        assert np.array_equal(clip.labels[0], mask // 255)

    def test_other_files_in_the_folder_are_ignored(self, tmp_path: Path) -> None:
        folder = folder_of(tmp_path / "walk", frames())
        (folder / "notes.txt").write_text("sunny")
        (folder / "._00000.png").write_bytes(b"left by a file manager")
        assert len(Clip.read(folder)) == 4

    def test_cut_moves_frames_labels_and_flow_together(self) -> None:
        labels = {index: np.full((32, 48), index, np.uint8) for index in range(4)}
        flow = [np.full((32, 48, 2), index, np.float32) for index in range(3)]
        clip = Clip("walk", frames(), labels, flow).cut(1, 3)
        assert len(clip) == 2
        assert np.array_equal(clip.frames[0], frames()[1])
        assert {index: int(ids[0, 0]) for index, ids in clip.labels.items()} == {0: 1, 1: 2}
        assert [int(field[0, 0, 0]) for field in clip.flow] == [1]


class TestVideos:
    def test_a_written_video_reads_back(self, tmp_path: Path) -> None:
        clip = Clip.read(video_of(tmp_path / "walk.mp4", frames(12), fps=12.5))
        assert (clip.name, len(clip), clip.size, clip.fps) == ("walk", 12, (32, 48), 12.5)
        for read, written in zip(clip.frames, frames(12), strict=True):
            assert np.abs(read.astype(int) - written).mean() < 6

    def test_frames_may_be_asked_for_in_any_order(self, tmp_path: Path) -> None:
        video = VideoFrames(video_of(tmp_path / "walk.mp4", frames(6)))
        forwards = list(video)
        for index in (5, 0, 3, 3, -1):
            assert np.array_equal(video[index], forwards[index])
        with pytest.raises(IndexError):
            video[6]

    def test_two_readers_of_one_video_do_not_disturb_each_other(self, tmp_path: Path) -> None:
        video = VideoFrames(video_of(tmp_path / "walk.mp4", frames(6)))
        for index, frame in enumerate(video):
            assert np.array_equal(frame, video[min(index + 2, 5)]) == (index == 5)

    def test_cutting_a_video_decodes_nothing_yet(self, tmp_path: Path) -> None:
        clip = Clip.read(video_of(tmp_path / "walk.mp4", frames(6)))
        part = clip.cut(2, 5)
        assert not isinstance(part.frames, list)
        assert (len(part), part.size) == (3, (32, 48))
        assert np.array_equal(part.frames[1], clip.frames[3])
        assert len(part.cut(1, 3)) == 2
        backwards = list(part.frames[::-1])
        assert all(np.array_equal(a, b) for a, b in zip(part.frames, backwards[::-1], strict=True))

    def test_odd_sides_lose_a_row_and_a_column(self, tmp_path: Path) -> None:
        clip = Clip.read(video_of(tmp_path / "odd.mp4", frames(2, 33, 49)))
        assert clip.size == (32, 48)

    def test_browsers_can_play_what_we_write(self, tmp_path: Path) -> None:
        import av

        with av.open(str(video_of(tmp_path / "walk.mp4", frames()))) as container:
            stream = container.streams.video[0]
            assert stream.codec_context.name == "h264"
            assert stream.codec_context.pix_fmt == "yuv420p"

    def test_a_phone_held_upright_is_not_read_lying_down(self, tmp_path: Path) -> None:
        content = bytearray(video_of(tmp_path / "flat.mp4", frames()).read_bytes())
        matrix = content.find(b"tkhd") + 4 + 4 + 20 + 16  # version 0 of the track header box
        turned = (0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
        content[matrix : matrix + 36] = struct.pack(">9i", *turned)
        (tmp_path / "upright.mp4").write_bytes(content)
        flat, upright = Clip.read(tmp_path / "flat.mp4"), Clip.read(tmp_path / "upright.mp4")
        assert upright.size == (48, 32)
        assert np.array_equal(upright.frames[0], np.rot90(flat.frames[0], -1))

    def test_an_interrupted_video_leaves_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(KeyboardInterrupt), VideoWriter(tmp_path / "walk.mp4") as video:
            video.write(frames()[0])
            raise KeyboardInterrupt
        assert list(tmp_path.iterdir()) == []


class TestMasks:
    def test_ids_survive_writing_with_the_davis_palette(self, tmp_path: Path) -> None:
        ids = np.arange(256, dtype=np.uint8).reshape(16, 16)
        write_mask(tmp_path / "mask.png", ids)
        assert np.array_equal(read_mask(tmp_path / "mask.png"), ids)
        with Image.open(tmp_path / "mask.png") as image:
            assert image.mode == "P"
            assert image.getpalette() == PALETTE.ravel().tolist()

    def test_the_palette_begins_as_davis_does(self) -> None:
        assert PALETTE[:4].tolist() == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]

    @pytest.mark.parametrize(
        ("mode", "stored", "ids"),
        [
            ("L", [[0, 255]], [[0, 1]]),
            ("L", [[0, 1]], [[0, 1]]),
            ("L", [[3, 255]], [[3, 255]]),
            ("L", [[0, 0]], [[0, 0]]),
            ("LA", [[[0, 255], [255, 255]]], [[0, 1]]),
            ("1", [[False, True]], [[0, 1]]),
        ],
        ids=["grey 0/255", "grey ids", "grey with void", "empty", "grey with alpha", "one bit"],
    )
    def test_grey_masks(self, tmp_path: Path, mode: str, stored: list, ids: list) -> None:
        array = np.array(stored, bool if mode == "1" else np.uint8)
        Image.fromarray(array).save(tmp_path / "mask.png")
        with Image.open(tmp_path / "mask.png") as image:
            assert image.mode == mode
        assert read_mask(tmp_path / "mask.png").tolist() == ids

    @pytest.mark.parametrize(
        "array",
        [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4), np.uint16)],
        ids=["RGB", "RGBA", "16 bit"],
    )
    def test_masks_without_ids_are_refused(self, tmp_path: Path, array: np.ndarray) -> None:
        Image.fromarray(array).save(tmp_path / "mask.png")
        with pytest.raises(InputError, match=r"mask\.png.*indexed") as error:
            read_mask(tmp_path / "mask.png")
        one_sentence(error)


class TestBadInput:
    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no file or folder") as error:
            Clip.read(tmp_path / "missing")
        assert "missing" in one_sentence(error)

    def test_a_folder_without_images(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("no pictures here")
        with pytest.raises(InputError, match="holds no images") as error:
            Clip.read(tmp_path)
        assert str(tmp_path) in one_sentence(error)

    def test_mixed_frame_sizes(self, tmp_path: Path) -> None:
        folder_of(tmp_path, [*frames(2), frames(1, 20, 30)[0]])
        with pytest.raises(InputError, match=r"00002\.png is 30 x 20 but 00000\.png is 48 x 32"):
            Clip.read(tmp_path)

    def test_a_truncated_jpeg(self, tmp_path: Path) -> None:
        folder_of(tmp_path, frames(4, 64, 96), ".jpg")
        content = (tmp_path / "00002.jpg").read_bytes()
        (tmp_path / "00002.jpg").write_bytes(content[:-200])
        clip = Clip.read(tmp_path)
        assert clip.frames[1].shape == (64, 96, 3)
        with pytest.raises(InputError, match=r"cannot read the image .*00002\.jpg") as error:
            clip.frames[2]
        one_sentence(error)

    def test_a_text_file_called_jpg(self, tmp_path: Path) -> None:
        (tmp_path / "00000.jpg").write_text("not a picture")
        with pytest.raises(InputError, match=r"cannot read the image .*00000\.jpg"):
            Clip.read(tmp_path)

    def test_a_single_image(self, tmp_path: Path) -> None:
        folder_of(tmp_path, frames(1))
        with pytest.raises(InputError, match="single image"):
            Clip.read(tmp_path / "00000.png")

    @pytest.mark.parametrize("content", [b"", b"no video at all\n" * 50], ids=["empty", "text"])
    @pytest.mark.parametrize("name", ["walk.mp4", "walk.txt"])
    def test_an_unreadable_video(self, tmp_path: Path, name: str, content: bytes) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name) as error:
            Clip.read(tmp_path / name)
        one_sentence(error)

    def test_a_video_cut_short(self, tmp_path: Path) -> None:
        content = video_of(tmp_path / "walk.mp4", frames(8)).read_bytes()
        (tmp_path / "short.mp4").write_bytes(content[: len(content) // 2])
        with pytest.raises(InputError, match=r"cannot read the video .*short\.mp4") as error:
            Clip.read(tmp_path / "short.mp4")
        one_sentence(error)

    def test_a_video_that_breaks_off(self, tmp_path: Path) -> None:
        pictures = [
            np.random.default_rng(index).integers(0, 256, (64, 96, 3), np.uint8)
            for index in range(4)
        ]
        content = bytearray(video_of(tmp_path / "noise.mp4", pictures).read_bytes())
        start, stop = content.find(b"mdat") + 4, content.find(b"moov")
        assert stop > start, "the table of contents comes last"
        middle = (start + stop) // 2
        content[middle : stop - 4] = bytes(stop - 4 - middle)
        (tmp_path / "broken.mp4").write_bytes(content)
        with pytest.raises(InputError, match=r"broken\.mp4 (breaks off|ends after)") as error:
            list(Clip.read(tmp_path / "broken.mp4").frames)
        one_sentence(error)
        video = VideoFrames(tmp_path / "noise.mp4")
        video.path = tmp_path / "broken.mp4"
        for _ in range(2):
            with pytest.raises(InputError, match=r"broken\.mp4 (breaks off|ends after)"):
                video[0]

    def test_a_mask_of_another_size(self, tmp_path: Path) -> None:
        folder_of(tmp_path / "frames", frames())
        (tmp_path / "masks").mkdir()
        write_mask(tmp_path / "masks" / "00001.png", np.zeros((16, 24), np.uint8))
        clip = Clip.read(tmp_path)
        with pytest.raises(InputError, match=r"00001\.png is 24 x 16 but its frame is 48 x 32"):
            clip.labels[1]

    def test_masks_of_other_frames(self, tmp_path: Path) -> None:
        folder_of(tmp_path / "walk", frames())
        folder_of(tmp_path / "masks", [np.zeros((32, 48), np.uint8)])
        (tmp_path / "masks" / "00000.png").rename(tmp_path / "masks" / "mask-1.png")
        with pytest.raises(InputError, match="has the name of a frame"):
            Clip.read(tmp_path / "walk", masks=tmp_path / "masks")
        with pytest.raises(InputError, match="no mask folder"):
            Clip.read(tmp_path / "walk", masks=tmp_path / "nowhere")

    def test_an_output_folder_that_holds_files(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").write_text("mine")
        with pytest.raises(InputError, match="holds files already") as error:
            Clip("walk", frames(1)).write(tmp_path)
        assert "--overwrite" in one_sentence(error)
        with pytest.raises(InputError, match="holds files already"):
            Clip("walk", frames()).write(tmp_path)
        with pytest.raises(InputError, match="is a file"):
            Clip("walk", frames()).write(tmp_path / "thesis.txt")
        Clip("walk", frames()).write(tmp_path, overwrite=True)
        assert (tmp_path / "thesis.txt").read_text() == "mine"

    def test_a_video_that_exists(self, tmp_path: Path) -> None:
        (tmp_path / "walk.mp4").write_bytes(b"mine")
        with pytest.raises(InputError, match="exists already"):
            VideoWriter(tmp_path / "walk.mp4")
        assert (tmp_path / "walk.mp4").read_bytes() == b"mine"

    def test_a_frame_of_another_size_in_a_video(self, tmp_path: Path) -> None:
        with (
            pytest.raises(InputError, match="one size"),
            VideoWriter(tmp_path / "walk.mp4") as video,
        ):
            video.write(frames()[0])
            video.write(frames(1, 16, 16)[0])
        assert not (tmp_path / "walk.mp4").exists()


class TestNames:
    def test_numbers_in_names_count_as_numbers(self, tmp_path: Path) -> None:
        for index, picture in enumerate(frames(12)):
            Image.fromarray(picture).save(tmp_path / f"{index}.png")
        clip = Clip.read(tmp_path)
        assert clip.stems == [str(index) for index in range(12)]
        assert all(np.array_equal(a, b) for a, b in zip(clip.frames, frames(12), strict=True))

    def test_masks_belong_to_the_frame_of_their_name(self, tmp_path: Path) -> None:
        for number, picture in zip((0, 5, 10), frames(3)):
            path = tmp_path / "frames" / f"{number:05d}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(picture).save(path)
        (tmp_path / "masks").mkdir()
        write_mask(tmp_path / "masks" / "00010.png", np.full((32, 48), 4, np.uint8))
        clip = Clip.read(tmp_path)
        assert list(clip.labels) == [2]
        clip.write(tmp_path / "again")
        written = sorted(path.name for path in (tmp_path / "again/frames").iterdir())
        assert written == ["00000.png", "00005.png", "00010.png"]
        assert [path.name for path in (tmp_path / "again/masks").iterdir()] == ["00010.png"]

    def test_frames_in_memory_and_in_videos_are_numbered(self, tmp_path: Path) -> None:
        assert Clip("walk", frames(2)).stems == ["00000", "00001"]
        assert Clip.read(video_of(tmp_path / "walk.mp4", frames(2))).stems == ["00000", "00001"]

    def test_two_files_of_one_frame(self, tmp_path: Path) -> None:
        folder = folder_of(tmp_path / "walk", frames())
        Image.fromarray(frames()[2]).save(folder / "00002.jpg")
        with pytest.raises(InputError, match="two files of one frame") as error:
            Clip.read(folder)
        assert "00002.jpg" in one_sentence(error) and "00002.png" in one_sentence(error)

    def test_two_masks_of_one_frame(self, tmp_path: Path) -> None:
        folder_of(tmp_path / "walk/frames", frames())
        masks = folder_of(tmp_path / "walk/masks", [f[..., 0] for f in frames()])
        Image.fromarray(frames()[2][..., 0]).save(masks / "00002.bmp")
        with pytest.raises(InputError, match="two files of one frame"):
            Clip.read(tmp_path / "walk")

    def test_a_link_to_nothing(self, tmp_path: Path) -> None:
        folder = folder_of(tmp_path / "walk", frames())
        (folder / "00009.png").symlink_to(tmp_path / "gone.png")
        with pytest.raises(InputError, match="link to a file that does not exist") as error:
            Clip.read(folder)
        one_sentence(error)


class TestPixels:
    def test_exif_orientation_is_obeyed(self, tmp_path: Path) -> None:
        folder = tmp_path / "phone"
        folder.mkdir()
        exif = Image.Exif()
        exif[0x0112] = 6  # stored lying down, to be turned by 90 degrees clockwise
        Image.fromarray(frames()[0]).save(folder / "0.png", exif=exif)
        clip = Clip.read(folder)
        assert clip.size == (48, 32)
        assert np.array_equal(clip.frames[0], np.rot90(frames()[0], -1))

    def test_16_bit_frames_are_scaled(self, tmp_path: Path) -> None:
        levels = np.array([[0, 257 * 100], [257 * 200, 65535]], np.uint16)
        Image.fromarray(levels).save(tmp_path / "0.png")
        frame = Clip.read(tmp_path).frames[0]
        assert frame[..., 1].tolist() == [[0, 100], [200, 255]]

    def test_floating_point_frames_are_refused(self, tmp_path: Path) -> None:
        Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "0.tiff")
        with pytest.raises(InputError, match="floating-point") as error:
            _ = Clip.read(tmp_path).frames[0]
        one_sentence(error)

    def test_jpeg_masks_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "mask.jpg"
        ids = np.zeros((16, 16), np.uint8)
        ids[4:9, 4:9] = 3
        Image.fromarray(ids).save(path)
        with pytest.raises(InputError, match="compression changes object ids") as error:
            read_mask(path)
        one_sentence(error)

    def test_a_decompression_bomb(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = folder_of(tmp_path / "walk", frames(1))
        pixels = frames(1)[0][..., 0].size
        for limit in (100, pixels - 1):  # Pillow itself refuses twice its limit and warns before
            monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
            with pytest.raises(InputError, match="bomb") as error:
                Clip.read(folder)
            one_sentence(error)


class TestInMemory:
    def test_arrays_and_iterables_are_clips(self) -> None:
        pictures = frames()
        for given in (np.stack(pictures), pictures, (picture for picture in pictures)):
            clip = Clip.of(given)
            assert all(np.array_equal(a, b) for a, b in zip(clip.frames, pictures, strict=True))
        assert Clip.of(clip) is clip

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ("walk.mp4", "Clip.read"),
            (Path("walk"), "Clip.read"),
            (7, "int is not a clip"),
            (np.zeros((4, 3, 8, 9), np.uint8), "channels first"),
            (np.zeros((4, 8, 9, 3), np.float32), "uint8"),
            (np.zeros((8, 9, 3), np.uint8), "H x W x 3"),
            ([np.zeros((8, 9, 3), np.uint8), np.zeros((8, 8, 3), np.uint8)], "one size"),
        ],
    )
    def test_what_is_no_clip_is_refused(self, given: object, says: str) -> None:
        with pytest.raises(InputError, match=says) as error:
            Clip.of(given)
        one_sentence(error)


class TestOutput:
    def test_writing_again_replaces_the_whole_clip(self, tmp_path: Path) -> None:
        masks = {0: np.ones((32, 48), np.uint8)}
        Clip("walk", frames(4), masks).write(tmp_path / "out")
        Clip("walk", frames(2)).write(tmp_path / "out", overwrite=True)
        clip = Clip.read(tmp_path / "out")
        assert (len(clip), len(clip.labels)) == (2, 0)

    def test_what_another_wrote_is_not_replaced(self, tmp_path: Path) -> None:
        folder_of(tmp_path / "out/frames", frames())
        with pytest.raises(InputError, match=r"was not written by Clip\.write") as error:
            Clip("walk", frames(2)).write(tmp_path / "out", overwrite=True)
        one_sentence(error)
        assert len(list((tmp_path / "out/frames").iterdir())) == 4

    def test_an_interruption_leaves_the_earlier_result(self, tmp_path: Path) -> None:
        def broken():  # type: ignore[no-untyped-def]
            yield frames()[0]
            raise KeyboardInterrupt

        class Broken(list):
            __iter__ = lambda self: broken()  # noqa: E731

        Clip("walk", frames(4)).write(tmp_path / "out")
        with pytest.raises(KeyboardInterrupt):
            Clip("walk", Broken(frames(4))).write(tmp_path / "out", overwrite=True)
        assert len(Clip.read(tmp_path / "out")) == 4
        Clip("walk", frames(3)).write(tmp_path / "out", overwrite=True)
        assert len(Clip.read(tmp_path / "out")) == 3

    def test_two_writers_of_one_folder(self, tmp_path: Path) -> None:
        with output_folder(tmp_path / "out", "first", ("masks",)) as beside:
            (beside / "masks").mkdir()
            with (
                pytest.raises(InputError, match="another process is writing") as error,
                output_folder(tmp_path / "out", "second", ("masks",)),
            ):
                pass
            one_sentence(error)
        assert (tmp_path / "out/masks").is_dir()

    def test_a_failure_before_anything_is_written_leaves_no_folder(self, tmp_path: Path) -> None:
        with (
            pytest.raises(InputError, match="no idea"),
            output_folder(tmp_path / "out", "first", ("masks",)),
        ):
            raise InputError("no idea")
        assert not (tmp_path / "out").exists()

    def test_other_files_of_the_folder_stay(self, tmp_path: Path) -> None:
        Clip("walk", frames(2)).write(tmp_path)
        (tmp_path / "notes.txt").write_text("mine")
        Clip("walk", frames(1)).write(tmp_path, overwrite=True)
        assert (tmp_path / "notes.txt").read_text() == "mine"


def test_objects_are_neither_background_nor_void() -> None:
    assert objects_of(np.array([[0, 255, 9], [3, 3, 0]], np.uint8)) == [3, 9]


def test_the_same_objects_are_exchanged_in_every_mask_of_a_clip() -> None:
    whole, part = np.array([0, 1, 2, 3, 255], np.uint8), np.array([0, 3, 3, 0, 255], np.uint8)
    assert permuted(whole, [1, 2, 3]).tolist() == [0, 2, 3, 1, 255]
    assert permuted(part, [1, 2, 3]).tolist() == [0, 1, 1, 0, 255]
    assert permuted(whole, []).tolist() == whole.tolist()
