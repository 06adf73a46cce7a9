"""The loop on real parts: SQLite, processes, the harness, the offline Worker."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.dispatch import dispatcher
from alphalab_nb.dispatch.triggers import StopReason
from alphalab_nb.errors import BudgetEnded, ProviderOutage, ProviderRefused, RequestLimit, RequestRefused, Stopped, WorkspaceError
from alphalab_nb.storage.experiment import State
from tests.support import ready, sleepers, small_campaign

pytestmark = pytest.mark.timeout(120)


def run(campaign: Campaign) -> StopReason:
    executor = campaign.executor()
    try:
        return campaign.dispatcher(strategy=campaign.strategy(), executor=executor).run()
    finally:
        executor.close()


def in_background(campaign: Campaign) -> threading.Thread:
    thread = threading.Thread(target=run, args=(Campaign.open(campaign.workspace.root),), daemon=True)
    thread.start()
    return thread


def until(condition, timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def states(campaign: Campaign) -> dict[str, State]:
    return {experiment.name: experiment.state for experiment in campaign.board.list()}


def test_every_listed_experiment_is_scored_once_and_ends_analyzed(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, 0, 0)))
    assert run(campaign) is StopReason.EXPERIMENTS
    assert set(states(campaign).values()) <= {State.ANALYZED, State.DONE}
    full = [r for r in campaign.board.runs() if r.fidelity == "full"]
    assert len(full) == 3
    assert all(r.score and r.score.ok for r in full)
    rows = campaign.rows()
    assert [row.name for row in rows] == ["sleeper_1", "sleeper_2", "sleeper_3"] or rows[0].score <= rows[-1].score
    assert all((campaign.workspace.experiment(row.id, row.name) / "debrief.md").is_file() for row in rows)


def test_moves_follow_the_lifecycle_and_name_their_actor(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0)))
    run(campaign)
    path = [(move.target, move.actor) for move in campaign.board.history(1)]
    assert [str(target) for target, _ in path][:7] == [
        "to_implement", "implemented", "checked", "queued", "running", "finished", "analyzed"
    ]
    assert dict((str(t), a) for t, a in path)["finished"] == "evaluator"


def test_a_crash_is_fixed_and_the_fixed_program_runs_once(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, fail="crash")))
    run(campaign)
    experiment = campaign.board.get(1)
    assert (experiment.outcome, experiment.fixes, experiment.error) == ("ok", 1, "")
    assert len(campaign.board.attempts(1)) == 2
    assert len([r for r in campaign.board.runs(1) if r.fidelity == "full"]) == 1


def test_without_fixes_a_failure_is_final_and_keeps_its_reason(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, fail="crash"), limits={"max_fixes": 0}))
    run(campaign)
    experiment = campaign.board.get(1)
    assert experiment.outcome == "failed"
    assert experiment.state in (State.ANALYZED, State.DONE)
    assert "this experiment was asked to fail" in experiment.error


@pytest.mark.parametrize(("fail", "label"), [("no_artefact", "crash"), ("nan", "invalid_output")])
def test_failures_carry_the_label_of_the_contract(tmp_path: Path, fail: str, label: str):
    campaign = ready(small_campaign(tmp_path, sleepers(0, fail=fail), limits={"max_fixes": 0}))
    run(campaign)
    assert campaign.board.get(1).error.startswith(f"{label}:")


def test_an_identical_program_becomes_a_replicate_of_the_first(tmp_path: Path):
    proposals = [{"family": "sleeper", "name": name, "config": {"seconds": 0.0}} for name in ("first", "second")]
    campaign = ready(small_campaign(tmp_path, proposals))
    run(campaign)
    (twin,) = campaign.board.list(State.CANCELLED)
    assert any("identical" in move.reason for move in campaign.board.history(twin.id))
    kinds = [(run.experiment, run.kind) for run in campaign.board.runs() if run.fidelity == "full"]
    assert sorted(kinds) == [(3 - twin.id, "full"), (3 - twin.id, "replicate")]


def test_proposals_wait_for_a_person_when_asked_to(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, 0), approval="ask"))
    thread = in_background(campaign)
    until(lambda: len(campaign.board.list(State.PROPOSED)) == 2)
    campaign.approve(1, by="ada")
    campaign.veto(2, reason="too slow", by="ada")
    thread.join(60)
    assert not thread.is_alive()
    assert campaign.board.get(1).outcome == "ok"
    assert campaign.board.get(2).outcome == "vetoed"
    assert "ada" in {move.actor for move in campaign.board.history(1)}
    assert any("too slow" in note.text for note in campaign.board.notes())


def test_pause_starts_nothing_new_and_resume_goes_on(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, 0, 0)))
    campaign.pause(by="ada")
    thread = in_background(campaign)
    until(lambda: campaign.status()["paused"])
    time.sleep(0.5)
    assert not campaign.board.runs()
    campaign.resume(by="ada")
    thread.join(60)
    assert len(campaign.rows()) == 3


def test_an_injected_experiment_runs_and_a_bad_one_is_refused_with_the_nearest_name(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(1), limits={"max_experiments": 3}))
    campaign.inject("drift_mine", hypothesis="the trend goes on", family="drift", by="ada")
    bad = campaign.board.command("inject", by="ada", name="wrong", hypothesis="typo", family="dritf")
    run(campaign)
    assert "drift_mine" in {row.name for row in campaign.rows()}
    refused = next(command for command in campaign.board.commands() if command.id == bad)
    assert (refused.state, "did you mean 'drift'" in refused.result) == ("refused", True)


def test_cancel_kills_the_running_job(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(50, 0)))
    thread = in_background(campaign)
    until(lambda: campaign.board.counts()[State.RUNNING] == 1 and campaign.board.get(1).state is State.RUNNING)
    campaign.cancel(1, reason="too long", by="ada")
    thread.join(30)
    assert not thread.is_alive()
    assert campaign.board.get(1).outcome == "cancelled"
    assert campaign.board.get(2).outcome == "ok"


def test_stop_lets_running_jobs_end_and_a_later_run_goes_on(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(1, 1, 1, 1)))
    thread = in_background(campaign)
    until(lambda: campaign.board.counts()[State.RUNNING] >= 1)
    campaign.stop(by="ada")
    thread.join(60)
    assert campaign.board.fact("stop_reason") == "stopped_by_person"
    assert not [r for r in campaign.board.runs() if r.status == "started"]
    assert run(Campaign.open(campaign.workspace.root)) is StopReason.EXPERIMENTS
    assert len(campaign.rows()) == 4


def test_a_budget_of_runs_ends_the_campaign_with_its_reason(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, 0, 0, 0), limits={"max_runs": 3}))
    assert run(campaign) is StopReason.RUNS
    assert len([r for r in campaign.board.runs() if r.status != "planned"]) == 3
    assert not campaign.board.list(State.TO_IMPLEMENT, State.IMPLEMENTED, State.QUEUED, State.RUNNING)


def test_a_second_dispatcher_on_the_same_workspace_is_refused(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(3)))
    thread = in_background(campaign)
    until(lambda: campaign.board.counts()[State.RUNNING] == 1)
    with pytest.raises(WorkspaceError, match="in use"):
        run(Campaign.open(campaign.workspace.root))
    thread.join(60)
    assert len(campaign.rows()) == 1


def test_a_changed_harness_scores_nothing(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0), limits={"max_fixes": 0}))
    file = campaign.workspace.harness / "metrics.py"
    file.chmod(0o644)
    file.write_text(file.read_text() + "\n# changed\n")
    run(campaign)
    assert campaign.board.get(1).outcome == "failed"
    assert "metrics.py" in campaign.board.get(1).error
    assert campaign.rows() == []


@pytest.mark.parametrize(("error", "parked"), [
    (ProviderRefused("the key"), True), (ProviderOutage("gone"), True), (Stopped("stop"), True), (BudgetEnded("spent"), True),
    (RequestRefused("a filter"), False), (RequestLimit("too long"), False), (RuntimeError("a bug"), False), (None, False),
])
def test_only_what_concerns_all_conversations_leaves_an_experiment_as_it_is(tmp_path: Path, error: Exception | None, parked: bool):
    campaign = small_campaign(tmp_path)
    with campaign.executor() as executor:
        assert campaign.dispatcher(strategy=campaign.strategy(), executor=executor).is_parked(error) is parked


def test_the_time_that_the_experiments_take_is_on_the_board_while_they_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dispatcher, "LOOK_S", 0.1)
    campaign = ready(small_campaign(tmp_path, sleepers(2.0)))
    thread = in_background(campaign)
    until(lambda: campaign.board.fact("wall_s", 0.0) > 0.5)
    assert thread.is_alive(), "a process that is killed now has used this time all the same"
    thread.join(60)
