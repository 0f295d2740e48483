"""What the papers' authors released: weights, masks and flow, and where they lie.

Addresses are those of the authors' own pages. Nothing was fetched while this was written; Google
Drive publishes neither sizes nor checksums, so the first download records its sha256.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from vosedu.datasets.download import Link, drive, drive_folder, fetch
from vosedu.errors import InputError
from vosedu.paths import downloads_dir

MOBILENET = "mobilenet_v2-b0353104.pth"
"""torchvision's ImageNet weights of MobileNetV2, the encoder of the profile davis-small."""


@dataclass(frozen=True)
class Published:
    """What is out there for one key. The first of `weights` is what `get_weights` takes unasked.

    weights: checkpoints. results: masks their method predicted. inputs: flow and the like.
    reason: why there are no weights, in words. options: of `vosedu evaluate`, with which the
    checkpoint's scores are comparable to the numbers that the paper prints.
    """

    title: str
    weights: tuple[Link, ...] = ()
    results: tuple[Link, ...] = ()
    inputs: tuple[Link, ...] = ()
    reason: str = ""
    options: str = ""

    @property
    def links(self) -> tuple[Link, ...]:
        """Everything, weights first."""
        return self.weights + self.results + self.inputs


_AOT_MODELS = """
DeAOTL       18elNz_wi9JyVBcIUYKhRdL08MA-FqHD5 1_vBL4KJlmBy0oBE4YFDOvsYL1ZtpEL32
R50_DeAOTL   1QoChMkTVxdYZ_eBlZhK2acq9KMQZccPJ 1sTRQ1g0WCpqVCdavv7uJiZNkXunBt3-R
AOTT         1owPmwV4owd_ll6GuilzklqTyAd0ZvbCu 1_513h8Hok9ySQPMs_dHgX5sPexUhyCmy
AOTS         1beU5E6Mdnr_pPrgjWvdWurKAIwJSz1xf 1QUP0-VED-lOF1oX_ppYWnXyBjvUzJJB7
AOTB         1hH-GOn4GAxHkV8ARcQzsUy8Ax6ndot-A 11Bx8n_INAha1IdpHjueGpf7BrKmCJDvK
AOTL         1L1N2hkSPqrwGgnW9GyFHuG59_EYYfTG4 1WL6QCsYeT7Bt-Gain9ZIrNNXpR2Hgh29
R50_AOTL     1qJDYn3Ibpquu4ffYoQmVjg1YCbr2JQep 1hS4JIvOXeqvbs-CokwV6PwZV-EvzE6x8
SwinB_AOTL   192jCGQZdnuTsvX-CVra-KVZl2q1ZR0vW 1LlhKQiXD8JyZGGs3hZiNzcaCLqyvL9tj
DeAOTT       1ThWIZQS03cYWx1EKNN8MIMnJS5eRowzr 11C1ZBoFpL3ztKtINS8qqwPSldfYXexFK
DeAOTS       1YwIAV5tBtn5spSFxKLBQBEQGwPHyQlHi 1uUidrWVoaP9A5B5-EzQLbielUnRLRF3j
DeAOTB       1BHxsonnvJXylqHlZ1zJHHc-ymKyq-CFf 1bEQr6vIgQMVITrSOtxWTMgycKpS0cor9
SwinB_DeAOTL 1g4E-F0RPOx9Nd6J7tU9AE1TjsouL4oZq 16BZEE53no8CxT-pPLDC2q1d6Xlg8mWPU
"""
_AOT_MASKS = """
D17-val  10OUFhK2Sz-hOJrTDoTI0mA45KO1qodZt 1T-JTYyksWlq45jxcLjnRaBvvYUhWgHFH
         1EVUnxQm9TLBTuwK82QyiSKk9R9V8NwRL 1CFauSni2BxAe_fcl8W_6bFByuwJRbDYm
         1vjloxnP8R4PZdsH2DDizfU2CrkdRHHyo 1tYCbKOas0i7Et2iyUAyDwaXnaD9YWxLr
D17-test 14Pu-6Uz4rfmJ_WyL2yl57KTx_pSSUNAf 1zzAPZCRLgnBWuAXqejPPEYLqBxu67Rj1
         1WpQ-_Jrs7Ssfw0oekrejM2OVWEx_tBN1 1rP1Zdgc0N1d8RR2EaXMz3F-o5zqcNVe8
         1iQ5iNlvlS-In586ZNc4LIZMSdNIWDvle 1oVt4FPcZdfVHiOxjYYKef0q7Ovy4f5Q_
D16-val  1LeW8WQhnylZ3umT7E379KdII92uUsGA9 1vqGei5tLu1FPVrTi5bwRAsaGy3Upf7B1
         1qAppo2uOVu0FbE9t1FBUpymC3yWgw1LM 1g6cjYhgBWjMaY3RGAm31qm3SPEF3QcKV
         1QzxojqWKsvRf53K2AgKsK523ZVuYU4O- 1RIqUtAyVnopeogfT520d7a0yiULg1obp
Y18      1u8mvPRT08ENZHsw9Xf_4C6Sv9BoCzENR 1a4-rNnxjMuPBq21IKo31WDYZXMPgS7r2
         1J5nhuQbbjVLYNXViBIgo21ddQy-MiOLG 1kS8KWQ2L3wzxt44ROLTxwZOT7ZpT8Igc
         1nbJZ1bbmEgyK-bg6HQ8LwCz5gVJ6wzIZ 1QFowulSY0LHfpsjUV8ZE9rYc55L9DOC7
Y18-all  1RGMI5-29Z0odq73rt26eCxOUYUd-fvVv 1Z0cndyoCw5Na6u-VFRE8CyiIG2RbMIUO
         1gFaweB_GTJjHzSD61v_ZsY9K7UEND30O 1Rpm3e215kJOUvb562lJ2kYg2I3hkrxiM
         1NbB54ZhYvfJh38KFOgovYYPjWopd-2TE 1TulhVOhh01rkssNYbOQASeWKu7CQ5Azx
Y19      1zzyhN1XYtajte5nbZ7opOdfXeDJgCxC5 11YdkUeyjkTv8Uw7xMgPCBzJs6v5SDt6n
         1NeI8cT4kVqTqVWAwtwiga1rkrvksNWaO 1qKLlNXxmT31bW0weEHI_zAf4QwU8Lhou
         1I7ooSp8EYfU6fvkP6QcCMaxeencA68AH 1fPzCxi5GM7N2sLKkhoTC2yoY_oTQCHp1
Y19-all  1V_5vi9dAXOis_WrDieacSESm7OX20Bv- 1UhyurGTJeAw412czU3_ebzNwF8xQ4QG_
         1kpYV2XFR0sOfLWD-wMhd-nUO6CFiLjlL 1o3fwZ0cH71bqHSA3bYNjhP4GGv9Vyuwa
         1OGqlkEu0uXa8QVWIVz_M5pmXXiYR2sh3 1e3D22s_rJ7Y2X2MHo7x5lcNtwmHFlwYB
"""
_AOT_MASK_MODELS = ("AOTT", "AOTS", "AOTB", "AOTL", "R50_AOTL", "SwinB_AOTL")


