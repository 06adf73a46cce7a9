"""The campaign's record of experiments: compare-and-set moves, attempts, runs, commands, notes, steps.

Anyone may read it and leave a command; only the dispatcher applies commands.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from alphalab_nb.errors import BadInput, IllegalMove, NotFound, StaleMove
from alphalab_nb.storage.database import Database, now, row_id
from alphalab_nb.storage.experiment import (
    OPEN,
    TRANSITIONS,
    Attempt,
    Experiment,
    Fidelity,
    Prediction,
    Proposal,
    Run,
    RunKind,
    Score,
    State,
)
from alphalab_nb.workspace import PHASES

VERBS: tuple[str, ...] = (
    "approve", "veto", "inject", "note", "pause", "resume", "stop", "cancel", "pin", "priority", "policy", "budget", "playbook_add",
    "playbook_edit", "playbook_retire", "ask",
)
"""What a command may ask for."""


@dataclass(frozen=True)
class Move:
    """One logged transition."""

    source: State | None
    target: State
    actor: str
    reason: str
    at: str


@dataclass(frozen=True)
class Command:
    """A person's (or program's) request to the dispatcher."""

    id: int
    verb: str
    args: dict[str, Any]
    actor: str
    at: str
    state: Literal["pending", "applied", "refused"]
    result: str


@dataclass(frozen=True)
class Note:
    """A remark of a person, read by the strategy at its next turn."""

    id: int
    author: str
    text: str
    experiment: int | None
    at: str

    @property
    def about(self) -> str:
        """` of #3` if it is about an experiment that its text does not name."""
        named = re.search(rf"#{self.experiment}\b", self.text)
        return f" of #{self.experiment}" if not named and self.experiment is not None else ""


_EXPERIMENTS = (
    "select e.*, p.expected, p.low, p.high, p.over, p.model from experiments e left join predictions p on p.experiment = e.id"
)
_RUN_COLUMNS = "id, experiment, attempt, kind, partition, seed, fidelity, status, started, ended, seconds, score_json"


class Board:
    """The board of one campaign."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @classmethod
    def open(cls, path: Path) -> Board:
        return cls(Database.open(path))

    # -- experiments -------------------------------------------------------------------------------------

    def add(self, proposal: Proposal, *, by: str, state: State = State.TO_IMPLEMENT) -> Experiment:
        """Put a proposal on the board, as accepted or as `proposed`; a taken name gets a number."""
        with self.database.transaction() as sql:
            name = _free_name(sql, proposal.name)
            row = sql.execute(
                "insert into experiments (name, family, hypothesis, config_json, brief, parent, stage, fidelity,"
                " priority, author, state, created, moved) values (?,?,?,?,?,?,?,?,?,?,?,?,?) returning id",
                (name, proposal.family, proposal.hypothesis, json.dumps(proposal.config, sort_keys=True), proposal.brief,
                 proposal.parent, proposal.stage, proposal.fidelity, proposal.priority, by, state, now(), now()),
            ).fetchone()
            if (predicted := proposal.predicted) is not None:
                sql.execute("insert into predictions (experiment, expected, low, high, over, model) values (?,?,?,?,?,?)",
                            (row["id"], predicted.expected, predicted.low, predicted.high, predicted.over, predicted.model))
            _log_move(sql, row["id"], None, state, by, proposal.hypothesis)
        return self.get(row["id"])

    def get(self, id: int) -> Experiment:
        """Return one experiment.

        Raises:
            NotFound: no such id.
        """
        row = self.database.connection().execute(f"{_EXPERIMENTS} where id = ?", (row_id(id),)).fetchone()
        if row is None:
            raise NotFound(f"there is no experiment {id}; `alphalab-nb board` lists them")
        return _experiment(row)

    def unended(self, id: int) -> Experiment:
        """Return an experiment that still has something to run.

        Raises:
            NotFound, BadInput: no such id; it has ended.
        """
        experiment = self.get(id)
        if experiment.state not in OPEN:
            raise BadInput(f"experiment {id} is {experiment.state}: it has ended, and nothing of it will run; inject it anew instead")
        return experiment

    def list(self, *states: State) -> list[Experiment]:
        """Return the experiments in these states (all if none given), by id."""
        sql = _EXPERIMENTS
        if states:
            sql += f" where state in ({','.join('?' * len(states))})"
        return [_experiment(row) for row in self.database.connection().execute(sql + " order by id", states)]

    def counts(self) -> dict[State, int]:
        """Return how many experiments each state holds; all states are keys."""
        found = dict(self.database.connection().execute("select state, count(*) from experiments group by state").fetchall())
        return {state: found.get(state.value, 0) for state in State}

    def move(self, id: int, to: State, *, by: str, reason: str = "", expect: State | None = None, **changes: Any) -> Experiment:
        """Move an experiment and change fields of it, in one logged transaction.

        Args:
            expect: the state the caller believes it is in; None reads it inside the transaction.
            changes: columns to set along with the state: outcome, verdict, error, fixes, quarantined, fidelity.

        Raises:
            IllegalMove: the lifecycle has no such transition.
            StaleMove: it is no longer in `expect`.
        """
        with self.database.transaction() as sql:
            row = sql.execute("select state from experiments where id = ?", (id,)).fetchone()
            if row is None:
                raise NotFound(f"there is no experiment {id}; `alphalab-nb board` lists them")
            source = State(row["state"])
            if expect is not None and source is not expect:
                raise StaleMove(f"experiment {id} is {source}, not {expect} any more; read it again")
            if to not in TRANSITIONS[source]:
                legal = ", ".join(sorted(TRANSITIONS[source])) or "nothing: it has ended"
                raise IllegalMove(f"experiment {id} cannot go from {source} to {to}; from there: {legal}")
            columns = {"state": to.value, "moved": now(), **changes}
            _update(sql, id, columns, source)
            _log_move(sql, id, source, to, by, reason)
        return self.get(id)

    def change(self, id: int, **changes: Any) -> Experiment:
        """Set fields that are not the state: priority, pinned, verdict, quarantined, error."""
        with self.database.transaction() as sql:
            _update(sql, id, changes, None)
        return self.get(id)

    def history(self, id: int) -> list[Move]:
        """Return every move of an experiment: from, to, who, why, when."""
        self.get(id)
        rows = self.database.connection().execute("select * from moves where experiment = ? order by id", (id,))
        return [Move(State(r["source"]) if r["source"] else None, State(r["target"]), r["actor"], r["reason"], r["at"]) for r in rows]

    # -- attempts and runs -------------------------------------------------------------------------------

    def add_attempt(self, experiment: int, *, commit: str, ast_hash: str) -> Attempt:
        with self.database.transaction() as sql:
            number = 1 + sql.execute("select count(*) from attempts where experiment = ?", (experiment,)).fetchone()[0]
            row = sql.execute(
                "insert into attempts (experiment, number, code, ast_hash, created) values (?,?,?,?,?) returning id",
                (experiment, number, commit, ast_hash, now()),
            ).fetchone()
        return Attempt(id=row["id"], experiment=experiment, number=number, commit=commit, ast_hash=ast_hash)

    def attempts(self, experiment: int | None = None) -> list[Attempt]:
        where, args = ("where experiment = ?", (experiment,)) if experiment is not None else ("", ())
        rows = self.database.connection().execute(f"select * from attempts {where} order by id", args)
        return [_attempt(row) for row in rows]

    def attempt(self, id: int) -> Attempt:
        row = self.database.connection().execute("select * from attempts where id = ?", (id,)).fetchone()
        return _attempt(row)

    def twin(self, attempt: Attempt) -> int | None:
        """Return the experiment that had the identical program before this attempt, if any."""
        row = self.database.connection().execute(
            "select a.experiment from attempts a join experiments e on e.id = a.experiment where a.ast_hash = ? and a.id < ?"
            " and a.experiment <> ? and e.state not in ('cancelled') and coalesce(e.outcome, 'ok') = 'ok' order by a.id limit 1",
            (attempt.ast_hash, attempt.id, attempt.experiment),
        ).fetchone()
        return int(row[0]) if row else None

    def plan_run(self, attempt: Attempt, *, kind: RunKind, partition: str, seed: int, fidelity: Fidelity) -> Run:
        with self.database.transaction() as sql:
            row = sql.execute(
                "insert into runs (experiment, attempt, kind, partition, seed, fidelity, status) values (?,?,?,?,?,?,'planned')"
                " returning *",
                (attempt.experiment, attempt.id, kind, partition, seed, fidelity),
            ).fetchone()
        return _run(row)

    def start_run(self, id: int) -> None:
        with self.database.transaction() as sql:
            sql.execute("update runs set status = 'started', started = ? where id = ?", (now(), id))

    def end_run(self, id: int, score: Score, seconds: float) -> Run:
        """Store what the evaluator measured. A run ends once; a second score for it is refused.

        Raises:
            StaleMove: the run has already ended.
        """
        stored = asdict(score)
        units = json.dumps(stored.pop("units"))
        with self.database.transaction() as sql:
            done = sql.execute(
                "update runs set status = 'ended', ended = ?, seconds = ?, score_json = ?, units_json = ?"
                " where id = ? and status != 'ended'",
                (now(), seconds, json.dumps(stored), units, id),
            )
            if done.rowcount != 1:
                raise StaleMove(f"run {id} has already been scored")
        return self.run(id)

    def run(self, id: int) -> Run:
        row = self.database.connection().execute("select * from runs where id = ?", (id,)).fetchone()
        if row is None:
            raise NotFound(f"there is no run {id}")
        return _run(row)

    def runs(self, experiment: int | None = None, *, status: str | None = None) -> list[Run]:
        """Return runs without the units of their scores; `run` returns one with them."""
        clauses = [(f"{column} = ?", value) for column, value in (("experiment", experiment), ("status", status)) if value is not None]
        where = " where " + " and ".join(clause for clause, _ in clauses) if clauses else ""
        rows = self.database.connection().execute(f"select {_RUN_COLUMNS} from runs{where} order by id", [value for _, value in clauses])
        return [_run(row) for row in rows]

    def compute_s(self) -> float:
        """Return the wall seconds of all RUN and SCORE steps so far."""
        return float(self.database.connection().execute("select coalesce(sum(seconds), 0) from runs").fetchone()[0])

    # -- people ------------------------------------------------------------------------------------------

    def command(self, verb: str, *, by: str, **args: Any) -> int:
        """Leave a request for the dispatcher; any process may.

        Raises:
            NotFound: unknown verb.
        """
        if verb not in VERBS:
            raise NotFound(f"unknown command '{verb}'; known: {', '.join(VERBS)}")
        text = sound(json.dumps(args, ensure_ascii=False))
        with self.database.transaction() as sql:
            row = sql.execute(
                "insert into commands (verb, args_json, actor, at) values (?,?,?,?) returning id", (verb, text, sound(by), now())
            ).fetchone()
        return int(row["id"])

    def commands(self, *, state: str | None = None) -> list[Command]:
        where, args = ("where state = ?", (state,)) if state else ("", ())
        rows = self.database.connection().execute(f"select * from commands {where} order by id", args)
        return [
            Command(r["id"], r["verb"], json.loads(r["args_json"]), r["actor"], r["at"], r["state"], r["result"]) for r in rows
        ]

    def settle(self, id: int, *, applied: bool, result: str) -> None:
        """Record what became of a command."""
        with self.database.transaction() as sql:
            sql.execute(
                "update commands set state = ?, result = ?, settled = ? where id = ? and state = 'pending'",
                ("applied" if applied else "refused", result, now(), id),
            )

    def note(self, text: str, *, by: str, experiment: int | None = None) -> int:
        with self.database.transaction() as sql:
            row = sql.execute(
                "insert into notes (author, text, experiment, at) values (?,?,?,?) returning id", (by, text, experiment, now())
            ).fetchone()
        return int(row["id"])

    def notes(self) -> list[Note]:
        rows = self.database.connection().execute("select * from notes order by id")
        return [Note(r["id"], r["author"], r["text"], r["experiment"], r["at"]) for r in rows]

    # -- events, steps, facts ----------------------------------------------------------------------------

    def event(self, kind: str, text: str, *, role: str = "", experiment: int | None = None) -> None:
        """Add a line to the campaign's stream of activity."""
        with self.database.transaction() as sql:
            sql.execute(
                "insert into events (kind, role, experiment, text, at) values (?,?,?,?,?)", (kind, role, experiment, text[:4000], now())
            )

    def events(self, *, after: int = 0, kind: str | None = None) -> list[dict[str, Any]]:
        rows = self.database.connection().execute(
            "select * from events where id > ? and (? is null or kind = ?) order by id", (after, kind, kind)
        )
        return [dict(row) for row in rows]

    def step(self, phase: str, name: str) -> dict[str, Any] | None:
        row = self.database.connection().execute("select * from steps where phase = ? and name = ?", (phase, name)).fetchone()
        return None if row is None else {**dict(row), "result": json.loads(row["result_json"] or "null")}

    def step_finished(self, phase: str, name: str) -> bool:
        known = self.step(phase, name)
        return known is not None and known["status"] == "finished"

    def phase(self) -> str:
        """Return the first phase that has not ended, or `done`."""
        return next((name for name in PHASES if not self.step_finished(name, "phase")), "done")

    def steps(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self.database.connection().execute("select * from steps order by at")]

    def set_step(self, phase: str, name: str, status: str, *, result: Any = None, seconds: float = 0.0) -> None:
        with self.database.transaction() as sql:
            sql.execute(
                "insert into steps (phase, name, status, result_json, seconds, at) values (?,?,?,?,?,?) on conflict (phase, name)"
                " do update set status = excluded.status, result_json = excluded.result_json, seconds = excluded.seconds, at = excluded.at",
                (phase, name, status, json.dumps(result), seconds, now()),
            )

    def fact(self, key: str, default: Any = None) -> Any:
        """Return a small fact about the campaign: stop_reason, sandbox, harness, certificate, sealed."""
        row = self.database.connection().execute("select value_json from facts where key = ?", (key,)).fetchone()
        return default if row is None else json.loads(row[0])

    def set_fact(self, key: str, value: Any) -> None:
        with self.database.transaction() as sql:
            put_fact(sql, key, value)


