"""The leaderboard: what each experiment scored, how much of that may be luck, how many runs it rests on, and what it cost.

The noise of a row is what it does not share with the others. All are measured on the same units, so that these are hard or easy moves
all rows together and helps none of them; the certificate has the interval of that. It takes no units and no samples, so that a
leaderboard costs no more than its ranking.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alphalab_nb.judge.certificate import noise_of
from alphalab_nb.judge.rules import Noise
from alphalab_nb.judge.shrink import Estimate, shrunken
from alphalab_nb.metric import Metric
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import Run
from alphalab_nb.storage.leaderboard import Ranked, Row, ranking, values_of, version_of

MORE_COMPUTE = 1.5
"""Times the compute of the reference from which on a gain says so; start-up and a busy machine move CPU seconds by less."""
MATCHED = "matched"
"""Fact of the board: by experiment, what the reference scored when it was given the same compute; see `phases.matched`."""
RUN_CPU = "run_cpu_s"
"""Name of the CPU seconds of RUN among the resources of a score; `cpu_s` are those of SCORE."""


@dataclass(frozen=True)
class Sample:
    """The scores of one experiment, in the unit of the metric."""

    value: float
    """Their mean."""
    n: int
    sd: float | None
    """Standard deviation; None below two."""


def leaderboard(board: Board, metric: Metric, harness: str | None = None) -> list[Row]:
    """Return the leaderboard's rows, best first.

    Raises:
        MixedVersions: no version of the harness is given and there are scores of several.
    """
    ranked = ranking(board, metric, harness)
    codes = {attempt.id: attempt.commit for attempt in board.attempts()}
    compute = compute_of(board, ranked)
    rows = [_row(rank, entry, codes, compute[entry.experiment.id]) for rank, entry in enumerate(ranked, start=1)]
    held = reference(ranked)
    mine = next((row for row in rows if held is not None and row.id == held.experiment.id), None)
    return completed(rows, [sample_of(entry.runs) for entry in ranked], board=board, metric=metric, held=mine)


def completed(rows: list[Row], samples: Sequence[Sample], *, board: Board, metric: Metric, held: Row | None) -> list[Row]:
    """Return rows of one version of the harness with what may be luck, and what their compute says.

    Args:
        rows: the best of the ranking, or all of it.
        samples: of the whole ranking, in its order.
        held: whose compute the others' is compared with; see `reference`.
    """
    rows = _shrunken_rows(rows, samples, _certificate(board, rows))
    if held is None or not held.compute_s:
        return rows
    matched: dict[str, Any] = board.fact(MATCHED, {})
    return [_with_matched(_against(row, held, held.compute_s, metric), matched.get(str(row.id)), held, held.compute_s) for row in rows]


def estimates(samples: Sequence[Sample], certificate: Mapping[str, Any] | None, *,
              noise_from: Callable[[Mapping[str, Any]], Noise | None] = noise_of) -> list[Estimate] | None:
    """Return each mean with its own standard error; None where nothing tells the noise.

    The variance over seeds is pooled over all experiments that ran more than once and over the repeats of the certificate, by degrees
    of freedom (Smyth 2004, section 3); that over units is the certificate's. A certificate measures differences of two programs, each
    of which has half of the variance.

    Args:
        certificate: record of the baselines' certificate; see `judge.certificate`.
        noise_from: says which partition's noise is read from it; default: that of search.
    """
    units, seeds, repeats = _certified(certificate, noise_from)
    freedom = [sample.n - 1 for sample in samples if sample.sd is not None]
    squares = sum(sample.sd**2 * (sample.n - 1) for sample in samples if sample.sd is not None)
    prior = repeats - 1 if seeds else 0
    among = (squares + prior * (seeds or 0.0)) / (sum(freedom) + prior) if sum(freedom) + prior else 0.0
    if units is None and among == 0:
        return None  # equal repeats alone never make a band of no width
    return [Estimate(sample.value, math.sqrt(among / sample.n + (units or 0.0)), sample.n) for sample in samples]


def sample_of(runs: Sequence[Run]) -> Sample:
    values = values_of(runs)
    return Sample(statistics.fmean(values), len(values), statistics.stdev(values) if len(values) > 1 else None)


def reference(ranked: Sequence[Ranked]) -> Ranked | None:
    """Return the experiment whose compute the others' is compared with: the best family default, else the first on the board.

    The baselines proper are computed within the harness and have no RUN whose compute could be compared.
    """
    default = next((entry for entry in ranked if entry.experiment.stage == "defaults"), None)
    return default or min(ranked, key=lambda entry: entry.experiment.id, default=None)


def compute_of(board: Board, ranked: Sequence[Ranked]) -> dict[int, float | None]:
    """Return the CPU seconds of one run of each experiment, RUN and SCORE together; None where they were not recorded.

    RUN is that of any full run of the attempt, for an artefact that is scored again was not made again.
    """
    made = run_cpu_s(board)
    return {entry.experiment.id: _cpu_s(entry.runs, made.get(entry.runs[-1].attempt)) for entry in ranked}


def baseline_of(board: Board, experiment: int) -> str:
    """Return the name of the certified baseline that an experiment is compared with: the strongest, or that of its family's own problem."""
    record = board.fact("certificate") or {}
    return board.get(experiment).family if record.get("within") == "family" else record.get("baseline", "")


