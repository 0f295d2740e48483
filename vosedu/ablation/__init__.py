"""Running the ablation tables over paired seeds and comparing them with the papers."""

from vosedu.ablation.compare import Comparison, compare, verdict
from vosedu.ablation.run import run, run_table
from vosedu.ablation.store import Record, Store
from vosedu.ablation.tables import forest, judge, table

__all__ = [
    "Comparison",
    "Record",
    "Store",
    "compare",
    "forest",
    "judge",
    "run",
    "run_table",
    "table",
    "verdict",
]