def _aot_weights() -> tuple[Link, ...]:
    links = []
    for line in _AOT_MODELS.strip().splitlines():
        model, final, first = line.split()
        links += [
            Link(
                f"{model}, trained on stills, YouTube-VOS and DAVIS",
                drive(final),
                file=f"{model}_PRE_YTB_DAV.pth",
            ),
            Link(f"{model}, trained on stills only", drive(first), file=f"{model}_PRE.pth"),
        ]
    return tuple(links)


def _aot_masks() -> tuple[Link, ...]:
    words = iter(_AOT_MASKS.split())
    return tuple(
        Link(
            f"masks of {model} on {benchmark}", drive(next(words)), file=f"{model}_{benchmark}.zip"
        )
        for benchmark in words
        for model in _AOT_MASK_MODELS
    )


_UNKNOWN_TYPE = "the page names neither file name nor size; the suffix is a guess"
_EXPIRED = "a sister project's Drive subscription has expired, so this link may be dead"

RELEASES: Mapping[str, Published] = MappingProxyType(
    {
        "cosnet": Published(
            "COSNet",
            weights=(
                Link(
                    "COSNet checkpoint of the authors (DAVIS 2016, used for all reported sets)",
                    drive("14ya3ZkneeHsegCgDrvkuFtGoAfVRgErz"),
                    note="about 326 MB by the sizes of its tensors",
                    file="co_attention.pth",
                ),
                Link(
                    "COSNet's initialisation: a DeepLab encoder fine-tuned on saliency data",
                    drive("1hy0-BAEestT9H4a3Sv78xrHrzmZga9mj"),
                    note="about 316 MB; needed only to train as released",
                    file="deeplab_davis_12_0.pth",
                ),
            ),
            results=(
                Link(
                    "masks of COSNet on DAVIS 2016, FBMS and YouTube-Objects",
                    drive("1JRPc2kZmzx0b7WLjxTPD-kdgFdXh5gBq"),
                    note=f"a user found soft and binary masks mixed; {_UNKNOWN_TYPE}",
                    file="cosnet_results.zip",
                ),
            ),
            options="--crf",
        ),
        "amcnet": Published(
            "AMC-Net",
            inputs=(
                Link(
                    "PWC-Net flow pictures of AMC-Net",
                    "https://pan.baidu.com/s/1-1vfaZfbPpEupjM4kCaphA",
                    note="access code mvuv",
                    file="amcnet_flow.zip",
                    by_hand="open the address with a Baidu account and give the access code mvuv",
                ),
            ),
            reason="the authors released neither weights nor masks",
        ),
        "hcpn": Published(
            "HCPN",
            weights=(
                Link(
                    "HCPN, encoder and decoder",
                    drive_folder("1LYyAZtDHv8nTKVB6xY05TUSJ_7QnhnmJ"),
                    note=f"a folder; about 560 MB and 173 MB are expected; {_EXPIRED}",
                    file="hcpn",
                ),
            ),
            results=(
                Link(
                    "masks of HCPN",
                    drive("1EIzgDZaylhZ9rNkf4bShOY_slSqinD_W"),
                    note=f"{_EXPIRED}; {_UNKNOWN_TYPE}",
                    file="hcpn_masks.zip",
                ),
            ),
            inputs=(
                Link(
                    "RAFT flow pictures of DAVIS, by HCPN",
                    drive("1ADBNzRyZwJUJVO77Iutu_H6tIN2n5SS0"),
                    note=f"{_EXPIRED}; {_UNKNOWN_TYPE}",
                    file="hcpn_davis_flow.zip",
                ),
                Link(
                    "the same flow in the repository HGPU of the same group",
                    drive("1P-hhmblPVtiX3KILm-NK5s7ePjFIxpPZ"),
                    note=_UNKNOWN_TYPE,
                    file="hgpu_davis_flow.zip",
                ),
                Link(
                    "contours of YouTube-VOS and DAVIS, by HCPN",
                    drive_folder("1GspmMlDQA4pyheiBU62RYuKzho2x_YS7"),
                    note=f"a folder; {_EXPIRED}",
                    file="hcpn_contours",
                ),
            ),
            options="--flow raft-large --crf",
        ),
        "dpa": Published(
            "DPA",
            results=(
                Link(
                    "masks of DPA",
                    drive("1JSJ5mIu6Lq8l4aSEcrUAlVsBGdXeGgma"),
                    note=_UNKNOWN_TYPE,
                    file="dpa_masks.zip",
                ),
            ),
            inputs=(
                Link(
                    "VGG-16 features that DPA starts from",
                    drive("1ej5ngj2NYH-R-0GfYUDfuM-DNLuFolED"),
                    note="a 56 MB file of the same name, linked by ICNet",
                    file="vgg16_feat.pth",
                    verified=False,
                ),
                Link(
                    "DAVIS with flow, prepared by TMO",
                    drive("1kx-Cs5qQU99dszJQJOGKNb-wD_090q6c"),
                    note=_UNKNOWN_TYPE,
                    file="tmo_davis.zip",
                ),
                Link(
                    "FBMS with flow, prepared by TMO",
                    drive("1Zgt5ouwFeTpMTemfNeEFz7uEUo77e2ml"),
                    note=_UNKNOWN_TYPE,
                    file="tmo_fbms.zip",
                ),
                Link(
                    "YouTube-Objects with flow, prepared by TMO",
                    drive("1t_eeHXJ30TWBNmMzE7vfS0izEafiBfgn"),
                    note=_UNKNOWN_TYPE,
                    file="tmo_youtube_objects.zip",
                ),
                Link(
                    "all sets in the folder layout of DPA's loader",
                    drive("1WxIUs7yzgpJ7QOLXdU1xoYZZ2jysQ6bA"),
                    note=_UNKNOWN_TYPE,
                    file="dpa_data.zip",
                ),
            ),
            reason="the authors released masks but no weights",
        ),
        "deaot": Published(
            "DeAOT and AOT",
            weights=_aot_weights(),
            results=_aot_masks(),
        ),
        "stm": Published(
            "STM, the propagator of HCPN's instance pipeline",
            weights=(
                Link(
                    "STM, trained with DAVIS",
                    "https://www.dropbox.com/s/mtfxdr93xc3q55i/STM_weights.pth?dl=1",
                    note="for research, not for commercial use",
                ),
            ),
        ),
        "maskrcnn": Published(
            "Mask R-CNN, the detector of HCPN's instance pipeline",
            weights=(
                Link(
                    "Mask R-CNN, ResNet-50 with FPN, trained on COCO (torchvision)",
                    "https://download.pytorch.org/models/maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
                    "bf2d0c1e",
                ),
            ),
        ),
        "imagenet": Published(
            "encoders trained on ImageNet, for training from scratch",
            weights=(
                Link(
                    "ResNet-50 (torchvision, older weights)",
                    "https://download.pytorch.org/models/resnet50-0676ba61.pth",
                    "0676ba61",
                ),
                Link(
                    "ResNet-101 (torchvision, older weights)",
                    "https://download.pytorch.org/models/resnet101-63fe2227.pth",
                    "63fe2227",
                ),
                Link(
                    "MobileNetV2 (torchvision)",
                    f"https://download.pytorch.org/models/{MOBILENET}",
                    "b0353104",
                ),
                Link(
                    "VGG-16 (torchvision)",
                    "https://download.pytorch.org/models/vgg16-397923af.pth",
                    "397923af",
                ),
                Link(
                    "Swin-B, ImageNet-22k (Microsoft)",
                    "https://github.com/SwinTransformer/storage/releases/download/v1.0.0/"
                    "swin_base_patch4_window7_224_22k.pth",
                ),
            ),
        ),
    }
)
"""Key -> Published."""


