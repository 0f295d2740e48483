"""DeAOT (Yang and Yang, NeurIPS 2022) and AOT: objects of a given mask, followed by identity."""

from vosedu.papers.contract import Paper, with_profiles
from vosedu.papers.deaot import real, training
from vosedu.papers.deaot.ablations import TABLES
from vosedu.papers.deaot.inference import Inference, segment
from vosedu.papers.deaot.network import Config, build
from vosedu.papers.deaot.released import RELEASED, to_ours
from vosedu.papers.deaot.speed import BENCHMARKS

PAPER = Paper(
    key="deaot",
    name="DeAOT",
    title="Decoupling Features in Hierarchical Propagation for Video Object Segmentation",
    venue="NeurIPS",
    year=2022,
    citation=(
        "Z. Yang, Y. Yang. Decoupling Features in Hierarchical Propagation for Video Object "
        "Segmentation. NeurIPS 2022."
    ),
    setting="semi-supervised, many objects",
    needs=frozenset({"mask"}),
    Config=Config,
    build=build,
    recipe=with_profiles(training.recipe, {"davis-small": real.recipe()}),
    train=training.train,
    Inference=Inference,
    segment=segment,
    tables=TABLES,
    released=RELEASED,
    rename=to_ours,
    protocol="toyvos-objects",
    benchmarks=BENCHMARKS,
    starts={"common start": "start-tiny"},
)
