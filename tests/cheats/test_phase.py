"""Phase 2 lets no harness through that a planted cheat survives in."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.config import CampaignConfig
from alphalab_nb.errors import PhaseFailed
from alphalab_nb.judge.cheats import ANY, kill_matrix, survivors
from alphalab_nb.phases import make_data, plant_cheats, preflight
from alphalab_nb.phases.build import build_harness
from alphalab_nb.phases.cheats import cheats_of, summary
from alphalab_nb.resources import shipped
from tests.cheats.attacks import BUGS, attack, plant
from tests.fx.content import assemble
from tests.support import small_campaign

BROKEN = {
    "context_reaches_into_target_when_history_is_short": "peeks_ahead",
    "output_is_its_own_reference": "draws_lots",
    "smoke_scores_ranked_with_full_ones": "smoke_ranked_with_full",
    "scale_from_the_scored_partition": "zscore_by_hand",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """A campaign whose harness is built and not frozen."""
    campaign = small_campaign(tmp_path_factory.mktemp("built"))
    preflight(campaign.parts)
    make_data(campaign.parts)
    build_harness(campaign.parts)
    return campaign


def test_a_broken_harness_fails_the_phase_and_a_mended_one_passes(built: Campaign) -> None:
    harness, whole = built.parts.workspace.harness, built.parts.workspace.root / "whole"
    shutil.copytree(harness, whole)
    for bug in BROKEN:
        plant(BUGS[bug], harness)
    with pytest.raises(PhaseFailed) as failure:
        plant_cheats(built.parts)
    told = str(failure.value)
    assert all(cheat in told for cheat in BROKEN.values()), told
    assert "run the phase again" in told
    kept = built.board.fact("kill_matrix")
    assert set(BROKEN.values()) <= {row["cheat"] for row in kept["rows"] if row["killed"] is False}
    shutil.rmtree(harness)
    shutil.move(whole, harness)
    result = plant_cheats(built.parts)
    assert result["planted"] == result["killed"] > 30
    assert result["not_attacked"] == []
    assert built.board.fact("kill_matrix") == result
    assert built.board.step("build", "plant_cheats")["status"] == "finished"  # type: ignore[index]


def test_the_harness_under_attack_is_left_as_it_was(built: Campaign) -> None:
    workspace = built.parts.workspace
    before = {path: path.read_bytes() for path in workspace.harness.rglob("*") if path.is_file()}
    attack(workspace.harness, workspace.root / "attack", "leaves_nothing")
    assert {path: path.read_bytes() for path in workspace.harness.rglob("*") if path.is_file()} == before


def test_an_adapter_without_cheats_is_attacked_by_what_needs_nothing_but_the_contract(built: Campaign, tmp_path: Path) -> None:
    """A harness of another domain, as a model has written it, on the data of the campaign."""
    adapter = assemble(tmp_path / "fx_trading")
    (adapter / "harness" / "config.json").write_text(json.dumps({"horizon": 4, "stride": 4, "metric": "sharpe"}), encoding="utf-8")
    workspace = built.parts.workspace
    env = {"ALPHALAB_DATA": str(workspace.explore_data), "ALPHALAB_VAULT": str(workspace.vault)}
    rows = kill_matrix(adapter / "harness", ANY, sandbox=built.parts.sandbox, env=env)
    assert survivors(rows) == []
    planted = [row for row in rows if row.killed]
    assert {row.cheat for row in planted} == {"leaves_nothing", "leaves_a_score", "tells_its_score", "truth_out_of_reach"}
    assert all(row.naive_gain == 1 for row in planted)
    assert {"labels_in_data", "grader_hacks", "train_then_score", "unusable_answers"} <= set(summary(rows)["not_attacked"])


def test_the_attack_is_that_of_the_shipped_adapter(built: Campaign) -> None:
    """Agents write in the workspace; what they are judged by must not lie there."""
    parts = built.parts
    assert cheats_of(parts).is_relative_to(Path(parts.config.domain))
    config: CampaignConfig = parts.config.model_copy(update={"domain": "time_series"})
    assert cheats_of(replace(parts, config=config)) == shipped("adapters", "time_series", "cheats")
    shutil.rmtree(parts.workspace.adapter / "cheats")
    assert cheats_of(replace(parts, config=config.model_copy(update={"domain": "new_domain"}))) == ANY
