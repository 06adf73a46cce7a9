"""A conversation as the campaign holds it: product code from the setting `provider:model` down to the socket of the loopback server.

    with Provider(adder) as provider, keys(provider):
        desk = Desk(tmp_path)
        run = desk.talk("responses").run()
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai import messages as m
from pydantic_ai.models import Model
from pydantic_ai.output import ToolOutput
from pydantic_ai.usage import UsageLimits

from alphalab_nb.config import LimitsConfig, ProviderConfig
from alphalab_nb.llm.budget import Budget
from alphalab_nb.llm.conversation import FINAL, Conversation
from alphalab_nb.llm.live import LiveModel, Talk
from alphalab_nb.llm.metered import Tags
from alphalab_nb.llm.patience import Patience, Pulse
from alphalab_nb.llm.pricing import PriceList
from alphalab_nb.llm.providers import Mind, make_model, make_settings
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.journal import Journal
from alphalab_nb.storage.ledger import Ledger
from tests.provider.protocol import Call, Reply, Request, Wire
from tests.provider.server import Provider

MINDS: dict[Wire, Mind] = {
    "responses": Mind("openai", "gpt-5.2"), "messages": Mind("anthropic", "claude-opus-4-6"), "chat": Mind("local", "local-model"),
}
SYSTEM = "You add numbers with the tool, one pair after the other, and report the sum."
TASK = "Add 1, 2 and 4."
SWIFT = Patience(first_s=0.02, longest_s=0.1, outage_s=0.0, first_event_s=8.0, silence_s=8.0)
"""Patience of tests: waits are short, and an outage ends the conversation."""


class Report(BaseModel):
    """The end of the conversation."""

    summary: str


def adder(request: Request) -> Reply:
    """Play the model: 1 + 2, then the sum + 4, then the report; whatever else came back in between does not confuse it."""
    sums = [int(answer.text) for turn in request.turns for answer in turn.answers if answer.text.isdigit()]
    if len(sums) < 2:
        a, b = (sums[0], 4) if sums else (1, 2)
        return Reply("I will add these two.", (Call("add", {"a": a, "b": b}),), "One pair at a time.")
    return Reply("", (Call(FINAL, {"summary": f"The sum is {sums[-1]}."}),), "Done.")


@contextmanager
def keys(provider: Provider, key: str = "sk-loopback-0123456789") -> Generator[None]:
    """Point the providers' own environment variables at the loopback server."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LOCAL_API_KEY"):
            patch.setenv(name, key)
        patch.setenv("OPENAI_BASE_URL", provider.openai_url)
        patch.setenv("ANTHROPIC_BASE_URL", provider.anthropic_url)
        yield


class Desk:
    """The records of one campaign, and conversations on them.

    Args:
        root: folder of the database and the images.
        url: base_url of `local:` models.
        limits: fields of LimitsConfig.
        config: fields of ProviderConfig.
    """

    def __init__(self, root: Path, url: str = "", *, limits: dict[str, Any] | None = None, **config: Any) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root, path = root, root / "board.sqlite3"
        self.database = Database.open(path) if path.exists() else Database.create(path)
        self.board, self.journal, self.ledger = Board(self.database), Journal(self.database), Ledger(self.database)
        self.budget = Budget(self.ledger, LimitsConfig(**(limits or {})))
        self.config = ProviderConfig(base_url=url, **config)
        self.events: list[tuple[str, str]] = []
        """(kind, text) of what LiveModel told."""

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]

    def conversation(self, key: str = "test/one", *, model: str = "any") -> Conversation:
        return Conversation(self.journal, self.journal.open(key, role="tester", model=model), self.root / "images")

    def talk(
        self, wire: Wire, key: str = "test/one", *, patience: Patience = SWIFT, pulse: Pulse | None = None, role: str = "tester",
        model: Model | None = None, mind: Mind | None = None,
    ) -> Seat:
        """Take up the conversation of a key, or begin it, as a campaign does."""
        mind = mind or MINDS[wire]
        conversation = self.conversation(key, model=str(mind))
        talk = Talk(
            conversation=conversation, tags=Tags("build", role), budget=self.budget,
            prices=PriceList(mind.model, mind.provider, self.config.prices), patience=patience, pulse=pulse or Pulse(),
            emit=lambda kind, text: self.events.append((kind, text)),
        )
        live = LiveModel(model or make_model(mind, self.config), talk)
        return Seat(live, conversation, make_settings(mind, self.config, role, f"campaign/{key}"))


@dataclass
class Seat:
    """One conversation, ready to run."""

    live: LiveModel
    conversation: Conversation
    settings: Any
    tools: list[Any] = field(default_factory=list[Any])
    """Besides `add`."""
    capabilities: Sequence[Any] = ()
    instructions: str = SYSTEM
    added: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """What the tool was called with."""

    def with_(self, **changes: Any) -> Seat:
        return replace(self, **changes)

    def agent(self) -> Agent[None, Report]:
        def add(a: int, b: int) -> int:
            """Add two numbers."""
            self.added.append((a, b))
            return a + b

        return Agent(
            self.live, instructions=self.instructions, output_type=ToolOutput(Report, name=FINAL), tools=[add, *self.tools],
            retries={"tools": 4, "output": 20}, capabilities=list(self.capabilities), model_settings=self.settings,
        )

    async def converse(self, task: str = TASK) -> str:
        """Go on with what is on record, or begin with the task; return the report."""
        history: list[m.ModelMessage] | None = self.conversation.history or None
        async with self.agent() as agent:
            run = await agent.run(None if history else task, message_history=history, usage_limits=UsageLimits(request_limit=None))
        return run.output.summary

    def run(self, task: str = TASK) -> str:
        return asyncio.run(self.converse(task))
