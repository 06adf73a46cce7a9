"""Figures of what our rules do where the truth is known: simulated worlds, and cheats planted in the harnesses of the adapters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alphalab_nb.judge.cheats import Row, cheats
from alphalab_nb.judge.skill import Span
from alphalab_nb.report.figures import COLOURS, GRID, INK, MUTED, Picture, canvas, empty, picture
from alphalab_nb.simulate.course import Course
from alphalab_nb.simulate.findings import OURS, PARTITIONS, Findings, Spans

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HUES = {OURS: COLOURS[0], "greedy": COLOURS[1], "best_of_n": COLOURS[2], **dict(zip(PARTITIONS, COLOURS[3:6]))}
KILLED, ALIVE = "#cfe8dd", COLOURS[7]
COVERAGE = (0.85, 0.95)
"""Within which the share inside a 90 % prediction interval shall lie."""
POWER = 0.9
"""Share of gains of twice the smallest detectable one that shall be kept."""
OVERSOLD = 0.5
"""Standard deviations of the noise that a champion may be oversold or undersold by on average."""


def null_world(found: Findings) -> Picture:
    """Show how many campaigns kept something in a world where nothing helps, beside the level that was promised."""
    figure, axes = canvas(7.2, 0.9 + 0.35 * len(found.null))
    if not found.null:
        return empty(figure, axes, "not measured")
    for row, (arm, span) in enumerate(found.null.items()):
        axes.barh(row, span.value, color=_colour(arm), height=0.6)
        axes.hlines(row, span.low, span.high, color=INK, linewidth=1.2)
        axes.text(max(span.value, span.high) + 0.015, row, f"{span.value:.1%}", va="center", fontsize=8, color=INK)
    axes.axvline(found.nominal, color=INK, linestyle="--", linewidth=1, label=f"nominal level {found.nominal:.0%}")
    _from_0_to_1(axes)
    axes.set_yticks(range(len(found.null)), list(found.null))
    axes.invert_yaxis()
    axes.set_xlabel(f"share of {found.campaigns} campaigns that keep a false improvement", fontsize=9)
    axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0))
    said = ", ".join(f"{arm} {span.value:.1%} [{span.low:.1%}, {span.high:.1%}]" for arm, span in found.null.items())
    return picture(figure, f"campaigns that keep a false improvement: {said}; nominal {found.nominal:.0%}")


def regret(found: Findings) -> Picture:
    """Show how far from the best point each arm ends with equal runs."""
    return _against_noise(found.regret, "regret of the champion, in effects", zero=True)


def ahead(found: Findings) -> Picture:
    """Show how much less regret our arm has than the others in the same worlds: above zero is better."""
    return _against_noise(found.ahead, "regret less than that of the arm", zero=True)


def optimism(found: Findings) -> Picture:
    """Show what is reported of the champion against what is true of it."""
    return _against_noise(found.optimism, "oversold by, in noise sd", band=(-OVERSOLD, OVERSOLD), zero=True)


def coverage(found: Findings) -> Picture:
    """Show how often the sealed score lies inside the interval that was predicted for it."""
    return _against_noise({OURS: found.covered} if found.covered else {}, "inside the 90 % interval", band=COVERAGE)


def _against_noise(spans: Spans, label: str, *, band: tuple[float, float] | None = None, zero: bool = False) -> Picture:
    return _spans(spans, label, "noise of one run, in mean gains by a helpful change", band=band, zero=zero)


def power(found: Findings) -> Picture:
    """Show how often a true gain was kept that is as large as the smallest detectable one, or twice that."""
    return _spans({OURS: found.power} if found.power else {}, "planted gains that were kept", "planted gain, in smallest detectable gains",
                  band=(POWER, 1.0))


def real(found: Findings) -> Picture:
    """Show champions on real data beside the same baseline on the same rows of each partition."""
    return _spans({partition: {data: skills[partition] for data, skills in found.real.items() if partition in skills}
                   for partition in PARTITIONS} if found.real else {}, "skill, as a fraction of the baseline", "data set", zero=True)


def _spans(spans: Mapping[str, Mapping[Any, Span]], label: str, across: str, *, band: tuple[float, float] | None = None,
           zero: bool = False) -> Picture:
    figure, axes = canvas(7.2, 2.9)
    if not spans:
        return empty(figure, axes, "not measured")
    columns = list(dict.fromkeys(column for one in spans.values() for column in one))
    if band:
        axes.axhspan(*band, color=MUTED, alpha=0.15, linewidth=0, label=f"{band[0]:g} to {band[1]:g}")
    if zero:
        axes.axhline(0, color=INK, linewidth=0.8)
    for place, (name, one) in enumerate(spans.items()):
        places = [columns.index(column) + 0.12 * (place - (len(spans) - 1) / 2) for column in one]
        axes.vlines(places, [span.low for span in one.values()], [span.high for span in one.values()], color=_colour(name), linewidth=1.4)
        axes.scatter(places, [span.value for span in one.values()], s=30, color=_colour(name), label=name, zorder=3)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_xticks(range(len(columns)), [_word(column) for column in columns])
    axes.set_xlabel(across, fontsize=9)
    axes.set_ylabel(label, fontsize=9)
    axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return picture(figure, f"{label}: " + "; ".join(f"{name} {_said(one)}" for name, one in spans.items()))


def _said(one: Mapping[Any, Span]) -> str:
    return ", ".join(f"{span.value:.2f} [{span.low:.2f}, {span.high:.2f}] at {_word(column)}" for column, span in one.items())


def _word(column: Any) -> str:
    return f"{column:g}" if isinstance(column, int | float) else str(column)


def course(world: Course) -> Picture:
    """Show one world: what each arm believed of its best so far, and what was true of it."""
    figure, axes = canvas(7.2, 3.4)
    for arm, moments in world.arms.items():
        runs = [moment.runs for moment in moments]
        axes.step(runs, [moment.true for moment in moments], where="post", color=_colour(arm), linewidth=1.6, label=f"{arm}, true")
        axes.step(runs, [moment.measured for moment in moments], where="post", color=_colour(arm), linewidth=1, linestyle=":",
                  label=f"{arm}, measured")
    axes.axhline(world.best, color=INK, linestyle="--", linewidth=1, label="the best point, true")
    axes.set_xlabel("runs", fontsize=9)
    axes.set_ylabel("loss of the best so far", fontsize=9)
    axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0))
    said = ", ".join(f"{arm} {moments[-1].measured:.2f} measured, {moments[-1].true:.2f} true" for arm, moments in world.arms.items())
    return picture(figure, f"loss of the champion: {said}; start {world.start:.2f}, best point {world.best:.2f}")


def kills(matrices: Mapping[str, Sequence[Row]]) -> Picture:
    """Show which of the known cheats each adapter's harness stops: how many planted ones, or whom it is left to."""
    table = cheats()
    figure, axes = canvas(2.8 + 1.5 * len(matrices), 0.6 + 0.24 * len(table))
    for column, rows in enumerate(matrices.values()):
        for line, id in enumerate(table):
            text, colour = _fate([row for row in rows if row.of == id])
            axes.barh(line, 0.96, left=column - 0.48, height=0.9, color=colour)
            axes.text(column, line, text, ha="center", va="center", fontsize=7, color=INK)
    axes.set_yticks(range(len(table)), [id.replace("_", " ") for id in table])
    axes.set_xticks(range(len(matrices)), list(matrices))
    axes.xaxis.tick_top()
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    counts = {name: [row.killed for row in rows if row.killed is not None] for name, rows in matrices.items()}
    return picture(figure, ", ".join(f"{name}: {sum(killed)} of {len(killed)} planted cheats killed" for name, killed in counts.items()))


def _fate(rows: Sequence[Row]) -> tuple[str, str]:
    """Return what became of the planted forms of a cheat, in words and as a colour."""
    planted = [row for row in rows if row.killed is not None]
    if planted:
        killed = sum(bool(row.killed) for row in planted)
        return f"{killed} of {len(planted)} killed", KILLED if killed == len(planted) else ALIVE
    if any(row.applies for row in rows):
        return f"left to the {rows[0].by}", "white"
    return "does not apply", GRID


def _colour(name: str) -> str:
    return HUES.get(name, MUTED)


def _from_0_to_1(axes: Axes) -> None:
    from matplotlib.ticker import MultipleLocator, PercentFormatter

    axes.set_xlim(0, 1.12)
    axes.xaxis.set_major_locator(MultipleLocator(0.25))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
