"""A lucky seed and a gain inside the noise: kept by a greedy rule, and not by the Judge."""

from __future__ import annotations

import numpy as np

from alphalab_nb.judge import Noise, Rules, sequential
from alphalab_nb.judge.cheats import naive
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Run, Score

LOSS = Metric("loss")
SEED_SD = 1.0
RULES = Rules(noise=Noise(seed_sd=SEED_SD))
CONFIRM_SEEDS = range(1000, 1000 + RULES.replicates)
CAMPAIGNS, TRIALS = 40, 25


def run(value: float, partition: str, seed: int) -> Run:
    score = Score(ok=True, label="ok", metric="loss", value=value)
    return Run(id=seed + 1, experiment=1, attempt=1, kind="full", partition=partition, seed=seed, fidelity="full", status="ended",
               score=score)


def measured(rng: np.random.Generator, mean: float, search: float | None = None) -> list[Run]:
    """Return the runs of a program with this true loss: one on search, and on confirm on seeds that it did not choose."""
    sd = SEED_SD / np.sqrt(2)  # SEED_SD is that of the difference of two programs
    first = mean + rng.normal(0, sd) if search is None else search
    return [run(first, "search", 0), *(run(mean + rng.normal(0, sd), "confirm", seed) for seed in CONFIRM_SEEDS)]


def kept(rng: np.random.Generator, candidates: list[list[Run]]) -> tuple[bool, bool]:
    """Say whether the Judge, and whether a greedy rule keeps any of these beside an incumbent that is as good."""
    incumbent, left, ours, greedy = measured(rng, 10.0), RULES.alpha, False, False
    for runs in candidates:
        greedy = greedy or naive.greedy([runs[0].score.value], [incumbent[0].score.value])  # type: ignore[union-attr, list-item]
        shown = 1
        while True:
            found = sequential(runs[:shown], incumbent, left, metric=LOSS, rules=RULES)
            left -= found.alpha_spent
            if found.decision != "replicate" or shown == len(runs):
                break
            shown = min(len(runs), shown + max(1, found.replicates))
        ours = ours or found.decision == "keep"
    return ours, greedy


def test_a_better_seed_is_no_improvement() -> None:
    """The same program with the best of a hundred seeds on search."""
    rng = np.random.default_rng(0)
    lucky = [measured(rng, 10.0, search=10.0 + rng.normal(0, SEED_SD, 100).min()) for _ in range(CAMPAIGNS)]
    found = [kept(rng, [runs]) for runs in lucky]
    assert np.mean([greedy for _, greedy in found]) > 0.9
    assert np.mean([ours for ours, _ in found]) <= 0.1


def test_gains_inside_the_noise_are_not_kept() -> None:
    """Campaigns of programs that are all as good as the incumbent: a greedy rule keeps something in nearly every one."""
    rng = np.random.default_rng(1)
    found = [kept(rng, [measured(rng, 10.0) for _ in range(TRIALS)]) for _ in range(CAMPAIGNS)]
    assert np.mean([greedy for _, greedy in found]) > 0.9
    assert np.mean([ours for ours, _ in found]) <= 0.15
