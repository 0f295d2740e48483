"""J, F and T, their statistics, and the protocols that turn masks into the numbers of tables."""

from vosedu.metrics.boundary_accuracy import boundary, boundary_map, tolerance_radius
from vosedu.metrics.region_similarity import region
from vosedu.metrics.sequence_statistics import Statistics, statistics
from vosedu.metrics.temporal_stability import temporal

__all__ = [
    "Statistics",
    "boundary",
    "boundary_map",
    "region",
    "statistics",
    "temporal",
    "tolerance_radius",
]
