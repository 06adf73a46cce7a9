"""What people decided, and what came of it: commands, answers, approvals by policy, lessons by hand, changes taken back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from alphalab_nb.metric import Metric
from alphalab_nb.report.figures import full_scores
from alphalab_nb.storage.board import Board, sound
from alphalab_nb.storage.experiment import Experiment, State
from alphalab_nb.storage.feed import Feed
from alphalab_nb.storage.leaderboard import ranking
from alphalab_nb.storage.patches import Patch
from alphalab_nb.storage.playbook import Entry, Playbook
from alphalab_nb.storage.questions import DEFAULT, Question, Questions

_CHARS = 300
_ALL = 10**9
_INJECTED = re.compile(r"^experiment (\d+) injected")
_ENTRY = re.compile(r"\bentry (\d+)\b")
_NUMBERED = re.compile(r"_\d+$")
_ACCEPTED = (State.PROPOSED, State.TO_IMPLEMENT)


@dataclass(frozen=True)
class Decision:
    """One line of the chapter. Texts are as their authors wrote them, cut to a readable length."""

    at: str
    who: str
    what: str
    words: str
    """The reason, or what was said or asked."""
    state: str
    """applied, refused, waiting."""
    outcome: str


def decisions(board: Board, playbook: Playbook, patches: list[Patch], metric: Metric) -> list[Decision]:
    """Return everything that people decided, or that was decided in their place, in the order it happened."""
    told = _Told(board, playbook, metric)
    found = [
        *map(told.command, told.commands), *told.approvals(), *told.lessons(),
        *map(told.question, Questions(board.database).list()), *(told.revert(patch) for patch in patches if patch.reverted_by),
    ]
    return [Decision(*map(_cut, astuple(decision))) for decision in sorted(found, key=lambda decision: decision.at)]


class _Told:
    """Reads the board once, and finds for each decision what came of it."""

    def __init__(self, board: Board, playbook: Playbook, metric: Metric) -> None:
        self._board, self._playbook, self._metric = board, playbook, metric
        self.commands = Feed(board.database).commands(most=_ALL)
        self._events = board.events()
        self._experiments = {experiment.id: experiment for experiment in board.list()}

    # -- commands ------------------------------------------------------------------------------------------

    def command(self, row: Mapping[str, Any]) -> Decision:
        args = row["args"]
        words = next((str(args[key]) for key in ("reason", "text", "hypothesis", "claim") if args.get(key)), "")
        state = "waiting" if row["state"] == "pending" else str(row["state"])
        return Decision(row["at"], row["actor"], self._what(row["verb"], args), words, state, self._outcome(row))

    def _what(self, verb: str, args: Mapping[str, Any]) -> str:
        """Return a command in words: its verb, the experiment, and what else it gives."""
        id = args.get("id")
        rest = {key: value for key, value in args.items() if key not in ("id", "reason", "text", "hypothesis", "claim", "name")
                and value not in (None, "", {}, [])}
        parts = [verb.replace("_", " "), str(args.get("name", "")), "" if id is None else self._named(id),
                 ", ".join(f"{key} {value if isinstance(value, str) else json.dumps(value)}" for key, value in rest.items())]
        return " ".join(part for part in parts if part)

    def _named(self, id: Any) -> str:
        known = self._experiments.get(id) if isinstance(id, int) else None
        return f"#{id} {known.name}" if known else f"#{id}"

    def _outcome(self, row: Mapping[str, Any]) -> str:
        if row["state"] == "pending":
            return "nobody has carried it out"
        if row["state"] == "refused":
            return str(row["result"])
        tell: Callable[[Mapping[str, Any]], str] | None = getattr(self, f"_after_{row['verb']}", None)
        return (tell(row) if tell else "") or str(row["result"])

    def _after_approve(self, row: Mapping[str, Any]) -> str:
        return self._measured(self._subject(row), row["at"])

    _after_pin = _after_priority = _after_approve

    def _after_inject(self, row: Mapping[str, Any]) -> str:
        made = _INJECTED.match(row["result"])
        return f"#{made[1]}: {self._measured(self._experiments.get(int(made[1])), row['at'])}" if made else ""

    def _after_cancel(self, row: Mapping[str, Any]) -> str:
        known = self._subject(row)
        return f"{known.state} {_clock(known.moved)}" if known else ""

    def _after_veto(self, row: Mapping[str, Any]) -> str:
        """Tell whether the strategy came back to what was vetoed."""
        vetoed = self._subject(row)
        later = [e for e in self._experiments.values() if e.created > row["at"]]
        if vetoed is None or not later:
            return "nothing was proposed after it"
        again = [e for e in later if e.id != vetoed.id and _alike(e, vetoed)]
        if not again:
            return f"nothing of that name or configuration came again in {len(later)} later experiment(s)"
        return "it came again: " + ", ".join(f"#{e.id} {e.name} by {e.author} ({e.state})" for e in again[:5])

    def _after_note(self, row: Mapping[str, Any]) -> str:
        turns = [event["at"] for event in self._events if event["kind"] == "strategy"]
        first = next((n for n, at in enumerate(turns, start=1) if at > row["at"]), None)
        return f"turn {first} of the strategy was the first to end after it" if first else "no turn of the strategy ended after it"

    def _after_pause(self, row: Mapping[str, Any]) -> str:
        resumed = next((c for c in self.commands if c["verb"] == "resume" and c["state"] == "applied" and c["id"] > row["id"]), None)
        if resumed is None:
            return "still paused" if self._board.fact("paused", False) else ""
        return f"resumed by {resumed['actor']} after {_seconds(row['at'], resumed['at']):.0f} s"

    def _after_stop(self, row: Mapping[str, Any]) -> str:
        reason = self._board.fact("stop_reason")
        return f"the experiments ended: {reason}" if reason else ""

    # -- what was measured ---------------------------------------------------------------------------------

    def _subject(self, row: Mapping[str, Any]) -> Experiment | None:
        id = row["args"].get("id")
        return self._experiments.get(id) if isinstance(id, int) else None

    def _measured(self, known: Experiment | None, since: str) -> str:
        """Return verdict and score of an experiment, against the best score that was known when it was decided on."""
        if known is None:
            return ""
        value = self._values.get(known.id)
        if known.quarantined or value is None:
            return self._unscored(known)
        said = f"{known.verdict or known.state}, {self._metric.name} {value:.5g}"
        best = self._best_before(since, known.id)
        if best is None:
            return f"{said}; there was no score to compare it with"
        return f"{said}, {self._against(value, best[1])} the best at that time (#{best[0]}, {best[1]:.5g})"

    def _against(self, value: float, best: float) -> str:
        if value == best:
            return "as good as"
        gain = self._metric.improvement(value, best)
        return f"{f'{abs(gain):.1%} ' if gain else ''}{'better' if self._metric.better(value, best) else 'worse'} than"

    def _unscored(self, known: Experiment) -> str:
        if known.quarantined:
            return "quarantined, not ranked"
        if known.outcome == "failed":
            return f"failed: {known.error.split(':', 1)[0]}"
        return f"{known.outcome or 'no full score'} ({known.state})"

    @cached_property
    def _values(self) -> dict[int, float]:
        return {entry.experiment.id: entry.value for entry in ranking(self._board, self._metric, self._board.fact("harness"))}

    @cached_property
    def _scores(self) -> list[tuple[str, int, float]]:
        return [(run.ended, run.experiment, value) for run, value in full_scores(self._board, self._metric)]

    def _best_before(self, at: str, other_than: int) -> tuple[int, float] | None:
        before = [(id, value) for ended, id, value in self._scores if ended <= at and id != other_than]
        return self._metric.ranked(before, lambda pair: pair[1])[0] if before else None

    # -- what is no command --------------------------------------------------------------------------------

    def approvals(self) -> list[Decision]:
        """Return the proposals that were accepted although no person approved of them one by one."""
        approved = {known.id for c in self.commands if c["verb"] == "approve" and c["state"] == "applied" and (known := self._subject(c))}
        rest = [known for known in self._experiments.values() if known.id not in approved]
        moves = [(known, move) for known in rest for move in self._board.history(known.id) if (move.source, move.target) == _ACCEPTED]
        return [Decision(move.at, move.actor, f"approve {self._named(known.id)} by policy", move.reason, "applied",
                         self._measured(known, move.at)) for known, move in moves]

    def lessons(self) -> list[Decision]:
        """Return the changes of the playbook by hand that no command made."""
        versions = [version for entry in self._playbook.entries(retired=True) for version in self._playbook.versions(entry.id)]
        newest = {version.id: version for version in versions}
        return [self._lesson(version, newest[version.id]) for version in versions if version.human and not self._commanded(version)]

    def _commanded(self, version: Entry) -> bool:
        return any(
            command["actor"] == version.author and command["at"] <= version.at <= command["settled"]
            and (named := _ENTRY.search(command["result"])) is not None and int(named[1]) == version.id
            for command in self.commands if command["state"] == "applied" and command["verb"].startswith("playbook_")
        )

    def _lesson(self, version: Entry, newest: Entry) -> Decision:
        what = "retire" if version.status == "retired" else "add" if version.version == 1 else "edit"
        outcome = "in force" if newest.status == "active" and newest.version == version.version else f"now {_standing(newest)}"
        return Decision(version.at, version.author, f"playbook {what} entry {version.id}", version.claim, "applied", outcome)

    def _after_playbook_add(self, row: Mapping[str, Any]) -> str:
        named = _ENTRY.search(row["result"])
        entry = next((e for e in self._playbook.entries(retired=True) if named and e.id == int(named[1])), None)
        return f"{row['result']}; now {_standing(entry)}" if entry else ""

    _after_playbook_edit = _after_playbook_retire = _after_playbook_add

    def question(self, asked: Question) -> Decision:
        what = f"question {asked.id} of {asked.role}{f', #{asked.experiment}' if asked.experiment is not None else ''}"
        if asked.answer is None:
            return Decision(asked.at, "nobody yet", what, asked.question, "waiting", f"by default: {asked.default}")
        if asked.answered_by == DEFAULT:
            return Decision(asked.deadline, "nobody", what, asked.question, "applied", f"default taken: {asked.answer}")
        at = next((event["at"] for event in self._events if event["kind"] == "answer" and event["role"] == asked.answered_by
                   and event["text"].startswith(f"question {asked.id}: ")), asked.at)
        return Decision(at, asked.answered_by, what, asked.question, "applied", f"answered: {asked.answer}")

    def revert(self, patch: Patch) -> Decision:
        at = next((event["at"] for event in self._events if event["kind"] == "patch" and event["role"] == patch.reverted_by
                   and f": change {patch.id} taken back by " in event["text"]), patch.at)
        return Decision(at, patch.reverted_by, f"revert change {patch.id} of {patch.author}", patch.reason, "applied",
                        f"{patch.file} is as it was before")


def _alike(one: Experiment, other: Experiment) -> bool:
    """Whether it has the same name, numbers aside, or the same configuration of the same family."""
    same = one.family == other.family and one.config == other.config and bool(one.config)
    return same or _NUMBERED.sub("", one.name) == _NUMBERED.sub("", other.name)


def _standing(entry: Entry) -> str:
    return "retired" if entry.status == "retired" else f"at version {entry.version} by {entry.author}"


def _cut(text: str) -> str:
    line = " ".join(sound(text).split())  # half a character, as a script may send it, cannot be written
    return line if len(line) <= _CHARS else f"{line[: _CHARS - 1]}…"


def _clock(at: str) -> str:
    return at[:19].replace("T", " ")


def _seconds(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
