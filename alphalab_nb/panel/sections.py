"""What the panel shows beside the cards, as JSON data; a section is sent again when its data have changed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict, astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_runtime_dir

from alphalab_nb.beneath import passage
from alphalab_nb.judge.leaders import Sample, completed
from alphalab_nb.parts import Parts
from alphalab_nb.process import is_locked
from alphalab_nb.resources import cores
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.course import course
from alphalab_nb.storage.feed import CARD, Feed, ranked_cards
from alphalab_nb.storage.leaderboard import Row
from alphalab_nb.storage.patches import Patches
from alphalab_nb.storage.questions import Questions
from alphalab_nb.storage.rulings import Rulings
from alphalab_nb.workspace import PHASES

Cards = dict[int, list[Any]]
"""The cards as they are now, by experiment."""

_PLAN = re.compile(r"^\s*[-*] \[([ xX])\] (.+)$", re.MULTILINE)
_MILESTONE = re.compile(r"^milestone_(\d+)\.md$")
_FILE_CHARS = 20_000
_TEXT_CHARS = 2_000
_COMMANDS = 30
_BUDGET = ("max_experiments", "max_runs", "wall_s", "usd", "tokens")
_POINTS = 200
"""Of a line in a plot, about."""
_LOOKS = 20
"""Tests of the Judge, the newest."""
_ROWS = 50
"""Lines of one table of costs."""
_LEADERS = 200
"""Lines of the leaderboard that are told what may be luck; whoever looks further down looks for something else."""


def campaign(parts: Parts, cards: Cards) -> dict[str, Any]:
    """Name, task, state, budget and policy."""
    board, executor = parts.board, parts.config.executor
    sealed = board.fact("sealed")
    return {
        "name": parts.config.name, "objective": parts.config.objective, "metric": asdict(parts.metric), **_where(parts),
        "running": running(parts), "paused": bool(board.fact("paused", False)), "stopping": bool(board.fact("stopping", False)),
        "outage": board.fact("outage"), "stop_reason": board.fact("stop_reason"), "sandbox": (board.fact("sandbox") or {}).get("level"),
        "harness": (board.fact("harness") or "")[:12], "baselines": (board.fact("baselines") or {}).get("search", {}),
        "certificate": _certificate(board),
        "sealed": None if sealed is None else {"opening": sealed.get("opening", 1),
                                               **{key: sealed[key] for key in ("score", "confirm", "search", "baselines")}},
        "slots": executor.slots or max(1, len(cores()) // executor.cores_per_slot),
        "slots_busy": sum(card[CARD.index("job")] is not None for card in cards.values()), "experiments": len(cards),
        "limits": {name: getattr(parts.limits(), name) for name in _BUDGET}, "policy": parts.policy().model_dump(),
        "families": {recipe.family: list(recipe.spec.params) for recipe in parts.recipes},
        "root": str(parts.workspace.root), "lab_root": lab_path(parts.workspace.root),
    }


def _certificate(board: Board) -> dict[str, Any] | None:
    """The certified baseline and the smallest gain over it that can be detected; None before there is one."""
    known = board.fact("certificate")
    return known and {key: known.get(key) for key in ("baseline", "value", "low", "high", "band", "mde", "repeats")}


def running(parts: Parts) -> bool:
    """Whether a process runs this campaign now."""
    return is_locked(parts.workspace.root / ".run.lock") or is_locked(parts.workspace.lock)


def lab_path(root: Path) -> str | None:
    """Return the path of a folder as the Jupyter server that started this kernel names it; None outside of the server's folder.

    A server tells its own folder in the runtime directory, in a file named by its process, which is the kernel's parent.
    """
    told = Path(jupyter_runtime_dir()) / f"jpserver-{os.getppid()}.json"
    try:
        served = Path(json.loads(told.read_text(encoding="utf-8"))["root_dir"]).resolve()
    except (OSError, ValueError, KeyError):
        return None
    return str(root.relative_to(served)) if root.is_relative_to(served) else None


def _where(parts: Parts) -> dict[str, str]:
    steps, phase = parts.board.steps(), parts.board.phase()
    now = [row["name"] for row in steps if row["phase"] == phase and row["status"] == "started" and row["name"] != "phase"]
    return {"phase": phase, "step": now[-1] if now else ""}


def judge(parts: Parts, cards: Cards) -> dict[str, Any]:
    """The newest looks at confirm with their numbers, and what is left of the campaign's error probability."""
    alpha, rulings = parts.config.judge.alpha, Rulings(parts.board.database)
    looks = [asdict(ruling) for ruling in rulings.list() if ruling.p_value is not None]
    return {"alpha": alpha, "left": max(0.0, alpha - rulings.alpha_spent()), "looks": clipped(looks[-_LOOKS:]), "all": len(looks)}