def put_fact(sql: sqlite3.Connection, key: str, value: Any) -> None:
    """Store a fact within a transaction that stores more than it."""
    sql.execute(
        "insert into facts (key, value_json) values (?,?) on conflict (key) do update set value_json = excluded.value_json",
        (key, json.dumps(value)),
    )


def sound(text: str) -> str:
    """Return a text that every reader can encode: half a character, as a script or a click may send it, becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def clean_name(name: str) -> str:
    """Return a name that is also a folder name: at most 60 of letters, digits, underscore."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60] or "experiment"


def _free_name(sql: sqlite3.Connection, wanted: str) -> str:
    name, number = clean_name(wanted), 2
    while sql.execute("select 1 from experiments where name = ?", (name,)).fetchone():
        name, number = f"{clean_name(wanted)}_{number}", number + 1
    return name


_CHANGEABLE = {"state", "moved", "outcome", "verdict", "error", "fixes", "quarantined", "fidelity", "priority", "pinned", "parent"}


def _update(sql: sqlite3.Connection, id: int, columns: dict[str, Any], source: State | None) -> None:
    unknown = set(columns) - _CHANGEABLE
    if unknown:
        raise ValueError(f"not changeable: {sorted(unknown)}")
    sets = ", ".join(f"{column} = ?" for column in columns)
    guard = " and state = ?" if source else ""
    done = sql.execute(
        f"update experiments set {sets} where id = ?{guard}", [*columns.values(), id, *([source.value] if source else [])]
    )
    if done.rowcount != 1:
        raise StaleMove(f"experiment {id} was moved by somebody else; read it again")


