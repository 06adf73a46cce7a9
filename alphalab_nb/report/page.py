"""The written reports: report.html, one file that needs nothing else, and the milestones in Markdown."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from alphalab_nb.config import CampaignConfig
from alphalab_nb.metric import Metric
from alphalab_nb.partitions import Partitions
from alphalab_nb.process import write_atomic
from alphalab_nb.report.decisions import decisions
from alphalab_nb.report.figures import convergence, family_shares, full_scores, playbook_growth
from alphalab_nb.report.foresight import predictions
from alphalab_nb.report.judging import judge_record, kept_again, mean_fading
from alphalab_nb.report.openings import openings_table
from alphalab_nb.report.tables import budget_by_stage, experiment_spending, failures, gap_table, leaderboard_table, sealed_table, spending
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import Experiment, State
from alphalab_nb.storage.harnesses import retired
from alphalab_nb.storage.leaderboard import ranking, unranked
from alphalab_nb.storage.ledger import Ledger
from alphalab_nb.storage.openings import Openings
from alphalab_nb.storage.patches import Patches
from alphalab_nb.storage.playbook import KINDS, Playbook
from alphalab_nb.storage.rulings import Rulings
from alphalab_nb.storage.snapshots import Snapshots
from alphalab_nb.workspace import PHASES, Workspace


def write_report(workspace: Workspace, board: Board, playbook: Playbook, ledger: Ledger, metric: Metric, config: CampaignConfig) -> Path:
    """Write report.html from what the board holds now, and return its path."""
    kept = kept_again(board, metric)
    partitions = Partitions(workspace.root)
    opened = openings_table(board, partitions)
    text = _templates(html=True).get_template("report.html.j2").render(
        config=config,
        metric=metric,
        offline=_offline(config),
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        phases=[(phase, _status(board, phase)) for phase in PHASES],
        stop_reason=board.fact("stop_reason"),
        sandbox=_sandbox(board),
        harness=board.fact("harness") or "not frozen yet", retired=retired(board),
        flagged=_flagged(board, smoke=False),
        reads={name: partitions.reads(name) for name in ("confirm", "sealed")},
        opened=len(partitions.openings("sealed")), openings=_html(opened) if len(opened) > 1 else "", newer=Openings(board).newer_scores(),
        blind=next(iter(Openings(board).list()), None),
        sealed=board.fact("sealed"), families=_families(board, metric),
        verified=_verified(board),
        ahead=metric.ahead(sealed["score"], sealed["baselines"]) if (sealed := board.fact("sealed")) else [],
        counts={state.value: count for state, count in board.counts().items() if count},
        convergence=convergence(board, metric),
        family_shares=family_shares(board, metric),
        playbook_growth=playbook_growth(playbook), standings=playbook.standings(),
        predictions=_html(predictions(board, metric), percents=("sign right", "inside 80 %")),
        leaderboard=_html(leaderboard_table(board, metric)),
        ranked=len(ranking(board, metric, board.fact("harness"))), unranked=unranked(board, board.fact("harness")),
        stages=_html(budget_by_stage(board, metric)),
        failures=_html(failures(board)),
        sealed_table=_html(sealed_table(board, metric), signed=("loss difference", "low", "high"), shares=("better by",)),
        gap_table=_html(gap_table(board), shares=("skill", "skill low", "skill high")), certificate=board.fact("certificate"),
        confirmed=_html(_confirmed(board)),
        judged=_html(judge_record(board, config.judge.alpha), signed=("gain", "low", "high")), alpha=config.judge.alpha,
        alpha_left=max(0.0, config.judge.alpha - Rulings(board.database).alpha_spent()),
        kept=_html(kept, shares=("gain first", "gain again", "faded")), faded=mean_fading(kept),
        spending=_html(spending(ledger)), by_experiment=_html(experiment_spending(ledger)) if ledger.total().usd else "",
        spent=ledger.total(),
        wall_s=board.fact("wall_s", 0.0),
        lessons=[(kind, [entry for entry in playbook.entries() if entry.kind == kind]) for kind in KINDS],
        notes=board.notes(),
        decisions=decisions(board, playbook, Patches(board.database, workspace, Snapshots(workspace)).list(), metric),
        findings=board.fact("findings") or [],
    )
    write_atomic(workspace.report, text)
    return workspace.report


def milestone(board: Board, metric: Metric, *, number: int) -> str:
    """Return a milestone report: best so far, trajectory, what is flagged, what to look at next (paper, section 2)."""
    ranked = ranking(board, metric, board.fact("harness"))
    experiments = board.list()
    trajectory: list[tuple[int, float, int]] = []
    for place, (run, value) in enumerate(full_scores(board, metric), start=1):
        if metric.better(value, trajectory[-1][1] if trajectory else None):
            trajectory.append((place, value, run.experiment))
    return _templates(html=False).get_template("milestone.md.j2").render(
        number=number, metric=metric, ranked=ranked[:5], names={e.id: e.name for e in experiments}, trajectory=trajectory,
        counts={state.value: count for state, count in board.counts().items() if count},
        flagged=_flagged(board), advice=_advice(board, metric, len(trajectory), trajectory[-1][0] if trajectory else 0),
        baselines=(board.fact("baselines") or {}).get("search", {}),
    )


# -- parts ---------------------------------------------------------------------------------------------------


def _templates(*, html: bool) -> jinja2.Environment:
    def load(name: str) -> str:
        return files("alphalab_nb").joinpath("templates", name).read_text(encoding="utf-8")

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(load), undefined=jinja2.StrictUndefined, autoescape=html, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = number_text
    environment.filters["sentence"] = lambda text: f"{text[:1].upper()}{text[1:]}."
    return environment


def number_text(value: Any) -> str:
    """Return a number with as many digits as a reader needs; nothing for what is not known."""
    if value is None or (isinstance(value, float) and value != value):
        return "–"
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.5g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _html(frame: pd.DataFrame, *, signed: tuple[str, ...] = (), shares: tuple[str, ...] = (), percents: tuple[str, ...] = ()) -> str:
    """Return a table, or nothing if it has no rows."""
    if frame.empty:
        return ""
    shown = frame.reset_index().astype(object)
    for name in shown.columns:
        style = "{:+.3g}" if name in signed else "{:+.1%}" if name in shares else "{:.0%}" if name in percents else ""
        shown[name] = [str(value) if name == "id" else style.format(value) if style and isinstance(value, float) and value == value
                       else number_text(value) for value in shown[name]]
    return shown.to_html(index=False, border=0, escape=True)


def _status(board: Board, phase: str) -> str:
    known = board.step(phase, "phase")
    return "not begun" if known is None else f"{known['status']}, {known['seconds']:.0f} s" if known["seconds"] else str(known["status"])


def _offline(config: CampaignConfig) -> bool:
    models = [config.llm] if isinstance(config.llm, str) else list(config.llm.values())
    return all(model == "offline" for model in models)


def _sandbox(board: Board) -> str:
    """Return what the sandbox level in force covers; the description begins with the level."""
    known = board.fact("sandbox") or {}
    return str(known.get("covers") or known.get("level") or "not chosen yet")


def _confirmed(board: Board) -> pd.DataFrame:
    """Return search, confirm and sealed scores of the candidates side by side: what choosing the best had added by luck."""
    known = board.step("report", "confirm_best")
    rows = (known or {}).get("result") or {}
    sealed = board.fact("sealed") or {}
    table = pd.DataFrame(rows.get("rows", []), columns=["id", "name", "family", "stage", "search", "confirm"])
    if not table.empty and sealed:
        scores = {row["champion"]: row["score"] for row in sealed.get("families", [sealed])}
        scores |= {entry["id"]: entry["score"] for entry in sealed.get("references", [])}
        table["sealed"] = [scores.get(id) for id in table["id"]]
    return table.set_index("id")


def _families(board: Board, metric: Metric) -> dict[str, int] | None:
    """Return how many families have a champion with a sealed score, one better than their baseline, a proven one; None of one contest."""
    sealed = board.fact("sealed") or {}
    if "families" not in sealed:
        return None
    scored = [row for row in sealed["families"] if row["score"] is not None]
    ahead = [row for row in scored if metric.better(row["score"], sealed["baselines"].get(row["family"]))]
    return {"scored": len(scored), "attempted": sealed["attempted"], "better": len(ahead),
            "proven": sum(row["claim"]["proven"] for row in scored)}


def _verified(board: Board) -> list[str]:
    """Return a line for each candidate that was run again from a clean copy before the sealed test, the champion last."""
    known = board.step("report", "verify_champion") or {}
    result = known.get("result") or {}
    if known.get("status") == "failed":
        return [str(result.get("error", ""))]
    return [f"#{row['id']} {row['verdict']} ({row['notebook']})" for row in result.get("rows", [])]


def _flagged(board: Board, *, smoke: bool = True) -> list[str]:
    """Return what a reader must not take for a result: suspicious, or (`smoke`) measured on smoke only."""
    lines: list[str] = []
    for experiment in board.list():
        if experiment.quarantined or experiment.verdict == "quarantine":
            lines.append(f"#{experiment.id} {experiment.name}: quarantined, not ranked")
        elif not smoke or experiment.fidelity != "smoke":
            continue
        elif experiment.state in (State.CHECKED, State.CANCELLED) and _scored(board, experiment):
            lines.append(f"#{experiment.id} {experiment.name}: smoke score only, not ranked")
    return lines


def _scored(board: Board, experiment: Experiment) -> bool:
    return any(run.score is not None and run.score.ok for run in board.runs(experiment.id, status="ended"))


def _advice(board: Board, metric: Metric, improvements: int, last: int) -> list[str]:
    """Return what the numbers suggest to look at."""
    experiments, total = board.list(), len(full_scores(board, metric))
    failed = [e for e in experiments if e.outcome == "failed"]
    lines: list[str] = []
    if total and total - last >= 10:
        lines.append(f"No improvement in the last {total - last} full scores: widen the search, or stop.")
    if len(failed) >= 3 and len(failed) > 0.2 * len(experiments):
        lines.append(f"{len(failed)} of {len(experiments)} experiments failed: look at the failures before going on.")
    families = {e.family for e in experiments}
    crowded = [f for f in sorted(families) if len(experiments) >= 10 and sum(e.family == f for e in experiments) > 0.5 * len(experiments)]
    lines += [f"More than half of the experiments are of the family {family}: try others." for family in crowded]
    return lines or ["Nothing unusual."]
