"""The champion on every partition, beside the same baseline on the same units: how much of what the search saw was luck."""

from __future__ import annotations

import math

from alphalab_nb.judge.leaders import baseline_of
from alphalab_nb.judge.skill import Skill, Span, skill
from alphalab_nb.parts import Parts
from alphalab_nb.phases.steps import Result
from alphalab_nb.storage.experiment import Score
from alphalab_nb.storage.leaderboard import ASIDE, version_of

PARTITIONS = ("search", "confirm", "sealed")


def optimism_gap(parts: Parts, champion: int, fixed: Score) -> list[Result]:
    """Return a row per partition: the champion's score and its skill against its certified baseline, with 95 % intervals.

    Args:
        fixed: the sealed score of the program as it was searched; after a refit it would have seen more than the baseline did.
    """
    name = baseline_of(parts.board, champion)
    return [_row(parts, partition, name, fixed if partition == "sealed" else newest_score(parts, champion, partition))
            for partition in PARTITIONS]


def _row(parts: Parts, partition: str, name: str, score: Score | None) -> Result:
    row: Result = {"partition": partition, "score": score.value if score else None, "baseline": name}
    held = parts.evaluator.stored_baselines(partition).get(parts.config.seed)
    value = held.values.get(name) if held else None
    if score is None or score.value is None or held is None or value is None:
        return row
    row["baseline_score"] = value
    found = skill(score.value, score.units, value, held.units.get(name, ()), metric=parts.metric,
                  block=parts.rule.block(parts.task), seed=parts.config.seed) if score.units and held.units.get(name) else None
    return {**row, **_told(found)} if found else row


def _told(found: Skill) -> Result:
    return {"interval": _ends(found.score), "skill": found.skill.value, "skill_interval": _ends(found.skill), "n": found.n}


def _ends(span: Span) -> list[float] | None:
    return [span.low, span.high] if math.isfinite(span.low) and math.isfinite(span.high) else None


def newest_score(parts: Parts, experiment: int, partition: str) -> Score | None:
    """Return the newest valid full score with the campaign's seed, which the baselines have, too, with its units."""
    harness = parts.board.fact("harness")
    runs = [run for run in parts.board.runs(experiment, status="ended")
            if run.partition == partition and run.fidelity == "full" and run.kind not in ASIDE and version_of(run) == harness]
    valid = [run for run in runs if run.seed == parts.config.seed and run.score is not None and run.score.ok]
    return parts.board.run(valid[-1].id).score if valid else None
