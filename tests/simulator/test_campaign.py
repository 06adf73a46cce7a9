"""A whole campaign on the simulator: no model, no data file, no program of a candidate; the truth is told at the very end."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb import phases
from alphalab_nb.campaign import Campaign
from alphalab_nb.errors import ConfigError
from alphalab_nb.judge.stats import by_origin
from alphalab_nb.resources import shipped
from alphalab_nb.storage.experiment import State

EXAMPLE = shipped("adapters", "simulator", "examples", "planted.yaml")
SEED = 20


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """A campaign of ten experiments, from nothing to the sealed test; the attack on its harness has tests of its own."""
    made = Campaign.create(tmp_path_factory.mktemp("simulator") / "workspace", EXAMPLE, limits={"max_experiments": 10}, data={"seed": SEED})
    parts = made.parts
    for step in (phases.preflight, phases.make_data, phases.adapt_domain, phases.explore_data, phases.build_harness, phases.freeze_harness,
                 phases.certify_baselines):
        step(parts)
    for phase in ("adapt", "explore", "build"):
        parts.board.set_step(phase, "phase", "finished")
    with contextlib.closing(made.executor()) as executor:
        made.dispatcher(strategy=made.strategy(), executor=executor).run()
        phases.confirm_best(parts, executor)
        phases.open_sealed(parts, executor)
    made.report()
    return made


def truth(campaign: Campaign, point: Mapping[str, str]) -> dict[str, Any]:
    """Return what the world itself says of a point."""
    sys.path.insert(0, str(shipped("adapters", "simulator")))
    try:
        from harness.world import World  # pyright: ignore[reportMissingImports]
    finally:
        sys.path.pop(0)
        for name in [name for name in sys.modules if name.split(".")[0] == "harness"]:
            del sys.modules[name]
    world = World(SEED, traps=True)
    return {"true_value": world.true_value({**world.start(), **point}), "true_default": 100.0, "true_best": world.best()[1]}


def test_every_experiment_ends_with_a_score_or_a_gate(campaign: Campaign):
    experiments = campaign.board.list()
    assert len(experiments) == 10
    assert {e.state for e in experiments} <= {State.DONE, State.ANALYZED, State.CANCELLED}
    labels = {run.score.label for run in campaign.board.runs(status="ended") if run.score is not None}
    assert "ok" in labels
    assert labels <= {"ok", "gate_missed"}


def test_nothing_is_run_and_the_point_itself_is_judged(campaign: Campaign):
    folders = [path for path in campaign.workspace.runs.iterdir() if path.is_dir()]
    assert folders
    assert not [path for path in folders if (path / "run").exists() or (path / "out").exists()]
    assert all((path / "score").is_dir() for path in folders)


def test_the_sealed_test_tells_what_was_true_of_the_champion(campaign: Campaign):
    sealed = campaign.board.fact("sealed")
    champion = campaign.board.get(sealed["champion"])
    assert {key: sealed["secondary"][key] for key in ("true_value", "true_default", "true_best")} == pytest.approx(
        truth(campaign, champion.config))


def test_there_are_baselines_whose_differences_tell_the_noise(campaign: Campaign):
    measured = campaign.board.fact("baselines")
    assert set(measured) == {"search", "confirm", "sealed"}
    assert all(set(found) == {"default", "neighbour_1", "neighbour_2", "neighbour_3"} for found in measured.values())


def test_draws_of_a_partition_are_compared_as_wholes(campaign: Campaign):
    """Units of one draw share its shift: as if they were independent, a band would be too narrow."""
    runs = [campaign.board.run(run.id) for run in campaign.board.runs(status="ended") if run.fidelity == "full"]
    scored = [(run.partition, run.score.units) for run in runs if run.score is not None and run.score.units]
    groups = {partition: (len(units), len(by_origin(units, units)[0])) for partition, units in scored}
    assert groups == {"search": (16, 16), "confirm": (64, 4), "sealed": (256, 16)}


def test_the_report_prints_the_truth(campaign: Campaign):
    text = campaign.workspace.report.read_text(encoding="utf-8")
    sealed = campaign.board.fact("sealed")
    assert "the truth is known" in text
    assert f"{sealed['secondary']['true_value']:.5g}" in text


def test_no_score_before_the_sealed_test_tells_the_truth(campaign: Campaign):
    for run in campaign.board.runs(status="ended"):
        assert run.score is not None
        assert ("true_value" in run.score.secondary) == (run.partition == "sealed" and run.score.ok)


def test_no_agent_left_the_secret_of_the_world_where_agents_look(campaign: Campaign):
    streams = [json.loads(path.read_text(encoding="utf-8"))["stream"] for path in campaign.workspace.vault.glob("*/stream.json")]
    assert len(streams) == 3
    folders = ("data", "explore", "harness", "adapter", "experiments", "agents")
    shown = [path for folder in folders for path in (campaign.workspace.root / folder).rglob("*") if path.is_file()]
    told = [path for path in shown for stream in streams if str(stream).encode() in path.read_bytes()]
    assert told == []


def test_the_explorer_says_what_can_be_said_of_a_space(campaign: Campaign):
    learnings = (campaign.workspace.explore / "learnings.md").read_text(encoding="utf-8")
    assert "Families of points: 2 (point, shortcut)" in learnings
    assert "sealed: noise draws that a full score is the mean of: 16, which leave 25 % of the noise of one" in learnings
    assert "failed" not in learnings


def test_the_domain_knowledge_gets_a_section_of_counted_facts(campaign: Campaign):
    text = (campaign.workspace.adapter / "domain_knowledge.md").read_text(encoding="utf-8")
    assert "shortcut: 12 parameters" in text.split("## This data")[1]


@pytest.mark.parametrize(("settings", "message"), [
    ({"task": {"horizon": 3}}, "unknown key 'task.horizon'"), ({"data": {"path": "x.csv"}}, "data.path"),
    ({"partitions": {"fractions": [0.6, 0.2, 0.1, 0.1]}}, "partitions.fractions"),
])
def test_a_setting_of_another_domain_is_refused(tmp_path: Path, settings: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        Campaign.create(tmp_path / "workspace", EXAMPLE, **settings)
    assert not (tmp_path / "workspace").exists()


def test_the_report_says_whether_the_champion_is_proven(campaign: Campaign):
    claim, text = campaign.board.fact("sealed")["claim"], campaign.workspace.report.read_text(encoding="utf-8")
    assert ("<strong>Proven.</strong>" in text, "<strong>Not proven.</strong>" in text) == (claim["proven"], not claim["proven"])
