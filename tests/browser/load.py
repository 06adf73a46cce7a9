"""A board under load: many experiments at once, and a process that goes on writing as a busy campaign does.

`python -m tests.browser.load WORKSPACE PER_SECOND SECONDS` writes.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import now
from alphalab_nb.storage.experiment import State
from alphalab_nb.workspace import Workspace

HARNESS = "h" * 16
FAMILIES = ("dlinear", "ets", "gbm", "mlp", "patchtst", "ridge", "tcn")
SHARES = {
    State.TO_IMPLEMENT: 0.1, State.IMPLEMENTED: 0.05, State.CHECKED: 0.05, State.QUEUED: 0.1, State.RUNNING: 0.02, State.FINISHED: 0.03,
    State.ANALYZED: 0.05, State.DONE: 0.5, State.CANCELLED: 0.1,
}
SCORED = (State.FINISHED, State.ANALYZED, State.DONE)


def fill(board: Board, count: int, *, seed: int = 0) -> None:
    """Put experiments of every state on the board, with attempts, smoke and full runs, in one transaction."""
    chance = random.Random(seed)
    board.set_fact("harness", HARNESS)
    board.set_fact("baselines", {"search": {"naive": 4.0, "seasonal_naive": 2.5}})
    first = 1 + max((known.id for known in board.list()), default=0)
    with board.database.transaction() as sql:
        for id in range(first, first + count):
            state, family = chance.choices(list(SHARES), list(SHARES.values()))[0], chance.choice(FAMILIES)
            sql.execute(
                "insert into experiments (id, name, family, hypothesis, config_json, brief, stage, fidelity, priority, author, state,"
                " created, moved) values (?,?,?,?,'{}','','', 'full', 0, 'strategist', ?, ?, ?)",
                (id, f"{family}_{id}", family, f"a longer context of {chance.randint(1, 999)} steps carries the season of {family}",
                 state.value, now(), now()),
            )
            sql.execute("insert into attempts (id, experiment, number, code, ast_hash, created) values (?,?,1,?,?,?)",
                        (id, id, "c" * 40, str(id), now()))
            for fidelity in ("smoke", "full") if state in SCORED else ():
                score = {"ok": True, "value": 1 + 3 * chance.random(), "harness": HARNESS, "label": "ok", "metric": "rmse", "gates": [],
                         "secondary": {"by_step": [1.0] * 24}, "error": ""}
                sql.execute(
                    "insert into runs (experiment, attempt, kind, partition, seed, fidelity, status, started, ended, seconds, score_json)"
                    " values (?,?,?,'search',0,?,'ended',?,?,?,?)",
                    (id, id, fidelity, fidelity, now(), now(), chance.random() * 60, json.dumps(score)),
                )


def write(board: Board, per_second: float, seconds: float) -> int:
    """Write as a campaign does, evenly: half lines of the stream, half changes of experiments; return how many."""
    chance, count = random.Random(1), len(board.list())
    begun, written = time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        if written % 2:
            board.change(chance.randint(1, count), priority=chance.randint(0, 9))
        else:
            board.event("cell", f"epoch {written}: loss {chance.random():.5f}, learning rate 3e-4, still going down", role="worker",
                        experiment=chance.randint(1, count))
        written += 1
        time.sleep(max(0.0, begun + written / per_second - time.monotonic()))
    return written


@contextmanager
def writer(workspace: Workspace, per_second: float, seconds: float = 600) -> Iterator[subprocess.Popen[bytes]]:
    """Let another process write meanwhile."""
    process = subprocess.Popen([sys.executable, "-m", "tests.browser.load", str(workspace.root), str(per_second), str(seconds)])
    try:
        yield process
        assert process.poll() is None, "the writer ended before the measurement did"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    write(Board.open(Workspace(Path(sys.argv[1])).database), float(sys.argv[2]), float(sys.argv[3]))
