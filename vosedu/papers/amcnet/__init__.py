"""AMC-Net (Yang et al., ICCV 2021): motion and appearance, weighed against each other."""

from vosedu.papers.amcnet import real, training
from vosedu.papers.amcnet.ablations import TABLES
from vosedu.papers.amcnet.inference import Inference, segment
from vosedu.papers.amcnet.network import Config, build
from vosedu.papers.amcnet.released import RELEASED, to_ours
from vosedu.papers.contract import Paper, with_profiles

PAPER = Paper(
    key="amcnet",
    name="AMC-Net",
    title="Learning Motion-Appearance Co-Attention for Zero-Shot Video Object Segmentation",
    venue="ICCV",
    year=2021,
    citation=(
        "S. Yang, L. Zhang, J. Qi, H. Lu, S. Wang, X. Zhang. Learning Motion-Appearance "
        "Co-Attention for Zero-Shot Video Object Segmentation. ICCV 2021."
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
    settings={"davis-small": real.INFERENCE},
    starts={"common start": "start-tiny", "common start, flow start": "start-tiny+start-flow"},
)
