"""The sequential keep rule: one search run screens, runs on the confirm partition decide, and only those spend alpha.

Screening compares with the incumbent on common search units and costs no alpha, because the confirm data are independent of it.
A survivor is measured on confirm, with seeds that the incumbent has there as well; see `alphalab_nb.judge.spending` for the alpha.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from alphalab_nb.judge.compare import Comparison, compared, quantile
from alphalab_nb.judge.keep import Verdict
from alphalab_nb.judge.rules import Noise, Rules
from alphalab_nb.judge.spending import level, schedule
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Run

MDE_POWER = 0.8
"""Power at the minimal detectable effect, by definition."""
SINGLE_RUN_SHARE = 0.5
"""Part of the resolution that search must show where one run confirms: that test is cheap."""
REPRODUCTIONS = 2
"""Other seeds on which a too-good score must appear again."""
ENOUGH_HISTORY = 8
"""Earlier scores without which none is called too good."""


def sequential(
    runs: Sequence[Run], incumbent_runs: Sequence[Run], alpha_left: float, *, metric: Metric, rules: Rules, history: Sequence[float] = ()
) -> Verdict:
    """Decide on an experiment by all its scored full runs on search and confirm, and those of the incumbent.

    The caller runs what a verdict wants (`replicates` more runs of `partition`, for the incumbent the seeds that it lacks there),
    subtracts `alpha_spent` and asks again with all runs. Without an incumbent the first valid score is kept.

    Args:
        alpha_left: what is left of `rules.alpha`; 0 or less: nothing is kept any more.
        history: search values of earlier experiments, for the too-good rule.
    """
    missed = next((run for run in runs if run.score is not None and not run.score.ok and run.score.label != "infrastructure"), None)
    mine, theirs = _scored(runs), _scored(incumbent_runs)
    if missed is not None and missed.score is not None:
        return Verdict("reject", f"{missed.score.label} in its run {missed.id} on {missed.partition}")
    if not mine:
        return Verdict("reject", "it has no score")
    strange = _too_good(mine, metric, rules, history)
    if strange is not None:
        return strange
    if not theirs:
        return Verdict("keep", f"{metric.name} {_value(mine[0]):.6g}, the first score")
    screen = _compare(_on(mine, rules.search), _on(theirs, rules.search), metric, rules, rules.noise)
    if screen is None:
        return Verdict("reject", "it shares no seed on search with the incumbent; run both with the same seeds")
    looks = schedule(_first_look(screen, rules, alpha_left), rules.most_runs)
    confirm = _on(mine, rules.confirm)
    if not confirm:
        return _screened(screen, rules, alpha_left, looks)
    return _tested(_compare_confirm(confirm, theirs, metric, rules), rules, alpha_left, looks)


def _compare_confirm(confirm: Sequence[Run], theirs: Sequence[Run], metric: Metric, rules: Rules) -> Comparison | None:
    """Compare with the incumbent on the confirm partition."""
    return _compare(confirm, _on(theirs, rules.confirm), metric, rules, rules.noise_of_confirm)


# -- screening: costs no alpha -------------------------------------------------------------------------------


def _screened(screen: Comparison, rules: Rules, alpha_left: float, looks: Sequence[int]) -> Verdict:
    cut = screening_cut(screen, rules, alpha_left)
    said = f"gain on search {screen.gain:.4g}"
    if not screen.gain > cut:
        ruled = Verdict("reject", f"{said}, not above {cut:.4g}")
    elif alpha_left <= 0:
        ruled = Verdict("reject", f"{said}, but the campaign has no alpha left to confirm it")
    else:
        ruled = Verdict("replicate", f"{said}, above {cut:.4g}: to be confirmed", looks[0], rules.confirm)
    return _with_gain(ruled, screen)


def screening_cut(screen: Comparison, rules: Rules, alpha_left: float) -> float:
    """Return the gain on search that a candidate must surpass to be worth a confirm test.

    That is what the test could show: gains below it would cost many runs and seldom be kept, and useless changes seldom surpass it,
    so that few tests share the alpha. It is lower where screening would lose too many gains of twice that size.
    """
    if math.isinf(screen.se):
        return 0.0
    share = 1.0 if rules.most_runs > 1 else SINGLE_RUN_SHARE
    resolution = _resolution(screen, rules, alpha_left)
    passes = 2 * resolution - quantile(rules.screening_power, screen.df) * screen.se
    return max(0.0, min(share * resolution, passes))


def _resolution(screen: Comparison, rules: Rules, alpha_left: float) -> float:
    """Return the gain that the confirm test finds with power 0.8 once all its runs are made."""
    noise = rules.noise_of_confirm
    df = noise.freedom(rules.most_runs) if noise else screen.df
    se = noise.se(rules.most_runs) if noise else screen.se / math.sqrt(rules.most_runs)
    alpha = level(rules, alpha_left, len(schedule(1, rules.most_runs)))
    return (quantile(1 - alpha, df) + quantile(MDE_POWER, df)) * se if alpha > 0 else math.inf


def _first_look(screen: Comparison, rules: Rules, alpha_left: float) -> int:
    """Return half of the confirm runs that would show the gain if it is what search saw, as a power of two."""
    alpha = level(rules, alpha_left, 1)
    if screen.gain <= 0 or alpha <= 0 or math.isinf(screen.se):
        return rules.most_runs
    needed = ((quantile(1 - alpha, screen.df) + quantile(MDE_POWER, screen.df)) * screen.se / screen.gain) ** 2
    return 2 ** math.ceil(math.log2(min(max(1.0, needed / 2), rules.most_runs)))


# -- the confirm test: spends alpha --------------------------------------------------------------------------


def _tested(found: Comparison | None, rules: Rules, alpha_left: float, looks: Sequence[int]) -> Verdict:
    done = found.runs if found else 0
    if alpha_left <= 0:
        return Verdict("reject", "the campaign has no alpha left to confirm it")
    if found is None or done < looks[0]:
        return Verdict("replicate", f"{done} of {looks[0]} confirm runs", looks[0] - done, rules.confirm)
    alpha = level(rules, alpha_left, len(looks))
    coming = [look for look in looks if look > done]
    said = f"gain on confirm {found.gain:.4g} over {done} runs, p {found.p_value:.2g}"
    if found.p_value < alpha:
        ruled = Verdict("keep", f"{said} below {alpha:.2g}")
    elif not coming or _futile(found, rules, alpha):
        # Looks that are not taken any more count as spent: a test that may stop early was granted all of them.
        ruled = Verdict("reject", f"{said}, not below {alpha:.2g}", alpha_spent=alpha * (1 + len(coming)))
    else:
        ruled = Verdict("replicate", f"{said}, not yet below {alpha:.2g}", coming[0] - done, rules.confirm, alpha)
    return _with_gain(ruled, found, p_value=found.p_value)


def _futile(found: Comparison, rules: Rules, alpha: float) -> bool:
    """Whether even a gain half a standard error above the measured one would not reach the level with all runs."""
    if math.isinf(found.se):
        return False
    last_se = found.se * math.sqrt(found.runs / rules.most_runs)
    return found.gain + found.se / 2 < quantile(1 - alpha, found.df) * last_se


# -- too good to be true -------------------------------------------------------------------------------------


def _too_good(mine: Sequence[Run], metric: Metric, rules: Rules, history: Sequence[float]) -> Verdict | None:
    """Return the quarantine of a score beyond the declared floor, or far ahead of history until other seeds repeat it."""
    value = _value(mine[0])
    if not math.isfinite(value):
        return Verdict("quarantine", f"{metric.name} {value} is not a number that can be ranked")
    if rules.floor is not None and any(metric.better(_value(run), rules.floor) for run in mine):
        said = f"{metric.name} {value:.6g} surpasses {rules.floor:.6g}, which nothing honest can"
        return Verdict("quarantine", f"{said}; if it is honest, the floor is wrong")
    if len(history) < ENOUGH_HISTORY or _ahead(value, history, metric) <= rules.too_good:
        return None
    others = {(run.partition, run.seed): run for run in mine[1:] if run.seed != mine[0].seed or run.partition != mine[0].partition}
    wanted = min(REPRODUCTIONS, rules.most_runs) - len(others)
    if wanted > 0:
        said = f"{metric.name} {value:.6g} is {_ahead(value, history, metric):.1f} standard deviations ahead of all before"
        return Verdict("quarantine", f"{said}; it must appear again with other seeds", wanted, rules.confirm)
    again = [_ahead(_value(run), history, metric) for run in others.values()]
    if float(np.median(again)) > rules.too_good / 2:
        return None
    return Verdict("quarantine", f"{metric.name} {value:.6g} did not appear again with other seeds")


def _ahead(value: float, history: Sequence[float], metric: Metric) -> float:
    """Return by how many robust standard deviations (1.48 MAD) a value is better than the best of history."""
    losses = np.array([metric.loss(other) for other in history])
    spread = 1.4826 * float(np.median(np.abs(losses - np.median(losses))))
    lead = float(losses.min()) - metric.loss(value)
    return lead / spread if spread > 0 else 0.0


# -- parts ---------------------------------------------------------------------------------------------------


def _with_gain(ruled: Verdict, found: Comparison, p_value: float | None = None) -> Verdict:
    low, high = found.interval()
    return replace(ruled, gain=found.gain, low=low, high=high, p_value=p_value)


def _compare(mine: Sequence[Run], theirs: Sequence[Run], metric: Metric, rules: Rules, noise: Noise | None) -> Comparison | None:
    return compared(mine, theirs, metric=metric, stochastic=rules.stochastic, block=rules.block, noise=noise)


def _scored(runs: Sequence[Run]) -> list[Run]:
    """Return the valid full runs, those on search first."""
    valid = [run for run in runs if run.fidelity == "full" and run.score is not None and run.score.ok and run.score.value is not None]
    return sorted(valid, key=lambda run: (run.partition != "search", run.id))


def _on(runs: Sequence[Run], partition: str) -> list[Run]:
    return [run for run in runs if run.partition == partition]


def _value(run: Run) -> float:
    assert run.score is not None
    assert run.score.value is not None
    return run.score.value
