"""Campaign as a person in a notebook and a program use it: its JSON forms, its commands, its detached phases."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.dispatch.commands import Desk
from alphalab_nb.errors import BadInput, NotFound, PhaseFailed, WorkspaceError
from alphalab_nb.phases.adapt import preflight
from alphalab_nb.process import FileLock
from alphalab_nb.storage.experiment import State
from alphalab_nb.storage.journal import Journal
from alphalab_nb.workspace import LAST_STEPS, PHASES
from tests.boards import finished, proposal
from tests.support import small_campaign


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return small_campaign(tmp_path)


def as_json(data: Any) -> Any:
    """Return data as a program reads it; NaN and Infinity are no JSON."""
    return json.loads(json.dumps(data, allow_nan=False))


def forms(value: Any) -> Any:
    """Return the types of JSON data, keys kept."""
    if isinstance(value, dict):
        return {key: forms(inner) for key, inner in value.items()}
    return [forms(inner) for inner in value] if isinstance(value, list) else type(value).__name__


ROW = {"rank": "int", "id": "int", "name": "str", "family": "str", "score": "float", "n": "int", "shrunken": "NoneType", "low": "NoneType",
       "high": "NoneType", "fidelity": "str", "evaluator": "str", "code": "str", "seconds": "float", "compute_s": "NoneType",
       "compute_ratio": "NoneType", "matched": "NoneType", "note": "str"}
"""Of a board that nothing but the scores is known of: no certificate, one run each, no CPU seconds."""


# -- looking -------------------------------------------------------------------------------------------------


def test_status_of_a_new_campaign_has_the_agreed_form(campaign: Campaign):
    status = as_json(campaign.status())
    assert {key: status[key] for key in ("phase", "best", "stop_reason", "sealed")} == {
        "phase": "adapt", "best": {}, "stop_reason": None, "sealed": None,
    }
    assert status["states"] == {state.value: 0 for state in State}
    assert status["spent"] == {"usd": 0.0, "input_tokens": 0, "cached_tokens": 0, "output_tokens": 0, "compute_s": 0.0}
    assert forms(status["spent"])["usd"] == forms(status["spent"])["compute_s"] == "float"


def test_status_of_an_ended_campaign_has_the_agreed_form(campaign: Campaign):
    best = finished(campaign.board, 0.5, name="better")
    finished(campaign.board, 0.75, name="worse")
    for phase in PHASES:
        campaign.board.set_step(phase, "phase", "finished")
    campaign.board.set_fact("stop_reason", "experiments")
    campaign.board.set_fact("sealed", {
        "champion": best.id, "score": 0.7, "fixed_score": 0.8, "refit": True, "confirm": 0.6, "search": 0.5,
        "baselines": {"naive": 1.0}, "reads": 1, "secondary": {"mae": 0.4}, "references": [],
    })
    spent = {"input_tokens": 5, "cached_tokens": 2, "output_tokens": 3, "usd": 0.5}
    campaign.parts.ledger.add(phase="explore", role="explorer", provider="p", model="m", **spent)
    status = as_json(campaign.status())
    assert (status["phase"], status["stop_reason"], status["states"]["finished"]) == ("done", "experiments", 2)
    assert status["sealed"] == {"score": 0.7, "confirm": 0.6, "search": 0.5, "baselines": {"naive": 1.0}, "reads": 1}
    assert status["spent"] == {"usd": 0.5, "input_tokens": 5, "cached_tokens": 2, "output_tokens": 3, "compute_s": 3.0}
    assert forms(status["best"]) == ROW
    assert (status["best"]["id"], status["best"]["score"]) == (best.id, 0.5)


def test_leaderboard_has_the_agreed_form(campaign: Campaign):
    for name, value in (("second", 2.0), ("first", 1.0)):
        finished(campaign.board, value, name=name)
    data = as_json(campaign.leaderboard_data())
    assert set(data) >= {"metric", "rows"}
    assert data["metric"] == {"name": "rmse", "direction": "minimize", "unit": "units of the target"}
    assert [forms(row) for row in data["rows"]] == [ROW, ROW]
    assert [(row["rank"], row["name"], row["score"], row["evaluator"]) for row in data["rows"]] == [
        (1, "first", 1.0, "h1"), (2, "second", 2.0, "h1"),
    ]
    assert campaign.leaderboard()["score"].to_list() == [1.0, 2.0]


def test_an_empty_leaderboard_keeps_its_form(campaign: Campaign):
    assert as_json(campaign.leaderboard_data())["rows"] == []
    frame = campaign.leaderboard()
    assert (len(frame), frame.index.name, list(frame.columns)) == (0, "rank", [key for key in ROW if key != "rank"])
    assert campaign.by_stage() == []


def test_stages_are_json_also_where_one_has_no_score(campaign: Campaign):
    finished(campaign.board, 1.0, stage="defaults")
    campaign.board.add(proposal("open", stage="refine"), by="test")
    rows = as_json(campaign.by_stage())
    assert [(row["stage"], row["experiments"], row["best"], row["compute_s"]) for row in rows] == [
        ("defaults", 1, 1.0, 1.5), ("refine", 1, None, 0.0),
    ]


def test_a_new_campaign_can_be_reported(campaign: Campaign):
    assert "has not been opened" in campaign.report().read_text(encoding="utf-8")


def test_a_campaign_says_what_it_is(campaign: Campaign):
    assert repr(campaign) == "Campaign('small', phase='adapt', 0 experiments)"


def test_a_milestone_lands_in_reports(campaign: Campaign):
    finished(campaign.board, 1.0, name="only_one")
    campaign._milestone(3)
    assert "only_one" in (campaign.workspace.reports / "milestone_3.md").read_text(encoding="utf-8")


def test_looking_writes_nothing(campaign: Campaign):
    finished(campaign.board, 1.0)
    before = campaign.board.database.connection().total_changes
    campaign.status(), campaign.leaderboard_data(), campaign.by_stage(), campaign.rows(), repr(campaign)
    assert campaign.board.database.connection().total_changes == before


# -- steering ------------------------------------------------------------------------------------------------


def test_every_command_waits_on_the_board_with_its_author_and_words(campaign: Campaign):
    id = campaign.board.add(proposal("x"), by="strategy", state=State.PROPOSED).id
    ids = [
        campaign.approve(id, by="ada"), campaign.veto(id, reason="too slow", by="ada"), campaign.cancel(id, by="ada"),
        campaign.pin(id, by="ada"), campaign.note("robust losses", by="ada"), campaign.pause(by="ada"), campaign.resume(by="ada"),
        campaign.stop(by="ada"), campaign.inject("drift_9", hypothesis="h", config={"k": 2}, by="ada"),
    ]
    commands = campaign.board.commands(state="pending")
    assert [command.id for command in commands] == ids
    assert {command.actor for command in commands} == {"ada"}
    assert [(command.verb, command.args) for command in commands] == [
        ("approve", {"id": id}), ("veto", {"id": id, "reason": "too slow"}), ("cancel", {"id": id, "reason": ""}), ("pin", {"id": id}),
        ("note", {"text": "robust losses"}), ("pause", {}), ("resume", {}), ("stop", {}),
        ("inject", {"name": "drift_9", "hypothesis": "h", "family": "", "config": {"k": 2}, "brief": "", "priority": 1}),
    ]
    assert campaign.board.get(id).state is State.PROPOSED, "only the running campaign moves experiments"


def test_a_command_without_a_name_is_the_users(campaign: Campaign, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOGNAME", "grace")
    campaign.pause()
    assert campaign.board.commands()[0].actor == "grace"


@pytest.mark.parametrize("verb", ["approve", "veto", "cancel", "pin"])
@pytest.mark.parametrize("id", [99, 0, -1])
def test_a_command_on_an_unknown_experiment_is_refused_and_leaves_no_trace(campaign: Campaign, verb: str, id: int):
    reason = {"reason": "x"} if verb == "veto" else {}
    with pytest.raises(NotFound, match=f"no experiment {id};") as error:
        getattr(campaign, verb)(id, **reason)
    assert error.value.exit_code == 2
    assert campaign.board.commands() == []


def test_an_injection_that_is_no_plain_data_is_refused_and_leaves_no_trace(campaign: Campaign):
    with pytest.raises(BadInput, match=r"int64.*plain numbers"):
        campaign.inject("drift_1", hypothesis="h", brief=np.int64(3))
    assert campaign.board.commands() == []


@pytest.mark.parametrize(("wanted", "said"), [
    ({"family": "dritf"}, "did you mean 'drift'"),
    ({"family": "drift", "config": {"kk": 2}}, "unknown parameter 'kk'"),
    ({"family": "drift", "config": {"k": "two"}}, "'k' must be a whole number, not 'two'"),
    ({"family": "drift", "config": {"period": "weekly"}}, "'period' must be one of"),
])
def test_an_injection_that_no_recipe_can_take_is_refused_at_once(campaign: Campaign, wanted: dict[str, Any], said: str):
    with pytest.raises(BadInput, match=said):
        campaign.inject("mine", hypothesis="h", **wanted)
    with pytest.raises(BadInput, match="empty note"):
        campaign.note("  ")
    assert campaign.board.commands() == []


def test_nobody_is_promised_what_nobody_will_do(campaign: Campaign):
    campaign.board.set_step("experiment", "phase", "finished")
    with pytest.raises(BadInput, match="have ended"):
        campaign.note("too late")
    assert campaign.status()["commands"] == {"pending": 0, "refused": []}


def test_a_campaign_is_run_by_one_process_at_a_time(campaign: Campaign):
    with FileLock(campaign.workspace.root / ".run.lock"), pytest.raises(WorkspaceError, match="in use by process"):
        Campaign.open(campaign.workspace.root).run()
    with FileLock(campaign.workspace.root / ".step.lock"), pytest.raises(WorkspaceError, match="in use by process"):
        preflight(campaign.parts)
    assert campaign.board.step("adapt", "preflight") is None


def test_a_phase_is_refused_before_its_turn_however_it_was_started(campaign: Campaign):
    with pytest.raises(BadInput, match="'build' needs adapt, explore first"):
        campaign.check_phase("build")
    for phase in ("adapt", "explore"):  # as steps record it when plain Papermill runs the notebook
        campaign.board.set_step(phase, LAST_STEPS[phase], "finished")
    campaign.check_phase("build")


def test_a_stop_holds_while_a_run_has_the_lock_and_ends_with_it(campaign: Campaign):
    """A second process that is refused, and the notebook of the phase itself, leave it alone; plain Papermill goes on after it."""
    campaign.board.set_fact("stopping", True)
    with FileLock(campaign.workspace.root / ".run.lock"):
        with pytest.raises(WorkspaceError):
            campaign.run("adapt")
        campaign.check_phase("adapt")
        assert campaign.board.fact("stopping") is True
    campaign.check_phase("adapt")
    assert campaign.board.fact("stopping") is False


def test_a_run_of_all_phases_ends_the_stop_before_it(campaign: Campaign, monkeypatch: pytest.MonkeyPatch):
    seen: list[bool] = []
    monkeypatch.setattr(campaign, "_run_phase", lambda name, progress: seen.append(campaign.board.fact("stopping")))
    campaign.board.set_fact("stopping", True)
    campaign.run()
    assert seen == [False] * len(PHASES)


# -- questions, changes, responses ---------------------------------------------------------------------------


def nameless() -> str:
    raise KeyError("no such user")


def test_an_answer_needs_words_but_no_user_name(campaign: Campaign, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("getpass.getuser", nameless)
    asked = campaign.questions.ask("Is it pegged?", default="no", wait_s=60, role="explorer")
    with pytest.raises(BadInput, match="empty answer"):
        campaign.answer(asked.id, " ")
    assert campaign.answer(asked.id, "yes").answered_by == "user"


def test_an_answer_after_the_deadline_is_refused_with_what_was_taken(campaign: Campaign):
    asked = campaign.questions.ask("Is it pegged?", default="no", wait_s=0, role="explorer")
    with pytest.raises(BadInput, match=r"its default was taken: 'no'"):
        campaign.answer(asked.id, "yes")
    assert campaign.status()["questions"] == []
    assert campaign.board.events(kind="answer") == []


def test_a_change_is_taken_back_without_a_user_name(campaign: Campaign, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("getpass.getuser", nameless)
    path = campaign.workspace.adapter / "domain_knowledge.md"
    patch = campaign.patches.apply(path, lambda: path.write_text("changed\n"), reason="test", by="supervisor")
    assert campaign.revert_patch(patch.id).reverted_by == "user"


def answered(campaign: Campaign) -> Campaign:
    """Let the campaign have one response on record."""
    journal = Journal(campaign.board.database)
    head = journal.open("explore/1_explorer", role="explorer", model="openai:x")
    journal.add(head.id, "response", json.dumps({"parts": [{"content": "x", "part_kind": "text"}], "kind": "response"}))
    return campaign


def test_responses_are_exported_to_a_new_file_only(campaign: Campaign, tmp_path: Path):
    file = tmp_path / "responses.jsonl"
    with pytest.raises(BadInput, match="no language model has answered in this campaign yet"):
        campaign.export_responses(file)
    assert not file.exists()
    assert answered(campaign).export_responses(file) == 1
    before = file.read_bytes()
    for taken in (file, tmp_path):
        with pytest.raises(BadInput, match="exists already; choose another file"):
            campaign.export_responses(taken)
    assert file.read_bytes() == before
    with pytest.raises(BadInput, match="cannot be written"):
        campaign.export_responses(tmp_path / "nowhere" / "responses.jsonl")


def test_what_cannot_be_done_when_its_turn_comes_is_refused_with_the_reason(campaign: Campaign):
    """Known at the desk only: the state of the experiment, the recipes."""
    done = finished(campaign.board, 1.0)
    campaign.approve(done.id)
    campaign.board.command("inject", by="ada", name="unheard_of", hypothesis="h")
    Desk(campaign.parts, recipes={}, cancel_job=lambda id: False).apply_all()
    approve, inject = campaign.board.commands(state="refused")
    assert "is finished, not proposed" in approve.result
    assert "no recipe for family 'unheard_of'" in inject.result
    assert len(campaign.board.list()) == 1


# -- running -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["run", "start", "wait"])
def test_an_unknown_phase_is_refused_by_the_nearest_name(campaign: Campaign, method: str):
    with pytest.raises(BadInput, match="did you mean 'experiment'"):
        getattr(campaign, method)("experimnt")
    assert campaign.board.steps() == []


@pytest.mark.parametrize("method", ["run", "start"])
def test_a_phase_before_its_turn_is_refused_with_what_is_missing(campaign: Campaign, method: str):
    campaign.board.set_step("adapt", "phase", "finished")
    with pytest.raises(BadInput, match="'experiment' needs explore, build first"):
        getattr(campaign, method)("experiment")
    assert not (campaign.workspace.root / "experiment.log").exists()


def test_the_phase_is_the_first_that_has_not_ended(campaign: Campaign):
    seen = [campaign.phase()]
    for phase in PHASES:
        campaign.board.set_step(phase, "phase", "finished")
        seen.append(campaign.phase())
    assert seen == [*PHASES, "done"]


def test_waiting_ends_with_the_phase_or_the_time(campaign: Campaign):
    assert campaign.wait("adapt", timeout_s=0) is False
    assert campaign.wait("adapt", timeout_s=0.1) is False
    campaign.board.set_step("adapt", "phase", "finished")
    assert campaign.wait("adapt") is True
    campaign.board.set_step("explore", "phase", "failed", result={"error": "cell 3 of explore"})
    with pytest.raises(PhaseFailed, match="cell 3 of explore"):
        campaign.wait("explore")


def test_a_phase_that_is_started_again_is_not_taken_for_its_failure_before(campaign: Campaign):
    campaign.board.set_step("adapt", "phase", "failed", result={"error": "the failure of the run before"})
    process = campaign.start("adapt")
    assert campaign.wait("adapt", timeout_s=0.1) is False
    process.kill()
    process.wait(timeout=60)


@pytest.mark.slow
def test_a_detached_phase_is_waited_for(campaign: Campaign):
    process = campaign.start("adapt")
    assert campaign.wait("adapt", timeout_s=120) is True
    assert process.wait(timeout=60) == 0
    assert campaign.phase() == "explore"
    assert (campaign.workspace.root / "adapt.log").read_text()


def test_waiting_ends_when_the_started_process_is_gone(campaign: Campaign):
    process = campaign.start("adapt")
    process.kill()
    with pytest.raises(PhaseFailed, match=r"ended with code -9 before the phase did; see .*adapt\.log"):
        campaign.wait("adapt", timeout_s=60)


def test_starting_a_phase_that_has_ended_does_not_take_it_back(campaign: Campaign):
    campaign.board.set_step("adapt", "phase", "finished")
    process = campaign.start("adapt")
    assert campaign.wait("adapt", timeout_s=60) is True
    assert process.wait(timeout=60) == 0
    assert campaign.finished("adapt")


def test_a_failed_phase_names_cell_reason_and_notebook(campaign: Campaign):
    Path(campaign.config.data["path"]).unlink()
    with pytest.raises(PhaseFailed, match=r"phase 'adapt' failed in cell \d+: DataError: .*weekly\.csv") as error:
        campaign.run("adapt")
    assert str(campaign.workspace.notebook("adapt")) in str(error.value)
    assert error.value.exit_code == 2
    assert campaign.phase() == "adapt"
    with pytest.raises(PhaseFailed, match="DataError"):
        campaign.wait("adapt")


def test_every_last_step_is_a_step_of_the_phases():
    from alphalab_nb import phases

    assert set(LAST_STEPS) == set(PHASES) - {"experiment"}
    assert set(LAST_STEPS.values()) <= set(phases.__all__)


def test_steering_loads_no_library_of_the_agents():
    """The verbs of the command line start with this import; the agents' libraries take longer than all the rest."""
    code = "import sys, alphalab_nb.campaign; print({'pydantic_ai', 'openai', 'anthropic', 'pandas', 'matplotlib'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
