"""The playbook as agents and strategies change it: what is refused, what it is told, and when the noise is measured."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from alphalab_nb.dispatch.plans import carry_out
from alphalab_nb.errors import ToolError
from alphalab_nb.storage.experiment import Experiment, State
from alphalab_nb.storage.standing import REVIEWER
from alphalab_nb.strategies.base import Lesson, Plan
from alphalab_nb.tools import TOOLS
from alphalab_nb.tools.weighing import NOISE, effects
from tests.boards import proposal, scored
from tests.desk import Desk, desk


@dataclass
class Campaign:
    """A desk, with what `carry_out` asks of the parts of a campaign."""

    made: Desk

    def __getattr__(self, name: str):
        return getattr(self.made, name)

    @property
    def metric(self):
        return self.made.adapter.metric(self.made.task)

    def limits(self):
        return self.made.config.limits

    def learn(self, *lessons: Lesson) -> None:
        carry_out(self, Plan(lessons=lessons), by="mine", saw=[], busy=lambda id: False)  # type: ignore[arg-type]


def run(made: Desk, value: float, name: str, *, family: str = "drift", again: int = 0) -> Experiment:
    """Put an experiment with units on the board; `again` more runs of it with other seeds."""
    experiment = made.board.add(proposal(name, family=family), by="test")
    attempt = made.board.add_attempt(experiment.id, commit="c" * 40, ast_hash=name)
    for seed in range(1 + again):
        drawn = random.Random(f"{name}/{seed}")
        units = tuple((f"t{i}/a", max(0.0, drawn.gauss(value, 0.1))) for i in range(60))
        planned = made.board.plan_run(attempt, kind="replicate" if seed else "full", partition="search", seed=seed, fidelity="full")
        made.board.end_run(planned.id, scored(sum(loss for _, loss in units) / len(units), units=units), 1.0)
    for state in (State.IMPLEMENTED, State.CHECKED, State.QUEUED, State.RUNNING, State.FINISHED):
        made.board.move(experiment.id, state, by="test")
    return made.board.get(experiment.id)


@pytest.fixture
def made(tmp_path: Path) -> Desk:
    made = desk(tmp_path)
    made.board.set_fact("baselines", {"search": {"naive": 1.0}})
    return made


def test_the_author_is_told_how_far_a_lesson_stands(made: Desk):
    deps = made.as_role("worker_analyze", made.workspace.experiment(1, "x"))
    run(made, 0.5, "a")
    assert TOOLS["update_playbook"](deps, "drift pays", "works", [1]) == "playbook entry 1 (tentative: one run)"
    run(made, 0.55, "b")
    assert TOOLS["update_playbook"](deps, "drift pays", "works", [1, 2], replaces=1) == "playbook entry 1, version 2 (firm)"
    assert "drift pays (#1 #2; worker_analyze, v2)\n" in TOOLS["read_playbook"](deps)


def test_do_not_attempt_on_one_failure_is_an_observation_that_names_what_is_missing(made: Desk):
    deps = made.as_role("worker_analyze", made.workspace.experiment(1, "x"))
    run(made, 2.0, "bad")
    run(made, 0.5, "good")
    with pytest.raises(ToolError, match=r"needs 2 .*#1 is .* worse.*; #2 is .* better.*Cite 1 more, or take the kind 'fails'"):
        TOOLS["update_playbook"](deps, "never drift", "avoid", [1, 2])
    run(made, 2.1, "worse")
    assert "playbook entry 1" in TOOLS["update_playbook"](deps, "never drift", "avoid", [1, 3])
    with pytest.raises(ToolError, match="needs 2"):
        TOOLS["update_playbook"](deps, "never drift", "avoid", [1], replaces=1)


def test_evidence_must_be_on_the_board(made: Desk):
    with pytest.raises(ToolError, match="no experiment 7"):
        TOOLS["update_playbook"](made.as_role("worker_analyze", made.workspace.root), "it helps", "works", [7])


def test_a_strategy_cannot_write_do_not_attempt_on_one_failure_either(made: Desk):
    run(made, 2.0, "bad")
    campaign = Campaign(made)
    campaign.learn(Lesson(rule="never", claim="never drift", kind="avoid", evidence=(1,)))
    assert made.playbook.entries() == []
    assert "needs 2" in made.board.events(kind="refused")[-1]["text"]
    run(made, 2.0, "bad too")
    campaign.learn(Lesson(rule="never", claim="never drift", kind="avoid", evidence=(1, 2)))
    assert [entry.claim for entry in made.playbook.entries()] == ["never drift"]


def test_what_the_board_has_retired_comes_back_with_other_evidence_only(made: Desk):
    campaign, lesson = Campaign(made), Lesson(rule="never", claim="never drift", kind="avoid", evidence=(1, 2))
    for name in ("bad", "bad too"):
        run(made, 2.0, name)
    campaign.learn(lesson)
    for name in ("good", "good too"):
        run(made, 0.5, name)
    campaign.learn()
    assert [entry.author for entry in made.playbook.entries(retired=True)] == [REVIEWER]
    campaign.learn(lesson)
    assert made.playbook.entries() == []
    run(made, 3.0, "third")
    campaign.learn(Lesson(rule="never", claim="never drift", kind="avoid", evidence=(1, 2, 5)))
    assert [entry.claim for entry in made.playbook.entries()] == ["never drift"]


def test_the_noise_is_measured_again_only_when_other_programs_lead_or_are_repeated(made: Desk):
    metric, block = made.adapter.metric(made.task), made.rule.block(made.task)
    assert effects(made.board, metric, block).band is None
    for value in (0.9, 0.8, 0.7):
        run(made, value, f"with {value}")
    first = effects(made.board, metric, block).band
    assert first is not None
    made.board.set_fact(NOISE, {**made.board.fact(NOISE), "band": 0.123})
    assert effects(made.board, metric, block).band == 0.123, "nothing has changed"
    run(made, 0.6, "repeated", again=3)
    assert effects(made.board, metric, block).band != 0.123
    assert made.board.fact(NOISE)["how"] == "replicates and units"
