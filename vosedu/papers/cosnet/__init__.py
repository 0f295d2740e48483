"""COSNet (Lu et al., CVPR 2019): co-attention between frames of one video."""

from vosedu.papers.contract import Paper
from vosedu.papers.cosnet.ablations import TABLES
from vosedu.papers.cosnet.inference import Inference, segment
from vosedu.papers.cosnet.network import Config, build
from vosedu.papers.cosnet.real import INFERENCE, recipe
from vosedu.papers.cosnet.released import RELEASED
from vosedu.papers.cosnet.speed import BENCHMARKS
from vosedu.papers.cosnet.training import train

PAPER = Paper(
    key="cosnet",
    name="COSNet",
    title=(
        "See More, Know More: Unsupervised Video Object Segmentation "
        "with Co-Attention Siamese Networks"
    ),
    venue="CVPR",
    year=2019,
    citation=(
        "X. Lu, W. Wang, C. Ma, J. Shen, L. Shao, F. Porikli. See More, Know More: Unsupervised "
        "Video Object Segmentation with Co-Attention Siamese Networks. CVPR 2019."
    ),
    setting="unsupervised",
    needs=frozenset({"references"}),
    Config=Config,
    build=build,
    recipe=recipe,
    train=train,
    Inference=Inference,
    segment=segment,
    tables=TABLES,
    released=RELEASED,
    small=INFERENCE,
    benchmarks=BENCHMARKS,
    starts={"common": "start-tiny"},
)
