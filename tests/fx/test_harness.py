"""The harness of exchange rates beside other code, on made and on real rates, through the real partitions and the evaluator."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from alphalab_nb.partitions import read_panel
from tests.fx.content import ADAPTER, cell, experiment
from tests.fx.laboratory import Laboratory, on_business_days, open_laboratory, random_rates, real_rates

WATCHING = """
import json
import numpy as np

class Forecaster:
    def __init__(self, artefact_dir): pass
    def hello(self, meta): self.shape = (meta["horizon"], len(meta["items"]))
    def step(self, context):
        rows = np.rint(np.log(context["new"][:, 0]) / 1e-3).astype(int).tolist()
        late = [row for row in rows if row >= context["t"] - EMBARGO]
        assert not late, f"shown row {late[-1]} at origin {context['t']}"
        assert context["start"] + len(rows) == context["t"] - EMBARGO
        return context["new"][-1:] * np.ones(self.shape) if rows else np.ones(self.shape)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    """Random walks: nothing can be earned but by luck."""
    return open_laboratory(tmp_path_factory.mktemp("made"), random_rates(), smoke_origins=3)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Laboratory:
    return open_laboratory(tmp_path_factory.mktemp("real"), real_rates(shared_data))


@pytest.fixture(scope="module")
def metrics() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fx_metrics", ADAPTER / "harness" / "metrics.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- beside other code -----------------------------------------------------------------------------------------


def held(rng: np.random.Generator, windows: int, mean: float = 0.0) -> np.ndarray:
    """Return the PnL of a position held 30 days in a market whose days depend on each other."""
    noise = rng.normal(size=30 * windows + 1)
    return mean + np.repeat(rng.choice([-1.0, 1.0], windows), 30) * (noise[1:] + 0.3 * noise[:-1])


@pytest.mark.parametrize("lag", [0, 5, 30])
def test_newey_west_is_that_of_statsmodels(metrics: ModuleType, lag: int) -> None:
    from statsmodels.api import OLS

    sample = held(np.random.default_rng(1), 20)
    fit = OLS(sample, np.ones(len(sample))).fit(cov_type="HAC", cov_kwds={"maxlags": lag, "use_correction": False})
    assert metrics.newey_west(sample, lag) == pytest.approx(float(fit.bse[0]), rel=1e-10)


def test_the_interval_covers_the_true_sharpe(metrics: ModuleType) -> None:
    """95 % asked for; 30 lags on 37 windows give a little less (94 % over 2000 samples)."""
    rng, mean = np.random.default_rng(2), 0.05
    true = math.sqrt(252) * mean / math.sqrt(1 + 0.3**2)
    found = [metrics.sharpe_interval(held(rng, 37, mean), 30) for _ in range(600)]
    covered = np.mean([row["low"] <= true <= row["high"] for row in found])
    assert 0.90 <= covered <= 0.97


# -- what a forecaster is shown --------------------------------------------------------------------------------


@pytest.mark.parametrize(("embargo", "lookback"), [(0, None), (0, 5000), (0, 40), (7, None), (7, 5000)])
def test_the_context_never_reaches_into_the_target(tmp_path: Path, embargo: int, lookback: int | None) -> None:
    """Each rate says which row it stands in; a forecaster that sees a row of its window crashes."""
    panel = on_business_days(np.exp(1e-3 * np.arange(600))[:, None])
    watched = open_laboratory(tmp_path, panel, embargo=embargo, lookback=lookback, pegged=None)
    artefact = tmp_path / "artefact"
    artefact.mkdir()
    (artefact / "serve.py").write_text(WATCHING.replace("EMBARGO", str(embargo)), encoding="utf-8")
    score = watched.score(artefact, "watched")
    assert (score.label, score.value) == ("ok", 0.0), score.error


# -- experiments -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fidelity", ["smoke", "full"])
def test_the_ridge_passes(made: Laboratory, fidelity: str) -> None:
    end, artefact = made.run(experiment("ridge"), f"ridge-{fidelity}", fidelity)
    assert end.label == "ok"
    assert end.wall_s < 5
    score = made.score(artefact, f"ridge-{fidelity}", fidelity)
    assert (score.ok, score.metric, score.harness) == (True, "sharpe", made.evaluator.version), score.error
    assert score.value is not None
    assert score.secondary["interval"]["low"] < score.value < score.secondary["interval"]["high"]
    assert score.secondary["trades"] == len(score.units)


