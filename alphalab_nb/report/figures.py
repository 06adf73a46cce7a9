"""Figures; the only door to matplotlib, which is imported when the first figure is drawn."""

from __future__ import annotations

import base64
import io
import statistics
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from alphalab_nb.metric import Metric
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.course import Moment, course
from alphalab_nb.storage.experiment import Experiment, Run, State
from alphalab_nb.storage.leaderboard import full_runs
from alphalab_nb.storage.playbook import Playbook

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import Locator

INK, MUTED, GRID = "#1f2933", "#7b8794", "#e4e7eb"
COLOURS = ("#0b6e99", "#d9730d", "#0f7b6c", "#ad1a72", "#6940a5", "#dfab01", "#64473a", "#e03e3e", "#4a5568", "#5b8c2a")
"""Distinct in grey and for most colour-blind readers; families beyond them share colours."""


@dataclass(frozen=True)
class Picture:
    """A figure that shows itself in a notebook and in the report."""

    png: bytes
    alt: str
    """What the figure says, in words."""

    def _repr_png_(self) -> bytes:
        return self.png

    def __repr__(self) -> str:
        return f"<figure: {self.alt}>"

    @property
    def html(self) -> str:
        """Return an <img> that carries its data with it."""
        return f'<img alt="{escape(self.alt)}" src="data:image/png;base64,{base64.b64encode(self.png).decode()}">'


def convergence(board: Board, metric: Metric) -> Picture:
    """Show every full search score in the order it came, and the best so far.

    Where each family solves a problem of its own the line is the geometric mean of what each has best by then, and the axis logarithmic.
    """
    runs = full_scores(board, metric)
    figure, axes = canvas(7.2, 3.6)
    if not runs:
        return empty(figure, axes, "no experiment has a full score yet")
    families = {experiment.id: experiment.family for experiment in board.list()}
    colours = _colours(list(families.values()))
    values = [value for _, value in runs]
    apart = (board.fact("certificate") or {}).get("within") == "family" and min(values) > 0
    best = _mean_of_bests(metric, [(families[run.experiment], value) for run, value in runs]) if apart else _best_so_far(metric, values)
    label = "mean of the families' best" if apart else "best so far"
    axes.step(range(1, len(best) + 1), best, where="post", color=INK, linewidth=1.6, label=label)
    low, high = (min(values) / 1.1, max(values) * 1.1) if apart else _window(metric, values, _baselines(board))
    for family in dict.fromkeys(families[run.experiment] for run, _ in runs):
        points = [(x, value) for x, (run, value) in enumerate(runs, start=1) if families[run.experiment] == family]
        axes.scatter(*zip(*points, strict=True), s=26, color=colours[family], label=_plain(family), zorder=3)
    outside = [(x, high if value > high else low) for x, value in enumerate(values, start=1) if not low <= value <= high]
    if outside:
        axes.scatter(*zip(*outside, strict=True), s=40, marker="^" if metric.direction == "minimize" else "v", color=MUTED,
                     label="far off", zorder=4, clip_on=False)
    for name, value in sorted(_baselines(board).items(), key=lambda pair: metric.loss(pair[1]))[:1]:
        axes.axhline(value, color=MUTED, linestyle="--", linewidth=1, label=f"best baseline: {_plain(name)}")
    _noise_band(axes, board)
    axes.set_yscale("log" if apart else "linear")
    axes.set_ylim(low, high)
    axes.set_xlabel("full scores, in order of completion", fontsize=9)
    axes.set_ylabel(_plain(_unit(metric)), fontsize=9)
    axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0))
    hidden = sum(not low <= value <= high for value in values)
    note = f"; {hidden} far off are drawn at the edge" if hidden else ""
    aside = sum(experiment.quarantined for experiment in board.list())
    note += f"; {aside} quarantined are left out" if aside else ""
    said = f"mean of the families' best {metric.name}" if apart else f"best {metric.name}"
    return picture(figure, f"{said} {best[-1]:.6g} after {len(values)} full scores, {best[0]:.6g} with the first{note}")


