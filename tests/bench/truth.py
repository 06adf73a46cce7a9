"""Measure our own rules where the truth is known: `make bench AREA=truth`, or `python -m tests.bench.truth ID ...` for some rows."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from alphalab_nb.simulate import measures
from alphalab_nb.simulate.findings import RATIOS, each
from alphalab_nb.simulate.measures import Ended, interval
from tests.bench.cheats_row import cheats
from tests.bench.real_scores import real_scores
from tests.bench.rows import Bench, Found

NULL_CAMPAIGNS = 2000
POWER_CAMPAIGNS = 300
WORLDS = 200


# -- the simulator -------------------------------------------------------------------------------------------


def null_world() -> Found:
    kept = each(measures.kept_in_null_world, NULL_CAMPAIGNS)
    share = {arm: sum(one[arm] for one in kept) / len(kept) for arm in kept[0]}
    return Found(share["ours"], n=len(kept), detail={"greedy": share["greedy"], "nominal": 0.04})


def power() -> Found:
    kept = each(measures.kept_planted, POWER_CAMPAIGNS)
    at_one = each(functools.partial(measures.kept_planted, mdes=1.0), POWER_CAMPAIGNS)
    return Found(sum(kept) / len(kept), n=len(kept), detail={"at one MDE": sum(at_one) / len(at_one)})


@functools.cache
def races(ratio: float) -> Sequence[dict[str, Ended]]:
    return each(functools.partial(measures.raced, noise=ratio), WORLDS)


def regret() -> Found:
    also: dict[str, bool] = {}
    detail: dict[str, Any] = {}
    for ratio in RATIOS:
        found = races(ratio)
        means = {arm: round(float(np.mean([one[arm].regret for one in found])), 3) for arm in found[0]}
        ahead = {other: interval([one[other].regret - one["ours"].regret for one in found]) for other in ("greedy", "best_of_n")}
        possible = float(np.mean([one["ours"].possible for one in found]))
        detail[f"95 % at {ratio:g}"] = {arm: interval([one[arm].regret for one in found]) for arm in found[0]}
        detail[f"noise/effect {ratio:g}"] = {
            "regret in effects": means, "of possible": round(possible, 3),
            "ahead of (95 %)": {other: [round(end, 3) for end in ends] for other, ends in ahead.items()},
            "experiments": {arm: round(float(np.mean([one[arm].experiments for one in found])), 1) for arm in found[0]},
        }
        if ratio >= 1:
            also[f"better than both at {ratio:g}"] = all(low > 0 for low, _ in ahead.values())
        else:
            also[f"at most 5 % more regret at {ratio:g}"] = means["ours"] <= 1.05 * min(means["greedy"], means["best_of_n"])
    return Found(all(also.values()), n=WORLDS, also=also, detail=detail)


def optimism() -> Found:
    by_ratio = {ratio: {arm: float(np.mean([one[arm].optimism for one in races(ratio)])) for arm in ("ours", "greedy", "best_of_n")}
                for ratio in RATIOS}
    worst = max((found["ours"] for found in by_ratio.values()), key=abs)
    ends = {f"95 % at {ratio:g}": {arm: interval([one[arm].optimism for one in races(ratio)]) for arm in found}
            for ratio, found in by_ratio.items()}
    return Found(abs(worst), n=WORLDS * len(RATIOS), detail={f"noise/effect {ratio:g}": found for ratio, found in by_ratio.items()} | ends)


def sealed_cover() -> Found:
    by_ratio = {ratio: float(np.mean([one["ours"].sealed_inside for one in races(ratio)])) for ratio in RATIOS}
    share = float(np.mean(list(by_ratio.values())))
    return Found(share, n=WORLDS * len(RATIOS), also={"at most 0.95": share <= 0.95},
                 detail={f"noise/effect {ratio:g}": found for ratio, found in by_ratio.items()})


def main() -> None:
    bench = Bench("truth")
    bench.measure("cheats", unit="fraction of planted cheats killed", must=">= 1", of=cheats)
    bench.measure("null_world", unit="fraction of campaigns keeping a false improvement", must="<= 0.05", of=null_world)
    bench.measure("power", unit="fraction of gains of 2 MDE that were kept", must=">= 0.9", of=power)
    bench.measure("regret", unit="better than greedy and best of N", must="true", of=regret)
    bench.measure("optimism", unit="noise sd by which the champion is oversold or undersold", must="<= 0.5", of=optimism)
    bench.measure("sealed_cover", unit="fraction inside the 90 % prediction interval", must=">= 0.85", of=sealed_cover)
    bench.measure("real_scores", unit="search, confirm and sealed with intervals and skill, on all three", must="true", of=real_scores)
    print(json.dumps([{key: row[key] for key in ("id", "value", "must", "ok")} for row in bench.rows], indent=1))


if __name__ == "__main__":
    main()