def test_the_broken_experiment_crashes_by_a_keyword_and_its_repair_passes(made: Laboratory) -> None:
    end, artefact = made.run(experiment("broken"), "broken", "smoke")
    assert end.label == "crash"
    assert not artefact.exists()
    assert "unexpected keyword argument" in made.stderr("broken").splitlines()[-1]
    repaired = {**experiment("broken"), **experiment("repaired")}
    end, artefact = made.run(repaired, "repaired", "smoke")
    assert end.label == "ok"
    assert made.score(artefact, "repaired", "smoke").ok


def test_candidates_are_paired_with_the_baselines(made: Laboratory) -> None:
    _, artefact = made.run(experiment("ridge"), "paired")
    score = made.score(artefact, "paired")
    for units in made.baselines()["units"].values():
        assert [unit["id"] for unit in units] == [id for id, _ in score.units]


def test_a_smoke_score_is_stamped_and_rests_on_few_origins(made: Laboratory) -> None:
    _, artefact = made.run(experiment("ridge"), "stamped")
    scores = {fidelity: made.score(artefact, "stamped", fidelity) for fidelity in ("smoke", "full")}
    assert {fidelity: score.secondary["origins"] for fidelity, score in scores.items()} == {"smoke": 3, "full": 7}
    for fidelity in scores:
        written = json.loads((made.workspace.root / "stamped" / f"score-{fidelity}" / "score.json").read_text(encoding="utf-8"))
        assert written["fidelity"] == fidelity



# -- the real rates --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("partition", ["search", "confirm", "sealed"])
def test_the_baselines_of_the_real_rates_have_a_sharpe_with_its_interval(real: Laboratory, partition: str) -> None:
    found = real.baselines(partition)
    assert set(found["baselines"]) == {"naive", "drift", "momentum", "var1"}
    assert found["baselines"].pop("naive") == 0.0
    for name, value in found["baselines"].items():
        secondary = found["secondary"][name]
        assert math.isfinite(value)
        assert secondary["interval"]["low"] < value < secondary["interval"]["high"]
        assert 0.3 < secondary["interval"]["se"] < 0.7  # four years: 1 / sqrt(4.4) = 0.48
        assert secondary["interval"]["lag"] == 30
        assert secondary["sharpe_without_pegged"] != value
        assert secondary["sharpe_1bp"] < value == secondary["sharpe_0bp"]
        assert secondary["days"] == 30 * secondary["origins"]


def test_the_first_test_window_is_as_hard_as_others_measured_it(shared_data: Path) -> None:
    """Five windows after row 6071: the naive RMSE that the data's own notes state."""
    target = real_rates(shared_data).target
    rows = 6071 + 30 * np.arange(5)[:, None] + np.arange(30)
    error = target[rows] - target[rows[:, :1] - 1]
    assert np.sqrt(np.mean(error**2)) == pytest.approx(0.01130, abs=5e-6)


def longest(still: np.ndarray) -> int:
    edge = np.flatnonzero(np.diff(np.concatenate([[0], still.astype(int), [0]])))
    return int((edge[1::2] - edge[::2]).max())


@pytest.mark.parametrize(("rows", "correlation", "zero_percent"), [(6071, 0.804, 34.3), (4554, 0.757, 39.1), (7588, 0.754, 32.6)])
def test_the_two_findings_of_the_real_rates(shared_data: Path, rows: int, correlation: float, zero_percent: float) -> None:
    """0.80 and 34 % are those of the first 6071 rows, the train part of others; explore (4554 rows) and the whole file differ."""
    returns = np.diff(np.log(real_rates(shared_data).target[:rows]), axis=0)
    size = np.abs(np.triu(np.corrcoef(returns.T), 1))
    assert np.unravel_index(size.argmax(), size.shape) == (0, 6)
    assert size.max() == pytest.approx(correlation, abs=5e-4)
    assert 100 * (returns[:, 4] == 0).mean() == pytest.approx(zero_percent, abs=0.05)
    assert longest(np.abs(returns[:, 4]) < 1e-4) == 354  # flat to a basis point
    assert longest(returns[:, 4] == 0) == 189  # flat to the last digit


@pytest.mark.parametrize(("name", "shown"), [
    ("correlation", "maximum absolute correlation 0.757, between items 0 and 6"),
    ("peg", "item 4: 39.1 percent of 4553 returns are exactly 0, longest run 189 from row 3661"),
    ("peg", "item 4: 67.3 percent are below 0.0001, longest flat run 354 from row 3234"),
])
def test_a_cell_prints_what_the_explorer_may_cite(real: Laboratory, name: str, shown: str) -> None:
    assert read_panel(real.workspace.explore_data).rows == 4554
    explore = real.workspace.root / "explore"
    explore.mkdir(exist_ok=True)
    done = subprocess.run([sys.executable, "-c", cell(name)], cwd=explore, capture_output=True, text=True, timeout=60, check=False)
    assert shown in done.stdout.splitlines(), done.stderr
