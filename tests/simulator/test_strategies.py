"""The strategies that others are measured against, chosen in a campaign's settings, on a board and harness that are real."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from alphalab_nb import phases
from alphalab_nb.campaign import Campaign
from alphalab_nb.resources import shipped
from alphalab_nb.storage.experiment import State
from tests.support import ready

pytestmark = pytest.mark.slow
BUDGET = 6


@pytest.mark.parametrize(("name", "stage"), [("greedy", "greedy"), ("best_of_n", "draw")])
def test_a_campaign_by_name_runs_from_the_default_to_the_sealed_test(tmp_path: Path, name: str, stage: str):
    example = shipped("adapters", "simulator", "examples", "null_world.yaml")
    campaign = ready(Campaign.create(tmp_path / "workspace", example, strategy={"name": name}, data={"seed": 1},
                                     limits={"max_experiments": BUDGET}))
    with contextlib.closing(campaign.executor()) as executor:
        campaign.dispatcher(strategy=campaign.strategy(), executor=executor).run()
        phases.confirm_best(campaign.parts, executor)
        phases.open_sealed(campaign.parts, executor)
    done = campaign.board.list()
    assert [experiment.stage for experiment in done] == ["defaults", *[stage] * (BUDGET - 1)]
    assert {experiment.state for experiment in done} <= {State.DONE, State.ANALYZED}
    assert all(campaign.board.history(experiment.id)[0].actor == name for experiment in done)
    assert campaign.board.fact("sealed")["champion"] in {experiment.id for experiment in done}
