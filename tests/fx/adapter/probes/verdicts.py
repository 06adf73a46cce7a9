"""Do bad candidates lose? Each of these must be refused by its own label, or lose its lead."""

from __future__ import annotations

import numpy as np
from _lab import Lab, World, attack

TASK = {"metric": "sharpe", "stride": 4}
RETURNS = np.tile([[0.01, -0.02], [0.03, -0.01], [0.02, -0.03]], (30, 1))[:70]
WORLD = World(np.exp(np.cumsum(RETURNS, axis=0)), (30, 40), task=TASK)
TREND = 'self.last = context["new"][-1] if len(context["new"]) else self.last; return self.last * np.array([1.1, 0.9]) * np.ones(shape)'
STEADY = """
seen = self.folder / "seen"
sign = -1 if seen.exists() else 1
if t == 66:
    seen.touch()
self.last = context["new"][-1]
return self.last * (1 + 1e-7 * sign) * np.ones(shape)
"""


def _label(lab: Lab, body: str, expected: str, *options: str) -> str | None:
    score = lab.score(WORLD, body, *options)
    if score["label"] != expected or score["ok"] != (expected == "ok"):
        return f"labelled {score['label']} (value {score['value']}), expected {expected}"
    return None


def unreproducible(lab: Lab) -> str | None:
    """Two processes that answer differently must miss the gate; the second answer is compared with the first, not with itself."""
    return _label(lab, "return np.random.default_rng().normal(size=shape)", "gate_missed")


def steady(lab: Lab) -> str | None:
    """Levels that agree to seven digits do not help when the next process takes the other side of every trade."""
    return _label(lab, STEADY, "gate_missed")


def shuffled_truth(lab: Lab) -> str | None:
    """A good forecast loses its lead when the rates are shuffled: it is compared with them, not with itself."""
    target = WORLD.target.copy()
    target[30:] = np.random.default_rng(0).permutation(target[30:], axis=0)
    lead, value = lab.score(WORLD, TREND)["value"], lab.score(World(target, (30, 40), task=TASK), TREND)["value"]
    return None if value is not None and value < 0.2 * lead else f"against shuffled rates a Sharpe of {lead} becomes only {value}"


def unusable(lab: Lab) -> str | None:
    """Answers that cannot be judged are invalid, never left out of the mean."""
    bodies = {
        "a NaN": "answer = np.zeros(shape); answer[-1, -1] = np.nan if t > 50 else 0; return answer",
        "a wrong shape": "return np.zeros((shape[0] + 1, shape[1]))",
        "an overflow of the loss": "return np.full(shape, 1e200 if t > 50 else 0.0)",
    }
    found = {name: _label(lab, body, "invalid_output") for name, body in bodies.items()}
    return next((f"{name}: {message}" for name, message in found.items() if message), None)


def crash(lab: Lab) -> str | None:
    """An exception and an early exit are crashes."""
    return _label(lab, "raise ValueError('planted')", "crash") or _label(lab, "os._exit(0)", "crash")


def hang(lab: Lab) -> str | None:
    """A forecaster that never answers ends as a timeout."""
    return _label(lab, "import time; time.sleep(60)", "timeout", "--step-timeout-s", "0.5")


def printing(lab: Lab) -> str | None:
    """What a candidate prints cannot pass for an answer or for a score."""
    return _label(lab, "print('{\"value\": 0.0}', flush=True); return np.zeros(shape)", "ok")


def environment(lab: Lab) -> str | None:
    """No variable tells the candidate where the truth lies."""
    told = "[name for name, value in os.environ.items() if name.startswith('ALPHALAB') or 'vault' in value]"
    return _label(lab, f"assert not {told}\nreturn np.zeros(shape)", "ok")


if __name__ == "__main__":
    attack({
        "unreproducible_is_refused": ("blocking", "def gates", unreproducible),
        "steady_levels_do_not_hide_positions": ("blocking", "def gates", steady),
        "shuffled_truth_costs_the_lead": ("blocking", "def trade", shuffled_truth),
        "unusable_answers_are_invalid": ("blocking", "def checked", unusable),
        "crash_is_labelled": ("major", "def _ended", crash),
        "hang_is_labelled": ("blocking", "def _wait", hang),
        "printing_is_harmless": ("blocking", "def private_pipes", printing),
        "environment_is_clean": ("blocking", "def child_environment", environment),
    })
