"""Training: recipes, run folders, checkpoints, devices, fine-tuning."""

from rnnzoo.training.history import read_history
from rnnzoo.training.recipe import Recipe, option, recipe_class
from rnnzoo.training.runs import train

__all__ = ["Recipe", "option", "read_history", "recipe_class", "train"]
