"""Answers to what people ask about a campaign, made of what its board holds: no model, no guess, the same words for the same board."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import jinja2

from alphalab_nb.errors import NotFound
from alphalab_nb.metric import Metric
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import State
from alphalab_nb.storage.failing import failing
from alphalab_nb.storage.feed import CARD, Feed, ranked_cards
from alphalab_nb.storage.ledger import Ledger
from alphalab_nb.storage.playbook import Playbook
from alphalab_nb.storage.questions import Questions

ASK = "ask"
"""Verb of the command that is a question."""
_STEMS: dict[str, tuple[str, ...]] = {
    "errors": ("error", "fail", "crash", "wrong", "problem", "bug", "broke", "timeout", "oom", "exception", "issue"),
    "spending": ("spen", "cost", "dollar", "usd", "money", "token", "price", "expens", "bill", "paid", "budget"),
    "learnt": ("learn", "lesson", "playbook", "insight", "works", "discover"),
    "best": ("best", "lead", "score", "winner", "champion", "result", "good", "rank", "top", "baseline"),
    "waiting": ("question", "approv", "propos", "decide", "decision", "me"),
    "now": ("happen", "now", "doing", "going", "status", "state", "progress", "phase", "run", "busy", "working", "paus", "resum", "outage",
            "stuck", "queue", "wait", "step", "activ", "new"),
}
"""How the words begin that speak of a topic; of topics that are meant equally, the first is answered."""
_WHOLE = frozenset({"me", "now", "new", "top", "bug", "oom"})
"""Stems that count only as whole words."""
_NUMBER = re.compile(r"(?:#|\bexperiment\s+)(\d{1,9})", re.IGNORECASE)
_WORTH_TELLING = frozenset({"phase", "verdict", "strategy", "stop", "error", "supervisor", "outage", "back", "review", "question"})
"""Kinds of events that "what happens now" shows."""
_LONGEST = 20_000


def plain_answer(board: Board, ledger: Ledger, metric: Metric, text: str, *, running: bool = True) -> str:
    """Return what the board says about a question, as plain text of a few lines.

    Args:
        running: whether a process carries the campaign on; the board cannot know.
    """
    desk, text = _Desk(board, ledger, metric, running), text[:_LONGEST]
    numbers = list(dict.fromkeys(int(number) for number in _NUMBER.findall(text)))[:3]
    topic = "experiment" if numbers else topic_of(text)
    facts = desk.experiments(numbers) if numbers else _FACTS.get(topic, _nothing)(desk)
    said = _templates().get_template("answers.md.j2").render(topic=topic, metric=metric, **facts)
    return re.sub(r"\n{3,}", "\n\n", said).strip()[:_LONGEST]


def topic_of(text: str) -> str:
    """Return the topic that most words of a question speak of; `help` if none does."""
    words = re.findall(r"[a-z]+", text.lower())
    hits = {topic: sum(any(_begins(word, stem) for stem in stems) for word in words) for topic, stems in _STEMS.items()}
    topic = max(hits, key=lambda name: hits[name])
    return topic if hits[topic] else "help"


def answer_pending(board: Board, ledger: Ledger, metric: Metric, *, running: bool = True) -> None:
    """Answer every question of people that waits."""
    for command in board.commands(state="pending"):
        if command.verb == ASK:
            said = plain_answer(board, ledger, metric, str(command.args.get("text", "")), running=running)
            board.settle(command.id, applied=True, result=said)


def _begins(word: str, stem: str) -> bool:
    return word == stem if stem in _WHOLE else word.startswith(stem)


@dataclass(frozen=True)
class _Desk:
    """What an answer is made of; each part is read once, by one statement for all experiments."""

    board: Board
    ledger: Ledger
    metric: Metric
    running: bool

    @cached_property
    def cards(self) -> list[dict[str, Any]]:
        return [dict(zip(CARD, row, strict=True)) for row in Feed(self.board.database).cards()[1]]

    @cached_property
    def leaders(self) -> list[dict[str, Any]]:
        """Experiments with full search scores of the present harness, best first; quarantined ones never lead."""
        return ranked_cards(self.cards, self.metric, self.board.fact("harness"))

    @property
    def baselines(self) -> list[tuple[str, float]]:
        known: Mapping[str, float | None] = (self.board.fact("baselines") or {}).get("search", {})
        return self.metric.ranked([(name, value) for name, value in known.items() if value is not None], lambda pair: pair[1])

    @cached_property
    def questions(self) -> list[Any]:
        return Questions(self.board.database).list(open_only=True)

    def of(self, *states: State) -> list[dict[str, Any]]:
        return [card for card in self.cards if card["state"] in states]

    def gain(self) -> float | None:
        """Return how much better the leader is than the best baseline, as a fraction; None without both."""
        return self.metric.improvement(self.leaders[0]["score"], self.baselines[0][1]) if self.leaders and self.baselines else None

    def experiments(self, ids: Sequence[int]) -> dict[str, Any]:
        return {"experiments": [self._experiment(id) for id in ids]}

    def _experiment(self, id: int) -> dict[str, Any]:
        try:
            known = self.board.get(id)
        except NotFound:
            return {"id": id, "card": None}
        card = next(card for card in self.cards if card["id"] == id)
        place = next((n for n, one in enumerate(self.leaders, start=1) if one["id"] == id), None)
        notes = [note for note in self.board.notes() if note.experiment == id]
        return {"id": id, "card": card, "known": known, "place": place, "ranked": len(self.leaders),
                "moves": self.board.history(id)[-3:], "notes": notes}


# -- topics ----------------------------------------------------------------------------------------------


def _now(desk: _Desk) -> dict[str, Any]:
    board, feed = desk.board, Feed(desk.board.database)
    steps = [step for step in board.steps() if step["status"] == "started" and step["name"] != "phase"]
    told = [event for event in feed.events(most=300) if event[3] in _WORTH_TELLING]
    return {
        "phase": board.phase(),
        "step": f"{steps[-1]['phase']}.{steps[-1]['name']}" if steps else "", "running": desk.running,
        "paused": board.fact("paused", False), "stopping": board.fact("stopping", False), "outage": board.fact("outage"),
        "stop_reason": board.fact("stop_reason"), "counts": {state.value: n for state, n in board.counts().items() if n},
        "at_work": desk.of(State.RUNNING), "thinking": [one for one in feed.working() if one["role"] != "guide"] if desk.running else [],
        "waiting": len(desk.questions) + len(desk.of(State.PROPOSED)), "leaders": desk.leaders, "gain": desk.gain(),
        "baselines": desk.baselines, "events": told[-3:],
    }


def _errors(desk: _Desk) -> dict[str, Any]:
    """Group the experiments that have an error by label, those with the newest failure first."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for failed in failing(desk.board.database):
        groups[failed["label"]].append(failed)
    repaired = [card for card in desk.cards if card["fixes"] and card["outcome"] == "ok"]
    return {"groups": groups, "repaired": repaired, "events": desk.board.events(kind="error")[-3:], "outage": desk.board.fact("outage"),
            "quarantined": [card for card in desk.cards if card["quarantined"]]}


