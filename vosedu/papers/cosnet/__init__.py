"""COSNet (Lu et al., CVPR 2019): co-attention between frames of one video."""

from vosedu.papers.contract import PROFILES, Paper, with_profiles
from vosedu.papers.cosnet import long, real, training
from vosedu.papers.cosnet.ablations import TABLES
from vosedu.papers.cosnet.inference import Inference, segment
from vosedu.papers.cosnet.network import Config, build
from vosedu.papers.cosnet.released import RELEASED, to_ours
from vosedu.papers.cosnet.speed import BENCHMARKS

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
    recipe=with_profiles(training.recipe, {"davis-small": real.recipe(), "long": long.recipe()}),
    profiles=(*PROFILES, "long"),
    train=training.train,
    Inference=Inference,
    segment=segment,
    tables=TABLES,
    released=RELEASED,
    rename=to_ours,
    settings={"course": long.INFERENCE, "davis-small": real.INFERENCE},
    benchmarks=BENCHMARKS,
    starts={"common": "start-tiny"},
)
