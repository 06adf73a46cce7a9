"""Tables about a campaign as data frames, from the board and the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pandas as pd

from alphalab_nb.judge.leaders import leaderboard
from alphalab_nb.metric import Metric
from alphalab_nb.report.figures import full_scores
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import Experiment, Run, State
from alphalab_nb.storage.leaderboard import ASIDE
from alphalab_nb.storage.ledger import Ledger


def leaderboard_table(board: Board, metric: Metric, *, top: int = 20) -> pd.DataFrame:
    """Return the best experiments: full scores of the present harness, best first; see `Row` for the columns."""
    rows = leaderboard(board, metric, board.fact("harness"))[:top]
    columns = ["rank", "id", "name", "family", "score", "shrunken", "low", "high", "n", "fidelity", "compute_s", "compute_ratio", "matched",
               "note", "seconds", "evaluator", "code"]
    return pd.DataFrame([{name: getattr(row, name) for name in columns} for row in rows], columns=columns).set_index("rank")


def budget_by_stage(board: Board, metric: Metric) -> pd.DataFrame:
    """Return what each stage of the search used and gave: improvements are full scores that beat everything before them.

    Compute is that of the search runs in seconds; confirming and the sealed test belong to no stage.
    """
    stages: dict[str, dict[str, Any]] = {}
    stage_of = {experiment.id: experiment.stage or "none" for experiment in board.list()}
    seconds: dict[int, float] = defaultdict(float)
    for run in board.runs(status="ended"):
        if run.partition == "search" and run.kind not in (*ASIDE, "rescore"):
            seconds[run.experiment] += run.seconds
    for experiment in board.list():
        row = stages.setdefault(stage_of[experiment.id], {"experiments": 0, "full scores": 0, "failed": 0, "dropped": 0, "improvements": 0,
                                                          "best": None, "compute_s": 0.0})
        row["experiments"] += 1
        row["failed"] += experiment.outcome == "failed"
        row["dropped"] += experiment.state is State.CANCELLED
        row["compute_s"] += seconds[experiment.id]
    best: float | None = None
    for run, value in full_scores(board, metric):
        row = stages[stage_of[run.experiment]]
        row["full scores"] += 1
        row["improvements"] += metric.better(value, best)
        row["best"] = value if metric.better(value, row["best"]) else row["best"]
        best = value if metric.better(value, best) else best
    columns = ["stage", "experiments", "full scores", "failed", "dropped", "improvements", "best", "compute_s"]
    return pd.DataFrame([{"stage": stage, **row} for stage, row in stages.items()], columns=columns).set_index("stage")


def failures(board: Board) -> pd.DataFrame:
    """Return every experiment that failed at least once, with the evaluator's label and the last line of the error."""
    rows = [_failure(board, experiment) for experiment in board.list()]
    columns = ["id", "name", "family", "label", "fixes", "end", "error"]
    return pd.DataFrame([row for row in rows if row], columns=columns).set_index("id")


def _failure(board: Board, experiment: Experiment) -> dict[str, Any] | None:
    ended = [run for run in board.runs(experiment.id, status="ended") if run.kind not in ASIDE or run.partition != "search"]
    failed = [(run, run.score) for run in ended if run.score is not None and not run.score.ok]
    if not failed and experiment.outcome != "failed":
        return None
    error = experiment.error or (failed[-1][1].error if failed else "")
    return {
        "id": experiment.id, "name": experiment.name, "family": experiment.family,
        "label": failed[-1][1].label if failed else error.split(":", 1)[0], "fixes": experiment.fixes,
        "end": _end(experiment, failed[-1][0]) if failed else experiment.outcome, "error": _last_line(error),
    }


def _end(experiment: Experiment, failed: Run) -> str:
    """Return what became of an experiment after its newest failed run."""
    if experiment.outcome != "ok":
        return experiment.outcome or str(experiment.state)
    if failed.partition != "search":
        return f"no {failed.partition} score"
    if failed.kind == "rescore":
        return "no score of the newer harness"
    return "repaired" if experiment.fixes else "run again"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


_SPENT = ["calls", "fresh_tokens", "cached_tokens", "cache_write_tokens", "input_tokens", "output_tokens", "usd"]


def spending(ledger: Ledger) -> pd.DataFrame:
    """Return calls, tokens and dollars by phase, role and model; input tokens are fresh, read from a cache and written to it."""
    rows = ledger.by("phase", "role", "model")
    return pd.DataFrame(rows, columns=["phase", "role", "model", *_spent(rows)]).set_index(["phase", "role", "model"])


