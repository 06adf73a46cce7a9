"""Questions while the experiments run: the Guide answers beside the loop, and when it cannot, the board does."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.storage.board import Command
from alphalab_nb.storage.experiment import State
from tests.dispatch.test_dispatcher import in_background, run, until
from tests.live.campaigns import make
from tests.provider import faults
from tests.provider.brain.audit import role_of
from tests.provider.faults import Fault, Schedule
from tests.provider.protocol import Call, Reply, Request
from tests.provider.server import Provider
from tests.support import ready, sleepers, small_campaign

pytestmark = pytest.mark.timeout(120)


@dataclass
class Guide:
    """Plays the Guide: looks at the board, then answers; waits before each word for `speak`."""

    speak: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)
    firsts: list[str] = field(default_factory=list[str])
    busy: int = 0
    most: int = 0

    def __call__(self, request: Request) -> Reply:
        assert role_of(request) == "guide"
        self.busy += 1
        self.most = max(self.most, self.busy)
        self.asked.set()
        self.speak.wait(60)
        self.busy -= 1
        if not request.turns:
            self.firsts.append(request.first)
            return Reply(calls=(Call("read_board", {"section": "leaderboard"}),))
        return Reply(calls=(Call("report_to_user", {"summary": f"guided: {request.turns[0].answers[0].text[:4]}"}),))


@contextmanager
def guided(folder: Path, brain: Any, *seconds: float, faults: Schedule | None = None, **settings: Any) -> Generator[Campaign]:
    """A campaign at the beginning of phase 3 in which only the Guide is a language model."""
    with Provider(brain, faults=faults) as provider, pytest.MonkeyPatch.context() as patch:
        campaign = make(
            "chat", folder, provider, patch, llm={"default": "offline", "guide": "local:local-model"}, approval="auto",
            domain=str(small_campaign(folder / "toy_source").config.domain),
            strategy={"name": "listed", "options": {"proposals": sleepers(*seconds)}},
            **{"limits": {"max_experiments": len(seconds), "milestone_every": 99}, **settings},
        )
        yield ready(campaign)


def asked(campaign: Campaign, id: int) -> Command:
    return next(command for command in campaign.board.commands() if command.id == id)


def test_the_guide_answers_beside_the_loop_and_is_charged_for_it(tmp_path: Path):
    guide = Guide()
    with guided(tmp_path, guide, 0, 0, 0) as campaign:
        question = campaign.board.command("ask", by="ada", text="best so far?")
        thread = in_background(campaign)
        assert guide.asked.wait(30)
        until(lambda: len(campaign.rows()) == 3)  # nobody waits for the guide
        assert asked(campaign, question).state == "pending"
        guide.speak.set()
        thread.join(60)
        settled = asked(campaign, question)
        roles = {row["role"]: row["output_tokens"] for row in campaign.parts.ledger.by("role")}
    assert (settled.state, settled.result) == ("applied", "guided: rmse")
    assert roles["guide"] > 0
    assert "ada asks:\n\nbest so far?" in guide.firsts[0]
    assert "Phase experiment runs" in guide.firsts[0]


def test_questions_are_answered_one_after_the_other_and_the_next_knows_the_last(tmp_path: Path):
    guide = Guide()
    guide.speak.set()
    with guided(tmp_path, guide, 0, 2) as campaign:
        ids = [campaign.board.command("ask", by="ada", text=f"question {n}?") for n in range(3)]
        run(campaign)
        assert [asked(campaign, id).result for id in ids] == ["guided: rmse"] * 3
    assert guide.most == 1
    assert "question 1?\n→ guided: rmse" in guide.firsts[2]


@pytest.mark.parametrize("fault", [faults.SERVER_ERROR, faults.BAD_KEY, faults.rate_limit(60.0), faults.REFUSAL],
                         ids=["out of order", "key refused", "rate limited", "refused"])
def test_a_provider_that_fails_leaves_the_answer_to_the_board_and_the_campaign_alone(tmp_path: Path, fault: Fault):
    guide = Guide()
    guide.speak.set()
    with guided(tmp_path, guide, 0, 1, faults=Schedule(otherwise=fault)) as campaign:
        question = campaign.board.command("ask", by="ada", text="what is happening?")
        run(campaign)
        settled = asked(campaign, question)
        assert settled.state == "applied"
        assert "Phase experiment runs" in settled.result
        assert campaign.board.fact("stop_reason") == "max_experiments"
        assert campaign.board.fact("outage") is None
        assert "without the guide" in campaign.board.events(kind="chat")[0]["text"]


def test_a_budget_that_pays_for_no_answer_leaves_it_to_the_board(tmp_path: Path):
    with guided(tmp_path, Guide(), 0, limits={"max_experiments": 1, "usd": 1e-6}) as campaign:
        question = campaign.board.command("ask", by="ada", text="best so far?")
        run(campaign)
        assert "full score" in asked(campaign, question).result or "Best so far" in asked(campaign, question).result
        assert campaign.board.fact("stop_reason") == "max_experiments"
        assert campaign.spent.usd == 0


def test_a_pause_ends_the_conversation_and_later_questions_are_answered_from_the_board(tmp_path: Path):
    guide = Guide()
    with guided(tmp_path, guide, 0, 0) as campaign:
        first = campaign.board.command("ask", by="ada", text="any errors?")
        thread = in_background(campaign)
        assert guide.asked.wait(30)
        campaign.pause(by="ada")
        until(lambda: asked(campaign, first).state == "applied", 10)
        second = campaign.ask("is it paused?", by="ada", wait_s=10)
        guide.speak.set()
        campaign.resume(by="ada")
        thread.join(60)
        assert asked(campaign, first).result.startswith("No experiment has an error now.")
        assert "It is paused" in second.result
        assert len(campaign.rows()) == 2


def test_without_a_model_the_board_answers_while_a_job_runs(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(4)))
    thread = in_background(campaign)
    until(lambda: campaign.board.counts()[State.RUNNING] == 1)
    started = time.monotonic()
    answer = campaign.ask("what is happening?", by="ada", wait_s=10)
    seconds = time.monotonic() - started
    assert "- running: #1 sleeper_1 (sleeper)" in answer.result
    assert seconds < 2
    thread.join(60)
    assert len(campaign.rows()) == 1


def test_questions_that_nobody_answered_are_answered_by_the_next_process_whatever_they_are(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0)))
    texts = ("best?", "half \ud800 of it", "#1" * 100_000, 7, None)
    ids = [campaign.board.command("ask", by="ada", text=text) for text in texts]
    ids.append(campaign.board.command("ask", by="ada"))
    campaign.board.set_fact("baselines", {"search": {"odd": "no number"}})
    run(campaign)
    assert [asked(campaign, id).state for id in ids] == ["applied"] * 6
    assert campaign.board.fact("stop_reason") == "max_experiments"
