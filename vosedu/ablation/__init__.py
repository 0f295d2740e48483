"""Running the ablation tables over paired seeds and comparing them with the papers."""

from vosedu.ablation.compare import Comparison, compare, control_works, rules_out, verdict
from vosedu.ablation.controls import INTERVENTIONS, intervened
from vosedu.ablation.run import run, run_table
from vosedu.ablation.store import Record, Store
from vosedu.ablation.tables import controls, forest, judge, table
from vosedu.ablation.threshold import THRESHOLDS

__all__ = [
    "INTERVENTIONS",
    "THRESHOLDS",
    "Comparison",
    "Record",
    "Store",
    "compare",
    "control_works",
    "controls",
    "forest",
    "intervened",
    "judge",
    "rules_out",
    "run",
    "run_table",
    "table",
    "verdict",
]
