"""The cheats that an evaluation must survive: a table of them, and the kill matrix of a harness that they are planted in."""

from alphalab_nb.judge.cheats.matrix import Row, kill_matrix, survivors
from alphalab_nb.judge.cheats.table import ANY, Cheat, Kind, cheats

__all__ = ["ANY", "Cheat", "Kind", "Row", "cheats", "kill_matrix", "survivors"]