def weights_folder(key: str) -> Path:
    """Where `get_weights` puts what it fetches."""
    return downloads_dir() / "weights" / key


def release(key: str) -> Published:
    """What is out there for a key; InputError with the known keys if there is none."""
    if key not in RELEASES:
        raise InputError(f"nothing is known of '{key}'; choose one of {', '.join(RELEASES)}")
    return RELEASES[key]


def list_weights() -> list[str]:
    """One line per key: what can be had, and what lies here already."""
    lines = []
    for key, one in RELEASES.items():
        here = sum((weights_folder(key) / link.name).exists() for link in one.links)
        parts = [f"checkpoints: {len(one.weights)}"] if one.weights else [one.reason]
        more = len(one.links) - len(one.weights)
        parts += [f"other files: {more}"] if more else []
        parts += [f"here: {here}"] if here else []
        lines.append(f"{key:<9} {one.title} ({'; '.join(parts)})")
    return lines


def where_weights(key: str) -> list[str]:
    """Everything known of a key: where its files go, addresses, doubts, what lies here."""
    released = release(key)
    lines = [released.title, f"  goes to {weights_folder(key)}"]
    lines += [f"  no weights: {released.reason}"] if released.reason else []
    for link in released.links:
        here = (weights_folder(key) / link.name).exists()
        lines += [f"{link.name}{' (here)' if here else ''}", *(f"  {s}" for s in link.describe())]
    return lines


