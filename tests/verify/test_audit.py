"""The record of a whole campaign: a sound one holds, and every planted fault is named."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.errors import BadInput
from alphalab_nb.storage.experiment import RunKind
from alphalab_nb.storage.leaderboard import full_runs
from alphalab_nb.storage.snapshots import remove
from alphalab_nb.verify import Verdict
from tests.boards import scored
from tests.support import small_campaign
from tests.verify.campaigns import CLOCK, HONEST, SMOKED, STRAY, sql


def named(verdict: Verdict) -> list[str]:
    return [line.what for line in verdict.faults]


def test_a_sound_record_holds_though_its_programs_would_not_reproduce(campaign: Campaign):
    attempts = len(list(campaign.workspace.runs.glob("*/run")))
    verdict = campaign.verify()
    assert verdict.holds, verdict.said
    assert "scores, from 3 of 3 artefacts that are still there" in [line.what for line in verdict.lines]
    assert len(list(campaign.workspace.runs.glob("*/run"))) == attempts, "no program was run"
    assert [run.kind for run in campaign.board.runs()][-3:] == ["verify"] * 3
    json.dumps(verdict.as_dict())


def test_a_campaign_without_a_harness_has_nothing_to_verify(tmp_path: Path):
    with pytest.raises(BadInput, match="phase build first"):
        small_campaign(tmp_path).verify()


def _edit_a_score(campaign: Campaign) -> None:
    """To a value that no loss and no artefact gives."""
    [run] = full_runs(campaign.board, HONEST, None)
    sql(campaign, "update runs set score_json = json_patch(score_json, ?) where id = ?", json.dumps({"value": 0.001}), run.id)


def _edit_a_score_and_its_losses(campaign: Campaign) -> None:
    """So that they agree with each other, but not with the artefact."""
    [run] = full_runs(campaign.board, HONEST, None)
    units = [[name, 0.25] for name, _ in campaign.board.run(run.id).score.units]
    sql(campaign, "update runs set score_json = json_patch(score_json, ?), units_json = ? where id = ?",
        json.dumps({"value": 0.5}), json.dumps(units), run.id)


def _change_the_harness(campaign: Campaign) -> None:
    score = campaign.workspace.harness / "score.py"
    score.chmod(0o644)
    score.write_text(score.read_text() + "\n")


def _change_the_data(campaign: Campaign) -> None:
    hidden = next(path for path in campaign.parts.partitions.paths["sealed"].iterdir() if path.suffix != ".json")
    hidden.chmod(0o644)
    hidden.write_bytes(hidden.read_bytes()[:-1])


def _score_by_another_harness(campaign: Campaign) -> None:
    [run] = full_runs(campaign.board, STRAY, None)
    sql(campaign, "update runs set score_json = json_patch(score_json, ?) where id = ?", json.dumps({"harness": "h-kinder"}), run.id)


def _move_illegally(campaign: Campaign) -> None:
    """From the smoke run to the verdict, past every full run."""
    sql(campaign, "insert into moves (experiment, source, target, actor, reason, at) values (?, 'checked', 'done', 'me', '', '')", SMOKED)
    sql(campaign, "update experiments set state = 'done' where id = ?", SMOKED)


def _skip_a_move(campaign: Campaign) -> None:
    sql(campaign, "delete from moves where experiment = ? and target = 'checked'", CLOCK)


def _set_a_state(campaign: Campaign) -> None:
    sql(campaign, "update experiments set state = 'running' where id = ?", SMOKED)


def _invent_a_state(campaign: Campaign) -> None:
    sql(campaign, "update moves set target = 'crowned' where experiment = ? and target = 'analyzed'", HONEST)


def _take_a_charge_back(campaign: Campaign) -> None:
    campaign.parts.ledger.add(phase="explore", role="explorer", provider="local", model="m", usd=-1.0)


def _lose_a_charge(campaign: Campaign) -> None:
    """A response of a language model that the ledger knows nothing of."""
    sql(campaign, "insert into conversations (id, key, role, model, created) values (900, 'k', 'explorer', 'm', '')")
    sql(campaign, "insert into turns (conversation, kind, body_json, at) values (900, 'response', '{}', '')")


def _confirm_without_opening(campaign: Campaign, kind: RunKind = "confirm", partition: str = "confirm") -> None:
    run = campaign.board.plan_run(campaign.board.attempts(HONEST)[-1], kind=kind, partition=partition, seed=0, fidelity="full")
    campaign.board.start_run(run.id)
    campaign.board.end_run(run.id, scored(4.0, harness=campaign.parts.evaluator.version, units=()), 1.0)


def _fit_again_without_opening(campaign: Campaign) -> None:
    _confirm_without_opening(campaign, "verify", "sealed")


def _open_sealed_twice(campaign: Campaign) -> None:
    """And record one opening."""
    for again in (False, True):
        campaign.parts.partitions.open("sealed", by="somebody", reason=f"curious {again}", again=again)
    campaign.board.set_fact("sealed", {"champion": HONEST, "reads": 1})


FAULTS = {
    _change_the_harness: "harness files",
    _change_the_data: "data",
    _score_by_another_harness: "harness of every score",
    _edit_a_score: "from its recorded losses",
    _edit_a_score_and_its_losses: "from its stored artefact",
    _move_illegally: f"of #{SMOKED}",
    _skip_a_move: f"of #{CLOCK}",
    _set_a_state: f"state of #{SMOKED}",
    _invent_a_state: f"of #{HONEST}",
    _take_a_charge_back: "charges below zero",
    _lose_a_charge: "responses of language models without a charge",
    _confirm_without_opening: "openings of confirm",
    _fit_again_without_opening: "openings of confirm, to fit again",
    _open_sealed_twice: "openings of sealed, as the result says",
}


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__.strip("_"))
def test_a_planted_fault_is_named(campaign: Campaign, plant):
    if "artefact" not in FAULTS[plant]:  # the others must be found without them, and sooner
        for run in campaign.workspace.runs.glob("*/out/artefact"):
            remove(run)
    plant(campaign)
    verdict = campaign.verify()
    assert not verdict.holds
    assert any(FAULTS[plant] in what for what in named(verdict)), verdict.said
    assert asdict(verdict.faults[0])["recorded"] != verdict.faults[0].found
