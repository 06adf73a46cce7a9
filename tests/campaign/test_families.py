"""A campaign in which each family solves a problem of its own: nothing of one is compared with anything of another."""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml

from alphalab_nb import phases
from alphalab_nb.campaign import Campaign
from alphalab_nb.dispatch.court import Court
from alphalab_nb.executors import make_executor
from alphalab_nb.judge.leaders import baseline_of
from alphalab_nb.judge.pooling import pooled_like
from alphalab_nb.phases.choice import champions
from alphalab_nb.report import sealed_table
from alphalab_nb.resources import shipped
from alphalab_nb.simulate.lab import worlds
from alphalab_nb.storage.experiment import Score
from alphalab_nb.storage.rulings import Rulings
from tests.dispatch.loops import run
from tests.report.pages import Page

EASY, HARD = "easy", "hard"
SEED, NOISE = 3, 0.05
pytestmark = pytest.mark.timeout(300)


def adapter(folder: Path) -> Path:
    """Return the simulator with two families of points, each with a baseline of its own."""
    shutil.copytree(shipped("adapters", "simulator"), folder, ignore=shutil.ignore_patterns("__pycache__", "recipes"))
    for family in (EASY, HARD):
        shutil.copytree(shipped("adapters", "simulator", "recipes", "point"), folder / "recipes" / family)
        path = folder / "recipes" / family / "recipe.yaml"
        path.write_text(path.read_text().replace("family: point", f"family: {family}"))
    manifest = yaml.safe_load((folder / "manifest.yaml").read_text())
    manifest |= {"name": "contests", "compare_within": "family", "baselines": [EASY, HARD]}
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    score = folder / "harness" / "score.py"
    text = score.read_text()
    assert text.count('{"default": start,') == 1
    score.write_text(text.replace('{"default": start,', f'{{"{EASY}": start, "{HARD}": start,'))
    return folder


def points() -> list[dict[str, str]]:
    """Return the start, the change that truly helps most, that with the next best of another choice, and one that harms."""
    world = worlds().World(SEED, noise=NOISE)
    start = world.start()
    changes = [{name: level} for name, levels in world.space().items() for level in levels[1:]]
    order = sorted((each for each in changes if world.valid({**start, **each})), key=lambda each: world.true_value({**start, **each}))
    second = next(each for each in order if each.keys() != order[0].keys())
    return [{}, order[0], {**order[0], **second}, order[-1]]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """Searched, confirmed, its champions verified by a word, its sealed test opened."""
    folder = tmp_path_factory.mktemp("contests")
    proposals = [{"family": family, "name": f"{family}_{n}", "config": config}
                 for n, config in enumerate(points(), start=1)
                 for family in (EASY, HARD)]
    campaign = Campaign.create(
        folder / "workspace", name="contests", domain=str(adapter(folder / "adapter")), objective="the best point of each",
        task={"noise": NOISE, "effect": 1.0, "traps": False}, data={"seed": SEED}, executor={"kind": "inline", "slots": 1},
        limits={"max_experiments": len(proposals), "max_fixes": 0, "convergence": 0, "family_share": 1.0}, judge={"replicates": 2},
        strategy={"name": "listed", "options": {"proposals": proposals}},
    )
    for step in (phases.preflight, phases.make_data, phases.adapt_domain, phases.explore_data, phases.build_harness, phases.freeze_harness,
                 phases.certify_baselines):
        step(campaign.parts)
    run(campaign)
    with make_executor("inline") as executor:
        phases.confirm_best(campaign.parts, executor)
        phases.verify_champion(campaign.parts, word(holds=True))
        phases.open_sealed(campaign.parts, executor)
    return campaign


def word(*, holds: bool) -> Any:
    return lambda id: SimpleNamespace(strained=False, said=f"#{id} {'HOLDS' if holds else 'FAULT'}", notebook="", holds=holds, blames=True)


def families(campaign: Campaign) -> dict[int, str]:
    return {experiment.id: experiment.family for experiment in campaign.board.list()}


def test_an_incumbent_is_of_the_same_family(ended: Campaign) -> None:
    of = families(ended)
    against = [(ruling.experiment, ruling.incumbent) for ruling in Rulings(ended.board.database).list() if ruling.incumbent is not None]
    assert against, "nothing was kept, so nothing was compared with it"
    assert all(of[mine] == of[other] for mine, other in against)
    kept = {of[id] for id in Rulings(ended.board.database).kept()}
    assert kept == {EASY, HARD}


def test_the_baseline_of_a_family_is_its_own(ended: Campaign) -> None:
    assert {baseline_of(ended.board, id) for id, family in families(ended).items() if family == HARD} == {HARD}
    claim = Court(ended.parts).claim(champions(ended.board)[EASY], among=1)
    assert (claim.against, claim.proven) == (EASY, True)


def test_every_family_has_a_champion_with_a_sealed_score(ended: Campaign) -> None:
    of, sealed = families(ended), ended.board.fact("sealed")
    assert {name: of[id] for name, id in champions(ended.board).items()} == {EASY: EASY, HARD: HARD}
    rows = {row["family"]: row for row in sealed["families"]}
    assert rows.keys() == {EASY, HARD}
    assert sealed["attempted"] == 2
    assert sealed["score"] == pytest.approx(statistics.fmean(row["score"] for row in rows.values()))
    assert {run.experiment for run in ended.board.runs() if run.partition == "sealed"} == set(champions(ended.board).values())


def test_the_report_tells_of_each_family_and_of_no_common_champion(ended: Campaign) -> None:
    page = Page(ended.report().read_text(encoding="utf-8"))
    assert "over the champions of 2 of 2 families that were attempted" in page.text
    assert "2 are better than their baseline (100 % of those attempted), 2 proven" in page.text
    table = sealed_table(ended.board)
    assert list(table.columns[:4]) == ["champion", "search", "confirm", "sealed"]
    assert set(table.index) == {EASY, HARD}
    assert set(table["proven"]) == {"kept"}
    assert not pd.isna(table["sealed"]).any()


def test_the_champion_of_one_family_that_does_not_hold_leaves_the_others_alone(ended: Campaign, tmp_path: Path) -> None:
    shutil.copytree(ended.workspace.root, tmp_path / "copy", symlinks=True)
    campaign = Campaign.open(tmp_path / "copy")
    before, of = champions(campaign.board), families(campaign)

    def verify(id: int) -> Any:
        return word(holds=of[id] != HARD)(id)

    campaign.board.set_step("report", "verify_champion", "failed")
    result = phases.verify_champion(campaign.parts, verify)
    assert champions(campaign.board) == {EASY: before[EASY]}
    assert result["champion"] == before[EASY]
    assert not campaign.board.get(before[EASY]).quarantined
    assert campaign.board.get(before[HARD]).quarantined


def test_ratios_are_pooled_by_their_geometric_mean_and_losses_by_their_mean() -> None:
    ratio = Score(ok=True, label="ok", metric="speedup", value=2.0, units=(("a", -0.6931471805599453),))
    loss = Score(ok=True, label="ok", metric="rmse", value=2.0, units=(("a", 2.0),))
    assert pooled_like(ratio, [2.0, 8.0, None]) == pytest.approx(4.0)
    assert pooled_like(loss, [2.0, 8.0, None]) == pytest.approx(5.0)