def run_cpu_s(board: Board) -> dict[int, float]:
    """Return the mean CPU seconds of RUN by attempt, where they were recorded; what was given more than others have does not count."""
    made: defaultdict[int, list[float]] = defaultdict(list)
    for run in board.runs(status="ended"):
        if run.fidelity == "full" and run.kind != "matched" and run.score is not None and RUN_CPU in run.score.resources:
            made[run.attempt].append(run.score.resources[RUN_CPU])
    return {attempt: statistics.fmean(found) for attempt, found in made.items()}


# -- parts ---------------------------------------------------------------------------------------------------


def _row(rank: int, entry: Ranked, codes: Mapping[int, str], compute_s: float | None) -> Row:
    newest = entry.runs[-1]
    return Row(rank=rank, id=entry.experiment.id, name=entry.experiment.name, family=entry.experiment.family, score=entry.value,
               n=len(entry.runs), fidelity="full", evaluator=version_of(newest), code=codes[newest.attempt][:12],
               seconds=round(sum(run.seconds for run in entry.runs), 3), compute_s=compute_s)


def _cpu_s(runs: Sequence[Run], made: float | None) -> float | None:
    scoring = [run.score.resources["cpu_s"] for run in runs if run.score is not None and "cpu_s" in run.score.resources]
    return round(made + statistics.fmean(scoring), 3) if made is not None and scoring else None


def _certificate(board: Board, rows: Sequence[Row]) -> Mapping[str, Any] | None:
    """Return the certificate of the harness that the rows are of; that of another version says nothing of them."""
    record = board.fact("certificate")
    return record if record and rows and record.get("harness") in (None, rows[0].evaluator) else None


def _certified(
    record: Mapping[str, Any] | None, noise_from: Callable[[Mapping[str, Any]], Noise | None]
) -> tuple[float | None, float | None, int]:
    """Return one program's variance over units and over seeds, in squares of the metric, and the repeats behind the latter.

    Losses become values of the metric as they do for the band of noise, which the record has in both. None: not known.
    """
    noise = noise_from(record) if record else None
    if not record or noise is None or record.get("band") is None:
        return None, None, 0
    if noise.seed_sd == noise.unit_sd == 0:
        return 0.0, 0.0, 0  # certified exact: a function without noise
    scale = (record["band"] / record["band_loss"]) ** 2
    return scale * noise.unit_sd**2 / 2, scale * noise.seed_sd**2 / 2, int(record["repeats"])


def _shrunken_rows(rows: list[Row], samples: Sequence[Sample], certificate: Mapping[str, Any] | None) -> list[Row]:
    known = estimates(samples, certificate)
    if known is None:
        return rows
    return [replace(row, shrunken=each.value, low=each.low, high=each.high) for row, each in zip(rows, shrunken(known))]


def _against(row: Row, held: Row, held_s: float, metric: Metric) -> Row:
    if row.compute_s is None:
        return row
    ratio = round(row.compute_s / held_s, 3)
    more = ratio > MORE_COMPUTE and metric.better(row.score, held.score)
    return replace(row, compute_ratio=ratio, note=f"used {ratio:.1f} x the compute of #{held.id}" if more else "")


def _with_matched(row: Row, found: Mapping[str, Any] | None, held: Row, held_s: float) -> Row:
    """Say what the reference scored with the same compute, if that was measured by this version and it still is the reference."""
    if not found or row.id == held.id or found["harness"] != row.evaluator or found["reference"] != held.id:
        return row
    said = f"given {found['stretch']:.1f} x its time, #{held.id} used {found['compute_s'] / held_s:.1f} x its compute and scored"
    return replace(row, matched=found["value"], note="; ".join(part for part in (row.note, f"{said} {found['value']:.6g}") if part))
