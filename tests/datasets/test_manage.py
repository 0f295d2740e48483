"""list, where, get, check and the released files, without leaving this machine."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from PIL import Image

from vosedu import InputError, datasets
from vosedu.datasets import manage, weights
from vosedu.datasets.download import Link
from vosedu.datasets.registry import REGISTRY, DataSet, Part

NAMES = {
    "davis16",
    "davis16-flow",
    "davis17",
    "fbms",
    "youtube-objects",
    "youtube-vos-2018",
    "youtube-vos-2019",
    "duts",
    "msra10k",
    "dut-omron",
    "deaot-stills",
}


@pytest.fixture(autouse=True)
def downloads(tmp_path, monkeypatch):
    monkeypatch.setenv("VOSEDU_DATA", str(tmp_path / "downloads"))
    return tmp_path / "downloads"


def test_every_set_of_the_papers_is_listed():
    assert set(REGISTRY) == NAMES
    lines = datasets.list_datasets()
    assert len(lines) == len(NAMES)
    assert all(any(line.startswith(name) for line in lines) for name in NAMES)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_where_says_folder_source_licence_and_steps(name, downloads):
    text = "\n".join(datasets.where(name))
    found = REGISTRY[name]
    assert f"folder: {downloads / name.removesuffix('-flow')} " in text
    assert found.page in text and found.licence in text and found.used_by in text
    assert all(part.link.url in text for part in found.parts)
    assert "{home}" not in text
    assert found.parts or found.steps


def test_addresses_are_unique_and_on_the_web():
    links = [part.link for found in REGISTRY.values() for part in found.parts]
    links += [link for found in weights.RELEASES.values() for link in found.links]
    for link in links:
        assert link.name and "/" not in link.name and link.title
        for url in (link.url, *link.mirrors):
            assert url.startswith(("https://", "http://"))
    for found in weights.RELEASES.values():
        assert len({link.name for link in found.links}) == len(found.links)


def test_doubtful_addresses_are_marked():
    link = Link("a set", "https://example.org/a.zip", verified=False)
    assert "unverified" in link.describe()[0]


def test_unknown_names():
    with pytest.raises(InputError, match=r"no data set 'davis'; choose one of davis16"):
        datasets.where("davis")
    with pytest.raises(InputError, match="no part 'moon'"):
        datasets.get("davis16", ["moon"])
    with pytest.raises(InputError, match="no data set"):
        datasets.open_dataset("moon")


def test_a_set_behind_a_form_prints_the_steps():
    with pytest.raises(InputError, match=r"cannot be fetched by a program.*CodaLab.*data check"):
        datasets.get("youtube-vos-2019")


def archive(path, names):
    """A zip with a tiny DAVIS tree for each name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture, mask = path.parent / "f.jpg", path.parent / "m.png"
    Image.new("RGB", (8, 6)).save(picture)
    Image.fromarray(np.full((6, 8), 255, np.uint8)).save(mask)
    with zipfile.ZipFile(path, "w") as out:
        for name in names:
            for index in range(2):
                out.write(picture, f"DAVIS/JPEGImages/480p/{name}/{index:05d}.jpg")
                out.write(mask, f"DAVIS/Annotations/480p/{name}/{index:05d}.png")
    picture.unlink()
    mask.unlink()


def test_an_archive_put_there_by_hand_is_unpacked_and_checked(downloads):
    archive(downloads / "davis16" / "archives" / "DAVIS-data.zip", ["dog", "goat"])
    lines: list[str] = []
    assert datasets.get("davis16", say=lines.append, progress=False) == downloads / "davis16"
    assert any("8 files written" in line for line in lines)
    val = datasets.open_dataset("davis16", present_only=True)
    assert val.names == ("dog", "goat")

    report = datasets.check("davis16")
    text = "\n".join(report.lines)
    assert not report.ok
    assert "val: 2 of 20 videos" in text and "18 are missing: blackswan" in text
    assert "dog has 2 of 60 frames" in text and "train: not here" in text

    datasets.get("davis16", say=lines.append, progress=False)
    assert any("0 files written, 8 were there already" in line for line in lines)


def test_getting_keeps_what_the_user_changed(downloads):
    archive(downloads / "davis16" / "archives" / "DAVIS-data.zip", ["dog"])
    mine = downloads / "davis16" / "DAVIS" / "Annotations" / "480p" / "dog" / "00000.png"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"my better mask")
    lines: list[str] = []
    datasets.get("davis16", say=lines.append, progress=False)
    assert mine.read_bytes() == b"my better mask"
    assert any(line.strip().startswith("kept") and "00000.png" in line for line in lines)


def test_check_notices_a_changed_archive(downloads):
    path = downloads / "davis16" / "archives" / "DAVIS-data.zip"
    archive(path, ["dog"])
    datasets.get("davis16", say=lambda line: None, progress=False)
    path.write_bytes(b"cut off")
    assert any("DAVIS-data.zip is not what was fetched" in line for line in _check("davis16"))


def _check(name, *args, **options):
    return datasets.check(name, *args, **options).lines


