"""A harness that a person changes in the middle of a campaign: what it takes, and what becomes of the history."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from alphalab_nb.campaign import Campaign
from alphalab_nb.cli import cli
from alphalab_nb.dispatch.pipeline import artefact_of
from alphalab_nb.errors import BadInput, PhaseFailed, WorkspaceError
from alphalab_nb.process import FileLock
from alphalab_nb.report.figures import full_scores
from alphalab_nb.storage.experiment import Run
from alphalab_nb.storage.harnesses import retired
from alphalab_nb.storage.leaderboard import full_runs
from alphalab_nb.storage.snapshots import remove
from tests.support import small_campaign
from tests.verify.campaigns import CLOCK, HONEST, STRAY, copied, sql


@pytest.fixture(scope="module")
def rescored(sound: Campaign, tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """A campaign whose harness was changed and which was scored again with it; tests only read it."""
    campaign = copied(sound, tmp_path_factory.mktemp("rescored"))
    change(campaign)
    campaign.rescore(change=True, by="ada")
    return campaign


def change(campaign: Campaign) -> None:
    score = campaign.workspace.harness / "score.py"
    score.chmod(0o644)
    score.write_text(score.read_text() + "\n# mended\n")


def runs(campaign: Campaign) -> list[Run]:
    return [run for run in campaign.board.runs() if run.kind == "rescore"]


def test_a_changed_harness_is_refused_until_a_person_says_so(campaign: Campaign):
    before = campaign.parts.evaluator.version
    change(campaign)
    with pytest.raises(BadInput, match=r"harness/score.py was changed.*--yes"):
        campaign.rescore()
    assert (campaign.parts.evaluator.version, retired(campaign.board), runs(campaign)) == (before, [], [])


def test_the_history_is_scored_by_the_new_version_and_nothing_is_run(rescored: Campaign):
    board, version = rescored.board, rescored.parts.evaluator.version
    [old] = retired(board)
    assert (old.by, board.fact("harness"), board.fact("certificate")["harness"]) == ("ada", version, version)
    assert version != old.version
    assert [(run.experiment, run.score.harness, run.status) for run in runs(rescored)] == [
        (id, version, "ended") for id in (HONEST, CLOCK, STRAY)]
    assert not any((rescored.workspace.run(run.id) / "run").exists() for run in runs(rescored))
    assert all(run.seconds > 0 for run in runs(rescored)), "each is charged"


def test_the_leaderboard_ranks_the_new_version_and_the_old_scores_stay(rescored: Campaign):
    rows, [old] = rescored.leaderboard_data()["rows"], retired(rescored.board)
    assert {row["evaluator"] for row in rows} == {rescored.parts.evaluator.version}
    assert len(rows) == 3
    assert [run.score.harness for run in full_runs(rescored.board, HONEST, old.version)] == [old.version]
    assert all(row["compute_s"] > 0 for row in rows), "making the artefact still counts"
    assert [run.experiment for run, _ in full_scores(rescored.board, rescored.parts.metric)] == [HONEST, CLOCK, STRAY]


def test_the_record_of_both_versions_holds(rescored: Campaign, tmp_path: Path):
    verdict = copied(rescored, tmp_path).verify()
    assert verdict.holds, verdict.said
    lines = {line.what: line for line in verdict.lines}
    assert str(lines["harness of every score"].found).endswith("by versions before it was frozen")
    assert "scores, from 3 of 3 artefacts that are still there" in lines


def test_a_score_by_a_retired_version_from_after_its_end_is_a_fault(rescored: Campaign, tmp_path: Path):
    campaign = copied(rescored, tmp_path)
    [old] = retired(campaign.board)
    newest = runs(campaign)[0].id
    sql(campaign, "update runs set score_json = json_patch(score_json, ?) where id = ?", json.dumps({"harness": old.version}), newest)
    for artefact in campaign.workspace.runs.glob("*/out/artefact"):
        remove(artefact)
    assert "harness of every score" in [line.what for line in campaign.verify().faults]


def test_an_edited_record_of_a_retired_version_is_a_fault(rescored: Campaign, tmp_path: Path):
    campaign = copied(rescored, tmp_path)
    [entry] = campaign.board.fact("harnesses")
    campaign.board.set_fact("harnesses", [{**entry, "files": {**entry["files"], "score.py": "0" * 64}}])
    assert "harness version, retired" in [line.what for line in campaign.verify().faults]


def test_scoring_again_twice_scores_nothing_twice(rescored: Campaign, tmp_path: Path):
    campaign = copied(rescored, tmp_path)
    assert campaign.rescore()["scored"] == 0
    assert len(runs(campaign)) == 3


def test_what_was_interrupted_goes_on_where_it_stopped(rescored: Campaign, tmp_path: Path):
    """As if the process had been killed with one run scored, one started and one not planned yet, before the certificate."""
    campaign = copied(rescored, tmp_path)
    _, started, unplanned = (run.id for run in runs(campaign))
    sql(campaign, "update runs set status = 'started', score_json = null, units_json = null, ended = '' where id = ?", started)
    sql(campaign, "delete from runs where id = ?", unplanned)
    remove(artefact_of(campaign.parts, campaign.board.run(started)))
    campaign.board.set_fact("certificate", {**campaign.board.fact("certificate"), "harness": "the one before"})
    assert campaign.rescore()["scored"] == 2
    assert [run.status for run in runs(campaign)] == ["ended"] * 3
    assert campaign.board.run(started).score.ok
    assert campaign.board.fact("certificate")["harness"] == campaign.parts.evaluator.version


def test_an_artefact_that_is_gone_is_named(campaign: Campaign):
    [run] = full_runs(campaign.board, CLOCK, None)
    remove(artefact_of(campaign.parts, run))
    sql(campaign, "update runs set score_json = json_patch(score_json, ?)", json.dumps({"harness": "h-before"}))
    result = campaign.rescore()
    assert (result["scored"], result["missing"]) == (2, [CLOCK])
    assert campaign.leaderboard_data()["unranked"] == {"h-before": 1}


def test_a_harness_that_lets_cheats_through_is_not_frozen(campaign: Campaign):
    before, score = campaign.parts.evaluator.version, campaign.workspace.harness / "score.py"
    score.chmod(0o644)
    score.write_text("import json, sys\nout = sys.argv[sys.argv.index('--out') + 1]\n"
                     "json.dump({'ok': True, 'label': 'ok', 'metric': 'rmse', 'value': 0.0, 'units': []}, open(out, 'w'))\n")
    with pytest.raises(PhaseFailed, match="cheat"):
        campaign.rescore(change=True)
    assert (campaign.parts.evaluator.version, retired(campaign.board)) == (before, [])


def test_a_running_campaign_is_left_alone(campaign: Campaign):
    with FileLock(campaign.workspace.lock), pytest.raises(WorkspaceError, match="in use"):
        campaign.rescore()


def test_without_a_harness_there_is_nothing_to_score(tmp_path: Path):
    with pytest.raises(BadInput, match="phase build"):
        small_campaign(tmp_path).rescore()


def test_the_command_line_names_what_was_changed_and_the_remedy(sound: Campaign, tmp_path: Path):
    campaign = copied(sound, tmp_path)
    change(campaign)
    done = CliRunner().invoke(cli, ["rescore", str(campaign.workspace.root), "--json"])
    assert done.exit_code == 2
    assert "harness/score.py was changed" in json.loads(done.stdout.splitlines()[0])["error"]


def test_the_command_line_says_what_was_scored(rescored: Campaign, tmp_path: Path):
    done = CliRunner().invoke(cli, ["rescore", str(copied(rescored, tmp_path).workspace.root)])
    assert (done.exit_code, done.stdout) == (
        0, f"0 runs are scored by {rescored.parts.evaluator.version}; the leaderboard ranks what it has scored\n")


def test_a_result_that_was_scored_again_is_proved_again_by_the_new_version(rescored: Campaign, tmp_path: Path):
    verdict = copied(rescored, tmp_path).verify(HONEST)
    assert verdict.holds, verdict.said
    assert f"score of run {runs(rescored)[0].id}, from its stored artefact" in [line.what for line in verdict.lines]
