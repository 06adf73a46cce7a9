"""The scripted model fails where a real one would lack something, and asks again for what was lost on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.agents.roles import ROLES
from tests.provider.brain.audit import audit
from tests.provider.brain.replay import FINAL, Missing, Seen, Step, Try, replay
from tests.provider.brain.researcher import SCRIPTS
from tests.provider.protocol import Answer, Call, Request, Turn

PROMPTS = Path(__file__).parents[2] / "golden" / "prompts" / "time_series"
FIRST = {
    "worker_implement": "Implement experiment #1 `x`, family y\n\n## Playbook\n\n# Playbook\n\n## Learnings about the data\n\n- none\n",
    "worker_fix": "Repair experiment #1 `x`, family y\n\n## Playbook\n\n# Playbook\n",
    "worker_analyze": "Write debrief.md of experiment #1 `x`, family y\n",
    "strategist": "".join(f"\n## {name}\n\ntext\n" for name in (
        "Leaderboard (rmse)", "Debriefs since your last turn", "Waiting or running", "Families", "Recipes that are ready", "Playbook",
        "Learnings about the data", "What people said")),
}
"""Where the first message is looked at."""


def request_of(role: str, *turns: Turn) -> Request:
    """Return the first request of a role, as the shipped adapter's prompts make it after phase 0."""
    system = (PROMPTS / f"{role}.md").read_text(encoding="utf-8") + "\n## This data\n- one series\n"
    return Request("chat", "m", system, FIRST.get(role, "Begin."), (*ROLES[role].tools, FINAL), turns, b"{}", {})


@pytest.mark.parametrize("role", SCRIPTS)
def test_a_role_is_known_by_its_prompt(role: str):
    assert audit(request_of(role), "rmse") == role


def without(text: str) -> Callable[[Request], Request]:
    return lambda request: replace(request, system=request.system.replace(text, ""))


LACKS: list[tuple[str, str, Callable[[Request], Request], str]] = [
    ("explorer", "a tool", lambda r: replace(r, tools=r.tools[1:]), "promised"),
    ("explorer", "no tool too many", lambda r: replace(r, tools=(*r.tools[:-1], "verdict", FINAL)), "promised"),
    ("explorer", "the native search that it was told of",
     lambda r: replace(r, system=r.system + "\n- There is no search_web: the provider's own web search takes its place.\n",
                       tools=tuple(name for name in r.tools if name != "search_web")), "no native search"),
    ("builder", "the metric", without("rmse"), "does not name the metric"),
    ("builder", "the rules of conversations", without("# How every conversation works"), "how conversations work"),
    ("builder", "what phase 0 measured", without("## This data"), "phase 0"),
    ("builder", "values in its template", lambda r: replace(r, system=r.system + "{{ task.horizon }}"), "template"),
    ("worker_fix", "its block", lambda r: replace(r, first=FIRST["worker_implement"]), "with the block of"),
    ("worker_fix", "the playbook", lambda r: replace(r, first="Repair experiment #1 `x`, family y\n\n## Playbook\n"), "'Playbook'"),
    ("strategist", "the leaderboard", lambda r: replace(r, first=r.first.replace("## Leaderboard", "## Board")), "'Leaderboard'"),
    ("strategist", "the learnings", lambda r: replace(r, first=r.first.replace("data\n\ntext", "data\n")), "'Learnings about the data'"),
    ("critic", "a contract", without("# What the code needs of the Critic"), "names no role"),
]


@pytest.mark.parametrize(("role", "change", "words"), [(role, change, words) for role, _, change, words in LACKS],
                         ids=[f"{role} lacks {what}" for role, what, _, _ in LACKS])
def test_what_a_model_needs_is_missed(role: str, change: Callable[[Request], Request], words: str):
    with pytest.raises(Missing, match=words):
        audit(change(request_of(role)), "rmse")


# -- replay --------------------------------------------------------------------------------------------------

WRITE = [Call("write_file", {"path": name, "text": "x"}) for name in ("a", "b")]
END = Call(FINAL, {"summary": "done"})


