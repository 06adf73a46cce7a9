"""What the command line prints for people: progress bars and tables. Knows only what a campaign says about itself."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from alphalab_nb.storage.experiment import State
from alphalab_nb.workspace import PHASES

if TYPE_CHECKING:
    from alphalab_nb.campaign import Campaign

_console = Console(width=None if sys.stdout.isatty() else 120)
_TOP = 15
"""Lines of a leaderboard that are printed; the rest is in the report."""


class Progress:
    """A bar for the phases and one for the experiments; on a plain stream (a log file) one line per change."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._bars = Bars(
            SpinnerColumn(), TextColumn("{task.fields[label]:<12}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("{task.description}"), console=_console, transient=False,
        )
        self._phases = self._bars.add_task("", label="phases", total=len(PHASES), completed=self._ended())
        self._experiments = self._bars.add_task("", label="experiments", total=campaign.parts.limits().max_experiments, visible=False)
        self._last = ""

    def __enter__(self) -> Progress:
        if _console.is_terminal:
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bars.update(self._phases, completed=self._ended())
        if _console.is_terminal:
            self._bars.stop()

    def update(self, phase: str, text: str) -> None:
        """Show what happens now."""
        if not _console.is_terminal:
            self._line(phase, text)
            return
        self._bars.update(self._phases, completed=PHASES.index(phase), description=f"{phase}: {text}")
        if phase == "experiment":
            most = self._campaign.parts.limits().max_experiments
            self._bars.update(self._experiments, completed=self._judged(), total=most, visible=True, description="")

    def _line(self, phase: str, text: str) -> None:
        line = f"[{PHASES.index(phase) + 1}/{len(PHASES)}] {phase}: {text}"
        if line != self._last:
            _console.print(line, markup=False, highlight=False, soft_wrap=True)
            self._last = line

    def _ended(self) -> int:
        return sum(self._campaign.finished(name) for name in PHASES)

    def _judged(self) -> int:
        counts = self._campaign.board.counts()
        return counts[State.ANALYZED] + counts[State.DONE] + counts[State.CANCELLED]


def show_summary(campaign: Campaign) -> None:
    """Print how a campaign ended: leaderboard, sealed test beside the baselines, spending by stage, where the report is."""
    if campaign.config.llm == "offline":
        _console.print("offline researcher: rule-based, no language model", style="dim")
    show_leaderboard(campaign.leaderboard_data())
    status = campaign.status()
    if status["sealed"] is not None:
        _console.print(_sealed_table(status["sealed"], campaign.parts.metric.name, status["openings"]))
        _openings(status["openings"])
        ahead = campaign.parts.metric.ahead(status["sealed"]["score"], status["sealed"]["baselines"])
        if ahead:
            _console.print(f"A baseline does better than the champion on the sealed test: {', '.join(ahead)}", highlight=False)
    stages = campaign.by_stage()
    if stages:
        _console.print(_table("Where the search spent", stages))
    _spending(status)
    if campaign.workspace.report.exists():
        _console.print(f"report: {campaign.workspace.report}", markup=False, highlight=False, soft_wrap=True)


def show_status(status: dict[str, Any]) -> None:
    """Print `status`."""
    _console.print(f"phase: {status['phase']}{' (paused)' if status['paused'] else ''}")
    _console.print("states: " + (", ".join(f"{count} {state}" for state, count in status["states"].items() if count) or "no experiments"))
    if status["best"]:
        best = status["best"]
        _console.print(f"best: #{best['id']} {best['name']} {best['score']:.6g}")
    if status["stop_reason"]:
        _console.print(f"experiments ended: {status['stop_reason']}")
    if status["sealed"] is not None:
        _console.print(_sealed_table(status["sealed"], "", status["openings"]))
        _openings(status["openings"])
    _spending(status)
    _costs(status["cost"]["by_role"])
    if status["outage"]:
        _console.print(f"the provider is out of order since {status['outage']['since']}: {status['outage']['why']}; the campaign waits")
    for asked in status["questions"]:
        _console.print(f"question {asked['id']} of {asked['role']}: {asked['question']} (default: {asked['default']})", markup=False)
    _console.print(f"sandbox: {status['sandbox'] or 'not examined yet'}")


def show_patches(data: dict[str, Any]) -> None:
    """Print `patches`."""
    for patch in data["patches"]:
        taken_back = f", taken back by {patch['reverted_by']}" if patch["reverted_by"] else ""
        _console.print(f"{patch['id']}. {patch['author']} changed {patch['file']}{taken_back}: {patch['reason']}", markup=False)
        _console.print(patch["diff"], markup=False, highlight=False)
    if not data["patches"]:
        _console.print("no changes")


