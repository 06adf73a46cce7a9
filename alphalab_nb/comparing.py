"""Compare two experiments on the units that both were scored on: what `compare` does, from Python and the command line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from alphalab_nb.errors import BadInput, MixedVersions
from alphalab_nb.judge.certificate import noise_of
from alphalab_nb.judge.compare import Comparison, compared
from alphalab_nb.judge.leaders import leaderboard
from alphalab_nb.judge.rules import Noise
from alphalab_nb.parts import Parts
from alphalab_nb.storage.experiment import Run
from alphalab_nb.storage.leaderboard import Row, full_runs, version_of

LEVEL = 0.9


@dataclass(frozen=True, kw_only=True)
class Duel:
    """The first of two experiments beside the second, on search."""

    rows: tuple[Row, Row]
    gain: float
    """Mean loss of the second minus that of the first over the common units: positive means that the first is better."""
    low: float | None
    """With `high` its 90 % interval; None where there is nothing to estimate it from."""
    high: float | None
    p_value: float
    """One-sided: how probable so large a gain is if the first is not better."""
    runs: int
    """Pairs of runs with equal seeds."""

    @property
    def said(self) -> str:
        """The result in a sentence."""
        first, second = (f"#{row.id}" for row in self.rows)
        seeds = "" if self.rows[0].n == self.rows[1].n == self.runs else f", by {self.runs} of their seeds, which both have"
        if self.low is None or self.high is None:
            return f"nothing tells whether {first} and {second} differ: one unit has no spread"
        if self.low <= 0 <= self.high:
            return f"{first} and {second} cannot be told apart{seeds}"
        return f"{first} is {'better' if self.gain > 0 else 'worse'} than {second}{seeds}"

    def as_dict(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in ("gain", "low", "high", "p_value", "runs")}
        return {"rows": [asdict(row) for row in self.rows], **values, "level": LEVEL, "said": self.said}


def compare(parts: Parts, first: int, second: int) -> Duel:
    """Compare two experiments as the Judge does: paired by seed and unit, with neighbouring units taken as dependent.

    Raises:
        NotFound: no such experiment.
        BadInput: twice the same, or one of them is not on the leaderboard.
        MixedVersions: different versions of the harness have scored them.
    """
    if first == second:
        raise BadInput(f"compare: {first} twice; give the numbers of two experiments")
    mine, theirs = (_runs(parts, id) for id in (first, second))
    _refuse_mixed(first, mine, second, theirs)
    found = compared(mine, theirs, metric=parts.metric, stochastic=parts.adapter.manifest.stochastic, block=parts.rule.block(parts.task),
                     noise=_noise(parts))
    if found is None:
        raise BadInput(f"#{first} and #{second} have no run with a common seed, so there is nothing to pair; run one of them again")
    rows = {row.id: row for row in leaderboard(parts.board, parts.metric, version_of(mine[-1]))}
    low, high = _ends(found)
    return Duel(rows=(rows[first], rows[second]), gain=found.gain, low=low, high=high, p_value=found.p_value, runs=found.runs)


def _runs(parts: Parts, id: int) -> list[Run]:
    """Return the full runs of an experiment with their units."""
    experiment = parts.board.get(id)
    runs = full_runs(parts.board, id, parts.board.fact("harness")) or full_runs(parts.board, id, None)
    if not runs or experiment.quarantined:
        why = "is in quarantine" if runs else "has no full score"
        raise BadInput(f"experiment {id} {why}, so it cannot be compared; `alphalab-nb leaderboard` lists those that can")
    return [parts.board.run(run.id) for run in runs]


def _refuse_mixed(first: int, mine: Sequence[Run], second: int, theirs: Sequence[Run]) -> None:
    versions = version_of(mine[-1]), version_of(theirs[-1])
    if versions[0] != versions[1]:
        raise MixedVersions(f"#{first} was scored by harness {versions[0]}, #{second} by {versions[1]}: their scores cannot be compared; "
                            "`alphalab-nb rescore` scores the older one again")


def _noise(parts: Parts) -> Noise | None:
    """Return what the certificate of this harness measured, if it could."""
    record = parts.board.fact("certificate")
    noise = noise_of(record) if record and record.get("harness") == parts.board.fact("harness") else None
    return noise if noise is not None and noise.known else None


def _ends(found: Comparison) -> tuple[float | None, float | None]:
    return found.interval(LEVEL) if math.isfinite(found.se) else (None, None)
