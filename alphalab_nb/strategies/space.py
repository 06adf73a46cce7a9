"""The only door to optuna: a recipe's finished experiments become a study, and the study suggests the next configuration.

Studies live in memory and are rebuilt from the board each time, so a restart loses nothing and the same board and seed always
give the same suggestion.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alphalab_nb.adapter import Recipe

MIN_KNOWN = 1
"""Observations from which on TPE proposes; one is enough, because it starts with a kernel around the family's default."""


@dataclass(frozen=True)
class Observation:
    """One configuration of a family and what is known of it."""

    config: Mapping[str, Any]
    loss: float | None = None
    """Loss of the full run; None while it is not known."""
    screened: float | None = None
    """Loss of the screening run of an experiment that was dropped after it."""
    failed: bool = False


def full_config(recipe: Recipe, config: Mapping[str, Any], task: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with the defaults filled in, as a Worker will render it."""
    return recipe.complete(config, task)


def signature(recipe: Recipe, config: Mapping[str, Any], task: Mapping[str, Any]) -> str:
    """Return a text that is equal for configurations that differ by rounding only."""
    return f"{recipe.family} {json.dumps(rounded(full_config(recipe, config, task)), sort_keys=True)}"


def rounded(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration with four significant digits: more would only look like knowledge."""
    return {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in config.items()}


def suggest(recipe: Recipe, task: Mapping[str, Any], observations: Sequence[Observation], seed: int) -> dict[str, Any]:
    """Return TPE's next configuration of a family."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        # `group`, which splits a conditional space into its branches, is marked experimental
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        known = any(observation.loss is not None for observation in observations)
        startup = MIN_KNOWN if known else len(observations) + 1
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True, n_startup_trials=startup)
        study = optuna.create_study(sampler=sampler)
        worst = max((o.loss for o in observations if o.loss is not None), default=0.0)
        for observation in observations:
            trial = _frozen(recipe, task, observation, worst)
            if trial is not None:
                study.add_trial(trial)
        return rounded(recipe.suggest(study.ask(), task))


def _frozen(recipe: Recipe, task: Mapping[str, Any], observation: Observation, worst: float) -> Any:
    """Return the observation as a trial: a failure counts as worse than the worst, a dropped screening as pruned."""
    import optuna

    recorder = _Recorder(full_config(recipe, observation.config, task))
    recipe.suggest(recorder, task)
    if recorder.outside or not recorder.params:
        return None
    known: dict[str, Any] = {"params": recorder.params, "distributions": recorder.distributions}
    if observation.failed:
        return optuna.trial.create_trial(value=worst + abs(worst) + 1.0, **known)
    if observation.loss is not None:
        return optuna.trial.create_trial(value=observation.loss, **known)
    if observation.screened is not None:
        return optuna.trial.create_trial(state=optuna.trial.TrialState.PRUNED, intermediate_values={0: observation.screened}, **known)
    return optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING, **known)


@dataclass
class _Recorder:
    """Plays a trial that answers with a known configuration, and notes the space that it was asked for."""

    config: Mapping[str, Any]
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    distributions: dict[str, Any] = field(default_factory=dict[str, Any])
    outside: bool = False
    """Whether a person's value lies outside the space, so that no study can hold it."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        import optuna

        return self._note(name, optuna.distributions.IntDistribution(low, high, log=log), low)

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        import optuna

        return self._note(name, optuna.distributions.FloatDistribution(low, high, log=log), low, (low, high))

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        import optuna

        return self._note(name, optuna.distributions.CategoricalDistribution(choices), choices[0], encode=True)

    def _note(self, name: str, space: Any, fallback: Any, clip: tuple[float, float] | None = None, *, encode: bool = False) -> Any:
        value = self.config.get(name.split(".", 1)[1])
        if encode:
            value = json.dumps(value)
        elif clip is not None and isinstance(value, int | float):
            rounding = 1e-3 * (clip[1] - clip[0])
            value = min(clip[1], max(clip[0], value)) if clip[0] - rounding <= value <= clip[1] + rounding else value
        if not _fits(space, value):
            self.outside = True
            return fallback
        self.params[name], self.distributions[name] = value, space
        return value


def _fits(space: Any, value: Any) -> bool:
    try:
        return bool(space._contains(space.to_internal_repr(value)))
    except (TypeError, ValueError, KeyError):
        return False