def test_check_names_what_is_wrong_with_each_video(downloads):
    archive(downloads / "davis16" / "archives" / "DAVIS-data.zip", ["dog", "goat"])
    datasets.get("davis16", say=lambda line: None, progress=False)
    masks = downloads / "davis16" / "DAVIS" / "Annotations" / "480p"
    (masks / "dog" / "00001.png").unlink()
    Image.new("L", (5, 5)).save(masks / "goat" / "00000.png")
    text = "\n".join(_check("davis16"))
    assert "dog: 1 of 2 frames have no mask" in text
    assert "00000.png is 5 x 5" in text


def test_check_of_the_real_copy(shared):
    report = datasets.check("davis16", shared / "data" / "davis-mini", resolution="240p")
    assert not report.ok
    assert report.lines[1] == "  train: 30 of 30 videos, whole"
    assert report.lines[2] == "  val: 14 of 20 videos, faults: 1"


def test_check_of_stills(downloads, monkeypatch):
    base = downloads / "duts" / "DUTS-TR"
    for kind in ("Image", "Mask"):
        (base / f"DUTS-TR-{kind}").mkdir(parents=True)
    for index in range(2):
        Image.new("RGB", (8, 6)).save(base / "DUTS-TR-Image" / f"{index}.jpg")
        Image.new("L", (8, 6)).save(base / "DUTS-TR-Mask" / f"{index}.png")
    whole = DataSet(
        **{**vars(REGISTRY["duts"]), "splits": {"train": 2, "test": 2}},
    )
    monkeypatch.setattr(manage, "entry", lambda name: whole)
    assert datasets.check("duts").ok
    Image.new("L", (8, 7)).save(base / "DUTS-TR-Mask" / "1.png")
    report = datasets.check("duts")
    assert not report.ok and any("1.png is 8 x 7" in line for line in report.lines)


def test_check_without_folder(tmp_path):
    with pytest.raises(InputError, match=r"no folder .*data get duts"):
        datasets.check("duts")
    assert not datasets.check("duts", tmp_path).ok


def test_parts_go_to_their_folder(downloads, monkeypatch):
    source = downloads / "mine" / "archives" / "e.zip"
    archive(source, ["dog"])
    link = Link("e", "https://example.org/e.zip")
    found = DataSet(
        **{**vars(REGISTRY["davis16"]), "name": "mine", "parts": (Part("e", link, "sub"),)}
    )
    monkeypatch.setattr(manage, "entry", lambda name: found)
    datasets.get("mine", say=lambda line: None, progress=False)
    assert (downloads / "mine" / "sub" / "DAVIS").is_dir()


def test_the_evaluation_split_is_the_default(downloads):
    with pytest.raises(InputError, match="valid"):
        datasets.open_dataset("youtube-vos-2019", root=_empty(downloads / "x"))
    with pytest.raises(InputError, match="DUTS-TE"):
        datasets.open_dataset("duts", root=_empty(downloads / "x"))


def _empty(path):
    path.mkdir(parents=True, exist_ok=True)
    return path


# released files


def test_every_paper_has_its_entry():
    assert {"cosnet", "amcnet", "hcpn", "dpa", "deaot", "stm"} <= set(weights.RELEASES)
    assert len(datasets.list_weights()) == len(weights.RELEASES)
    for key in weights.RELEASES:
        assert datasets.where_weights(key)
    assert len(weights.RELEASES["deaot"].weights) == 24
    assert len(weights.RELEASES["deaot"].results) == 42


@pytest.mark.parametrize("key", ["amcnet", "dpa"])
def test_papers_without_weights_say_so(key):
    with pytest.raises(InputError, match=r"no weights|neither weights nor masks"):
        datasets.get_weights(key)


def test_weights_put_there_by_hand(downloads):
    folder = downloads / "weights" / "cosnet"
    folder.mkdir(parents=True)
    (folder / "co_attention.pth").write_bytes(b"weights")
    path = datasets.get_weights("cosnet", say=lambda line: None, progress=False)
    assert path == folder / "co_attention.pth"
    assert any("here: 1" in line for line in datasets.list_weights())
    assert "co_attention.pth (here)" in datasets.where_weights("cosnet")


def test_fetched_weights_are_found_and_missing_ones_named(downloads):
    with pytest.raises(InputError, match=r"vgg16-397923af\.pth is missing .*put the file there"):
        weights.fetched("imagenet", "vgg16-397923af.pth")
    path = downloads / "weights" / "imagenet" / "vgg16-397923af.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    assert weights.fetched("imagenet", "vgg16-397923af.pth") == path


def test_unknown_weights():
    with pytest.raises(InputError, match=r"nothing is known of 'xmem'; choose one of cosnet"):
        datasets.get_weights("xmem")
    with pytest.raises(InputError, match=r"no file 'a.pth'"):
        datasets.get_weights("cosnet", "a.pth")
    with pytest.raises(InputError, match=r"mvuv.*put it at"):
        datasets.get_weights("amcnet", "amcnet_flow.zip")


# the page about it


def test_the_readme_says_what_the_registry_says(root):
    page = (root / "data" / "README.md").read_text(encoding="utf-8")
    for name, found in REGISTRY.items():
        row = f"| `{name}` | {found.what} | {found.size} | {found.licence} | {found.used_by} |"
        assert row in page