def _best(desk: _Desk) -> dict[str, Any]:
    sealed = desk.board.fact("sealed")  # on the board only after the close
    return {"leaders": desk.leaders, "baselines": desk.baselines, "gain": desk.gain(), "sealed": sealed}


def _spending(desk: _Desk) -> dict[str, Any]:
    rows = desk.ledger.by("role")
    return {"spent": desk.ledger.total(), "roles": [row for row in rows if row["usd"] or row["input_tokens"]][:5],
            "calls": sum(row["calls"] for row in rows), "unpriced": sum(row["unpriced"] for row in rows),
            "wall_s": desk.board.fact("wall_s", 0.0)}


def _learnt(desk: _Desk) -> dict[str, Any]:
    database = desk.board.database
    return {"entries": Playbook(database, database.path.with_name("playbook.md")).entries()}


def _waiting(desk: _Desk) -> dict[str, Any]:
    return {"questions": desk.questions, "proposed": desk.of(State.PROPOSED)}


def _nothing(desk: _Desk) -> dict[str, Any]:
    return {}


_FACTS: dict[str, Callable[[_Desk], dict[str, Any]]] = {
    "now": _now, "errors": _errors, "best": _best, "spending": _spending, "learnt": _learnt, "waiting": _waiting,
}


# -- words -----------------------------------------------------------------------------------------------


def _plain(text: Any, most: int = 200) -> str:
    """Return a text of somebody else's as one line without characters that a terminal or a page would obey."""
    line = " ".join(str(text).split())
    shown = "".join(char for char in line if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _last_line(text: str) -> str:
    return next((line for line in reversed(str(text).splitlines()) if line.strip()), "")


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("alphalab_nb", "templates"), undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(plain=_plain, last_line=_last_line, number=lambda value: f"{value:.5g}")
    return environment
