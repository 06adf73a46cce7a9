"""The offline researcher's rules, by role. It has no Strategist: proposals come from strategies/offline.py."""

from alphalab_nb.agents.offline.builder import build
from alphalab_nb.agents.offline.critic import criticize, examine
from alphalab_nb.agents.offline.customizer import customize
from alphalab_nb.agents.offline.explorer import explore
from alphalab_nb.agents.offline.worker import analyze, fix, implement
from alphalab_nb.llm import Policy

POLICIES: dict[str, Policy] = {
    "customizer": customize,
    "explorer": explore,
    "builder": build,
    "critic": criticize,
    "tester": examine,
    "worker_implement": implement,
    "worker_fix": fix,
    "worker_analyze": analyze,
}
"""Roles that the rules can play; any other needs a language model."""

__all__ = ["POLICIES"]
