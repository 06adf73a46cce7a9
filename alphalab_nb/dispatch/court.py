"""Brings finished experiments before the Judge: what was measured of them and of the incumbent, and the runs that it asks for.

The first incumbent is the certified baseline; where each family solves a problem of its own, each has one of its own. A candidate that
screening lets pass is measured on the confirm partition, and only what is better there, at a level that the whole campaign shares, is kept.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from alphalab_nb.dispatch.pipeline import artefact_of
from alphalab_nb.judge.certificate import BaselineScores, confirm_noise_of, noise_of
from alphalab_nb.judge.champion import proven
from alphalab_nb.judge.compare import compared
from alphalab_nb.judge.keep import Verdict
from alphalab_nb.judge.leaders import baseline_of
from alphalab_nb.judge.rules import Noise, Rules
from alphalab_nb.judge.sequential import sequential
from alphalab_nb.parts import Parts
from alphalab_nb.storage.experiment import Experiment, Run, Score
from alphalab_nb.storage.leaderboard import ASIDE, full_runs, version_of
from alphalab_nb.storage.rulings import Rulings

CONFIRM = "confirm"
TRIES = 4
"""Runs of one seed that the machine may lose before the test is given up."""
SEED_STEP = 1000


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What may be said of the champion beside the certified baseline, on the confirm partition."""

    against: str
    gain: float | None
    """Mean paired difference in units of loss; positive is better. Low and high: its 90 % interval."""
    low: float | None
    high: float | None
    p_value: float | None
    """One-sided."""
    level: float
    """What p has to be below: all of the error probability that is left, shared by those of whom confirm chose the champion."""
    kept: bool
    """Whether the campaign kept it while it ran."""
    proven: bool
    verdict: str
    """The Judge's, while experiments ran, with its reason."""
    reason: str
    incumbent: int | None
    """What was kept last; None: nothing was."""


