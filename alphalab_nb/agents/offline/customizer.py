"""Rules of the Customizer: measure a few facts of the explore partition and write them under the adapter's domain knowledge."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from alphalab_nb.agents.offline.plans import PLANS
from alphalab_nb.agents.offline.probing import Fact, cell, facts, last_line, setup
from alphalab_nb.agents.offline.sentences import sentence
from alphalab_nb.agents.tasks import CustomizeTask
from alphalab_nb.llm import Call, Result

Steps = AsyncGenerator[Call | list[Call], Any]

HEADING = "## This data"
_FILE = "domain_knowledge.md"


async def customize(task: CustomizeTask, notes: Sequence[str]) -> Steps:
    """Replace the section on this data by what was measured."""
    plan = PLANS[task.rule]
    start = cell(plan.setup, setup("../data/explore", task.task, plan.setup))
    results: list[Result] = yield [start, *map(cell, plan.first)]
    failed = [last_line(result.text) for result in results if not result.ok]
    measured = [fact for result in results if result.ok for fact in facts(result)]
    text = ""
    while True:
        page: Result = yield Call("read_file", {"path": _FILE, "offset": len(text.splitlines()) + 1, "limit": 100})
        body, more = _page(page.text)
        text += body
        if not more or not page.ok:
            break
    lines = _lines(measured, plan.kinds)
    written: Result = yield Call("write_file", {"path": _FILE, "text": _with_section(text, lines)})
    trouble = "".join(f"; failed: {reason}" for reason in failed) + ("" if written.ok else f"; {written.text}")
    yield Call("report_to_user", {"summary": f"added {len(lines)} measured facts to {_FILE} under '{HEADING[3:]}'{trouble}"})


def _page(text: str) -> tuple[str, bool]:
    """Split what read_file answered into the file's text and whether there is more."""
    body, mark, tail = text.rpartition("[lines ")
    return (body, True) if mark and "read on with offset=" in tail else (text, False)


def _lines(measured: Sequence[Fact], kinds: Sequence[str]) -> list[str]:
    """Return one line per fact; braces would read as template variables."""
    chosen = [fact for fact in measured if fact["fact"] in kinds]
    return [f"- {sentence(fact)}".replace("{", "(").replace("}", ")") for fact in chosen if sentence(fact)]


def _with_section(text: str, lines: Sequence[str]) -> str:
    kept = text.split(HEADING)[0].rstrip()
    return "\n".join([kept, "", HEADING, *lines, ""])
