"""Recipes, the training loop, losses, histories and checkpoints."""

from vosedu.training.checkpoint import load_state, save_course, save_state
from vosedu.training.history import History
from vosedu.training.loop import Batch, Programme, fit
from vosedu.training.recipe import Group, Recipe, Stage, digest

__all__ = [
    "Batch",
    "Group",
    "History",
    "Programme",
    "Recipe",
    "Stage",
    "digest",
    "fit",
    "load_state",
    "save_course",
    "save_state",
]