def experiment_spending(ledger: Ledger) -> pd.DataFrame:
    """Return calls, tokens and dollars by experiment, the dearest first; what no experiment is charged with is left out."""
    rows = [row for row in ledger.by("experiment") if row["experiment"] is not None]
    return pd.DataFrame(rows, columns=["experiment", *_spent(rows)]).set_index("experiment")


def _spent(rows: list[dict[str, Any]]) -> list[str]:
    """Return the columns that say something: responses without a price, or without usage, only where there are some."""
    return [*_SPENT, *(name for name in ("unpriced", "usage_missing") if any(row[name] for row in rows))]


def sealed_table(board: Board, metric: Metric | None = None) -> pd.DataFrame:
    """Return the sealed test: champion, the same program as first fitted, references and baselines.

    With the metric, `better by` is how much better the champion is than the row, as a fraction. Where each family solves a problem of its
    own it is the table of families, see `families_table`.
    """
    sealed: Mapping[str, Any] = board.fact("sealed") or {}
    if "families" in sealed:
        return families_table(sealed)
    columns = ["what", "score", "better by", "loss difference", "low", "high", "units"]
    if not sealed:
        return pd.DataFrame(columns=columns).set_index("what")
    score = sealed["score"]
    champion = f"champion #{sealed['champion']}{', fitted again' if sealed.get('refit') else ''}"
    rows: list[dict[str, Any]] = [{"what": champion, "score": score}]
    if sealed.get("refit") and sealed.get("fixed_score") is not None:
        rows.append({"what": "champion, as fitted on explore", "score": sealed["fixed_score"]})
    rows += [_reference(entry) for entry in sealed.get("references", [])]
    rows += [{"what": f"baseline {name}", "score": value} for name, value in sorted(sealed.get("baselines", {}).items())]
    for row in rows[1:]:
        if metric is not None and row["score"] is not None:
            row["better by"] = metric.improvement(score, row["score"])
    return pd.DataFrame(rows, columns=columns).set_index("what")


FAMILIES = ["family", "champion", "search", "confirm", "sealed", "from", "to", "against", "p", "proven", "note"]


def families_table(sealed: Mapping[str, Any]) -> pd.DataFrame:
    """Return the champion of each family on search, confirm and sealed, best first.

    From and to are the interval that the harness gives with the sealed score, `against` what it says that the score is relative to; p is
    the Judge's, one-sided, on confirm.
    """
    rows = sorted(sealed["families"], key=lambda row: (row["score"] is None, -abs(row["score"] or 0.0)))
    return pd.DataFrame([_family(row) for row in rows], columns=FAMILIES).set_index("family")


def _family(row: Mapping[str, Any]) -> dict[str, Any]:
    claim, known = row["claim"], row["secondary"]
    low, high = known.get("interval") or (None, None)
    return {
        "family": row["family"], "champion": f"#{row['champion']} {row['name']}", "search": row["search"], "confirm": row["confirm"],
        "sealed": row["score"], "from": low, "to": high, "against": known.get("baseline", claim["against"]), "p": claim["p_value"],
        "proven": "kept" if claim["kept"] else "yes" if claim["proven"] else "no", "note": _last_line(row["error"]),
    }


def gap_table(board: Board) -> pd.DataFrame:
    """Return the champion on search, confirm and sealed, beside the same baseline on the same rows: what the search saw and what held.

    Intervals are 95 %; the champion is the program as searched, for a refit would have seen more than the baseline.
    """
    sealed: Mapping[str, Any] = board.fact("sealed") or {}
    columns = ["partition", "score", "low", "high", "baseline", "baseline score", "skill", "skill low", "skill high", "windows"]
    return pd.DataFrame([_gap_row(row) for row in sealed.get("gap", [])], columns=columns).set_index("partition")


def _gap_row(row: Mapping[str, Any]) -> dict[str, Any]:
    low, high = row.get("interval") or (None, None)
    skill_low, skill_high = row.get("skill_interval") or (None, None)
    return {
        "partition": row["partition"], "score": row["score"], "low": low, "high": high, "baseline": row["baseline"],
        "baseline score": row.get("baseline_score"), "skill": row.get("skill"), "skill low": skill_low, "skill high": skill_high,
        "windows": row.get("n"),
    }


def _reference(entry: Mapping[str, Any]) -> dict[str, Any]:
    difference = entry.get("loss_difference") or {}
    return {
        "what": f"default #{entry['id']} {entry['name']}", "score": entry["score"], "loss difference": difference.get("mean"),
        "low": difference.get("low"), "high": difference.get("high"), "units": difference.get("n"),
    }