def family_shares(board: Board, metric: Metric) -> Picture:
    """Show how many experiments each family got, and what became of them."""
    experiments = board.list()
    figure, axes = canvas(7.2, 0.7 + 0.32 * max(3, len({e.family for e in experiments})))
    if not experiments:
        return empty(figure, axes, "no experiment yet")
    counts = {family: Counter(_fate(e, board) for e in experiments if e.family == family) for family in {e.family for e in experiments}}
    order = sorted(counts, key=lambda family: (sum(counts[family].values()), family))
    left = dict.fromkeys(order, 0)
    for fate, colour in (("full score", COLOURS[0]), ("screened only", "#9bc7da"), ("quarantined", COLOURS[4]), ("failed", COLOURS[7]),
                         ("open", COLOURS[5]), ("cancelled", GRID)):
        widths = [counts[family][fate] for family in order]
        if any(widths):
            axes.barh(range(len(order)), widths, left=[left[family] for family in order], color=colour, label=fate, height=0.7)
            left = {family: left[family] + width for family, width in zip(order, widths, strict=True)}
    axes.set_yticks(range(len(order)), [_plain(family) for family in order])
    best = _best_by_family(board, metric)
    for row, family in enumerate(order):
        axes.text(left[family] + 0.1, row, f"{best[family]:.4g}" if family in best else "–", va="center", fontsize=7, color=MUTED)
    axes.set_xlabel(f"experiments (number beside the bar: best {_plain(_unit(metric))})", fontsize=9)
    axes.set_xlim(right=1.12 * max(left.values()))
    axes.grid(visible=False)
    axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return picture(figure, ", ".join(f"{family} {sum(counts[family].values())}" for family in reversed(order)))


def playbook_growth(playbook: Playbook) -> Picture:
    """Show the playbook over the campaign: entries in force, those of them that are tentative, retired ones, words, and citations.

    The horizontal axis is the number of experiments on the board, which is the campaign's own clock.
    """
    moments, growth = course(playbook), playbook.growth()
    if not moments:
        return empty(*canvas(7.2, 2.4), "nothing learnt yet")
    figure, above = canvas(7.2, 4.2, rows=2)
    below: Axes = figure.add_subplot(2, 1, 2, sharex=above)
    _plain_axes(below)
    _entries(above, moments)
    _words(below, playbook, growth, moments)
    words, last = growth[-1][1], moments[-1]
    standings = playbook.standings()
    counts = Counter(standings[entry.id].word for entry in playbook.entries())
    stand = ", ".join(f"{count} {word}" for word, count in counts.most_common()) or "none in force"
    return picture(figure, f"{words} words in {last.in_force} lessons after {len(growth)} changes ({stand}); {last.retired} retired,"
                            f" cited {last.cited} times by proposals")


def _entries(axes: Axes, moments: Sequence[Moment]) -> None:
    """Draw how many entries there are, by how far they stand."""
    x = [moment.experiments for moment in moments]
    axes.step(x, [moment.in_force for moment in moments], where="post", color=COLOURS[2], linewidth=1.6, label="entries in force")
    weighed = [moment for moment in moments if moment.tentative is not None]
    if weighed:
        tentative = [moment.tentative or 0 for moment in weighed]
        axes.fill_between([moment.experiments for moment in weighed], tentative, step="post", color=COLOURS[5], alpha=0.45, linewidth=0,
                          label="of them not firm")
    axes.step(x, [moment.retired for moment in moments], where="post", color=COLOURS[7], linewidth=1.2, linestyle="--", label="retired")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("entries", fontsize=9)
    axes.yaxis.set_major_locator(_whole())
    axes.tick_params(labelbottom=False)
    axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1.12, 1.0))


def _words(axes: Axes, playbook: Playbook, growth: Sequence[tuple[str, int]], moments: Sequence[Moment]) -> None:
    """Draw how many words are in force, and how often proposals have cited an entry."""
    born = sorted(experiment.created for experiment in playbook.board.list())
    at, words = [bisect_right(born, when) for when, _ in growth], [count for _, count in growth]
    axes.step([*at, len(born)], [*words, words[-1]], where="post", color=COLOURS[0], linewidth=1.6, label="words in force")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("experiments proposed", fontsize=9)
    axes.set_ylabel("words in force", fontsize=9)
    used = axes.twinx()
    used.step([moment.experiments for moment in moments], [moment.cited for moment in moments], where="post", color=COLOURS[1],
              linewidth=1.2, label="citations by proposals")
    used.set_ylim(0, max(1, moments[-1].cited) * 1.05)
    used.set_ylabel("citations so far", fontsize=9)
    used.tick_params(labelsize=8, colors=INK)
    used.spines[["top"]].set_visible(False)
    used.yaxis.set_major_locator(_whole())
    handles = [handle for side in (axes, used) for handle in side.get_legend_handles_labels()[0]]
    axes.legend(handles=handles, fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1.12, 1.0))


# -- what is drawn -------------------------------------------------------------------------------------------


