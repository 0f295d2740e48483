"""Running the ablation tables over paired seeds and comparing them with the papers."""

from vosedu.ablation.compare import Comparison, compare, verdict
from vosedu.ablation.run import run, run_table
from vosedu.ablation.store import Record, Store

__all__ = ["Comparison", "Record", "Store", "compare", "run", "run_table", "verdict"]
