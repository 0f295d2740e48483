"""DPA (Cho et al., CVPR 2024): dual prototype attention over modalities and frames."""

from vosedu.papers.contract import PROFILES, Paper, with_profiles
from vosedu.papers.dpa import long, real, training
from vosedu.papers.dpa.ablations import TABLES
from vosedu.papers.dpa.inference import Inference, segment
from vosedu.papers.dpa.network import Config, build
from vosedu.papers.dpa.released import RELEASED, to_ours
from vosedu.papers.dpa.speed import BENCHMARKS

PAPER = Paper(
    key="dpa",
    name="DPA",
    title="Dual Prototype Attention for Unsupervised Video Object Segmentation",
    venue="CVPR",
    year=2024,
    citation=(
        "S. Cho, M. Lee, S. Lee, D. Lee, H. Choi, I.-J. Kim, S. Lee. Dual Prototype Attention for "
        "Unsupervised Video Object Segmentation. CVPR 2024."
    ),
    setting="unsupervised",
    needs=frozenset({"flow", "references"}),
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
    decisions={"course": long.DECISION},
    benchmarks=BENCHMARKS,
    starts={"common": "start-tiny+start-flow"},
)