def two_files(request: Request) -> Generator[Step, Any, None]:
    seen: list[Seen] = yield list(WRITE)
    yield Call("note", {"text": seen[1].text})
    yield END


def turn(*pairs: tuple[Call, str], said: tuple[str, ...] = ()) -> Turn:
    """Return a turn in which each call was answered by a text."""
    calls = tuple(replace(call, id=str(n)) for n, (call, _) in enumerate(pairs))
    return Turn("", calls, tuple(Answer(str(n), text) for n, (_, text) in enumerate(pairs)), said)


def asked(*turns: Turn, script: Any = two_files) -> list[Call]:
    return replay(request_of("explorer", *turns), script)


BOTH = turn((WRITE[0], "wrote a, 1 lines"), (WRITE[1], "wrote b, 1 lines"))
LOST = "interrupted: the process was stopped while this call ran, and nothing of its answer is known."


def test_each_step_is_made_from_what_came_back():
    assert asked() == WRITE
    assert asked(BOTH) == [Call("note", {"text": "wrote b, 1 lines"})]
    assert asked(BOTH, turn((Call("note", {"text": "wrote b, 1 lines"}), "noted"))) == [END]


def test_a_spoilt_turn_is_asked_for_again():
    unknown = turn((Call("no_such_tool", {}), "Unknown tool name"))
    nudge = Turn("I will begin", (), (), ("Validation feedback: call a tool",))
    assert asked(unknown, nudge) == WRITE
    assert asked(unknown, nudge, BOTH) == asked(BOTH)


def test_of_an_interrupted_turn_only_the_lost_call_is_repeated():
    cut = turn((WRITE[0], "wrote a, 1 lines"), (WRITE[1], LOST))
    assert asked(cut) == WRITE[1:]
    assert asked(cut, turn((WRITE[1], "wrote b, 1 lines"))) == asked(BOTH)


def test_a_failure_that_was_not_provoked_is_missed():
    failed = turn((WRITE[0], "wrote a, 1 lines"), (WRITE[1], "explorer may not write b; allowed: explore"))
    with pytest.raises(Missing, match="may not write b"):
        asked(failed)


def test_a_failure_that_was_reckoned_with_is_read():
    def trying(request: Request) -> Generator[Step, Any, None]:
        seen: Seen = yield Try("edit_file", {"path": "a", "old": "x", "new": "y"})
        yield Call("note", {"text": f"{seen.ok}"})

    said = asked(turn((Call("edit_file", {"path": "a", "old": "x", "new": "y"}), "the passage occurs 2 times in a")), script=trying)
    assert said == [Call("note", {"text": "False"})]


def looking(request: Request) -> Generator[Step, Any, None]:
    seen: Seen = yield Call("view_image", {"path": "a.png"})
    yield Call("note", {"text": seen.pictures[0].decode()})


def test_an_image_that_does_not_arrive_is_missed():
    with pytest.raises(Missing, match="view_image"):
        asked(turn((Call("view_image", {"path": "a.png"}), "a.png 64x64")), script=looking)


@pytest.mark.parametrize("image", [
    {"type": "input_image", "image_url": "data:image/png;base64,c2Vlbg=="},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,c2Vlbg=="}},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "c2Vlbg=="}},
], ids=["responses", "chat", "messages"])
def test_a_picture_is_read_from_the_body_of_any_wire(image: dict[str, Any]):
    shown = Turn("", (Call("view_image", {"path": "a.png"}, "1"),), (Answer("1", "a.png 64x64", images=1),))
    request = replace(request_of("explorer", shown), body=json.dumps({"input": [{"content": [image]}]}).encode())
    assert replay(request, looking) == [Call("note", {"text": "seen"})]


def test_a_refused_report_is_missed():
    noted = turn((Call("note", {"text": "wrote b, 1 lines"}), "noted"))
    with pytest.raises(Missing, match="mend 1 citation"):
        asked(BOTH, noted, turn((END, "mend 1 citation(s) before you report")))


def test_a_conversation_that_goes_astray_ends():
    with pytest.raises(Missing, match="asked for"):
        asked(*[turn((Call("no_such_tool", {}), "Unknown tool name"))] * 7)