def full_scores(board: Board, metric: Metric) -> list[tuple[Run, float]]:
    """Return the full search runs whose score may rank, in the order they ended: of the present harness, not quarantined."""
    harness, aside = board.fact("harness"), {experiment.id for experiment in board.list() if experiment.quarantined}
    ended = board.runs(status="ended")
    first = {(run.attempt, run.seed) for run in ended if run.kind == "full"}  # what stands for it under a newer harness
    found = [
        (run, run.score.value) for run in ended
        if (run.kind == "full" or (run.kind == "rescore" and (run.attempt, run.seed) in first))
        and run.partition == "search" and run.experiment not in aside
        and run.score is not None and run.score.ok and run.score.value is not None and harness in (None, run.score.harness)
    ]
    return sorted(found, key=lambda pair: (pair[0].ended, pair[0].id))


def _best_so_far(metric: Metric, values: list[float]) -> list[float]:
    best: list[float] = []
    for value in values:
        best.append(value if not best or metric.better(value, best[-1]) else best[-1])
    return best


def _mean_of_bests(metric: Metric, scores: Sequence[tuple[str, float]]) -> list[float]:
    """Return, after each (family, score), the geometric mean over the families that have a score by then of the best of each."""
    best, means = dict[str, float](), list[float]()
    for family, value in scores:
        best[family] = value if metric.better(value, best.get(family)) else best[family]
        means.append(statistics.geometric_mean(best.values()))
    return means


def _window(metric: Metric, values: list[float], baselines: dict[str, float]) -> tuple[float, float]:
    """Return the y range that shows the contest: from the best to the median and the best baseline; the far off go to the edge."""
    ordered = metric.ranked(values, lambda value: value)
    ends = [ordered[0], ordered[len(ordered) // 2], *metric.ranked(baselines.values(), lambda value: value)[:1]]
    span = max(ends) - min(ends) or 0.1 * abs(ends[0]) or 1.0
    wide, narrow = 0.5 * span, 0.1 * span
    return (min(ends) - narrow, max(ends) + wide) if metric.direction == "minimize" else (min(ends) - wide, max(ends) + narrow)


def _noise_band(axes: Axes, board: Board) -> None:
    """Shade what one comparison on search cannot tell from the certified baseline."""
    certificate = board.fact("certificate") or {}
    if certificate.get("band") is not None:
        value, band = certificate["value"], certificate["band"]
        axes.axhspan(value - band, value + band, color=MUTED, alpha=0.15, linewidth=0, label="not told from it")


def _baselines(board: Board) -> dict[str, float]:
    known: dict[str, float | None] = (board.fact("baselines") or {}).get("search", {})
    return {name: value for name, value in known.items() if value is not None}


def _fate(experiment: Experiment, board: Board) -> str:
    if experiment.quarantined:
        return "quarantined"
    if full_runs(board, experiment.id, None):
        return "full score"
    if experiment.outcome == "failed":
        return "failed"
    if experiment.state is State.CANCELLED:
        return "screened only" if board.runs(experiment.id, status="ended") else "cancelled"
    return "open"


def _best_by_family(board: Board, metric: Metric) -> dict[str, float]:
    families = {experiment.id: experiment.family for experiment in board.list()}
    ranked = metric.ranked(full_scores(board, metric), lambda pair: pair[1])
    return {families[run.experiment]: value for run, value in reversed(ranked)}


def _unit(metric: Metric) -> str:
    return f"{metric.name} [{metric.unit}]" if metric.unit else metric.name


def _plain(text: str) -> str:
    """Return a text of somebody else's as matplotlib must draw it: `$` is a dollar, no formula."""
    return text.replace("$", r"\$")


def _colours(families: list[str]) -> dict[str, str]:
    return {family: COLOURS[place % len(COLOURS)] for place, family in enumerate(sorted(set(families)))}


# -- drawing -------------------------------------------------------------------------------------------------


def canvas(width: float, height: float, *, rows: int = 1) -> tuple[Figure, Axes]:
    """Return a figure that belongs to nobody, with its first axes: pyplot would keep it, and show it a second time in a notebook."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes: Axes = figure.add_subplot(rows, 1, 1)
    _plain_axes(axes)
    return figure, axes


def _plain_axes(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=INK)
    axes.xaxis.set_major_locator(_whole())
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _whole() -> Locator:
    """Return what sets ticks at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(integer=True)


def empty(figure: Figure, axes: Any, message: str) -> Picture:
    """Return a figure that says why there is nothing to see."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, message, ha="center", va="center", color=MUTED)
    return picture(figure, message)


def picture(figure: Figure, alt: str) -> Picture:
    """Return a figure as it is shown and stored."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, metadata={"Software": None})
    return Picture(buffer.getvalue(), alt)
