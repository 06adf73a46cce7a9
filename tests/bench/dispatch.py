"""Measure a campaign from end to end: `make bench AREA=dispatch`, or `python -m tests.bench.dispatch ID ...` for some rows."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from alphalab_nb.campaign import Campaign
from alphalab_nb.resources import shipped
from alphalab_nb.storage.experiment import State
from tests.bench.rows import Bench, Found
from tests.datasets import shared_data
from tests.faults.kill import kill_tree, orphans, start
from tests.support import ready, sleepers, small_campaign

WORK = Path("build/bench/campaigns").resolve()


def fresh(name: str) -> Path:
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder


def run(root: Path, *verb: str) -> float:
    """Run a verb of the command line on a workspace; return its wall seconds."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "alphalab_nb.cli", *(verb or ("run",)), str(root)], check=True)
    return time.monotonic() - started


def confirmed(campaign: Campaign) -> dict[str, Any]:
    step = campaign.board.step("report", "confirm_best")
    assert step is not None
    result: dict[str, Any] = step["result"]
    return result


# -- the demo ------------------------------------------------------------------------------------------------


def demo(bench: Bench) -> None:
    """One run of the demo gives three rows."""
    if not bench.wants("demo_s", "demo_sealed", "demo_search"):
        return
    root = fresh("demo")
    try:
        wall = run(root, "demo")
    except subprocess.CalledProcessError as error:
        print(error)
    bench.measure("demo_s", unit="s", must="<= 300", of=lambda: _demo_s(root, wall))
    bench.measure("demo_sealed", unit="ppm RMSE", must="<= 0.62", of=lambda: _demo_sealed(root))
    bench.measure("demo_search", unit="fraction below the best family default, confirm", must="> 0", of=lambda: _demo_search(root))


def _demo_s(root: Path, wall: float) -> Found:
    rows = Campaign.open(root).rows()
    families = {row.family for row in rows}
    return Found(wall, also={"at least 12 scored": len(rows) >= 12, "at least 5 families": len(families) >= 5},
                 detail={"scored": len(rows), "families": sorted(families)})


def _demo_sealed(root: Path) -> Found:
    sealed = Campaign.open(root).status()["sealed"]
    below = all(sealed["score"] < value for value in sealed["baselines"].values())
    return Found(sealed["score"], also={"below every certified baseline": below, "opened once": sealed["reads"] == 1},
                 detail={"baselines": sealed["baselines"], "confirm": sealed["confirm"], "search": sealed["search"]})


def _demo_search(root: Path) -> Found:
    campaign = Campaign.open(root)
    result = confirmed(campaign)
    by_id = {row["id"]: row for row in result["rows"]}
    champion, default = by_id[result["champion"]], by_id[result["default"]]
    value = campaign.parts.metric.improvement(champion["confirm"], default["confirm"])
    stages = campaign.by_stage()
    return Found(value, also={"budget per stage in the report": bool(stages)},
                 detail={"champion": champion, "default": default, "stages": stages})


# -- two panels ----------------------------------------------------------------------------------------------


def panel(example: str, file: Path, **settings: Any) -> tuple[Campaign, float]:
    """Run a shipped example on its data; return the campaign and its wall seconds."""
    root = fresh(example)
    Campaign.create(root, shipped("adapters", "time_series", "examples", f"{example}.yaml"), data={"path": str(file)}, **settings)
    wall = run(root)
    return Campaign.open(root), wall


def trondheim() -> Found:
    campaign, wall = panel("trondheim", shared_data() / "trondheim_traffic" / "traffic.csv.gz")
    sealed = campaign.board.fact("sealed")
    naive = sealed["baselines"]["seasonal_naive"]
    against = next(row for row in sealed["references"] if row["family"] == campaign.parts.adapter.manifest.reference)
    interval = against["loss_difference"]
    return Found(
        1 - sealed["score"] / naive, n=interval["n"],
        also={"below the default gradient boosting by a paired interval": interval["high"] < 0, "<= 20 min": wall <= 1200},
        detail={"rmse": sealed["score"], "seasonal_naive": naive, "without the refit": sealed["fixed_score"], "default": against,
                "seven windows, RMSE": seven_windows(campaign), "wall_s": round(wall)},
    )


def seven_windows(campaign: Campaign) -> list[float]:
    """RMSE of the champion on the seven 24-hour windows of the GluonTS protocol: the first seven sealed origins."""
    champion = campaign.board.fact("sealed")["champion"]
    windows: dict[int, list[float]] = {}
    for id, value in sealed_units(campaign, champion):
        windows.setdefault(int(id.split("/")[0][1:]), []).append(value)
    return [round((sum(windows[o]) / len(windows[o])) ** 0.5, 2) for o in sorted(windows)[:7]]


def sealed_units(campaign: Campaign, experiment: int) -> tuple[tuple[str, float], ...]:
    """Return the loss of each window and series in the last sealed score."""
    runs = [campaign.board.run(run.id) for run in campaign.board.runs(experiment) if run.partition == "sealed" and run.kind == "sealed"]
    return next(run.score.units for run in reversed(runs) if run.score is not None and run.score.units)


