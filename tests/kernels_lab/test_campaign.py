"""A real campaign over the kernel lab in which most kernels are hostile: each is a labelled failure, and the campaign goes on."""

from __future__ import annotations

import contextlib
import json
import math

import pytest

from alphalab_nb import phases
from alphalab_nb.campaign import Campaign
from alphalab_nb.phases.choice import champions
from alphalab_nb.report import sealed_table
from tests.dispatch.loops import run
from tests.kernels_lab.campaigns import EXPECTED, labels, with_hostile_kernels

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """From the certificate to the sealed test, without the agents' exploration and attacks."""
    campaign = with_hostile_kernels(tmp_path_factory.mktemp("hostile"))
    for step in (phases.preflight, phases.make_data, phases.adapt_domain, phases.explore_data, phases.build_harness, phases.freeze_harness,
                 phases.certify_baselines):
        step(campaign.parts)
    run(campaign)
    with contextlib.closing(campaign.executor()) as executor:
        phases.confirm_best(campaign.parts, executor)
        phases.verify_champion(campaign.parts, campaign.verify)
        phases.open_sealed(campaign.parts, executor)
    return campaign


def test_each_hostile_kernel_is_a_labelled_failure_and_the_last_kernel_is_scored(ended: Campaign) -> None:
    assert labels(ended) == {"first": "ok", **EXPECTED, "last": "ok"}


def test_no_hostile_kernel_is_charged_to_the_machine_or_tried_again_as_if_it_were(ended: Campaign) -> None:
    runs = [one for one in ended.board.runs(status="ended") if ended.board.get(one.experiment).name in EXPECTED]
    assert len(runs) == len(EXPECTED)
    assert not [one for one in runs if one.score is not None and one.score.label == "infrastructure"]


def test_the_certified_noise_is_at_least_what_another_time_would_find(ended: Campaign) -> None:
    baselines = json.loads((ended.workspace.build / "baselines_search" / "seed_0" / "baselines.json").read_text(encoding="utf-8"))
    low, high = baselines["secondary"]["softmax"]["interval"]
    error = math.log(high / low) / 2 / 1.96
    assert error > 0.04, "0.08 by the harness, on top of what the lab says"
    assert ended.board.fact("certificate")["noise"]["seed_sd"] >= 0.75 * math.sqrt(2) * error, "seeds differ a little in what they state"


def test_the_champion_is_a_right_kernel_that_was_verified_and_its_problem_alone_has_a_sealed_score(ended: Campaign) -> None:
    sealed = ended.board.fact("sealed")
    assert [row["family"] for row in sealed["families"]] == ["softmax"]
    assert champions(ended.board).keys() == {"softmax"}
    assert sealed["attempted"] == 1
    assert sealed["families"][0]["secondary"]["speedup"].keys() >= {"eager", "compile", "compile_max_autotune"}
    assert sealed_table(ended.board).loc["softmax", "against"] in sealed["families"][0]["secondary"]["speedup"]
    assert [line["verdict"].split()[0] for line in ended.board.step("report", "verify_champion")["result"]["rows"]][-1] == "HOLDS"  # type: ignore[index]
