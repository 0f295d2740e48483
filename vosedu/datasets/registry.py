"""Every real data set the package reads: what it is, where it comes from, how it is opened.

Nothing here was fetched while it was written. "verified" addresses stand on the data set's own
page or in the documentation of several independent projects; the others say so when printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from types import MappingProxyType
from typing import Any

from vosedu.datasets.davis import davis16, davis16_flow, davis17
from vosedu.datasets.download import Link, drive_folder
from vosedu.datasets.fbms import fbms
from vosedu.datasets.sequences import YOUTUBE_OBJECTS
from vosedu.datasets.stills import DUTS_IMAGES, deaot_stills, dut_omron, duts, msra10k
from vosedu.datasets.youtube import YOUTUBE_VOS_VIDEOS, youtube_objects, youtube_vos
from vosedu.errors import InputError


@dataclass(frozen=True)
class Part:
    """One archive of a data set. into: subfolder to unpack to. optional: only when asked for."""

    key: str
    link: Link
    into: str = ""
    optional: bool = False


@dataclass(frozen=True)
class DataSet:
    """One data set of the registry.

    size: of the download, in words.
    splits: names the reader takes, with the number of videos or pictures each should have.
    steps: what a person must do where programs may not (a form, an account, a conversion).
    open: the reader, called as open(split, root, **options).
    partial: whether the reader takes present_only.
    """

    name: str
    title: str
    what: str
    size: str
    licence: str
    page: str
    used_by: str
    splits: Mapping[str, int]
    open: Callable[..., Sequence[Any]]
    parts: tuple[Part, ...] = ()
    steps: tuple[str, ...] = ()
    partial: bool = True

    @property
    def default_split(self) -> str:
        """The split it is evaluated on: "val", "valid", "test" or "all", whichever it has."""
        return next((s for s in ("val", "valid", "test", "all") if s in self.splits), "all")

    def read(self, split: str, root: Any = None, **options: Any) -> Sequence[Any]:
        """The clips, or pairs of picture and mask, of a split."""
        check_options(self.name, self.open, options)
        return self.open(split, root, **options)

    def part(self, key: str) -> Part:
        """The archive of that key."""
        for part in self.parts:
            if part.key == key:
                return part
        raise InputError(
            f"{self.name} has no part '{key}'; choose from "
            f"{', '.join(part.key for part in self.parts) or 'none (see its steps)'}"
        )


_DAVIS = "https://data.vision.ee.ethz.ch/csergi/share/davis/"
_DAVIS_MIRROR = "https://data.vision.ee.ethz.ch/jpont/davis/"
_FREIBURG = "https://lmb.informatik.uni-freiburg.de/resources/datasets/fbms/"
_SALIENCY = "http://saliencydetection.net/"
_ECSSD = "https://www.cse.cuhk.edu.hk/leojia/projects/hsaliency/data/ECSSD/"
_MSRA10K = Link(
    "MSRA10K, pictures and masks",
    "http://mftp.mmcheng.net/Data/MSRA10K_Imgs_GT.zip",
    mirrors=("https://mftp.mmcheng.net/Data/MSRA10K_Imgs_GT.zip",),
)


def _davis(title: str, file: str, mirrored: bool = True, note: str = "") -> Link:
    mirrors = (_DAVIS_MIRROR + file,) if mirrored else ()
    return Link(title, _DAVIS + file, mirrors=mirrors, note=note)


def _youtube_vos(year: int, server: int, folder: str) -> DataSet:
    counts = {split: n for (y, split), n in YOUTUBE_VOS_VIDEOS.items() if y == year}
    return DataSet(
        name=f"youtube-vos-{year}",
        title=f"YouTube-VOS {year}",
        what=f"{counts['train']} training, {counts['valid']} validation and {counts['test']} test "
        "videos, several objects each, 6 masks per second",
        size="not stated; tens of GB",
        licence="non-commercial research (youtube-vos.org/dataset/term)",
        page="https://youtube-vos.org/dataset/vos/",
        used_by="DeAOT (training and evaluation)"
        + ("; HCPN and DPA (training)" if year == 2018 else ""),
        splits=counts,
        open=partial(youtube_vos, year=year),
        steps=(
            "make a CodaLab account and join "
            f"https://codalab.lisn.upsaclay.fr/competitions/{server}, which shows the download "
            "links (youtube-vos.org names the server, should it move again)",
            f"or take the Google Drive folder {drive_folder(folder)} that AOT's authors name",
            "fetch train.zip and valid.zip (and valid_all_frames.zip to predict at 30 frames per "
            "second)",
            "unpack them so that {home}/train/JPEGImages and {home}/train/Annotations exist, "
            "likewise {home}/valid",
        ),
    )


_ENTRIES = (
    DataSet(
        name="davis16",
        title="DAVIS 2016",
        what="50 videos at 480p and 1080p, one object with a mask in every frame, 15 attributes",
        size="1.9 GB",
        licence="CC BY-NC 4.0 by its terms of use (the videos' own terms: CC BY 4.0 or YouTube's)",
        page="https://davischallenge.org/davis2016/code.html",
        used_by="all five papers",
        splits={"train": 30, "val": 20},
        open=davis16,
        parts=(
            Part(
                "trainval",
                Link(
                    "DAVIS 2016, frames and masks",
                    "https://graphics.ethz.ch/Downloads/Data/Davis/DAVIS-data.zip",
                ),
            ),
        ),
    ),
    DataSet(
        name="davis16-flow",
        title="DAVIS 2016 with flow pictures",
        what="the videos of davis16 with optical flow that was drawn beforehand, by any method",
        size="as large as you make it",
        licence="as DAVIS 2016",
        page="https://davischallenge.org/davis2016/code.html",
        used_by="AMC-Net, HCPN, DPA",
        splits={"train": 30, "val": 20},
        open=davis16_flow,
        steps=(
            "run 'vosedu data get davis16', which fills this folder",
            "draw the flow from each frame to the next with the Middlebury colour wheel "
            "(vosedu.flow.to_colour) and save it as {home}/Flow/480p/SEQUENCE/FRAME.png",
        ),
    ),
    DataSet(
        name="davis17",
        title="DAVIS 2017",
        what="60 training, 30 validation and 30 test-dev videos at 480p, object ids in every frame",
        size="0.8 GB for train and val",
        licence="CC BY-NC 4.0",
        page="https://davischallenge.org/davis2017/code.html",
        used_by="DeAOT (training and evaluation), HCPN (instance level)",
        splits={"train": 60, "val": 30, "test-dev": 30},
        open=davis17,
        parts=(
            Part(
                "trainval",
                _davis("DAVIS 2017 train and val, 480p", "DAVIS-2017-trainval-480p.zip"),
            ),
            Part(
                "unsupervised",
                _davis(
                    "DAVIS 2017 train and val for the unsupervised task, 480p",
                    "DAVIS-2017-Unsupervised-trainval-480p.zip",
                    mirrored=False,
                    note="the same frames again, masks with void",
                ),
                optional=True,
            ),
            Part(
                "test-dev",
                _davis(
                    "DAVIS 2017 test-dev, 480p",
                    "DAVIS-2017-test-dev-480p.zip",
                    note="first masks only; a server scores it",
                ),
                optional=True,
            ),
        ),
    ),
    DataSet(
        name="fbms",
        title="FBMS-59",
        what="59 videos, 720 frames of them annotated, several objects (merged by the papers)",
        size="not stated",
        licence="none stated; for research",
        page="https://lmb.informatik.uni-freiburg.de/resources/datasets/moseg.en.html",
        used_by="COSNet, AMC-Net, HCPN and DPA (evaluation on the 30 test videos)",
        splits={"test": 30, "train": 29},
        open=fbms,
        parts=(
            Part("test", Link("FBMS-59 test videos", _FREIBURG + "FBMS_Testset.zip")),
            Part(
                "train",
                Link("FBMS-59 training videos", _FREIBURG + "FBMS_Trainingset.zip"),
                optional=True,
            ),
        ),
    ),
    DataSet(
        name="youtube-objects",
        title="YouTube-Objects",
        what="126 videos of 10 categories with a mask on every tenth frame",
        size="not stated",
        licence="none stated; the videos belong to their uploaders",
        page="https://data.vision.ee.ethz.ch/cvl/youtube-objects/",
        used_by="COSNet, AMC-Net, HCPN and DPA (evaluation)",
        splits={"all": sum(YOUTUBE_OBJECTS.values())},
        open=youtube_objects,
        steps=(
            "fill in the form at "
            "http://vision.cs.utexas.edu/projects/videoseg/data_download_register.html, which "
            "leads to the masks of Jain and Grauman",
            "unpack them so that {home}/aeroplane/data/0001/shots/001/labels exists, likewise the "
            "other categories",
            "put the frames beside each labels folder, as images/*.jpg or directly; the frames of "
            "all videos, not only the annotated ones, are at "
            "https://data.vision.ee.ethz.ch/cvl/youtube-objects/categories/aeroplane.tar.gz and so "
            "on for bird, boat, car, cat, cow, dog, horse, motorbike, train",
            "two versions of this set with different frame gaps circulate: say which you used",
        ),
    ),
    _youtube_vos(2018, 7685, "1L9JAl1BCtzomRJ34tKsU9tJUmF-ZMFOM"),
    _youtube_vos(2019, 7683, "1XwjQ-eysmOb7JdmJAwfVOBZX-aMbHccC"),
    DataSet(
        name="duts",
        title="DUTS",
        what="10553 training and 5019 test pictures with masks of what stands out",
        size="not stated",
        licence="none stated; all rights with its authors, for research",
        page="http://saliencydetection.net/duts/",
        used_by="DPA (stage 1), COSNet (static images)",
        splits=DUTS_IMAGES,
        open=duts,
        partial=False,
        parts=(
            Part("train", Link("DUTS-TR", _SALIENCY + "duts/download/DUTS-TR.zip")),
            Part("test", Link("DUTS-TE", _SALIENCY + "duts/download/DUTS-TE.zip")),
        ),
    ),
    DataSet(
        name="msra10k",
        title="MSRA10K",
        what="10000 pictures with masks of what stands out",
        size="0.2 GB",
        licence="none stated; for research",
        page="https://mmcheng.net/msra10k/",
        used_by="COSNet (static images), DeAOT (pre-training)",
        splits={"all": 10000},
        open=msra10k,
        partial=False,
        parts=(Part("all", _MSRA10K),),
    ),
    DataSet(
        name="dut-omron",
        title="DUT-OMRON",
        what="5168 pictures with masks of what stands out",
        size="not stated",
        licence="none stated; for research",
        page="http://saliencydetection.net/dut-omron/",
        used_by="COSNet (static images; which of the DUT sets its paper means is not certain)",
        splits={"all": 5168},
        open=dut_omron,
        partial=False,
        parts=(
            Part(
                "images",
                Link("DUT-OMRON pictures", _SALIENCY + "dut-omron/download/DUT-OMRON-image.zip"),
            ),
            Part(
                "masks",
                Link(
                    "DUT-OMRON masks",
                    _SALIENCY + "dut-omron/download/DUT-OMRON-gt-pixelwise.zip.zip",
                    note="a user found this address gone",
                ),
            ),
        ),
    ),
    DataSet(
        name="deaot-stills",
        title="Stills of DeAOT's pre-training",
        what="COCO, ECSSD (1000), MSRA10K (10000), PASCAL-S (850) and PASCAL VOC 2012 (2913)",
        size="about 2.3 GB without COCO",
        licence="each its own: COCO annotations CC BY 4.0, the others for research",
        page="https://github.com/xmlyqing00/AFB-URR",
        used_by="AOT and DeAOT (pre-training)",
        splits={"ECSSD": 1000, "MSRA10K": 10000, "PASCAL-S": 850, "PASCALVOC2012": 2913},
        open=deaot_stills,
        parts=(
            Part(
                "ecssd-images",
                Link(
                    "ECSSD pictures",
                    _ECSSD + "images.zip",
                    "7d5dce1a21c6d82e2f9617c00ad7eae2de5ded9320e8c59a01b4c731d210ea47",
                    67766979,
                    "size and sha256 as another public project records them",
                ),
                "ECSSD",
            ),
            Part(
                "ecssd-masks",
                Link(
                    "ECSSD masks",
                    _ECSSD + "ground_truth_mask.zip",
                    "dc0a9f11f2adee2737d95b28f9567a0a5de33f78743447c097ceb4d42f281a31",
                    1571109,
                    "size and sha256 as another public project records them",
                ),
                "ECSSD",
            ),
            Part("msra10k", _MSRA10K, "MSRA10K"),
            Part(
                "pascal-s",
                Link("PASCAL-S", "http://cbs.ic.gatech.edu/salobj/download/salObj.zip"),
                "PASCAL-S",
            ),
            Part(
                "voc2012",
                Link(
                    "PASCAL VOC 2012",
                    "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar",
                    note="about 2 GB",
                ),
                "PASCALVOC2012",
            ),
        ),
        steps=(
            "COCO keeps its masks as polygons: prepare it with the script of AFB-URR (its page "
            "explains how) as {home}/JPEGImages/COCO and {home}/Annotations/COCO",
            "COCO may be left out (present_only=True): a user of the authors' code found that it "
            "lowers what pre-training alone reaches",
        ),
    ),
)

REGISTRY: Mapping[str, DataSet] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
"""Name -> DataSet."""


def entry(name: str) -> DataSet:
    """The registry's entry of a data set; InputError with the known names if there is none."""
    if name not in REGISTRY:
        raise InputError(
            f"there is no data set '{name}'; choose one of {', '.join(REGISTRY)}, or read a folder "
            "of your own with vosedu.datasets.folder"
        )
    return REGISTRY[name]


def check_options(name: str, reader: Callable[..., Any], options: Iterable[str]) -> None:
    """InputError for an option that the reader of a data set does not take after the split."""
    _, *known = signature(reader).parameters
    known = [option for option in known if option not in getattr(reader, "keywords", ())]
    for option in options:
        if option not in known:
            raise InputError(
                f"the data set {name} has no option '{option}'; it has {', '.join(known)}"
            )


def open_dataset(name: str, split: str | None = None, root: Any = None, **options: Any) -> Any:
    """A data set of the registry by name: a sequence of Clips (videos) or of pairs (stills).

    split: None takes "val", "test" or whatever the reader counts as its evaluation split. root:
    the folder it lies in, by default where `vosedu data get` puts it. options: what the reader
    takes besides (resolution=, task=, present_only=, ...).
    """
    dataset = entry(name)
    return dataset.read(dataset.default_split if split is None else split, root, **options)
