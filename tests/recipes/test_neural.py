"""The parts of the networks: what they learn by, and that numpy answers what torch learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.recipes.panels import CASES, Case, weekly
from tests.recipes.programs import Program, recipe, written


def program(folder: Path, family: str, case: Case, **config: Any) -> tuple[Program, dict[str, Any]]:
    """Return a rendered family and its configuration."""
    found = Program(written(folder / "code", family, case, **config))
    return found, {**recipe(family).default(case.facts), **config}


def panel(found: Program, folder: Path, case: Case) -> Any:
    return found.module("series").load_panel(case.write(folder / "data"), case.task)


@pytest.fixture
def torch() -> Any:
    recipe("dlinear")
    import torch

    return torch


@pytest.mark.parametrize("kernel", [1, 4, 5, 100])
def test_moving_average_repeats_the_ends(kernel: int, tmp_path: Path) -> None:
    found, _ = program(tmp_path, "dlinear", weekly())
    average, past = found.module("model").moving_average(12, kernel), np.arange(12.0) ** 2
    kernel = min(kernel, 12)
    left = (kernel - 1) // 2
    padded = np.concatenate([np.repeat(past[:1], left), past, np.repeat(past[-1:], kernel - 1 - left)])
    np.testing.assert_allclose(past @ average, np.convolve(padded, np.full(kernel, 1 / kernel), mode="valid"))


@pytest.mark.parametrize("items", [None, 3])
def test_trend_and_remainder_are_one_matrix(items: int | None, tmp_path: Path) -> None:
    found, _ = program(tmp_path, "dlinear", weekly())
    model, rng = found.module("model"), np.random.default_rng(0)
    lookback, width, horizon, shape = 10, 13, 4, (() if items is None else (items,))
    network = model.Decomposed(width, lookback, 5)
    weights = {"matrix": rng.random((*shape, width, horizon)), "trend": rng.random((*shape, lookback, horizon))}
    inputs = rng.random((2, 3, width))
    past, beside = inputs[..., :lookback], inputs[..., lookback:]
    trend = past @ network.average
    maps = [weights["matrix"][..., :lookback, :], weights["trend"], weights["matrix"][..., lookback:, :]]
    parts = [np.stack([part[:, n] @ (one if items is None else one[n]) for n in range(3)], axis=1)
             for part, one in zip((past - trend, trend, beside), maps)]
    batch = model.Batch(inputs, None, None, None)
    np.testing.assert_allclose(network(weights, batch, None), sum(parts))
    np.testing.assert_allclose(model.Linear()({"matrix": network.matrix(weights)}, batch, None), sum(parts))


@pytest.mark.parametrize("changes", [{}, {"mix_series": True, "between": 5}, {"calendar": True}])
def test_numpy_answers_what_torch_learnt(changes: dict[str, Any], tmp_path: Path, torch: Any) -> None:
    case = CASES["hourly"]
    found, config = program(tmp_path, "tsmixer_mlp", case, **changes)
    rows, neural = panel(found, tmp_path, case), found.module("neural")
    model = found.module("model").Model(config, case.task)
    model.fit(rows, budget_s=0.3, seed=0)
    trainer = neural.Trainer(model.windows, rows, config, case.task, 0)
    origins = trainer.origins[:5]
    batch, _, _ = trainer.tensors(origins)
    tensors = {name: torch.tensor(value, dtype=torch.float32) for name, value in model.weights.items()}
    learnt = found.module("model").forecast(tensors, batch, neural.keep).numpy()
    served = found.module("model").forecast(model.weights, model.windows.of_origins(rows, trainer.filled, origins), neural.keep)
    assert np.abs(served).max() > 1e-3
    np.testing.assert_allclose(served, learnt, atol=1e-4 * np.abs(served).max())


def test_missing_truth_teaches_nothing(tmp_path: Path, torch: Any) -> None:
    case = CASES["hourly"]
    found, config = program(tmp_path, "dlinear", case, lookback=24)
    rows, neural = panel(found, tmp_path, case), found.module("neural")
    windows = neural.Windows(rows, config, case.horizon, waves=0)
    trainer = neural.Trainer(windows, rows, config, case.task, 0)
    gap = trainer.tensors(np.array([110, 130, 300]))
    missing = ~np.isfinite(rows.target[300 : 300 + case.horizon, 0])
    weight = gap[2].numpy()
    assert not weight[:2, 0].any(), "windows in the middle of the gap are left out"
    np.testing.assert_array_equal(weight[2, 0] == 0, missing)
    assert missing.any()


def test_loss_is_the_one_that_is_judged(tmp_path: Path, torch: Any) -> None:
    """Items judged in their own units count by their size; the forecast of the level is the mean of a window here."""
    case = CASES["own_clocks"]
    for metric, power in (("mae", 1), ("rmse", 2)):
        found, config = program(tmp_path / metric, "dlinear", case, lookback=14, level="mean")
        rows, neural, task = panel(found, tmp_path / metric, case), found.module("neural"), {**case.task, "metric": metric, "scale": "none"}
        trainer = neural.Trainer(neural.Windows(rows, config, case.horizon, waves=0), rows, config, task, 0)
        loss = trainer.loss(lambda w, batch, drop: 0 * batch.level, {}, trainer.tensors(np.array([50, 100])), neural.keep)
        errors = np.stack([rows.target[o : o + 7] - rows.target[o - 14 : o].mean(axis=0) for o in (50, 100)])
        size = (trainer.windows.scale**power).mean()
        assert float(loss) == pytest.approx(np.mean(np.abs(errors) ** power) / size, rel=1e-4)


def test_budget_is_counted_in_steps(tmp_path: Path, torch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    case = weekly()
    found, config = program(tmp_path, "dlinear", case, epochs=60)
    rows, neural = panel(found, tmp_path, case), found.module("neural")
    taken: list[int] = []
    run = neural.Trainer._run

    def noted(self: Any, network: Any, weights: Any, origins: Any, steps: int, held: Any = None) -> Any:
        taken.append(steps)
        return run(self, network, weights, origins, steps, held)

    monkeypatch.setattr(neural.Trainer, "_run", noted)
    for budget_s in (0.1, 0.1, 0.4):
        found.module("model").Model(config, case.task).fit(rows, budget_s=budget_s, seed=0)
    first, again, longer = taken[::2]
    assert first == again
    assert longer == pytest.approx(4 * first, rel=0.2)
