"""Replays a script over the turns of a conversation: a generator that yields tool calls and receives what came back for them.

Stateless, so a request that is sent again gets the same reply. A turn that is not what the script asked for was spoilt on the
way (a fault, a nudge): its step is asked for again. Of a turn that was cut off by a crash, only the calls whose answer is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from tests.provider.brain.pictures import pictures_of
from tests.provider.protocol import Answer, Call, Request, Turn

FINAL = "report_to_user"
_MOST_MISFIRES = 6
_LOST = "interrupted: the process was stopped while this call ran"
_NEW_KERNEL = "A new kernel was started for this notebook"


class Missing(AssertionError):
    """Something that a language model needs did not reach it."""


class Try(Call):
    """A call that may be refused; the script reads why and goes another way."""


@dataclass(frozen=True)
class Seen:
    """What came back for a call."""

    call: Call
    text: str
    ok: bool
    pictures: tuple[bytes, ...] = ()
    said: tuple[str, ...] = ()
    """What was said to the model in this turn: notes of people, lessons, changes."""


Step = Call | list[Call]
Script = Callable[[Request], Generator[Step, Any, None]]

_CELL = r"^\[cell \S+\] ok"
_GOOD: dict[str, str] = {
    "run_cell": _CELL, "shell_exec": _CELL, "start_job": _CELL, "read_job": _CELL, "stop_job": _CELL,
    "reality_check": r"(?m)^an evaluation would take it",
    "note": r"^noted$", "write_file": r"^wrote (?!.*syntax error)", "edit_file": r"^edited (?!.*syntax error)", "copy_file": r"^copied ",
    "view_image": r"^\S+ \d+x\d+", "update_playbook": r"^playbook entry \d+", "read_playbook": r"^# Playbook",
    "propose_experiment": r"^proposal \d+ of at most \d+", "cancel_experiment": r"^experiment \d+ will be cancelled",
    "verdict": r"^verdict: (not )?passed", "check_citations": r"^all numbers stand", "patch_adapter_file": r"^patch \d+ of ",
    FINAL: r"^(?!)",
}
"""How the answer of a tool begins that did what it was asked; a report that comes back was refused."""
_BAD = re.compile(r"may not read|^there is no (file|line)|is not a text file|Fix the errors and try again|^\w*(Error|Exception): ")
"""Of the tools that answer with any text."""


def replay(request: Request, script: Script) -> list[Call]:
    """Return the calls that follow the turns.

    Raises:
        Missing: a tool failed that the script did not provoke, an image did not arrive, the conversation goes on after its report.
    """
    steps, pictures = script(request), iter(pictures_of(request))
    step, known, misfires = next(steps), dict[int, Seen](), 0
    for turn in request.turns:
        given = {answer.id: _pictures(answer, pictures) for answer in turn.answers}
        wanted = _open(step, known)
        if [_form(call) for call in turn.calls] != [_form(call) for call in wanted.values()]:
            misfires += 1
            if misfires > _MOST_MISFIRES:
                raise Missing(f"asked for {list(wanted.values())}, but the record shows {turn.calls}")
            continue
        known |= _answered(turn, wanted, given)
        if len(known) == len(_calls(step)):
            step, known, misfires = _next(steps, step, known, cut=any(map(_cut_off, _answers(request)))), {}, 0
    return list(_open(step, known).values())


def _answers(request: Request) -> list[Answer]:
    return [answer for turn in request.turns for answer in turn.answers]


def _lost(answer: Answer) -> bool:
    return _LOST in answer.text[:200]


def _cut_off(answer: Answer) -> bool:
    """Whether the conversation was cut off before this answer: a call was lost, or the kernel is new though none was."""
    return _lost(answer) or _NEW_KERNEL in answer.text


def _next(steps: Generator[Step, Any, None], step: Step, known: dict[int, Seen], *, cut: bool) -> Step:
    """Go on with the answers; in a conversation that was cut off a call may fail (a new kernel, an edit that was made before)."""
    seen = [known[n] for n in sorted(known)]
    for one in seen:
        if not one.ok and not cut and not isinstance(one.call, Try):
            raise Missing(f"{one.call.name}({str(dict(one.call.args))[:300]}) failed: {one.text[-1500:]}")
    try:
        return steps.send(seen if isinstance(step, list) else seen[0])
    except StopIteration as end:
        raise Missing("the conversation goes on after its report") from end


def _calls(step: Step) -> list[Call]:
    return step if isinstance(step, list) else [step]


def _open(step: Step, known: dict[int, Seen]) -> dict[int, Call]:
    """Return the calls of a step that have no answer yet, by their place in it."""
    return {n: call for n, call in enumerate(_calls(step)) if n not in known}


def _form(call: Call) -> tuple[str, dict[str, Any]]:
    return call.name, dict(call.args)


def _answered(turn: Turn, wanted: dict[int, Call], given: dict[str, tuple[bytes, ...]]) -> dict[int, Seen]:
    answers = {answer.id: answer for answer in turn.answers}
    found: dict[int, Seen] = {}
    for (n, call), made in zip(wanted.items(), turn.calls, strict=True):
        answer = answers[made.id]
        if not _lost(answer):
            found[n] = Seen(call, answer.text, _succeeded(call, answer), given[made.id], turn.said)
    return found


def _succeeded(call: Call, answer: Answer) -> bool:
    if call.name == "view_image" and answer.text and not answer.images:
        return False
    good = _GOOD.get(call.name)
    return bool(re.search(good, answer.text)) if good else not _BAD.search(answer.text)


def _pictures(answer: Answer, pictures: Any) -> tuple[bytes, ...]:
    return tuple(next(pictures) for _ in range(answer.images))
