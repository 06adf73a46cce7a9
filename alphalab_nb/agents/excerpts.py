"""What agents have left in files, shortened for the first message of another conversation."""

from __future__ import annotations

from alphalab_nb.beneath import told
from alphalab_nb.storage.experiment import Experiment
from alphalab_nb.workspace import Workspace

_LEARNINGS_CHARS = 6000


def learnings(workspace: Workspace) -> str:
    """Return what the Explorer learnt."""
    text = told(workspace.root, workspace.explore / "learnings.md") or "None on record."
    return text if len(text) <= _LEARNINGS_CHARS else f"{text[:_LEARNINGS_CHARS]}\n[more in ../explore/learnings.md]"


def debrief(workspace: Workspace, experiment: Experiment, chars: int) -> str:
    """Return at most `chars` characters of an experiment's debrief, and where the rest is; empty if there is none."""
    path = workspace.experiment(experiment.id, experiment.name) / "debrief.md"
    text = (told(workspace.root, path) or "").strip()
    return text if len(text) <= chars else f"{text[:chars]}\n[more in ../experiments/{path.parent.name}/debrief.md]"