def etth1() -> Found:
    campaign, wall = panel("etth1", shared_data() / "ett" / "ETTh1.csv.gz")
    sealed = campaign.board.fact("sealed")
    windows = len({id.split("/")[0] for id, _ in sealed_units(campaign, sealed["champion"])})
    return Found(sealed["score"], n=windows, also={"all 2785 windows": windows == 2785, "<= 10 min": wall <= 600},
                 detail={"champion": sealed["champion"], "baselines": sealed["baselines"], "wall_s": round(wall)})


# -- the loop ------------------------------------------------------------------------------------------------


def overhead() -> Found:
    campaign = ready(small_campaign(fresh("overhead"), sleepers(3, 3, 3, 3)))
    run(campaign.workspace.root, "run", "--phase", "experiment")
    return Found(campaign.board.fact("wall_s"), n=4, also={"all scored": len(campaign.rows()) == 4})


def slots_busy() -> Found:
    durations = [random.Random(1).uniform(0.5, 2) for _ in range(60)]
    campaign = ready(small_campaign(fresh("slots_busy"), sleepers(*durations)))
    run(campaign.workspace.root, "run", "--phase", "experiment")
    runs = [r for r in campaign.board.runs() if r.started]
    first = min(_at(move.at) for e in campaign.board.list() for move in campaign.board.history(e.id) if move.target is State.IMPLEMENTED)
    last = max(_at(r.ended) for r in runs)
    busy = sum(r.seconds for r in runs)
    return Found(busy / (2 * (last - first)), n=60, also={"all scored": len(campaign.rows()) == 60},
                 detail={"busy slot-seconds": round(busy, 1), "seconds": round(last - first, 1)})


def _at(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


def kills() -> Found:
    moments = random.Random(int(os.environ.get("ALPHALAB_BENCH_SEED", "5")))
    outcomes = [_killed_once(fresh(f"kill_{n}"), moments.uniform(0.5, 18)) for n in range(10)]
    good = [not problems for _, problems in outcomes]
    return Found(all(good), n=sum(good), detail={f"killed after {moment:.1f} s": problems or "ok" for moment, problems in outcomes})


def _killed_once(folder: Path, moment: float) -> tuple[float, list[str]]:
    """Kill a campaign once and run it again; return what is wrong afterwards."""
    campaign = ready(small_campaign(folder, sleepers(*[3.0] * 10)))
    root = campaign.workspace.root
    process = start(root)
    time.sleep(moment)
    if process.poll() is not None:
        return moment, ["it had ended before it could be killed"]
    kill_tree(process)
    problems = [f"orphan: {line}" for line in orphans(root)]
    if start(root).wait() != 0:
        problems.append("the second run failed")
    for experiment in campaign.board.list():
        scored = [r for r in campaign.board.runs(experiment.id) if r.fidelity == "full" and r.score and r.score.ok]
        if experiment.outcome != "ok" or len(scored) != 1:
            problems.append(f"#{experiment.id} is {experiment.state}, scored {len(scored)} times")
    if len(campaign.board.list()) != 10:
        problems.append(f"{len(campaign.board.list())} experiments")
    return moment, problems


# -- the agents ----------------------------------------------------------------------------------------------


def quirks() -> Found:
    return proven("tests/explorer")


def harness_bugs() -> Found:
    return proven("tests/harness/test_stopped.py")


def proven(*tests: str) -> Found:
    """Run tests; the value is whether every one of them ran and passed."""
    record = fresh("proofs") / "junit.xml"
    command = [sys.executable, "-m", "pytest", "-m", "not gpu", "-p", "no:cacheprovider", f"--junitxml={record}", *tests]
    subprocess.run(command, check=False)
    cases = list(ElementTree.parse(record).getroot().iter("testcase"))
    names = [case.get("name") for case in cases]
    missed = [case.get("name") for case in cases if any(case.find(end) is not None for end in ("failure", "error", "skipped"))]
    told = {str(case.get("name")): {held.get("name"): held.get("value") for held in case.iter("property")} for case in cases}
    properties = {name: held for name, held in told.items() if held}
    detail = {"tests": names, "failed or skipped": missed, **({"properties": properties} if properties else {})}
    return Found(bool(cases) and not missed, n=len(cases), detail=detail)


def main() -> None:
    bench = Bench("dispatch")
    bench.measure("overhead", unit="s", must="<= 14", of=overhead)
    bench.measure("slots_busy", unit="fraction of slot-seconds", must=">= 0.9", of=slots_busy)
    demo(bench)
    bench.measure("trondheim", unit="fraction below seasonal naive(168), sealed RMSE", must=">= 0.34", of=trondheim)
    bench.measure("etth1", unit="MSE, z-scored", must="<= 0.375", of=etth1)
    bench.measure("quirks", unit="every planted fault named, every number cited", must="true", of=quirks)
    bench.measure("kills", unit="nothing lost, nothing twice, no orphan", must="true", of=kills)
    bench.measure("harness_bugs", unit="every planted bug stopped", must="true", of=harness_bugs)
    print(json.dumps([{key: row[key] for key in ("id", "value", "must", "ok")} for row in bench.rows], indent=1))


if __name__ == "__main__":
    main()