class Court:
    """Rules on the experiments of one campaign. All calls come from the dispatcher's thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._board = parts, parts.board
        self.rulings = Rulings(parts.board.database)

    def rule(self, experiment: Experiment, *, closing: bool) -> Verdict | None:
        """Return the verdict on a finished experiment; None while runs that it depends on have not ended.

        With `closing` no more runs are started: what is not proven by those that are under way is rejected.
        """
        if experiment.outcome == "failed" or not full_runs(self._board, experiment.id, self._harness):
            return self._noted(experiment.id, None, Verdict("reject", experiment.error.split("\n", 1)[0]))
        incumbent = self.incumbent(experiment.id)
        if self._waits(experiment.id, incumbent, ("started",) if closing else ("planned", "started")):
            return None
        ruled = sequential(
            self._measured(experiment.id), self._measured(incumbent) if incumbent else self._baseline(experiment.id),
            self.rules.alpha - self.rulings.alpha_spent(), metric=self._parts.metric, rules=self.rules,
            history=self._history(experiment.id),
        )
        wanted = self._wanted(experiment.id, incumbent, ruled) if ruled.replicates and not closing else []
        if wanted:
            self._noted(experiment.id, incumbent, ruled)  # before the runs: a look that a crash cuts short is paid twice, never not at all
            self._plan(experiment.id, wanted)
            return None
        if ruled.decision == "replicate":
            why = "the campaign ended before that" if closing else "the machine lost the runs that it takes"
            ruled = replace(ruled, decision="reject", reason=f"{ruled.reason}; {why}", replicates=0)
        return self._noted(experiment.id, incumbent, ruled)

    def incumbent(self, besides: int) -> int | None:
        """Return the experiment that was kept last, of those that one is compared with; None: the certified baseline."""
        rivals = self._rivals(besides)
        return next((id for id in self._incumbents() if id != besides and id in rivals), None)

    def _rivals(self, experiment: int) -> set[int]:
        """Return the experiments that one is compared with, itself included."""
        family = self._board.get(experiment).family if self._parts.adapter.manifest.compare_within == "family" else None
        return {other.id for other in self._board.list() if family in (None, other.family)}

    def _incumbents(self) -> list[int]:
        """Return what was kept, the last first, as far as the present harness has scored it."""
        return [id for id in reversed(self.rulings.kept()) if full_runs(self._board, id, self._harness)]

    @cached_property
    def _harness(self) -> str | None:
        """Version whose scores count here: those of an earlier one are on other terms."""
        return self._board.fact("harness")

    @cached_property
    def rules(self) -> Rules:
        record = self._board.fact("certificate")
        return rules_of(self._parts, noise_of(record), confirm_noise_of(record)) if record else rules_of(self._parts)

    def remeasure(self) -> Run | None:
        """Plan one more run of the incumbent, every so many verdicts: what was picked for its score looks better than it is.

        A stochastic program gets a seed that search has not seen; a deterministic one must give the same score again.
        """
        every, verdicts = self._parts.config.judge.remeasure_every, len(self._board.events(kind="verdict"))
        incumbent = next(iter(self._incumbents()), None)
        if not every or verdicts % every or incumbent is None or not (self.rules.stochastic or self._parts.adapter.manifest.run):
            return None
        runs = full_runs(self._board, incumbent, self._harness)
        step = SEED_STEP * len(runs) if self.rules.stochastic else 0
        self._board.event("remeasure", f"#{incumbent} is measured again after {verdicts} verdicts", role="judge", experiment=incumbent)
        return self._board.plan_run(self._board.attempt(runs[-1].attempt), kind="replicate", partition="search",
                                    seed=self._parts.config.seed + step, fidelity="full")

    def artefact(self, run: Run) -> Path | None:
        """Return the artefact that a run scores as it lies; None if it makes its own, as every seed of a stochastic program does."""
        if run.kind != CONFIRM or self.rules.stochastic:
            return None
        made = next(each for each in full_runs(self._board, run.experiment, self._harness) if each.attempt == run.attempt)
        return artefact_of(self._parts, made)

    def claim(self, champion: int, *, among: int) -> Claim:
        """Return what confirm says of the champion beside the certified baseline; what was kept is proven already.

        Args:
            among: nominees of which confirm chose it.
        """
        left = self.rules.alpha - self.rulings.alpha_spent()
        both = self._measured(champion), self._baseline(champion)
        mine, theirs = ([run for run in runs if run.partition == CONFIRM] for runs in both)
        found = compared(mine, theirs, metric=self._parts.metric, stochastic=self.rules.stochastic, block=self.rules.block,
                         noise=self.rules.noise_of_confirm)
        low, high = found.interval() if found else (None, None)
        rivals = self._rivals(champion)
        incumbents, ruled = [id for id in self._incumbents() if id in rivals], self.rulings.list(champion)
        kept = champion in incumbents
        return Claim(against=baseline_of(self._board, champion), gain=found.gain if found else None, low=_finite(low), high=_finite(high),
                     p_value=found.p_value if found else None, level=max(0.0, left) / among, kept=kept,
                     proven=kept or proven(found, left, among), verdict=self._board.get(champion).verdict,
                     reason=ruled[-1].reason if ruled else "", incumbent=incumbents[0] if incumbents else None)

    # -- what was measured -------------------------------------------------------------------------------

    def _measured(self, experiment: int) -> list[Run]:
        """Return the scored full runs of the newest attempt on search and confirm, with their units."""
        newest = full_runs(self._board, experiment, self._harness)[-1].attempt
        runs = self._board.runs(experiment, status="ended")
        return [self._board.run(run.id) for run in runs if run.attempt == newest and run.fidelity == "full" and run.kind not in ASIDE
                and run.partition in ("search", CONFIRM) and version_of(run) == self._harness]

    def _baseline(self, experiment: int) -> list[Run]:
        """Return the runs of the certified baseline that one is compared with, as if they were an experiment's."""
        name = baseline_of(self._board, experiment)
        held = [(partition, seed, scores) for partition in ("search", CONFIRM)
                for seed, scores in self._parts.evaluator.stored_baselines(partition).items()]
        return [_as_run(self._parts, name, partition, seed, scores) for partition, seed, scores in held
                if name and scores.values.get(name) is not None]

    def _history(self, besides: int) -> list[float]:
        """Return the search values of the experiments before this one, of those that it is compared with."""
        rivals = self._rivals(besides)
        runs = [run for run in self._board.runs(status="ended") if run.kind in ("full", "rescore") and run.partition == "search"
                and version_of(run) == self._harness and run.experiment in rivals]
        return [run.score.value for run in runs
                if run.experiment != besides and run.score is not None and run.score.ok and run.score.value is not None]

    # -- what has to be run ------------------------------------------------------------------------------

    def _waits(self, experiment: int, incumbent: int | None, states: Collection[str]) -> bool:
        mine = [run for id in (experiment, incumbent) if id is not None for run in self._board.runs(id)]
        return any(run.kind == CONFIRM and run.status in states for run in mine)

    def _wanted(self, experiment: int, incumbent: int | None, ruled: Verdict) -> list[tuple[int, int]]:
        """Return the runs, as (experiment, seed), that a verdict wants: for the incumbent those of equal seed that it lacks.

        Empty if the machine has lost one of them too often.
        """
        seeds = self._seeds(experiment, ruled.replicates)
        wanted = [(experiment, seed) for seed in seeds] + [
            (incumbent, seed) for seed in seeds if incumbent is not None and seed not in self._done(incumbent)]
        return [] if any(self._lost(id, seed) >= TRIES for id, seed in wanted) else wanted

    def _plan(self, experiment: int, wanted: Sequence[tuple[int, int]]) -> None:
        self._parts.partitions.open(CONFIRM, by="judge", reason=f"test #{experiment}")
        for id, seed in wanted:
            attempt = self._board.attempt(full_runs(self._board, id, self._harness)[-1].attempt)
            self._board.plan_run(attempt, kind=CONFIRM, partition=CONFIRM, seed=seed, fidelity="full")

    def _seeds(self, experiment: int, number: int) -> list[int]:
        """Return the next seeds of a test: common to all experiments, and none that search has seen if programs are stochastic."""
        done, first = self._done(experiment), self._parts.config.seed
        step = SEED_STEP if self.rules.stochastic else 0
        coming = (first + step * place for place in range(1, 1 + self.rules.most_runs + len(done)))
        return [seed for seed in coming if seed not in done][:number]

    def _done(self, experiment: int) -> set[int]:
        """Return the seeds of the confirm runs that gave a score, or failed by the program's own fault."""
        return {run.seed for run in self._measured(experiment)
                if run.partition == CONFIRM and run.score is not None and run.score.label != "infrastructure"}

    def _lost(self, experiment: int, seed: int) -> int:
        return sum(run.kind == CONFIRM and run.seed == seed for run in self._board.runs(experiment, status="ended"))

    # -- what becomes of it ------------------------------------------------------------------------------

    def _noted(self, experiment: int, incumbent: int | None, ruled: Verdict) -> Verdict:
        """Put a ruling on record and return it."""
        self.rulings.add(experiment, ruled.decision, ruled.reason, incumbent=incumbent, p_value=ruled.p_value, gain=ruled.gain,
                         low=_finite(ruled.low), high=_finite(ruled.high), alpha=ruled.alpha_spent)
        return ruled


def rules_of(parts: Parts, noise: Noise | None = None, confirm_noise: Noise | None = None) -> Rules:
    """Return the rules that a campaign's settings and certificate give."""
    config, noises = parts.config.judge, [each if each and each.known else None for each in (noise, confirm_noise)]
    return Rules(alpha=config.alpha, replicates=config.replicates, floor=config.floor, stochastic=parts.adapter.manifest.stochastic,
                 block=parts.rule.block(parts.task), noise=noises[0], confirm_noise=noises[1])


def _as_run(parts: Parts, name: str, partition: str, seed: int, scores: BaselineScores) -> Run:
    score = Score(ok=True, label="ok", metric=parts.metric.name, value=scores.values[name], units=tuple(scores.units.get(name, ())),
                  harness=parts.evaluator.version)
    return Run(id=0, experiment=0, attempt=0, kind="full", partition=partition, seed=seed, fidelity="full", status="ended", score=score)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