def phases(parts: Parts, cards: Cards) -> dict[str, Any]:
    """Phases with their steps, the plan of the exploration, findings, the newest milestone, patches and files."""
    steps = parts.board.steps()
    patches = Patches(parts.board.database, parts.workspace, parts.snapshots).list()
    return {
        "phases": [_phase(parts, name, steps) for name in PHASES],
        "plan": [{"done": mark != " ", "text": text[:_TEXT_CHARS]} for mark, text in _PLAN.findall(_text(parts, "explore/plan.md"))],
        "findings": _findings(parts), "milestone": _milestone(parts, cards),
        "patches": [{**asdict(patch), "diff": patch.diff[:_FILE_CHARS]} for patch in patches],
        "files": [{"label": label, "path": path} for label, path in _FILES.items() if (parts.workspace.root / path).exists()],
    }


_FILES = {
    "Exploration": "explore/report.ipynb", "Data report": "explore/data_report/report.md", "Learnings": "explore/learnings.md",
    "Plan": "explore/plan.md", "Domain knowledge": "adapter/domain_knowledge.md", "Playbook": "playbook.md", "Report": "report.html",
    "Settings": "campaign.yaml",
}


def _phase(parts: Parts, name: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    own = [row for row in steps if row["phase"] == name]
    whole = next((row for row in own if row["name"] == "phase"), None)
    notebook = parts.workspace.notebook(name)
    return {
        "name": name, "state": whole["status"] if whole else "not begun", "seconds": round(whole["seconds"], 1) if whole else 0,
        "notebook": str(notebook.relative_to(parts.workspace.root)) if notebook.exists() else None,
        "steps": [{"name": row["name"], "status": row["status"], "seconds": round(row["seconds"], 1)}
                  for row in own if row["name"] != "phase"],
    }


def _findings(parts: Parts) -> list[dict[str, Any]]:
    """Return what the Critic and the Tester found, newest round first; only those of the last round are open."""
    rounds = parts.board.fact("findings") or []
    return [
        {**{key: finding.get(key) for key in ("severity", "file", "line")}, "message": str(finding.get("message") or "")[:_TEXT_CHARS],
         "open": held is rounds[-1]}
        for held in reversed(rounds) for finding in held.get("findings", [])
    ]


def _milestone(parts: Parts, cards: Cards) -> dict[str, Any] | None:
    """Return the newest milestone; credible is what the ranking rests on, flagged what no reader may take for a result."""
    numbered = [(int(found[1]), path) for path in parts.workspace.reports.glob("milestone_*.md") if (found := _MILESTONE.match(path.name))]
    if not numbered:
        return None
    number, path = max(numbered)
    seen = [dict(zip(CARD, card, strict=True)) for card in cards.values()]
    ranked = ranked_cards(seen, parts.metric, parts.board.fact("harness"))
    flagged = [c for c in seen if c["quarantined"]]
    return {
        "number": number, "text": _text(parts, str(path.relative_to(parts.workspace.root))), "file": f"reports/{path.name}",
        "credible": [f"#{c['id']} {c['name']}" for c in ranked[:3]], "flagged": [f"#{c['id']} {c['name']}" for c in flagged[:20]],
    }


def leaderboard(parts: Parts, cards: Cards) -> dict[str, Any]:
    """What may be luck in the best scores and what their compute says, by experiment; and whose compute is one."""
    seen = (dict(zip(CARD, card, strict=True)) for card in cards.values())
    ranked = ranked_cards(seen, parts.metric, harness := parts.board.fact("harness") or "")
    default = next((card for card in ranked if card["stage"] == "defaults"), None)
    held = default or min(ranked, key=lambda card: card["id"], default=None)
    rows = completed(
        [_row(card, harness) for card in ranked[:_LEADERS]], [Sample(card["score"], card["n"], card["sd"]) for card in ranked],
        board=parts.board, metric=parts.metric, held=_row(held, harness) if held else None,
    )
    shown = ("shrunken", "low", "high", "compute_ratio", "note")
    return {"reference": held["id"] if held else None, "rows": {str(row.id): {name: getattr(row, name) for name in shown} for row in rows}}


def _row(card: dict[str, Any], harness: str) -> Row:
    """Return a card as a line of the leaderboard, as far as a card tells it."""
    return Row(rank=0, id=card["id"], name=card["name"], family=card["family"], score=card["score"], n=card["n"], fidelity="full",
               evaluator=harness, code="", seconds=card["seconds"], compute_s=card["cpu"])


def playbook(parts: Parts, cards: Cards) -> dict[str, Any]:
    """Entries with how far they stand and how often they were cited, retired ones too, and how the active ones have grown (words)."""
    standings = parts.playbook.standings()
    entries = [{**asdict(entry), "claim": entry.claim[:_TEXT_CHARS], "standing": {**asdict(standings[entry.id]),
                "said": str(standings[entry.id])}} for entry in parts.playbook.entries(retired=True)]
    return {"entries": entries, "growth": parts.playbook.growth()[-_POINTS:]}


def learning(parts: Parts, cards: Cards) -> list[tuple[int | None, ...]]:
    """The course of the playbook: rows of experiments proposed, entries in force, not firm (None: not known), retired, citations."""
    moments = course(parts.playbook)
    apart = max(1, len(moments) // _POINTS)
    return [astuple(moment) for place, moment in enumerate(moments) if place % apart == 0 or place == len(moments) - 1]


def people(parts: Parts, cards: Cards) -> dict[str, Any]:
    """Commands and what became of them, questions of agents, notes, and the chat."""
    commands = Feed(parts.board.database).commands(most=200)
    chat = [{"id": c["id"], "question": str(c["args"].get("text", ""))[:_TEXT_CHARS], "by": c["actor"], "at": c["at"],
             "answer": None if c["state"] == "pending" else c["result"][:_FILE_CHARS], "answered_at": c["settled"]}
            for c in commands if c["verb"] == "ask"]
    rest = [{**c, "args": clipped(c["args"]), "result": c["result"][:_TEXT_CHARS]} for c in commands if c["verb"] != "ask"]
    questions = Questions(parts.board.database).list()
    return {
        "commands": rest[-_COMMANDS:], "questions": [clipped(asdict(question)) for question in questions[-20:]],
        "notes": [clipped(asdict(note)) for note in parts.board.notes()[-50:]], "chat": chat[-20:],
    }


def spending(parts: Parts, cards: Cards) -> dict[str, Any]:
    """Totals, tables, and what the whole campaign will cost if it goes on like this."""
    total, by = parts.ledger.total(), parts.ledger.by
    models = by("model")
    done = sum(card[CARD.index("state")] in ("analyzed", "done") for card in cards.values())
    forecast = total.usd / done * max(done, parts.limits().max_experiments) if done and total.usd else None
    return {
        "usd": total.usd, "input_tokens": total.input_tokens, "cached_tokens": total.cached_tokens, "output_tokens": total.output_tokens,
        "requests": sum(row["calls"] for row in models), "unpriced": sum(row["unpriced"] for row in models),
        "cache_share": total.cached_tokens / total.input_tokens if total.input_tokens else None, "forecast_usd": forecast,
        "by_role": by("role"), "by_phase": by("phase"), "by_model": models,
        "by_experiment": [row for row in by("experiment") if row["experiment"] is not None][:_ROWS],
        "wall_s": parts.board.fact("wall_s", 0.0), "compute_s": round(total.compute_s, 1),
    }


def working(parts: Parts, cards: Cards) -> list[dict[str, Any]]:
    """Conversations that are going on: experiment, role, notebook, since."""
    found: list[dict[str, Any]] = []
    for row in Feed(parts.board.database).working() if running(parts) else []:
        notebook = row["key"].partition("/")[2]
        number = re.match(r"(\d{3,})_", notebook)
        found.append({"experiment": int(number[1]) if number else None, "role": row["role"], "notebook": f"agents/{notebook}.ipynb",
                      "since": row["since"]})
    return found


SECTIONS: dict[str, Callable[[Parts, Cards], Any]] = {
    "campaign": campaign, "leaderboard": leaderboard, "judge": judge, "phases": phases, "playbook": playbook, "learning": learning,
    "people": people, "spending": spending, "working": working,
}
"""A new section is a line here, a file in frontend/ that draws it, and its table in static.py."""


def clipped(value: Any, chars: int = _TEXT_CHARS) -> Any:
    """Return JSON data with long texts shortened; what is left out is said."""
    if isinstance(value, str):
        return value if len(value) <= chars else f"{value[:chars]} [{len(value) - chars} characters left out]"
    if isinstance(value, dict):
        return {str(key)[:200]: clipped(item, chars) for key, item in list(value.items())[:200]}
    if isinstance(value, list | tuple):
        return [clipped(item, chars) for item in value[:500]]
    return value


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _text(parts: Parts, name: str) -> str:
    """Return the beginning of a file of the workspace that agents may have left; empty if there is none, or a link in its place."""

    return passage(parts.workspace.root, parts.workspace.root / name, _FILE_CHARS) or ""
