"""J, F and T, their statistics, and the protocols that turn masks into the numbers of tables."""

from vosedu.metrics.boundary_accuracy import boundary, boundary_map, tolerance_radius
from vosedu.metrics.evaluate import evaluate
from vosedu.metrics.matching import assign, label_matrix
from vosedu.metrics.protocols import PROTOCOLS, Protocol, protocol_of
from vosedu.metrics.region_similarity import region
from vosedu.metrics.results_folder import ResultFolder, evaluate_folder
from vosedu.metrics.scores import Scores, Track
from vosedu.metrics.sequence_statistics import Statistics, statistics
from vosedu.metrics.temporal_stability import temporal

__all__ = [
    "PROTOCOLS",
    "Protocol",
    "ResultFolder",
    "Scores",
    "Statistics",
    "Track",
    "assign",
    "boundary",
    "boundary_map",
    "evaluate",
    "evaluate_folder",
    "label_matrix",
    "protocol_of",
    "region",
    "statistics",
    "temporal",
    "tolerance_radius",
]
