"""Give the reference the compute that an experiment used: whether a gain is an idea, or only more work.

The reference's own program runs again with its budget stretched by as much more CPU seconds as the experiment's RUN took. A program
that does not make use of its budget takes no more; what it took is shown beside its score.
"""

from __future__ import annotations

import statistics
from typing import Any

from alphalab_nb.dispatch.carry import Order, carry_through, taken_up
from alphalab_nb.errors import BadInput, PhaseFailed
from alphalab_nb.executors import Executor
from alphalab_nb.judge.leaders import MATCHED, RUN_CPU, reference, run_cpu_s
from alphalab_nb.parts import Parts
from alphalab_nb.phases.steps import Result
from alphalab_nb.process import FileLock
from alphalab_nb.storage.leaderboard import Ranked, ranking


def give_same(parts: Parts, executor: Executor, id: int) -> Result:
    """Run the reference with the compute of an experiment, once for each of its seeds; the runs are charged and never rank.

    Raises:
        BadInput: programs are not run in this domain, no such row on the leaderboard, or it did not use more compute.
        PhaseFailed: the reference failed with the larger budget.
        WorkspaceError: this campaign is running.
    """
    if not parts.adapter.manifest.run:
        raise BadInput("programs of this domain have no RUN that could be given more compute")
    with FileLock(parts.workspace.lock):
        held, stretch = _matched(parts, id)
        orders = [Order(run=taken_up(parts, run, "matched"), stretch=stretch) for run in held.runs]
        scores = carry_through(parts, executor, orders)
    failed = [f"run {run.id}: {score.label} {score.error[-300:]}" for run, score in scores if not score.ok]
    if failed:
        raise PhaseFailed(f"the reference #{held.experiment.id} failed with {stretch:.1f} x its budget: {'; '.join(failed)}")
    found = {
        "reference": held.experiment.id, "runs": [run.id for run, _ in scores], "stretch": round(stretch, 3),
        "value": statistics.fmean(score.value for _, score in scores if score.value is not None),
        "compute_s": round(statistics.fmean(score.resources[RUN_CPU] + score.resources["cpu_s"] for _, score in scores), 3),
        "harness": parts.evaluator.version,
    }
    known: dict[str, Any] = parts.board.fact(MATCHED, {})
    parts.board.set_fact(MATCHED, {**known, str(id): found})
    return found


def _matched(parts: Parts, id: int) -> tuple[Ranked, float]:
    """Return the reference, and how many times its compute the experiment used."""
    ranked = ranking(parts.board, parts.metric, parts.board.fact("harness"))
    held, mine = reference(ranked), next((entry for entry in ranked if entry.experiment.id == id), None)
    if mine is None or held is None:
        raise BadInput(f"experiment {id} is not ranked; `alphalab-nb leaderboard` lists those that are")
    if mine is held:
        raise BadInput(f"experiment {id} is itself the reference of the leaderboard's compute; name one that used more")
    made = run_cpu_s(parts.board)
    spent, base = (made.get(entry.runs[-1].attempt) for entry in (mine, held))
    if not spent or not base:
        raise BadInput(f"the CPU seconds of #{id} or #{held.experiment.id} were not recorded; `alphalab-nb inject` runs a program anew")
    if spent <= base:
        raise BadInput(f"#{id} used no more compute ({spent:.1f} s) than #{held.experiment.id} ({base:.1f} s): nothing has to be matched")
    return held, spent / base
