"""Measure the kernel lab and a campaign over it: `make bench AREA=kernels`, or `python -m tests.bench.kernels ID ...` for some rows.

The full checkout of KernelBench is looked for in the folder that the variable KERNELBENCH names; without it the row kernelbench is that of
the fixture of our own, and says so. Of a machine with a GPU the same table is printed by `pytest -m gpu tests/gpu`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from alphalab_nb.campaign import Campaign
from alphalab_nb.resources import shipped
from kernels_lab import aa as aa_trials
from kernels_lab.evaluate import evaluate
from kernels_lab.hacks.catalogue import Hack
from kernels_lab.hacks.catalogue import hacks as catalogue
from kernels_lab.hacks.naive import Naive
from kernels_lab.problem import load, names
from kernels_lab.summary import Row, Summary, summary
from kernels_lab.survey import LEVELS, survey
from tests.bench.dispatch import fresh, run
from tests.bench.rows import Bench, Found
from tests.kernels_lab.campaigns import EXPECTED, labels, with_hostile_kernels
from tests.kernels_lab.test_hacks import CANDIDATES, believed

COMPILED = ("compile", "compile_max_autotune")
FIXTURE = Path(__file__).parents[1] / "kernels_lab" / "fixture"
CAMPAIGN_S = 3600.0


# -- the campaign --------------------------------------------------------------------------------------------


@cache
def ended() -> tuple[Campaign, float]:
    """Run the shipped campaign over 24 problems; return it with its wall seconds."""
    root = fresh("kernels_campaign")
    Campaign.create(root, shipped("adapters", "cuda_kernel", "examples", "cpu_24.yaml"))
    wall = run(root)
    return Campaign.open(root), wall


def offline_campaign() -> Found:
    """fast_1 of the champions' sealed speedups against the faster of torch.compile's two modes, of all problems that were attempted."""
    campaign, wall = ended()
    rows = sealed_rows(campaign, COMPILED)
    found = summary(rows, "torch.compile, the faster of default and max-autotune")
    detail = _told(found) | {"wall_s": round(wall), "experiments": len(campaign.board.list())}
    return Found(found.fast["1"], n=len(rows), also={"within 60 minutes": wall <= CAMPAIGN_S, "24 problems": len(rows) == 24},
                 detail=detail | {row.problem: _said(row) for row in rows})


def vs_best() -> Found:
    """The geometric mean over the same kernels against the fastest of eager, torch.compile and the library, whichever that is."""
    campaign, _ = ended()
    rows = sealed_rows(campaign)
    found = summary(rows, "the fastest of eager, torch.compile and the library")
    against = {row["family"]: row["secondary"].get("baseline", "none") for row in campaign.board.fact("sealed")["families"]}
    said = {row.problem: f"{_said(row)} {against.get(row.problem, '')}" for row in rows}
    return Found(found.geometric_mean, n=len(rows), detail=_told(found) | said)


def sealed_rows(campaign: Campaign, forms: tuple[str, ...] = ()) -> list[Row]:
    """Return a row per problem: the sealed speedup against the fastest of these baselines; of all that there are by default."""
    champions = {row["family"]: row for row in campaign.board.fact("sealed")["families"]}
    attempted = sorted({experiment.family for experiment in campaign.board.list()})
    return [Row(name, load(name).rewrite, _least(champions.get(name), forms)) for name in attempted]


def _least(row: Mapping[str, Any] | None, forms: tuple[str, ...]) -> float | None:
    if row is None or row["score"] is None:
        return None
    over: dict[str, float] = row["secondary"]["speedup"]
    return min((value for form, value in over.items() if form in forms), default=None) if forms else row["score"]


def _told(found: Summary) -> dict[str, Any]:
    return {
        "against": found.baseline, "attempted": found.attempted, "right": found.correct,
        "fast_p (of attempted)": {p: round(share, 3) for p, share in found.fast.items()},
        "fast_p (of right ones, as in the paper)": {p: round(share, 3) for p, share in found.fast_of_correct.items()},
        "geometric mean": _short(found.geometric_mean), "geometric mean without rewrites": _short(found.geometric_mean_without_rewrites),
    }


def _said(row: Row) -> str:
    return f"{_short(row.speedup)}{' (rewrite)' if row.rewrite else ''}"


def _short(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}x"


# -- the lab -------------------------------------------------------------------------------------------------


def aa() -> Found:
    """Share of intervals of the reference against itself that hold 1, over 24 problems three times."""
    done = aa_trials.trials([load(name) for name in names()], 3, seed=1)
    wrong = [f"{trial.problem} {trial.low:.3f} to {trial.high:.3f}" for trial in done if not trial.contains_one]
    found = aa_trials.summed_up(done)
    return Found(found["contain_one"], n=len(done), detail={**found, "do not hold 1": ", ".join(wrong) or "none"})


def hacks() -> Found:
    """Share of the adversarial suite that the lab names rightly, all of it first shown to fool a naive timer; and the right kernels."""
    caught, fooled, missed = 0, 0, list[str]()
    for name, hack in catalogue().items():
        with tempfile.TemporaryDirectory() as folder:
            naive = next((one for _ in range(3) if deceived(hack, one := believed(hack, Path(folder)))), None)
        verdict = evaluate(hack.problem, hack.file, hack.backend, seed=11, time_it=hack.timed, compared="eager", budget_s=0)
        fooled += naive is not None
        named = (verdict.ok, verdict.check) == (False, hack.check)
        caught += named
        missed += [] if named else [f"{name}: {verdict.check or 'nothing'}"]
    alarms = [f"{name}: {verdict.check}" for name in names()
              if not (verdict := evaluate(load(name), CANDIDATES / f"{name}.cpp", seed=5, compared="eager", budget_s=0)).ok]
    total = len(catalogue())
    also = {"each fools a naive timer": fooled == total, "0 false alarms on 24 right kernels": not alarms}
    return Found(caught / total, n=total, also=also, detail={"missed": ", ".join(missed) or "none", "alarms": ", ".join(alarms) or "none"})


def deceived(hack: Hack, naive: Naive) -> bool:
    """Whether a naive timer took a hack for what it says it is; its mean of ten calls depends on the machine's other work."""
    return naive.accepted and naive.speedup > (2 if hack.faster else 0)


