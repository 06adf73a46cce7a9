"""What the board claims of an experiment: the full scores of its newest attempt, under the frozen harness."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alphalab_nb.errors import BadInput
from alphalab_nb.parts import Parts
from alphalab_nb.storage.experiment import Attempt, Experiment, Run, Score
from alphalab_nb.storage.leaderboard import full_runs


@dataclass(frozen=True)
class Claim:
    """One experiment's result as recorded."""

    experiment: Experiment
    attempt: Attempt
    runs: tuple[Run, ...]
    """Its full search runs, with the units of their scores; the newest is the one that is run again."""
    copy: Path
    """Where the clean copy of the program goes."""

    @property
    def values(self) -> list[float]:
        return [score_of(run).value or 0.0 for run in self.runs]

    def __repr__(self) -> str:
        runs = ", ".join(f"run {run.id} (seed {run.seed}): {value!r}" for run, value in zip(self.runs, self.values))
        return f"#{self.experiment.id} {self.experiment.name}, attempt {self.attempt.number}, commit {self.attempt.commit[:12]}; {runs}"


def claimed(parts: Parts, id: int) -> Claim:
    """Return what the board claims of an experiment.

    Raises:
        NotFound: no such experiment.
        BadInput: it has no full score, so there is nothing to verify.
    """
    experiment, harness = parts.board.get(id), parts.board.fact("harness")
    runs = full_runs(parts.board, experiment.id, harness)
    if not runs:
        why = "only smoke scores" if any(run.score and run.score.ok for run in parts.board.runs(id)) else "no score"
        raise BadInput(f"experiment {id} has {why} of harness {harness or '(not frozen yet)'}: only a full score can be verified; "
                       "`alphalab-nb leaderboard` lists them")
    with_units = tuple(parts.board.run(run.id) for run in runs)
    return Claim(experiment, parts.board.attempt(runs[-1].attempt), with_units, parts.workspace.clean_copy(id))


def score_of(run: Run) -> Score:
    """Return the score of a run that has one."""
    assert run.score is not None
    return run.score
