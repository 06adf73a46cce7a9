"""Small real campaigns for tests and measurements: a synthetic weekly series, the time_series adapter plus a toy recipe."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alphalab_nb.campaign import Campaign
from alphalab_nb.phases.adapt import make_data, preflight
from alphalab_nb.phases.build import build_harness, certify_baselines, freeze_harness
from alphalab_nb.resources import shipped

TOYS = Path(__file__).parent / "toys"


def toy_adapter(folder: Path) -> Path:
    """Return a copy of the time_series adapter that also offers the `sleeper` family."""
    if not folder.exists():
        shutil.copytree(shipped("adapters", "time_series"), folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(TOYS / "sleeper", folder / "recipes" / "sleeper")
    return folder


def weekly_csv(path: Path, *, rows: int = 420, seed: int = 0) -> Path:
    """Write a weekly series with trend, season and noise."""
    generator = np.random.default_rng(seed)
    t = np.arange(rows)
    target = 300 + 0.03 * t + 3 * np.sin(2 * np.pi * t / 52.18) + generator.normal(0, 0.3, rows)
    stamps = pd.date_range("2000-01-02", periods=rows, freq="W-SUN")
    pd.DataFrame({"time": stamps.strftime("%Y-%m-%d"), "co2": target}).to_csv(path, index=False)
    return path


def sleepers(*seconds: float, **config: Any) -> list[dict[str, Any]]:
    """Return proposals for the `listed` strategy: programs that differ, so that none is another's twin."""
    return [
        {"family": "sleeper", "name": f"sleeper_{n}", "config": {"seconds": s, "bias": n / 1000, **config}}
        for n, s in enumerate(seconds, start=1)
    ]


def small_campaign(folder: Path, proposals: list[dict[str, Any]] | None = None, **settings: Any) -> Campaign:
    """Create a campaign on a small synthetic series; with proposals, these are all its strategy wants."""
    folder.mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = {
        "name": "small", "domain": str(toy_adapter(folder / "toy")), "objective": "forecast a small weekly series",
        "data": {"path": str(weekly_csv(folder / "weekly.csv")), "timestamp": "time", "target": "co2"},
        "task": {"horizon": 8, "stride": 4, "season": 52, "smoke_origins": 3},
        "limits": {"max_experiments": len(proposals) if proposals else 8, "family_share": 1.0},
        "executor": {"kind": "local", "slots": 2},
    }
    if proposals is not None:
        values["strategy"] = {"name": "listed", "options": {"proposals": proposals}}
    for key, value in settings.items():
        values[key] = {**values[key], **value} if isinstance(value, dict) and isinstance(values.get(key), dict) else value
    return Campaign.create(folder / "workspace", **values)


def ready(campaign: Campaign) -> Campaign:
    """Bring a campaign to the beginning of phase 3 without the agents' exploration and attacks."""
    parts = campaign.parts
    preflight(parts)
    make_data(parts)
    build_harness(parts)
    freeze_harness(parts)
    certify_baselines(parts)
    for phase in ("adapt", "explore", "build"):
        campaign.board.set_step(phase, "phase", "finished")
    return campaign