def fetched(key: str, file: str) -> Path:
    """Where a released file lies that `get_weights` fetched; InputError if it is not there."""
    (link,) = (link for link in release(key).links if link.name == file)
    path = weights_folder(key) / file
    if not path.exists():
        raise InputError(
            f"{path} is missing ({link.title}); fetch it with 'vosedu weights get {key} {file}' or "
            "put the file there"
        )
    return path


def imagenet_file(initial: str, file: str) -> Path:
    """The file of ImageNet weights that a recipe's `initial` names.

    initial: "imagenet" for `file`, as `get_weights` fetches it, or "imagenet:PATH" for another file
    under torchvision's names. InputError where it is not there.
    """
    _, _, other = initial.partition(":")
    if not other:
        return fetched("imagenet", file)
    if not Path(other).is_file():
        raise InputError(
            f"there is no file {other}; name one of ImageNet weights after 'imagenet:'"
        )
    return Path(other)


def get_weights(
    key: str,
    file: str | None = None,
    *,
    folder: str | Path | None = None,
    say: Callable[[str], object] = print,
    progress: bool = True,
) -> Path:
    """Fetch one released file and return its path (a folder for HCPN's weights).

    file: its name as `where_weights` lists it; None takes the first checkpoint. A file put at its
    place by hand is checked and used. InputError: nothing of that name, no weights released, and
    all that `fetch` says.
    """
    released = release(key)
    if file is None and not released.weights:
        others = ", ".join(link.name for link in released.links)
        raise InputError(
            f"{released.title}: {released.reason}; what there is can be had by name: {others}"
        )
    by_name = {link.name: link for link in released.links}
    if file is not None and file not in by_name:
        raise InputError(
            f"{released.title} has no file '{file}'; 'vosedu weights where {key}' lists them"
        )
    link = released.weights[0] if file is None else by_name[file]
    target = weights_folder(key) if folder is None else Path(folder)
    return fetch(link, target, say=say, progress=progress)
