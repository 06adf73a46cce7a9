"""Jobs run beside the cells, in the same sandbox, and never outlive their kernel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from alphalab_nb.errors import ToolError
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.tools import TOOLS, Deps
from tests.desk import desk
from tests.levels import level

__all__ = ["level"]

WAIT_S = 20.0


@pytest.fixture
def deps(tmp_path: Path, level: Literal["bwrap", "rlimits"]) -> Iterator[Deps]:
    made = desk(tmp_path / "ws")
    working = made.as_role("worker_implement", made.workspace.experiment(1, "mine"))
    working.sandbox = Sandbox(level, hidden=[made.workspace.vault])
    yield working
    working.close()


def start(deps: Deps, command: str) -> str:
    said: str = TOOLS["start_job"](deps, "try", command)
    assert "job 1 started" in said
    return "job 1"


def pulse(path: Path) -> int:
    """Return how far a job has counted; it writes a number ten times a second."""
    return len(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else 0


def stands_still(path: Path) -> bool:
    first = pulse(path)
    time.sleep(1.0)
    return pulse(path) == first


COUNTING = "while true; do echo x >> beats.txt; sleep 0.1; done"


def test_a_job_does_not_hold_the_conversation(deps: Deps):
    started = time.monotonic()
    job = start(deps, "sleep 2; echo finished; exit 3")
    TOOLS["run_cell"](deps, "go on", "a = 1")
    assert "job 1: running" in TOOLS["read_job"](deps, job)
    assert time.monotonic() - started < 2 + 3  # start of the kernel
    ended = TOOLS["read_job"](deps, job, WAIT_S)
    assert "job 1: exit 3" in ended
    assert "finished" in ended
    assert time.monotonic() - started < WAIT_S


def test_waiting_ends_with_the_job(deps: Deps):
    job = start(deps, "sleep 0.5")
    before = time.monotonic()
    assert "exit 0" in TOOLS["read_job"](deps, job, 200)
    assert time.monotonic() - before < 5


def test_a_stopped_job_ends_with_all_that_it_started(deps: Deps):
    job = start(deps, f"({COUNTING}) & {COUNTING}")
    beats = deps.cwd / "beats.txt"
    TOOLS["run_cell"](deps, "wait", "import time; time.sleep(0.5)")
    assert pulse(beats)
    assert "stopped" in TOOLS["stop_job"](deps, job)
    assert stands_still(beats)
    assert "job 1: stopped" in TOOLS["read_job"](deps, job)
    assert "not running" in TOOLS["stop_job"](deps, job)


@pytest.mark.parametrize("end", ["restart", "exit"])
def test_a_job_does_not_outlive_its_kernel(deps: Deps, end: str):
    job = start(deps, COUNTING)
    beats = deps.cwd / "beats.txt"
    TOOLS["run_cell"](deps, "wait", "import time; time.sleep(0.5)")
    if end == "restart":
        deps.session.restart()
    else:
        with pytest.raises(ToolError, match="restarted"):
            TOOLS["run_cell"](deps, "die", "import os; os._exit(1)")
    assert pulse(beats)
    assert stands_still(beats)
    assert "job 1: lost" in TOOLS["read_job"](deps, job)


def test_the_exit_code_of_a_finished_job_survives_its_kernel(deps: Deps):
    job = start(deps, "echo done; exit 4")
    TOOLS["read_job"](deps, job, WAIT_S)
    deps.session.restart()
    assert "exit 4" in TOOLS["read_job"](deps, job)
    assert "job 2 started" in TOOLS["start_job"](deps, "again", "true", name="second")


def test_a_job_sees_no_more_than_a_cell(deps: Deps):
    secret = deps.workspace.vault / "sealed.txt"
    secret.parent.mkdir(parents=True)
    secret.write_text("hidden", encoding="utf-8")
    ended = TOOLS["read_job"](deps, start(deps, f"cat {secret}"), WAIT_S)
    assert "exit 1" in ended
    assert "hidden" not in ended


@pytest.mark.parametrize("tool", ["read_job", "stop_job"])
@pytest.mark.parametrize("job", ["job 7", "seven", ""])
def test_an_unknown_job_is_named_with_those_there_are(deps: Deps, tool: str, job: str):
    with pytest.raises(ToolError, match=r"known: none"):
        TOOLS[tool](deps, job)


def test_a_long_output_is_clipped_to_its_end(deps: Deps):
    job = start(deps, "seq 1 100000; echo last")
    ended = TOOLS["read_job"](deps, job, WAIT_S)
    assert ended.rstrip().endswith("last")
    assert len(ended) < 8000
