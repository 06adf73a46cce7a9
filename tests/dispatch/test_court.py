"""What is kept in a campaign: screened on search, confirmed on data that search has not seen, and paid for by the campaign's alpha.

Most of it on the simulator, where it is known which change helps.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb import phases
from alphalab_nb.campaign import Campaign
from alphalab_nb.dispatch.court import Court
from alphalab_nb.resources import shipped
from alphalab_nb.simulate.lab import worlds
from alphalab_nb.storage.experiment import Run, State
from alphalab_nb.storage.rulings import Ruling, Rulings
from tests.dispatch.loops import run, until
from tests.support import ready, sleepers, small_campaign

SEED, NOISE = 3, 0.25
EXAMPLE = shipped("adapters", "simulator", "examples", "planted.yaml")
pytestmark = pytest.mark.timeout(180)


def single(*, helps: bool) -> dict[str, str]:
    """Return the one change of the start that truly helps most, or the one of another choice that harms most."""
    world = worlds().World(SEED, noise=NOISE)
    start = world.start()
    changes = [{name: level} for name, levels in world.space().items() for level in levels[1:]]
    valid = [change for change in changes if world.valid({**start, **change})]
    order = sorted(valid, key=lambda change: world.true_value({**start, **change}))
    return order[0] if helps else next(change for change in reversed(order) if change.keys() != order[0].keys())


def simulated(folder: Path, points: Sequence[Mapping[str, str]], executor: str = "inline", **settings: Any) -> Campaign:
    """Return a campaign that is ready to try these points, in this order, one after the other."""
    proposals = [{"family": "point", "name": f"point_{n}", "config": dict(point)} for n, point in enumerate(points, start=1)]
    campaign = Campaign.create(
        folder / "workspace", EXAMPLE, task={"noise": NOISE, "effect": 1.0, "traps": False}, data={"seed": SEED},
        strategy={"name": "listed", "options": {"proposals": proposals}}, executor={"kind": executor, "slots": 1},
        limits={"max_experiments": len(points), "max_fixes": 0, **settings.pop("limits", {})}, **settings,
    )
    for step in (phases.preflight, phases.make_data, phases.adapt_domain, phases.explore_data, phases.build_harness, phases.freeze_harness,
                 phases.certify_baselines):
        step(campaign.parts)
    return campaign


def on(campaign: Campaign, experiment: int, partition: str) -> list[Run]:
    return [one for one in campaign.board.runs(experiment) if one.partition == partition and one.fidelity == "full"]


def rulings(campaign: Campaign, experiment: int) -> list[Ruling]:
    return Rulings(campaign.board.database).list(experiment)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """A harmful change, a helpful one, and once these have their verdicts both together."""
    good, bad = single(helps=True), single(helps=False)
    campaign = simulated(tmp_path_factory.mktemp("court"), [bad, good, {**good, **bad}], limits={"max_experiments": 2})
    run(campaign)
    campaign.budget(max_experiments=3)
    run(campaign)
    return campaign


def test_a_change_that_helps_is_confirmed_and_kept(judged: Campaign):
    last = rulings(judged, 2)[-1]
    assert judged.board.get(2).verdict == last.decision == "keep"
    assert last.p_value is not None
    assert last.p_value < judged.parts.config.judge.alpha
    assert last.gain is not None
    assert last.low is not None
    assert 0 < last.low < last.gain
    assert on(judged, 2, "confirm"), "it was kept without a run on confirm"


def test_what_is_worse_is_rejected_after_one_run(judged: Campaign):
    assert judged.board.get(1).verdict == "reject"
    assert len(on(judged, 1, "search")) == 1
    assert not on(judged, 1, "confirm")
    assert [(ruling.decision, ruling.alpha) for ruling in rulings(judged, 1)] == [("reject", 0.0)]


def test_confirm_runs_use_seeds_that_search_has_not_seen(judged: Campaign):
    assert {one.seed for one in on(judged, 2, "confirm")}.isdisjoint(one.seed for one in on(judged, 2, "search"))


def test_what_was_kept_is_what_the_next_is_compared_with(judged: Campaign):
    assert rulings(judged, 3)[-1].incumbent == 2
    assert judged.board.get(3).verdict == "reject"


def test_what_may_be_said_of_the_champion_rests_on_confirm(judged: Campaign):
    court = Court(judged.parts)
    kept, unmeasured = court.claim(2, among=10), court.claim(1, among=10)
    assert (kept.kept, kept.proven, kept.against) == (True, True, judged.board.fact("certificate")["baseline"])
    assert kept.gain is not None
    assert kept.gain > 0
    assert (unmeasured.kept, unmeasured.proven, unmeasured.p_value) == (False, False, None)
    assert kept.level == pytest.approx((judged.parts.config.judge.alpha - Rulings(judged.board.database).alpha_spent()) / 10)


def test_what_an_earlier_harness_kept_is_no_incumbent_of_a_later_one(judged: Campaign):
    version = judged.board.fact("harness")
    assert Court(judged.parts).incumbent(besides=0) == 2
    judged.board.set_fact("harness", "h-of-another-version")
    try:
        assert Court(judged.parts).incumbent(besides=0) is None
    finally:
        judged.board.set_fact("harness", version)


def test_every_reading_of_confirm_is_counted(judged: Campaign):
    tested = [ruling for ruling in Rulings(judged.board.database).list() if ruling.decision == "replicate"]
    assert tested
    assert judged.parts.partitions.reads("confirm") == 1 + len(tested), "the certificate reads it once, each planned test once"


def test_no_confirm_value_reaches_who_analyzes(judged: Campaign):
    confirm = {f"{one.score.value:.6g}" for one in on(judged, 2, "confirm") if one.score is not None}
    debrief = (judged.workspace.experiment(2, judged.board.get(2).name) / "debrief.md").read_text(encoding="utf-8")
    assert not any(value in debrief for value in confirm)


def test_the_campaigns_alpha_is_never_overspent(tmp_path: Path):
    helpless = [{f"choice_{n}": f"level_{m}"} for n in range(4) for m in (1, 2, 3)]
    campaign = simulated(tmp_path, helpless, judge={"alpha": 0.001})
    run(campaign)
    assert Rulings(campaign.board.database).alpha_spent() <= 0.001
    assert all(experiment.verdict for experiment in campaign.board.list())


def test_the_incumbent_is_measured_again_on_a_schedule(tmp_path: Path):
    good, bad = single(helps=True), single(helps=False)
    campaign = simulated(tmp_path, [good, bad], judge={"remeasure_every": 2}, limits={"max_experiments": 1})
    run(campaign)
    campaign.budget(max_experiments=2)
    run(campaign)
    again = [one for one in on(campaign, 1, "search") if one.kind == "replicate"]
    assert len(again) == 1
    assert again[0].seed != on(campaign, 1, "search")[0].seed
    row = next(row for row in campaign.rows() if row.id == 1)
    scores = [one.score.value for one in on(campaign, 1, "search") if one.score is not None and one.score.value is not None]
    assert row.score == pytest.approx(sum(scores) / 2)


def test_a_champion_that_was_measured_again_is_closed_with_the_seed_that_all_have(tmp_path: Path):
    campaign = simulated(tmp_path, [single(helps=True), single(helps=False)], judge={"remeasure_every": 1})
    run(campaign)
    assert {one.kind for one in on(campaign, 1, "search")} == {"full", "replicate"}
    with campaign.executor() as executor:
        phases.confirm_best(campaign.parts, executor)
        sealed = phases.open_sealed(campaign.parts, executor)
    assert sealed["champion"] == 1
    closing = [one for one in campaign.board.runs() if one.kind == "sealed"]
    assert {one.seed for one in closing} == {campaign.parts.config.seed}
    confirmed = [one for one in campaign.board.runs() if one.partition == "confirm"]
    assert len({(one.experiment, one.seed) for one in confirmed}) == len(confirmed), "nothing is scored twice"


def test_runs_of_the_close_start_when_there_is_room_and_are_charged_from_then(tmp_path: Path):
    campaign = simulated(tmp_path, [{"choice_0": f"level_{n}"} for n in (1, 2, 3)])
    run(campaign)
    with campaign.executor() as executor:
        phases.confirm_best(campaign.parts, executor)
    closing = sorted((one for one in campaign.board.runs() if one.partition == "confirm" and one.seed == 0), key=lambda one: one.started)
    assert len(closing) == 3
    assert all(one.ended <= following.started for one, following in itertools.pairwise(closing))


def test_a_test_that_the_budget_cuts_short_keeps_nothing(tmp_path: Path):
    campaign = simulated(tmp_path, [single(helps=True)], limits={"max_runs": 2})  # smoke and search: none is left for confirm
    run(campaign)
    assert campaign.board.get(1).verdict == "reject"
    assert "the campaign ended before that" in rulings(campaign, 1)[-1].reason


def test_a_deterministic_program_is_confirmed_by_its_stored_artefact(tmp_path: Path):
    """The trend of the small series makes last season plus 1.56 better than last season; the strongest baseline knows that, too."""
    campaign = ready(small_campaign(tmp_path, sleepers(0, 0), judge={"alpha": 0.5}))
    run(campaign)
    confirmed = [one for one in campaign.board.runs() if one.partition == "confirm"]
    assert all(not (campaign.workspace.run(one.id) / "run").exists() for one in confirmed)
    assert {experiment.verdict for experiment in campaign.board.list()} == {"reject"}
    assert all(ruling.incumbent is None for ruling in Rulings(campaign.board.database).list())


def test_a_campaign_killed_between_a_test_and_its_verdict_comes_to_the_same_verdict(tmp_path: Path):
    campaign = simulated(tmp_path, [single(helps=True), single(helps=False)], executor="local")
    script = f"from tests.dispatch import loops; loops.run(loops.Campaign.open({str(campaign.workspace.root)!r}))"
    process = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2], start_new_session=True)
    until(lambda: any(one.partition == "confirm" and one.status != "planned" for one in campaign.board.runs()))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not campaign.board.get(1).verdict
    run(Campaign.open(campaign.workspace.root))
    assert campaign.board.get(1).verdict == "keep"
    assert {experiment.state for experiment in campaign.board.list()} <= {State.ANALYZED, State.DONE}
