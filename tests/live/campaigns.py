"""A whole campaign whose language models speak over a provider's wire, with a person who steers it from another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.config import merge
from alphalab_nb.storage.experiment import State
from tests.provider.brain.audit import role_of
from tests.provider.brain.researcher import Researcher
from tests.provider.faults import Schedule
from tests.provider.protocol import Reply, Request, Usage, Wire
from tests.provider.server import Provider
from tests.support import small_campaign

MODELS: dict[Wire, tuple[str, str]] = {
    "responses": ("openai", "gpt-5.2"), "messages": ("anthropic", "claude-opus-4-6"), "chat": ("local", "local-model"),
}
"""Provider and model that speak a wire."""
KEY = "sk-loopback-3f9a27c41d0b-not-for-files"
LOCAL_PRICE = {"input": 0.5, "cached": 0.05, "output": 2.0}
"""Dollars per million tokens."""
VETOED, SPARE, INJECTED = "naive_again", "spare_naive", "drift_mine"
QUESTION = "best so far?"
REASON = "averaging old seasons was tried by hand"
NOTES = {"explorer": "look at the years before 2005", "worker_analyze": "say how long a run took"}
"""What a person says while a conversation of this role is held."""
ALONE = {"max_experiments": 8, "strategy_every": 3, "milestone_every": 3, "error_window": 2, "usd": 20.0, "answer_s": 0}
"""Limits of a campaign without a person: the defaults of questions are taken at once."""
_PATIENCE_S = 30.0


@dataclass
class Person:
    """Approves what is proposed, vetoes one idea, injects one, asks once, answers questions; until `over` is set."""

    campaign: Campaign
    over: threading.Event = field(default_factory=threading.Event)
    answered: list[int] = field(default_factory=list[int])

    def __call__(self) -> None:
        while not self.over.wait(0.1):
            self._answer()
            for experiment in self.campaign.board.list(State.PROPOSED):
                self._decide(experiment.id, experiment.name)

    def _answer(self) -> None:
        for question in self.campaign.questions.list(open_only=True):
            self.campaign.answer(question.id, "yes, after a minute", by="ada")
            self.answered.append(question.id)

    def _decide(self, id: int, name: str) -> None:
        asked = [command for command in self.campaign.board.commands() if command.args.get("id") == id]
        if name == SPARE or asked:
            return
        if name == VETOED:
            self.campaign.veto(id, reason=REASON, by="ada")
            self.campaign.inject(INJECTED, family="drift", config={"k": 2}, hypothesis="two seasons of growth", by="ada")
            self.campaign.ask(QUESTION, by="ada")
        else:
            self.campaign.approve(id, by="ada")


@dataclass
class Speaking:
    """A Brain in front of which a person says something, once for each role of NOTES, in the middle of a conversation."""

    brain: Researcher
    campaign: Campaign | None = None
    left: dict[str, str] = field(default_factory=lambda: dict(NOTES))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Reply:
        if len(request.turns) == 1:
            with self.lock:
                text = self.left.pop(role_of(request), None)
            if text is not None:
                self._say(text)
        return self.brain(request)

    def _say(self, text: str) -> None:
        """Leave a note, and wait until the campaign has taken it."""
        assert self.campaign is not None
        id, end = self.campaign.note(text, by="ada"), time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            if any(command.id == id and command.state == "applied" for command in self.campaign.board.commands()):
                return
            time.sleep(0.05)
        raise TimeoutError(f"nobody took the note '{text}'")


@dataclass(frozen=True)
class Lived:
    """A campaign that has ended, and what its provider saw of it."""

    wire: Wire
    campaign: Campaign
    provider: Provider
    person: Person
    seconds: float

    @property
    def billed(self) -> list[tuple[Request, Usage]]:
        by_number = {request.number: request for request in self.provider.log.requests}
        return [(by_number[number], usage) for number, usage in zip(self.provider.log.whole, self.provider.log.usages, strict=True)]

    def requests(self, role: str) -> list[Request]:
        return [request for request in self.provider.log.requests if role_of(request) == role]


@contextmanager
def lived(wire: Wire, folder: Path, faults: Schedule | None = None, **settings: Any) -> Iterator[Lived]:
    """Create a campaign, run all of its phases against a provider on loopback, and hand out what is left."""
    speaking = Speaking(Researcher())
    with Provider(speaking, faults=faults) as provider, pytest.MonkeyPatch.context() as patch:
        campaign = speaking.campaign = make(wire, folder, provider, patch, **settings)
        person, started = Person(Campaign.open(campaign.workspace.root)), time.monotonic()
        thread = threading.Thread(target=person, daemon=True)
        thread.start()
        try:
            campaign.run()
        finally:
            person.over.set()
            thread.join()
        yield Lived(wire, Campaign.open(campaign.workspace.root), provider, person, time.monotonic() - started)


def make(wire: Wire, folder: Path, server: Provider, patch: pytest.MonkeyPatch, **settings: Any) -> Campaign:
    """Create a small campaign of a wire's provider; its key is in the environment."""
    name, model = MODELS[wire]
    values = {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY, "LOCAL_API_KEY": KEY, "OPENAI_BASE_URL": server.openai_url,
              "ANTHROPIC_BASE_URL": server.anthropic_url}
    for variable, value in values.items():
        patch.setenv(variable, value)
    block = {"base_url": server.openai_url, "prices": {model: LOCAL_PRICE}} if name == "local" else {}
    defaults: dict[str, Any] = {
        "llm": f"{name}:{model}", "provider": block, "approval": "ask", "executor": {"budget_s": 4, "wall_s": 60},
        "limits": {"max_experiments": 8, "strategy_every": 3, "milestone_every": 3, "error_window": 2, "usd": 20.0},
    }
    return small_campaign(folder, **merge(defaults, settings))
