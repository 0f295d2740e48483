"""Recipes, the training loop, losses, histories and checkpoints."""

from vosedu.training.checkpoint import load_state, save_course, save_state
from vosedu.training.history import History
from vosedu.training.loading import Batch, Sample
from vosedu.training.loop import Loss, fit
from vosedu.training.recipe import Group, Recipe, Stage, Step, digest, later

__all__ = [
    "Batch",
    "Group",
    "History",
    "Loss",
    "Recipe",
    "Sample",
    "Stage",
    "Step",
    "digest",
    "fit",
    "later",
    "load_state",
    "save_course",
    "save_state",
]
