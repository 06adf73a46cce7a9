"""Builder, Critic and Tester: the harness is built from the reference, attacked by execution, and tested."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

from alphalab_nb.agents.offline import POLICIES
from alphalab_nb.agents.tasks import BuildTask, CriticTask, TesterTask
from tests.provider.brain.replay import Missing, Seen, Step
from tests.provider.brain.rules import by_rules, report, task_block
from tests.provider.protocol import Call, Request

Steps = Generator[Step, Any, None]

_ADAPTER, _HARNESS = Path("../adapter"), Path("../harness")
_FINDING = re.compile(r"^- (\w+): (\S+?):(\d+) (.+)$", re.MULTILINE)
_ATTACKS = ("future", "verdicts", "fidelity", "numbers_by_hand")


def build(request: Request) -> Steps:
    """Copy the reference and write the task beside it, or mend the files that findings name."""
    findings = [{"severity": severity, "file": file, "line": int(line), "message": message}
                for severity, file, line, message in _FINDING.findall(request.first)]
    if "Mend these findings" in request.first and not findings:
        raise Missing("the Builder is to mend findings that it was not given")
    task = BuildTask(adapter=_ADAPTER, harness=_HARNESS, task=task_block(request), findings=tuple(findings))
    yield report((yield from by_rules(POLICIES["builder"], task)))


def criticize(request: Request) -> Steps:
    """Run the adapter's attacks; a score that the Critic has not seen fail is no finding."""
    attacks: Seen = yield Call("read_file", {"path": "../adapter/probes"})
    missing = [name for name in _ATTACKS if f"{name}.py" not in attacks.text]
    if missing:
        raise Missing(f"the adapter's attacks {missing} are not there")
    yield report((yield from by_rules(POLICIES["critic"], CriticTask(adapter=_ADAPTER, harness=_HARNESS))))


def examine(request: Request) -> Steps:
    summary = yield from by_rules(POLICIES["tester"], TesterTask(harness=_HARNESS))
    if "passed" not in summary:
        raise Missing(f"the Tester could not run the tests: {summary}")
    yield report(summary)
