"""One result, proved again: an honest one holds, and every planted fault is named."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.dispatch.carry import carry_through
from alphalab_nb.errors import BadInput, NotFound, WorkspaceError
from alphalab_nb.executors import make_executor
from alphalab_nb.process import FileLock
from alphalab_nb.proving import prove
from alphalab_nb.storage.experiment import Run, Score
from alphalab_nb.storage.leaderboard import full_runs, ranking
from alphalab_nb.storage.snapshots import remove
from alphalab_nb.verify import Lines, Verdict, check_ground, claimed, conclude, replay
from tests.verify.campaigns import CLOCK, HONEST, SMOKED, STRAY, as_timed, sql


def verified(campaign: Campaign, id: int = HONEST) -> Verdict:
    """Do what the notebook does."""
    parts = campaign.parts
    claim = claimed(parts, id)
    ground = check_ground(parts, claim)
    with make_executor("inline") as executor:
        return conclude(parts, claim, [*ground, *replay(parts, executor, claim)])


def faults(campaign: Campaign, id: int = HONEST) -> list[str]:
    return [line.what for line in verified(campaign, id).faults]


REBUILT = "score of the program, run again from the clean copy"


def test_an_honest_result_holds_bit_for_bit_and_is_charged(campaign: Campaign):
    spent, ranked = campaign.board.compute_s(), ranking(campaign.board, campaign.parts.metric)
    opened = campaign.parts.partitions.history()
    verdict = verified(campaign)
    assert (verdict.holds, verdict.said) == (True, "HOLDS"), Lines(verdict.lines)
    rescored = next(line for line in verdict.lines if "stored artefact" in line.what)
    assert (rescored.recorded, rescored.why) == (rescored.found, "bit for bit")
    runs = [run for run in campaign.board.runs(HONEST) if run.kind == "verify"]
    assert [(run.partition, run.status) for run in runs] == [("search", "ended")] * 2
    assert campaign.board.compute_s() > spent
    assert ranking(campaign.board, campaign.parts.metric) == ranked, "verification is no replicate"
    assert not claimed(campaign.parts, HONEST).copy.exists()
    assert campaign.parts.partitions.history() == opened, "confirm and sealed stay closed"


def test_a_program_that_asks_the_clock_does_not_hold(campaign: Campaign):
    assert faults(campaign, CLOCK) == [REBUILT]


def strained(monkeypatch: pytest.MonkeyPatch, factors: list[float]) -> None:
    """Let the scores of the next runs be so many times what they are."""
    def carried(*arguments: Any) -> list[tuple[Run, Score]]:
        return [(run, replace(score, value=(score.value or 0.0) * factors.pop(0))) for run, score in carry_through(*arguments)]

    monkeypatch.setattr(import_module("alphalab_nb.verify.replay"), "carry_through", carried)  # the package names the function so


def test_a_time_outside_is_measured_once_more(campaign: Campaign, monkeypatch: pytest.MonkeyPatch):
    timed = as_timed(campaign)
    strained(monkeypatch, [1.5, 1.0])
    verdict = verified(timed)
    assert verdict.holds, verdict.said
    [line] = [line for line in verdict.lines if line.what == REBUILT]
    assert "measured twice" in line.why
    assert len([run for run in timed.board.runs(HONEST) if run.kind == "verify"]) == 2


def test_a_time_outside_twice_is_a_fault(campaign: Campaign, monkeypatch: pytest.MonkeyPatch):
    strained(monkeypatch, [1.5, 1.5])
    assert faults(as_timed(campaign)) == [REBUILT]


def test_what_can_be_repeated_gets_no_second_try(campaign: Campaign, monkeypatch: pytest.MonkeyPatch):
    strained(monkeypatch, [1.5, 1.0])
    assert REBUILT in faults(campaign)
    assert len([run for run in campaign.board.runs(HONEST) if run.kind == "verify"]) == 2, "the program and its stored artefact, once"


def test_a_program_that_reads_a_file_its_snapshot_lacks_does_not_hold(campaign: Campaign):
    verdict = verified(campaign, STRAY)
    assert [line.what for line in verdict.faults] == ["attempt's folder beside its snapshot", REBUILT]
    assert "stray.txt" in str(verdict.faults[0].found)
    assert verdict.blames, "it is the experiment's own fault"


def test_a_changed_harness_is_named_and_blames_no_experiment(campaign: Campaign):
    metrics = campaign.workspace.harness / "metrics.py"
    metrics.chmod(0o644)
    metrics.write_text(metrics.read_text() + "\n# kinder\n")
    verdict = verified(campaign)
    assert "harness/metrics.py was changed" in verdict.said
    assert not verdict.blames


def test_a_harness_that_was_changed_and_frozen_anew_is_named(campaign: Campaign):
    metrics = campaign.workspace.harness / "metrics.py"
    metrics.chmod(0o644)
    metrics.write_text(metrics.read_text() + "\n# kinder\n")
    campaign.parts.evaluator.freeze()
    assert "harness version, as it was frozen" in faults(campaign)


def test_a_record_of_the_harness_that_was_edited_to_fit_is_named(campaign: Campaign):
    metrics, record = campaign.workspace.harness / "metrics.py", campaign.workspace.build / "harness.json"
    before = hashlib.sha256(metrics.read_bytes()).hexdigest()
    metrics.chmod(0o644)
    metrics.write_text(metrics.read_text() + "\n# kinder\n")
    record.write_text(record.read_text().replace(before, hashlib.sha256(metrics.read_bytes()).hexdigest()))
    campaign.parts.evaluator.check()
    assert faults(campaign) == ["harness version, of its files now"]


def test_changed_data_is_named(campaign: Campaign):
    hidden = next(path for path in campaign.parts.partitions.paths["search"].iterdir() if path.suffix != ".json")
    hidden.chmod(0o644)
    hidden.write_bytes(hidden.read_bytes() + b" ")
    assert faults(campaign)[0] == "data"


def test_a_snapshot_of_another_program_is_named(campaign: Campaign):
    other = campaign.board.attempts(CLOCK)[-1]
    folder = campaign.workspace.experiment(HONEST, campaign.board.get(HONEST).name)
    (folder / "model.py").write_text((folder / "model.py").read_text().replace("self.bias", "(self.bias / 2)"))
    commit = campaign.parts.snapshots.take(folder, "rewritten")
    sql(campaign, "update attempts set code = ? where experiment = ?", commit, HONEST)
    assert faults(campaign) == ["program (hash of its syntax trees)", "attempt's folder beside its snapshot", REBUILT]
    assert other.commit != commit


def test_a_snapshot_that_is_gone_is_named(campaign: Campaign):
    sql(campaign, "update attempts set code = ? where experiment = ?", "0" * 40, HONEST)
    assert faults(campaign) == ["snapshot"]


def test_a_changed_attempt_folder_is_named(campaign: Campaign):
    model = campaign.workspace.attempt(HONEST, 1) / "model.py"
    model.chmod(0o644)
    model.write_text(model.read_text() + "\n# later\n")
    verdict = verified(campaign)
    assert [(line.what, line.found) for line in verdict.faults] == [("attempt's folder beside its snapshot", "differs: model.py")]


def test_a_score_that_was_edited_on_the_board_is_named_by_every_way_to_it(campaign: Campaign):
    [run] = full_runs(campaign.board, HONEST, None)
    stored = json.dumps({"value": 0.001})
    sql(campaign, "update runs set score_json = json_patch(score_json, ?) where id = ?", stored, run.id)
    edited = faults(campaign)
    assert edited == [REBUILT, f"score of run {run.id}, from its recorded losses", f"score of run {run.id}, from its stored artefact"]


def test_losses_that_were_edited_along_with_the_score_are_named(campaign: Campaign):
    [run] = full_runs(campaign.board, HONEST, None)
    units = campaign.board.run(run.id).score.units
    value = 0.001
    sql(campaign, "update runs set score_json = json_patch(score_json, ?), units_json = ? where id = ?",
        json.dumps({"value": value}), json.dumps([[name, value**2] for name, _ in units]), run.id)
    assert faults(campaign) == [REBUILT, f"score of run {run.id}, from its stored artefact", f"losses of run {run.id}, unit by unit"]


def test_a_missing_artefact_is_named(campaign: Campaign):
    [run] = full_runs(campaign.board, HONEST, None)
    remove(campaign.workspace.run(run.id) / "out" / "artefact")
    assert faults(campaign) == [f"artefact of run {run.id}"]


def test_what_cannot_be_verified_is_refused_with_the_reason(campaign: Campaign):
    with pytest.raises(NotFound, match="no experiment 99"):
        campaign.verify(99)
    with pytest.raises(BadInput, match=f"experiment {SMOKED} has only smoke scores"):
        campaign.verify(SMOKED)
    before = len(campaign.board.runs())
    with FileLock(campaign.workspace.lock), pytest.raises(BadInput, match="are running"):
        prove(campaign.parts, HONEST)
    assert len(campaign.board.runs()) == before


def test_the_loop_of_phase_3_is_kept_out_while_runs_are_replayed(campaign: Campaign):
    claim = claimed(campaign.parts, HONEST)
    with make_executor("inline") as executor, FileLock(campaign.workspace.lock), pytest.raises(WorkspaceError, match="in use"):
        replay(campaign.parts, executor, claim)
