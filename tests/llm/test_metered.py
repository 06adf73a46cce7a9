"""Every response is in the ledger, with what it is charged to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import ToolOutput
from pydantic_ai.usage import RequestUsage

from alphalab_nb.llm import Call, Metered, RuleModel
from alphalab_nb.llm.metered import Tags
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.ledger import Ledger


class Report(BaseModel):
    """The end."""

    summary: str


async def report(task: Any, notes: Sequence[str]) -> AsyncGenerator[Call | list[Call], Any]:
    yield Call("report", {"summary": "done"})


class Costly(RuleModel):
    """A model that counts tokens."""

    async def request(self, messages: Any, model_settings: Any, model_request_parameters: ModelRequestParameters) -> Any:
        response = await super().request(messages, model_settings, model_request_parameters)
        response.usage = RequestUsage(input_tokens=100, cache_read_tokens=60, output_tokens=7)
        return response


def test_responses_are_charged_to_role_phase_and_experiment(tmp_path: Path):
    Database.create(tmp_path / "board.sqlite3")
    ledger = Ledger(Database.open(tmp_path / "board.sqlite3"))
    for experiment, kind in ((1, RuleModel), (2, Costly)):
        model = Metered(kind(report, None, "critic"), ledger=ledger, tags=Tags("build", "critic", experiment))
        Agent(model, output_type=ToolOutput(Report, name="report")).run_sync("go")
    rows = {row["experiment"]: row for row in ledger.by("role", "experiment", "provider", "model")}
    assert {(row["provider"], row["model"], row["calls"]) for row in rows.values()} == {("offline", "rules:critic", 1)}
    assert rows[2]["input_tokens"] == 100
    total = ledger.total()
    assert (total.input_tokens, total.cached_tokens, total.output_tokens, total.usd) == (100, 60, 7, 0.0)
