"""The Strategist: reads the board as it is told, proposes what nobody has tried, cancels what has lost its reason, and learns."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.provider.brain.audit import section
from tests.provider.brain.replay import Missing, Seen, Step, Try
from tests.provider.brain.rules import report
from tests.provider.protocol import Call, Request

Steps = Generator[Step, Any, None]
Idea = dict[str, Any]

_WANTED = re.compile(r"^Propose about (\d+) experiment\(s\)\. (\d+) of (\d+) are left: (\S.*)$", re.MULTILINE)
_ROW = re.compile(r"^\d+\. #(\d+) (\w+) \((\w+)\) (\S+), ", re.MULTILINE)
_OPEN = re.compile(r"^- #(\d+) (\w+) \((\w+)\): (\w+)$", re.MULTILINE)
_VETO = re.compile(r"vetoed #\d+ \((\w+)\): (.+)$", re.MULTILINE)
_LESSON = re.compile(r"^- .+ \((?:#\d+ ?)+; (\w+)", re.MULTILINE)
_CLAIM = re.compile(r"^- \[(\d+)\] (.+) \((?:(?:#\d+ ?)+|by order); [^)]+\)$", re.MULTILINE)


@cache
def ideas() -> list[Idea]:
    return yaml.safe_load(Path(__file__).with_name("ideas.yaml").read_text(encoding="utf-8"))


def strategize(request: Request) -> Steps:
    """Hold one turn."""
    seen: list[Seen] = yield [Call("read_playbook", {}), Call("read_board", {}), Call("read_file", {"path": "../experiments"})]
    _check_playbook(request, seen[0])
    waiting = _OPEN.findall(section(request, "strategist", "Waiting or running"))
    vetoes = _VETO.findall(section(request, "strategist", "What people said"))
    gone = [call for id, name, _, state in waiting if state == "proposed" and _orphaned(name, vetoes)
            for call in [Call("cancel_experiment", {"id": int(id), "reason": "its idea was vetoed"})]]
    if gone:
        yield gone
    lesson = _lesson(request)
    if lesson is not None:
        yield lesson
    if not waiting and not vetoes and "/" not in seen[2].text:
        yield Call("ask_human", {"question": "Is a forecast that is late by a second useless?", "default": "no", "deadline_s": 60})
    proposed = yield from _propose(request, waiting, vetoes, seen[2].text)
    given_up = "; ".join(f"gave up {name}: {reason}" for name, reason in vetoes) or "nothing given up"
    yield report(f"Proposed {', '.join(proposed) or 'nothing'}; {given_up}; {len(gone)} cancelled.")


def _check_playbook(request: Request, read: Seen) -> None:
    """What read_playbook shows must stand in the first message or have been said since; said may come a request after the answer.

    The newest entry is left out: it may have come when the first message was rendered and the conversation had not begun.
    """
    if len(request.turns) < 2:
        return
    rendered = section(request, "strategist", "Playbook")
    told = "\n".join([rendered, *(text for turn in request.turns for text in turn.said)])
    claims = {int(id): claim for id, claim in _CLAIM.findall(read.text)}
    hidden = [claim for id, claim in claims.items() if claim not in told and id != max(claims)]
    if hidden:
        raise Missing(f"the playbook says {hidden}, but the Strategist was shown: {rendered}")


def _orphaned(name: str, vetoes: Sequence[tuple[str, str]]) -> bool:
    idea = next((idea for idea in ideas() if idea["name"] == name), {})
    return idea.get("follows") in {vetoed for vetoed, _ in vetoes}


def _leaders(request: Request) -> list[tuple[str, ...]]:
    """Return (id, name, family, score) of the best of each family, best first."""
    best: dict[str, tuple[str, ...]] = {}
    for row in _ROW.findall(section(request, "strategist", "Leaderboard")):
        best.setdefault(row[2], row)
    return list(best.values())


def _lesson(request: Request) -> Call | None:
    """Say once which family leads, with the experiments that show it."""
    leaders = _leaders(request)
    if len(leaders) < 2 or "strategist" in _LESSON.findall(section(request, "strategist", "Playbook")):
        return None
    (first, _, family, score), (second, _, behind, further) = leaders[:2]
    return Call("update_playbook", {"claim": f"{family} leads {behind} here: {score} against {further}", "kind": "works",
                                    "evidence": [int(first), int(second)]})


def _propose(
    request: Request, waiting: Sequence[tuple[str, ...]], vetoes: Sequence[tuple[str, str]], folders: str
) -> Generator[Step, Any, list[str]]:
    """Propose as many as are wanted and do not wait for approval already; a refusal leads to the next idea."""
    found = _WANTED.search(request.first)
    if found is None:
        return []
    still = int(found[1]) - sum(state == "proposed" for *_, state in waiting)
    known = {name for _, name, *_ in waiting} | {name for name, _ in vetoes} | set(re.findall(r"^\d+_(\w+)/$", folders, re.MULTILINE))
    leaders = _leaders(request)
    accepted: list[str] = []
    for idea in ideas():
        if len(accepted) >= still:
            break
        if idea["name"] not in known and not _orphaned(idea["name"], vetoes):
            proposal = _proposal(idea, leaders)
            answer: Seen | None = (yield proposal) if proposal is not None else None
            accepted += [idea["name"]] if answer is not None and answer.ok else []
    return accepted


def _proposal(idea: Idea, leaders: Sequence[tuple[str, ...]]) -> Call | None:
    """Return the call, or None where nothing is known yet that the idea could build on."""
    ids = [int(leader[0]) for leader in leaders]
    fields = {key: idea[key] for key in ("name", "family", "hypothesis", "brief", "config") if key in idea}
    if "combines" in idea:
        return Try("propose_experiment", {**fields, "config": {"members": ids[:2]}}) if len(ids) >= 2 else None
    expected = {"expected_improvement": 0.01} if "brief" in idea else {}
    parent = {"parent": ids[0]} if "varies" in idea and ids else {}
    return Try("propose_experiment", {**fields, **expected, **parent})
