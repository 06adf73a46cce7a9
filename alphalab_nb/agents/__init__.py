"""Roles played by a model, or by rules, through the same tools."""

from alphalab_nb.agents.agent import Finished, run_agent
from alphalab_nb.agents.roles import ROLES, Role
from alphalab_nb.tools import Deps

__all__ = ["ROLES", "Deps", "Finished", "Role", "run_agent"]