def _log_move(sql: sqlite3.Connection, id: int, source: State | None, target: State, by: str, reason: str) -> None:
    sql.execute(
        "insert into moves (experiment, source, target, actor, reason, at) values (?,?,?,?,?,?)",
        (id, source, target, by, reason, now()),
    )


def _experiment(row: sqlite3.Row) -> Experiment:
    values = dict(row)
    predicted = {name: values.pop(name) for name in ("expected", "low", "high", "over", "model")}
    values["predicted"] = None if predicted["expected"] is None else Prediction(**predicted)
    values["config"] = json.loads(values.pop("config_json"))
    values["state"] = State(values["state"])
    values["quarantined"], values["pinned"] = bool(values["quarantined"]), bool(values["pinned"])
    return Experiment(**values)


def _attempt(row: sqlite3.Row) -> Attempt:
    return Attempt(id=row["id"], experiment=row["experiment"], number=row["number"], commit=row["code"], ast_hash=row["ast_hash"])


def _run(row: sqlite3.Row) -> Run:
    values = dict(row)
    stored, units = values.pop("score_json"), values.pop("units_json", None)
    return Run(**values, score=score_from({**json.loads(stored), "units": json.loads(units or "[]")}) if stored else None)


def score_from(values: dict[str, Any]) -> Score:
    """Rebuild a Score from its stored form."""
    units: Iterable[list[Any]] = values.get("units", ())
    return Score(**{**values, "units": tuple((str(k), float(v)) for k, v in units), "gates": tuple(values.get("gates", ()))})
