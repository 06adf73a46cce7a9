"""Verify one result in an executed notebook, or the record of a whole campaign: what `verify` does, from Python and the command line."""

from __future__ import annotations

from alphalab_nb.errors import AlphaLabError, BadInput, PhaseFailed
from alphalab_nb.executors import Executor
from alphalab_nb.parts import Parts
from alphalab_nb.process import is_locked
from alphalab_nb.resources import shipped
from alphalab_nb.runner import run_phase
from alphalab_nb.verify import Verdict, audit, claimed, known_verdict

NOTEBOOK = "verify.ipynb"
"""Run as it ships: a campaign's own copy could be made to say anything."""


def prove(parts: Parts, id: int) -> Verdict:
    """Rebuild a result in a clean copy by `notebooks/verify.ipynb`; the executed notebook is kept in the campaign's notebooks.

    Raises:
        NotFound, BadInput: no such experiment, it has no full score, or the experiments are running.
        PhaseFailed: the notebook did not reach its verdict.
    """
    _refuse_running(parts)
    claimed(parts, id)
    output = parts.workspace.verification(id)
    result = run_phase(shipped("notebooks", NOTEBOOK), output, {"workspace": str(parts.workspace.root), "experiment": id})
    verdict = known_verdict(parts.board, id)
    if not result.ok or verdict is None:
        failure = PhaseFailed(f"verification of #{id} failed in cell {result.failing_cell}: {result.ename}: {result.evalue}; see {output}")
        failure.exit_code = result.exit_code or AlphaLabError.exit_code
        raise failure
    return verdict


def prove_all(parts: Parts, executor: Executor) -> Verdict:
    """Check the record of the campaign without running a program; see `audit`."""
    _refuse_running(parts)
    return audit(parts, executor)


def _refuse_running(parts: Parts) -> None:
    if is_locked(parts.workspace.lock):
        raise BadInput("the experiments of this campaign are running; verify once they have ended, or stop them first")