def show_leaderboard(data: dict[str, Any]) -> None:
    """Print `leaderboard`."""
    metric = data["metric"]
    for version, count in data["unranked"].items():
        _console.print(f"not ranked: {count} that only {version} has scored; `alphalab-nb rescore` scores them again", highlight=False)
    if not data["rows"]:
        _console.print("no experiment has a full score of the present harness yet")
        return
    first, best = data["rows"][0], data["rows"][:_TOP]
    columns = ["rank", "id", "name", "family", "score", "shrunken", "low", "high", "n", "compute_s", "seconds"]
    shown = [name for name in columns if any(row[name] is not None for row in best)]
    title = f"Leaderboard: {metric['name']} ({metric['direction']}), search partition, {first['fidelity']} runs, {first['evaluator']}"
    _console.print(_table(title, [{key: row[key] for key in shown} for row in best]))
    for row in best:
        if row["note"]:
            _console.print(f"#{row['id']} {row['note']}", highlight=False)


def show_duel(data: dict[str, Any]) -> None:
    """Print `compare`."""
    columns = ("id", "name", "family", "score", "n", "compute_s", "evaluator")
    _console.print(_table("Search partition, full runs", [{key: row[key] for key in columns} for row in data["rows"]]))
    interval = "" if data["low"] is None else f" ({data['level']:.0%} interval {data['low']:.4g} to {data['high']:.4g})"
    _console.print(f"gain in mean loss, paired by seed and unit: {data['gain']:.4g}{interval}, p = {data['p_value']:.2g}", highlight=False)
    _console.print(data["said"])


def show_board(data: dict[str, Any]) -> None:
    """Print `board`."""
    columns = ("id", "name", "family", "stage", "state", "verdict", "author")
    rows = [{key: row[key] for key in columns} for row in data["experiments"]]
    _console.print(_table("Board", rows) if rows else "no experiments yet")


def show_verdict(data: dict[str, Any]) -> None:
    """Print `verify`."""
    columns = ("what", "recorded", "found", "verdict", "why")
    _console.print(_table(data["subject"], [{key: line[key] for key in columns} for line in data["lines"]]))
    _console.print(data["verdict"], style="green" if data["holds"] else "bold red")
    if data["notebook"]:
        _console.print(f"the executed notebook: {data['notebook']}", markup=False, highlight=False, soft_wrap=True)


def show_checks(data: dict[str, Any]) -> None:
    """Print `doctor`."""
    _console.print(_table("This machine", data["checks"]))


def _openings(openings: list[dict[str, Any]]) -> None:
    """Tell every opening of the sealed test if there was more than the blind one."""
    for opening in openings if len(openings) > 1 else []:
        gave = f"#{opening['champion']} {_cell(opening['score'])}" if opening["state"] == "finished" else opening["state"]
        blind = "blind" if opening["number"] == 1 else "not blind"
        _console.print(f"opening {opening['number']} ({opening['at'][:19]}, {opening['by']}: {opening['reason']}): {gave}, {blind}",
                       markup=False, highlight=False, soft_wrap=True)


def _sealed_table(sealed: dict[str, Any], metric: str, openings: list[dict[str, Any]]) -> Table:
    families = sealed.get("families", [])
    who = f"champions of {len(families)} families" if families else "champion"
    rows = [{"": f"{who}, sealed test", "score": sealed["score"]}, {"": f"{who}, confirm", "score": sealed["confirm"]},
            {"": f"{who}, search", "score": sealed["search"]}]
    if families:
        rows += [{"": f"{row['family']}: #{row['champion']} {row['name']}", "score": row["score"]} for row in families]
    else:
        rows += [{"": f"baseline {name}, sealed test", "score": value} for name, value in sorted(sealed["baselines"].items())]
    times = sum(opening["champion"] is not None for opening in openings)
    return _table(f"Sealed test{metric and ', ' + metric} (opened {times} time{'s' if times != 1 else ''})", rows)


def _spending(status: dict[str, Any]) -> None:
    spent = status["spent"]
    tokens = spent["input_tokens"] + spent["output_tokens"]
    _console.print(f"spent: ${spent['usd']:.2f}, {tokens} tokens, {spent['compute_s']:.1f} s of compute")


def _costs(rows: list[dict[str, Any]]) -> None:
    """Print what each role spent; rules without a language model spend nothing worth a table."""
    shown = [
        {
            "phase": row["phase"], "role": row["role"], "model": row["model"], "calls": row["calls"], "fresh": row["fresh_tokens"],
            "cached": row["cached_tokens"], "written": row["cache_write_tokens"], "output": row["output_tokens"],
            "$": None if row["unpriced"] == row["calls"] else row["usd"],
        }
        for row in rows
    ]
    if any(row["input_tokens"] or row["output_tokens"] for row in rows):
        _console.print(_table("Tokens and dollars by role", shown))


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    for name, value in rows[0].items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
