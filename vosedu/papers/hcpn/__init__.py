"""HCPN (Pei et al., IEEE TIP 2023): hierarchical co-attention propagation."""

from vosedu.papers.contract import Paper, with_profiles
from vosedu.papers.hcpn import real, training
from vosedu.papers.hcpn.ablations import TABLES
from vosedu.papers.hcpn.inference import Inference, segment
from vosedu.papers.hcpn.network import Config, build
from vosedu.papers.hcpn.released import RELEASED, to_ours
from vosedu.papers.hcpn.speed import BENCHMARKS

PAPER = Paper(
    key="hcpn",
    name="HCPN",
    title="Hierarchical Co-Attention Propagation Network for Zero-Shot Video Object Segmentation",
    venue="IEEE TIP",
    year=2023,
    citation=(
        "G. Pei, Y. Yao, F. Shen, D. Huang, X. Huang, H.-T. Shen. Hierarchical Co-Attention "
        "Propagation Network for Zero-Shot Video Object Segmentation. IEEE Transactions on Image "
        "Processing 32, 2023."
    ),
    setting="unsupervised",
    needs=frozenset({"flow"}),
    Config=Config,
    build=build,
    recipe=with_profiles(training.recipe, {"davis-small": real.recipe()}),
    train=training.train,
    Inference=Inference,
    segment=segment,
    tables=TABLES,
    released=RELEASED,
    rename=to_ours,
    benchmarks=BENCHMARKS,
    starts={"common start": "start-tiny", "common start, flow start": "start-tiny+start-flow"},
)