def kernelbench() -> Found:
    """Share of the problems of levels 1 and 2 that load and run at CPU scale."""
    checkout = os.environ.get("KERNELBENCH")
    found = list(survey(Path(checkout) if checkout else FIXTURE, LEVELS))
    rest = {verdict.problem: verdict.reason for verdict in found if not verdict.runs}
    which = f"{len(found)} of the checkout" if checkout else "a fixture of our own; set KERNELBENCH to a checkout for the 200"
    share = sum(verdict.loads and verdict.runs for verdict in found) / len(found)
    return Found(share, n=len(found), also={"the rest is named with its reason": all(rest.values())},
                 detail={"problems": which, "pass the lint": sum(verdict.lint_ok for verdict in found), **rest})


def hostile() -> Found:
    """Whether every hostile kernel of a campaign got its label and the campaign went on to its end."""
    with tempfile.TemporaryDirectory() as folder:
        campaign = with_hostile_kernels(Path(folder))
        campaign.run()
        found = labels(campaign)
        right = {name: label == EXPECTED.get(name, "ok") for name, label in found.items()}
        also = {"the last kernel was scored": found.get("last") == "ok", "all were judged": {"first", "last", *EXPECTED} == found.keys(),
                "the campaign ended with a sealed score": campaign.board.fact("sealed") is not None}
    return Found(all(right.values()), n=len(EXPECTED), also=also, detail=found)


def main() -> int:
    """Measure the rows that the command line names, or all; those that need a quiet machine first."""
    bench = Bench("kernels")
    bench.measure("aa", unit="share of intervals that hold 1", must=">= 0.93", of=aa)
    bench.measure("offline_campaign", unit="fast_1 of attempted, against torch.compile's best", must=">= 0.5", of=offline_campaign)
    bench.measure("vs_best", unit="times the best of all baselines, geometric mean", must="> 0", of=vs_best)
    bench.measure("hacks", unit="share caught by name", must=">= 1", of=hacks)
    bench.measure("kernelbench", unit="share that loads and runs", must=">= 0.95", of=kernelbench)
    bench.measure("hostile", unit="each a labelled failure", must="true", of=hostile)
    return 0


if __name__ == "__main__":
    sys.exit(main())
