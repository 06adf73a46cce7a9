"""A budget of dollars is never overdrawn and still leaves a report; a stop by a person comes within seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from alphalab_nb.campaign import Campaign
from alphalab_nb.errors import INTERRUPTED, PhaseFailed
from alphalab_nb.storage.experiment import State
from tests.live.campaigns import ALONE, make
from tests.provider.brain.audit import role_of
from tests.provider.brain.researcher import Researcher
from tests.provider.server import Provider
from tests.support import small_campaign

pytestmark = pytest.mark.slow
ALLOWANCE = 0.05
"""Dollars for the rest of phase 3: some workers, not all. A reply of full length would cost more than that."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Campaign, Provider]]:
    """A campaign whose first three phases have ended, at list prices."""
    with Provider(Researcher()) as provider, pytest.MonkeyPatch.context() as patch:
        campaign = make("chat", tmp_path_factory.mktemp("limits"), provider, patch, approval="auto", limits=ALONE)
        for phase in ("adapt", "explore", "build"):
            campaign.run(phase)
        yield campaign, provider


def test_its_responses_are_replayed_without_a_key_or_a_provider(
    built: tuple[Campaign, Provider], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    campaign, provider = built
    file, asked = tmp_path / "responses.jsonl", len(provider.log.requests)
    assert campaign.export_responses(file) == len(provider.log.whole)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LOCAL_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    again = small_campaign(tmp_path / "again", llm=f"replay:{file}", limits={"answer_s": 0})
    for phase in ("adapt", "explore", "build"):
        again.run(phase)
    assert len(provider.log.requests) == asked
    assert again.spent.usd == 0
    learnt = [made.workspace.explore / "learnings.md" for made in (campaign, again)]
    assert learnt[0].read_text(encoding="utf-8") == learnt[1].read_text(encoding="utf-8")
    assert again.board.fact("harness") == campaign.board.fact("harness")


def test_stop_ends_a_conversation_within_seconds_and_the_next_run_goes_on(built: tuple[Campaign, Provider]):
    campaign, provider = built
    asked = threading.Event()
    brain, provider.brain = provider.brain, lambda request: (role_of(request).startswith("worker") and asked.set()) or brain(request)
    stopped: list[float] = []

    def person() -> None:
        assert asked.wait(60)
        stopped.append(time.monotonic())
        Campaign.open(campaign.workspace.root).stop(by="ada")

    thread = threading.Thread(target=person)
    thread.start()
    campaign.run("experiment")
    thread.join()
    provider.brain = brain
    assert time.monotonic() - stopped[0] < 30  # runs that had begun end first
    assert campaign.status()["stop_reason"] == "stopped_by_person"
    assert not [e for e in campaign.board.list() if e.error.startswith("worker:")]
    campaign.board.set_step("experiment", "phase", "failed")  # a person who stopped it may go on


def test_a_spent_budget_ends_the_search_and_the_report_is_written(built: tuple[Campaign, Provider]):
    campaign, _ = built
    before = campaign.spent.usd
    path = campaign.workspace.config
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["limits"]["usd"] = round(before + ALLOWANCE, 4)
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    again = Campaign.open(campaign.workspace.root)
    again.run()
    status = again.status()
    assert (status["phase"], status["stop_reason"]) == ("done", "usd")
    assert before < again.spent.usd <= settings["limits"]["usd"]
    assert again.workspace.report.is_file()
    ended = again.board.list(State.ANALYZED, State.DONE)
    assert ended
    assert all((again.workspace.experiment(e.id, e.name) / "debrief.md").is_file() for e in ended)


def test_a_stop_in_an_early_phase_is_an_interruption(tmp_path: Path):
    with Provider(Researcher()) as provider, pytest.MonkeyPatch.context() as patch:
        campaign = make("chat", tmp_path, provider, patch)
        brain = provider.brain

        def stopping(request):
            if role_of(request) == "customizer" and len(request.turns) == 1:
                campaign.stop(by="ada")
            return brain(request)

        provider.brain = stopping
        with pytest.raises(PhaseFailed, match="run it again to go on") as error:
            campaign.run("adapt")
        assert error.value.exit_code == INTERRUPTED
        provider.brain = brain
        campaign.run("adapt")
        assert campaign.finished("adapt")
