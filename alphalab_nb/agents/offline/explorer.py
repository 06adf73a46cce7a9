"""Rules of the Explorer: a plan of probes; each is run, read, looked at and written down with the cell that shows it."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from alphalab_nb.agents.offline.plans import PLANS, Plan
from alphalab_nb.agents.offline.probing import Fact, cell, cell_number, facts, last_line, question, setup, source
from alphalab_nb.agents.offline.sentences import LEARNT, rank, sentence
from alphalab_nb.agents.tasks import ExploreTask
from alphalab_nb.llm import Call, Result

Steps = AsyncGenerator[Call | list[Call], Any]

_MOST = 5
"""Findings named in the report."""


@dataclass
class _Notebook:
    """What is known so far."""

    plan: Plan
    said: list[tuple[str, Fact, str]] = field(default_factory=list[tuple[str, Fact, str]])
    """(section, fact, line with its citation)."""
    failed: list[str] = field(default_factory=list[str])

    def add(self, probe: str, result: Result) -> list[str]:
        """Keep what a probe found; return its lines."""
        number = cell_number(result)
        lines = [(fact, f"- {text} [cell {number}]") for fact in facts(result) if (text := sentence(fact))]
        self.said += [(self.plan.probes[probe], fact, line) for fact, line in lines]
        return [line for _, line in lines]

    def learnings(self) -> str:
        lines = [line for _, fact, line in self.said if fact["fact"] in LEARNT]
        return "\n".join(["# Learnings", "", *lines, *(f"- The probe {text}" for text in self.failed), ""])

    def section(self, name: str) -> str:
        return "\n".join([f"# {name.capitalize()}", "", *(line for section, _, line in self.said if section == name), ""])

    def summary(self) -> str:
        """Return the findings that matter most, one of a kind at first."""
        learnt = [(rank(fact), line) for _, fact, line in self.said if fact["fact"] in LEARNT]
        once: dict[int, str] = {}
        for order, line in learnt:
            once.setdefault(order, line)
        best = [once[order] for order in sorted(once)][:_MOST]
        failures = f" {len(self.failed)} probe(s) failed: {'; '.join(self.failed)}." if self.failed else ""
        planned = len(self.plan.probes)
        return f"{planned - len(self.failed)} of {planned} probes ran, {len(learnt)} learnings.{failures}\n" + "\n".join(best)


async def explore(task: ExploreTask, notes: Sequence[str]) -> Steps:
    """Work through the probes."""
    book = _Notebook(PLANS[task.rule])
    begin, probes = book.plan.setup, book.plan.probes
    start = setup(os.path.relpath(task.data, task.folder), task.task, begin)
    yield Call("write_file", {"path": "plan.md", "text": _plan(probes)})
    yield [cell(begin, start), Call("write_file", {"path": "scripts/00_setup.py", "text": start})]
    for number, probe in enumerate(probes, start=1):
        result: Result = yield cell(probe)
        if not result.ok:  # the kernel may have been restarted: once more from the start
            again: list[Result] = yield [cell(begin, start), cell(probe)]
            result = again[1]
        if result.ok:
            yield _write_down(book, number, probe, result)
        else:
            book.failed.append(f"{probe} failed: {last_line(result.text)}")
            yield Call("note", {"text": f"{probe} failed twice and is left out."})
    yield [Call("write_file", {"path": f"data_report/{name}.md", "text": book.section(name)}) for name in sorted(set(probes.values()))]
    yield Call("write_file", {"path": "learnings.md", "text": book.learnings()})
    checked: Result = yield Call("check_citations")
    yield Call("report_to_user", {"summary": f"{book.summary()}\n{checked.text}"})


def _plan(probes: Iterable[str]) -> str:
    items = [f"- [ ] {number}. {question(probe)}" for number, probe in enumerate(probes, start=1)]
    return "\n".join(["# Plan", "", *items, ""])


def _write_down(book: _Notebook, number: int, probe: str, result: Result) -> list[Call]:
    """Look at the figure, comment on it, keep the code, tick the plan."""
    lines = book.add(probe, result)
    figures = [fact["path"] for fact in facts(result) if fact["fact"] == "figure"]
    title = f"{number}. {question(probe)}"
    text = "\n".join(lines) or "- nothing found"
    seen = f"{', '.join(figures)}: " if figures else ""
    name = f"{number:02d}_{PurePosixPath(probe).name}"
    return [
        *(Call("view_image", {"path": path}) for path in figures),
        Call("note", {"text": f"{seen}{question(probe)}\n\n{text}"}),
        Call("write_file", {"path": f"scripts/{name}.py", "text": source(probe)}),
        Call("write_file", {"path": f"notes/{name}.md", "text": f"# {question(probe)}\n\n{text}\n"}),
        Call("write_file", {"path": "learnings.md", "text": book.learnings()}),
        Call("edit_file", {"path": "plan.md", "old": f"- [ ] {title}\n", "new": f"- [x] {title}\n"}),
    ]
