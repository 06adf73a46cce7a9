"""Rules of the Critic and the Tester: run the adapter's probes and the harness's own tests; only what was executed is a finding."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from alphalab_nb.agents.offline.probing import json_lines, last_line, source
from alphalab_nb.agents.tasks import CriticTask, TesterTask
from alphalab_nb.llm import Call, Result

Steps = AsyncGenerator[Call | list[Call], Any]
Found = dict[str, Any]

_PROBES = "../adapter/probes"
_TESTS = "../harness/tests"
_LONGEST_S = 230
_EXIT = re.compile(r"\[exit (-?\d+)\]")
_FAILED_AT = re.compile(r"^(\S+\.py):(\d+): (.*)$", re.MULTILINE)


async def criticize(task: CriticTask, notes: Sequence[str]) -> Steps:
    """Run every probe of the adapter against the harness."""
    listed: Result = yield Call("read_file", {"path": _PROBES})
    names = [name for name in listed.text.splitlines() if name.endswith(".py") and not name.startswith("_")] if listed.ok else []
    if not names:
        found = [_finding("adapter/probes", "the adapter ships no probes, so nothing attacked the harness", severity="major")]
    else:
        ran: list[Result] = yield [_program(f"Attack: {name}", [f"{_PROBES}/{name}", ".."]) for name in names]
        found = [finding for name, result in zip(names, ran, strict=True) for finding in _probed(name, result)]
    yield _verdict(found)
    yield Call("report_to_user", {"summary": _summary(f"{len(names)} probes ran", found)})


async def examine(task: TesterTask, notes: Sequence[str]) -> Steps:
    """Run the harness's tests."""
    ran: Result = yield _program("The harness's own tests", ["-m", "pytest", _TESTS, "-q", "--tb=line", "-p", "no:cacheprovider"])
    found = _tested(ran)
    yield _verdict(found)
    yield Call("report_to_user", {"summary": _summary(_pytest_line(ran.text), found)})


def _program(reason: str, arguments: Sequence[str]) -> Call:
    """Return the cell that runs a Python program with the kernel's own interpreter."""
    code = source("program").replace("@ARGUMENTS@", json.dumps(list(arguments))).replace("@SECONDS@", str(_LONGEST_S - 10))
    return Call("run_cell", {"reason": reason, "code": code, "timeout_s": _LONGEST_S})


def _probed(name: str, result: Result) -> list[Found]:
    """Return what a probe found; one that did not run to its end is itself a finding."""
    checks = [line for line in json_lines(result.text) if "check" in line]
    failed = [_finding(str(c.get("file") or f"adapter/probes/{name}"), f"{c['check']}: {c.get('message', '')}", line=c.get("line") or 0,
                       severity=c.get("severity") or "blocking")
              for c in checks if not c.get("ok")]
    if not failed and (not checks or not result.ok or _exit_code(result.text) != 0):
        return [_finding(f"adapter/probes/{name}", f"the probe did not run to its end: {_trouble(result.text)}")]
    return failed


def _tested(result: Result) -> list[Found]:
    """Return a finding per failing test, or one if pytest could not run."""
    code = _exit_code(result.text) if result.ok else None
    if code == 0:
        return []
    if code in (4, 5):  # no such folder, or no test in it
        return [_finding("harness/tests", f"no tests ran: {_trouble(result.text)}", severity="major")]
    failed = [_finding(_relative(file), message, line=int(line)) for file, line, message in _FAILED_AT.findall(result.text)]
    return failed or [_finding("harness/tests", f"pytest did not finish: {_trouble(result.text)}")]


def _finding(file: str, message: str, *, line: int = 0, severity: str = "blocking") -> Found:
    return {"severity": severity, "file": file, "line": int(line), "message": message[:500]}


def _verdict(found: Sequence[Found]) -> Call:
    return Call("verdict", {"passed": not any(f["severity"] == "blocking" for f in found), "findings": list(found)})


def _summary(ran: str, found: Sequence[Found]) -> str:
    return "; ".join([ran, *(f"{f['severity']} {f['file']}:{f['line']} {f['message']}" for f in found)] if found else [ran, "no findings"])


def _exit_code(text: str) -> int | None:
    codes = _EXIT.findall(text)
    return int(codes[-1]) if codes else None


def _trouble(text: str) -> str:
    """Return the last line before the exit code."""
    return last_line(_EXIT.sub("", text))


def _pytest_line(text: str) -> str:
    found = [line for line in text.splitlines() if re.search(r"\d+ (passed|failed|error)", line)]
    return found[-1].strip("= ") if found else "no test ran"


def _relative(file: str) -> str:
    return f"harness/{file.split('/harness/', 1)[1]}" if "/harness/" in file else file
