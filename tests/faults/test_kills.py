"""kill -9 of the whole process tree at random moments: nothing is lost, nothing is scored twice, no orphan stays."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.storage.experiment import State
from tests.faults.kill import kill_tree, orphans, start
from tests.support import ready, sleepers, small_campaign

ROUNDS = int(os.environ.get("ALPHALAB_SOAK_ROUNDS", "4"))


def finish(workspace: Path) -> None:
    process = start(workspace)
    assert process.wait(timeout=180) == 0, (workspace / "faults.log").read_text()[-3000:]


def scored(campaign: Campaign) -> Counter[tuple[int, str]]:
    """How often each experiment has a good score of each fidelity."""
    return Counter((run.experiment, run.fidelity) for run in campaign.board.runs() if run.score and run.score.ok)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_campaign_killed_again_and_again_ends_as_if_nothing_had_happened(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(*[1.5] * 6)))
    workspace, random_moment = campaign.workspace.root, random.Random(os.environ.get("ALPHALAB_SOAK_SEED", "7"))
    for _ in range(ROUNDS):
        process = start(workspace)
        time.sleep(random_moment.uniform(0.5, 9))
        kill_tree(process)
        assert orphans(workspace) == []
    finish(workspace)
    after = Campaign.open(workspace)
    assert {e.name for e in after.board.list()} == {f"sleeper_{n}" for n in range(1, 7)}
    assert {e.state for e in after.board.list()} <= {State.ANALYZED, State.DONE}
    assert {e.outcome for e in after.board.list()} == {"ok"}
    assert scored(after) == {(id, fidelity): 1 for id in range(1, 7) for fidelity in ("smoke", "full")}
    full = [run for run in after.board.runs() if run.fidelity == "full" and run.score and run.score.ok]
    assert all(run.seconds >= 1.5 for run in full), "what a job took is charged, whoever watched it"
    assert orphans(workspace) == []


@pytest.mark.slow
def test_a_phase_killed_in_the_middle_repeats_no_finished_step(tmp_path: Path):
    campaign = small_campaign(tmp_path, sleepers(0))
    workspace = campaign.workspace.root
    process = start(workspace, phase="adapt")
    end = time.monotonic() + 60
    while not (known := campaign.board.step("adapt", "make_data")) or known["status"] != "finished":
        assert time.monotonic() < end, (workspace / "faults.log").read_text()[-3000:]
        time.sleep(0.02)
    kill_tree(process)
    stamp = (campaign.workspace.explore_data / "panel.npz").stat().st_mtime_ns
    assert start(workspace, phase="adapt").wait(timeout=120) == 0
    assert (campaign.workspace.explore_data / "panel.npz").stat().st_mtime_ns == stamp
    assert orphans(workspace) == []


@pytest.mark.slow
def test_the_sealed_test_is_opened_once_even_if_the_report_is_killed_and_run_again(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, 0)))
    workspace = campaign.workspace.root
    finish(workspace)
    process = start(workspace, phase="report")
    end = time.monotonic() + 60
    while campaign.parts.partitions.reads("confirm") == 0:
        assert time.monotonic() < end, (workspace / "faults.log").read_text()[-3000:]
        time.sleep(0.02)
    kill_tree(process)
    assert start(workspace, phase="report").wait(timeout=180) == 0
    assert Campaign.open(workspace).status()["sealed"]["reads"] == 1
