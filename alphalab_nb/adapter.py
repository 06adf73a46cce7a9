"""Adapters: the files that make the pipeline serve a domain. Load, validate, render. Recipes: code templates with typed spaces."""

from __future__ import annotations

import ast
import importlib.util
import json
import operator
import random
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import jinja2
import yaml
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alphalab_nb.config import nearest
from alphalab_nb.errors import AdapterInvalid, BadInput, ConfigError, UnknownDomain
from alphalab_nb.metric import Direction, Metric
from alphalab_nb.resources import shipped
from alphalab_nb.syntax import parse

FILES: tuple[str, ...] = (
    "manifest.yaml", "domain_knowledge.md", "phase0_customizer.md", "phase0_generator.md", "phase1_explorer.md",
    "phase2_builder.md", "phase2_critic.md", "phase2_tester.md", "phase3_strategist.md", "phase3_worker.md", "phase3_supervisor.md",
)
"""The paper's eleven files of an adapter."""
BRIEF_CHARS = 100
"""Least length of a brief that a Worker can build something new from."""


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MetricBlock(_Block):
    name: str
    direction: Direction
    unit: str = ""


class FidelityBlock(_Block):
    budget_s: float = Field(gt=0)
    """Seconds of training a RUN of this fidelity may use."""


class Manifest(_Block):
    """manifest.yaml: what binds the adapter to experiment, harness and evaluator (contract)."""

    name: str
    title: str
    metrics: dict[str, MetricBlock]
    """The metrics a task may choose from by name; `metric` is the default."""
    metric: str
    artefact: str
    """What RUN leaves behind."""
    kind: Literal["program", "source", "point", ""] = ""
    """What an artefact is made of: what a program of the candidate left or serves, source that the harness builds and runs, or data. Empty:
    program where there is a RUN, else point."""
    run: tuple[str, ...] = ("run.py",)
    """Entry point of an experiment; empty where RUN is absent."""
    partition: Literal["series", "streams"]
    """The rule that splits the data: rows in time order, or disjoint streams of noise."""
    fidelities: dict[str, FidelityBlock]
    compare_within: Literal["campaign", "family"] = "campaign"
    """Whom an experiment is measured against: all others, or those of its family, where each family solves a problem of its own."""
    refit: bool = False
    stochastic: bool = False
    repeatable: bool = True
    """Whether scoring the same artefact again with the same seed gives the same number. What is timed does not."""
    baselines: tuple[str, ...] = ()
    """Baselines that must be certified before the campaign."""
    reference: str = ""
    """Family whose default is scored beside the champion on the sealed test."""
    libraries: tuple[str, ...] = ()
    """Packages that agents and probes import besides what is installed: they may lie in a checkout, which sandboxes hide."""
    task: dict[str, Any] = Field(default_factory=dict)
    """Defaults of the task block; its keys are the only ones allowed. A null default must be given by the campaign."""

    @property
    def made_of(self) -> Literal["program", "source", "point"]:
        """What an artefact is made of, see `kind`."""
        return self.kind or ("program" if self.run else "point")


class Adapter:
    """One domain's folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        path = root / "manifest.yaml"
        try:
            self.manifest = Manifest.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise AdapterInvalid(f"{root} is not an adapter: it has no manifest.yaml") from error
        except (ValidationError, yaml.YAMLError) as error:
            raise AdapterInvalid(f"{path}: {error}") from error

    def task_with(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the task block of a campaign: its settings over the manifest's defaults."""
        return {**self.manifest.task, **settings}

    def libraries(self) -> list[Path]:
        """Return the folders of the packages that the manifest names.

        Raises:
            AdapterInvalid: one is not installed.
        """
        found = {name: importlib.util.find_spec(name) for name in self.manifest.libraries}
        if missing := sorted(name for name, spec in found.items() if spec is None or spec.origin is None):
            raise AdapterInvalid(f"adapter {self.root.name} needs {', '.join(missing)}; install it")
        return [Path(spec.origin).parent for spec in found.values() if spec is not None and spec.origin is not None]

    def metric(self, task: Mapping[str, Any]) -> Metric:
        """Return the metric a task is judged by; its direction comes from the manifest."""
        name = str(task.get("metric") or self.manifest.metric)
        if name not in self.manifest.metrics:
            raise ConfigError(f"'task.metric': there is no metric '{name}'{nearest(name, list(self.manifest.metrics))}")
        block = self.manifest.metrics[name]
        return Metric(block.name, block.direction, block.unit)

    def read(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def render(self, name: str, **values: Any) -> str:
        """Render one of the adapter's prompts; a missing variable is an error, never an empty string."""
        return environment(self.root).get_template(name).render(**values)

    def validate(self) -> None:
        """Check the eleven files, the manifest's bindings, the harness and the recipes.

        Raises:
            AdapterInvalid: with every finding.
        """
        findings = [f"{name} is missing" for name in FILES if not (self.root / name).is_file()]
        if self.manifest.metric not in self.manifest.metrics:
            findings.append(f"metric '{self.manifest.metric}' is not among metrics")
        if not (self.root / "harness" / "score.py").is_file():
            findings.append("harness/score.py is missing: the evaluator calls `python -m harness.score`")
        for missing in {"smoke", "full"} - set(self.manifest.fidelities):
            findings.append(f"fidelity '{missing}' is missing")
        for name in FILES[1:]:
            findings += _template_findings(self.root, name)
        if findings:
            raise AdapterInvalid(f"adapter {self.root.name}: " + "; ".join(findings))

    def recipes(self, families: Sequence[str] = ()) -> list[Recipe]:
        """Return the recipes whose requirements are installed, in the order of their families; of the given families only, if any.

        Raises:
            ConfigError: a given family does not exist, or needs what is not installed.
        """
        folder = self.root / "recipes"
        found = [Recipe.load(path.parent) for path in sorted(folder.glob("*/recipe.yaml"))] if folder.is_dir() else []
        by_family = {recipe.family: recipe for recipe in found}
        for family in families:
            if family not in by_family:
                raise ConfigError(f"'families': there is no recipe '{family}'{nearest(family, list(by_family))}")
            if not by_family[family].available:
                needed = ", ".join(by_family[family].spec.requires)
                raise ConfigError(f"'families': {family} needs {needed}; install it, or leave the family out")
        return [recipe for recipe in found if recipe.available and (not families or recipe.family in families)]


def load_builtin(domain: str) -> Adapter:
    """Return a shipped adapter.

    Raises:
        UnknownDomain: no adapter of that name (a misspelt domain is an error, not a new domain).
    """
    folder = shipped("adapters")
    known = sorted(path.parent.name for path in folder.glob("*/manifest.yaml"))
    if domain not in known:
        raise UnknownDomain(f"there is no adapter for domain '{domain}'{nearest(domain, known)}")
    return Adapter(folder / domain)


def environment(*roots: Path) -> jinja2.Environment:
    """Return the template environment of folders, the first that has a template: an undefined variable is an error, and templates, which
    agents may write, reach nothing but their variables."""
    return SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(roots), undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False
    )


def _template_findings(root: Path, name: str) -> list[str]:
    if not (root / name).is_file():
        return []
    try:
        environment(root).parse((root / name).read_text(encoding="utf-8"))
    except jinja2.TemplateSyntaxError as error:
        return [f"{name}:{error.lineno}: {error.message}"]
    return []


# -- recipes ---------------------------------------------------------------------------------------------


class Trial(Protocol):
    """The part of optuna's Trial that a recipe uses."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...
    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...
    def suggest_categorical(self, name: str, choices: Any) -> Any: ...


class Param(BaseModel):
    """One parameter of a recipe; numbers may be arithmetic over season, horizon, n_items, length."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    type: Literal["int", "float", "categorical", "bool", "experiments"]
    default: Any
    low: int | float | str | None = None
    high: int | float | str | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()
    when: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    help: str = ""


class RecipeFile(BaseModel):
    """recipe.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    family: str
    summary: str
    tags: tuple[str, ...] = ()
    """What kind of thing it is (norm, matmul, rewrite, ...): what families of one tag have in common can be said of them all."""
    requires: tuple[str, ...] = ()
    stochastic: bool = False
    cost: float = 1.0
    params: dict[str, Param] = Field(default_factory=dict)
    files: dict[str, str]


@dataclass(frozen=True)
class Recipe:
    """A family of experiments that can be written without a language model: code templates and a conditional space."""

    folder: Path
    spec: RecipeFile = field(repr=False)

    @classmethod
    def load(cls, folder: Path) -> Recipe:
        path = folder / "recipe.yaml"
        try:
            return cls(folder, RecipeFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))))
        except (ValidationError, yaml.YAMLError) as error:
            raise AdapterInvalid(f"{path}: {error}") from error

    @property
    def family(self) -> str:
        return self.spec.family

    @property
    def tags(self) -> tuple[str, ...]:
        return self.spec.tags

    @property
    def available(self) -> bool:
        """Whether everything it requires is installed."""
        return all(importlib.util.find_spec(name) is not None for name in self.spec.requires)

    @property
    def combines(self) -> bool:
        """Whether it builds on finished experiments (an ensemble)."""
        return any(param.type == "experiments" for param in self.spec.params.values())

    def described(self) -> dict[str, Any]:
        """Return the parameters by name, as recipe.yaml gives them: what a reader of the space has to know."""
        return {name: param.model_dump(mode="json", exclude_defaults=True) for name, param in self.spec.params.items()}

    def default(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """Return the default configuration for a task."""
        return self._choose(task, lambda name, param: self._value(param, param.default, task))

    def complete(self, config: Mapping[str, Any], task: Mapping[str, Any]) -> dict[str, Any]:
        """Return a configuration with defaults for what it leaves out, those of the branches that it chooses included."""
        return {**self._active(config, task), **config}

    def _active(self, config: Mapping[str, Any], task: Mapping[str, Any]) -> dict[str, Any]:
        return self._choose(task, lambda name, param: config[name] if name in config else self._value(param, param.default, task))

    def changed(self, config: Mapping[str, Any], changes: Mapping[str, Any], task: Mapping[str, Any]) -> dict[str, Any]:
        """Return a configuration with some parameters changed, the branches that they choose filled with defaults."""
        return self._active({**config, **changes}, task)

    def suggest(self, trial: Trial, task: Mapping[str, Any]) -> dict[str, Any]:
        """Let an optuna trial choose a configuration."""

        def choose(name: str, param: Param) -> Any:
            key = f"{self.family}.{name}"
            if param.type in ("categorical", "bool"):
                return json.loads(trial.suggest_categorical(key, self.encoded(param)))
            if param.type == "experiments":
                return []
            low, high = self.bounds(param, task)
            if param.type == "int":
                return trial.suggest_int(key, int(low), int(high), log=param.log)
            return trial.suggest_float(key, low, high, log=param.log)

        return self._choose(task, choose)

    @staticmethod
    def encoded(param: Param) -> tuple[str, ...]:
        """Return the choices as JSON texts: optuna's choices must be scalars."""
        choices = (False, True) if param.type == "bool" else param.choices
        return tuple(json.dumps(choice) for choice in choices)

    def bounds(self, param: Param, task: Mapping[str, Any]) -> tuple[float, float]:
        low, high = _arithmetic(param.low, task), _arithmetic(param.high, task)
        return low, max(low, high)

    def perturb(self, config: Mapping[str, Any], task: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
        """Return a neighbour of a configuration: one or two parameters moved a little."""
        free = [n for n, p in self.spec.params.items() if n in config and p.type != "experiments"]
        moved = set(rng.sample(free, k=min(len(free), rng.choice((1, 2)))))

        def choose(name: str, param: Param) -> Any:
            present = config.get(name, param.default)
            if name not in moved:
                return present if name in config else self._value(param, param.default, task)
            return self._neighbour(param, present, task, rng)

        return self._choose(task, choose)

    def flips(self, config: Mapping[str, Any], task: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the configurations that differ in one choice, with its parameter: first one other choice of each, then a second, ..."""
        others = {
            name: [choice for choice in map(json.loads, self.encoded(param)) if choice != config[name]]
            for name, param in self.spec.params.items() if param.type in ("categorical", "bool") and name in config
        }
        for place in range(max(map(len, others.values()), default=0)):
            for name, choices in others.items():
                if place < len(choices):
                    yield name, self.changed(config, {name: choices[place]}, task)

    def _neighbour(self, param: Param, present: Any, task: Mapping[str, Any], rng: random.Random) -> Any:
        if param.type in ("categorical", "bool"):
            others = [c for c in map(json.loads, self.encoded(param)) if c != present]
            return rng.choice(others) if others else present
        low, high = self.bounds(param, task)
        if param.log:
            value = min(high, max(low, present * 2 ** rng.uniform(-1, 1)))
        else:
            value = min(high, max(low, present + (high - low) * rng.uniform(-0.2, 0.2)))
        return round(value) if param.type == "int" else value

    def _choose(self, task: Mapping[str, Any], pick: Callable[[str, Param], Any]) -> dict[str, Any]:
        config: dict[str, Any] = {}
        for name, param in self.spec.params.items():
            if all(config.get(other) in values for other, values in param.when.items()):
                config[name] = pick(name, param)
        return config

    def _value(self, param: Param, raw: Any, task: Mapping[str, Any]) -> Any:
        if param.type in ("int", "float") and isinstance(raw, str):
            raw = _arithmetic(raw, task)
        if param.type == "int":
            low, high = self.bounds(param, task)
            return int(min(high, max(low, round(raw))))
        return raw

    def validate(self, config: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with a configuration given by a person."""
        wrong = [f"unknown parameter '{key}'{nearest(key, list(self.spec.params))}" for key in config if key not in self.spec.params]
        known = [(key, value, self.spec.params[key]) for key, value in config.items() if key in self.spec.params]
        return wrong + [f"'{key}' must be {_wanted(param)}, not {value!r}" for key, value, param in known if not _takes(param, value)]

    def render(self, config: Mapping[str, Any], task: Mapping[str, Any]) -> dict[str, str]:
        """Return the experiment's files as text: common helpers, rendered templates, config.json."""
        common = self.folder.parent / "common"
        files = {path.name: path.read_text(encoding="utf-8") for path in sorted(common.glob("*.py"))} if common.is_dir() else {}
        templates = environment(self.folder, common)
        for target, source in self.spec.files.items():
            if source.endswith(".j2"):
                files[target] = templates.get_template(source).render(config=dict(config), task=dict(task), family=self.family)
            else:
                files[target] = (self.folder / source).read_text(encoding="utf-8")
        files["config.json"] = json.dumps({"family": self.family, **config}, indent=1, sort_keys=True) + "\n"
        return files


def family_of(recipes: Iterable[Recipe], name: str, family: str, config: Mapping[str, Any], brief: str, *,
              thinks: Callable[[], bool]) -> str:
    """Return the family of an experiment that a person wants: that of a recipe, or a new one that its brief describes.

    Args:
        thinks: whether a language model writes programs here; rules can only write recipes.

    Raises:
        BadInput: no recipe and nobody who could write it, or a parameter that the recipe does not have or cannot take.
    """
    by_family = {recipe.family: recipe for recipe in recipes}
    wanted = _wanted_family(by_family, name, family)
    if wanted in by_family:
        return injected(by_family.values(), name, family, config).family
    if not thinks():
        remedy = "rules can write nothing else: choose one, or give the role worker_implement a language model"
    elif len(brief.strip()) < BRIEF_CHARS:
        remedy = f"say in the brief, in {BRIEF_CHARS} characters or more, what to build"
    else:
        return wanted
    raise BadInput(f"no recipe for family '{wanted}', {remedy}{nearest(wanted, list(by_family))}")


def injected(recipes: Iterable[Recipe], name: str, family: str, config: Mapping[str, Any]) -> Recipe:
    """Return the recipe of an experiment that is wanted; without a family, the longest that the name begins with.

    Raises:
        BadInput: no such recipe, or a parameter that it does not have or cannot take.
    """
    by_family = {recipe.family: recipe for recipe in recipes}
    wanted = _wanted_family(by_family, name, family)
    if wanted not in by_family:
        raise BadInput(f"no recipe for family '{wanted}'{nearest(wanted, list(by_family))}")
    wrong = by_family[wanted].validate(config)
    if wrong:
        raise BadInput("; ".join(wrong))
    return by_family[wanted]


def _wanted_family(known: Iterable[str], name: str, family: str) -> str:
    return family or next((one for one in sorted(known, key=len, reverse=True) if name.startswith(one)), name)


def _takes(param: Param, value: Any) -> bool:
    """Whether a value has the type of a parameter; a person may leave its range."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if param.type == "int":
        return number and value == int(value)
    if param.type == "experiments":
        return isinstance(value, list) and all(isinstance(id, int) for id in value)
    return {"float": number, "bool": isinstance(value, bool), "categorical": value in param.choices}[param.type]


def _wanted(param: Param) -> str:
    said = {"int": "a whole number", "float": "a number", "bool": "true or false", "experiments": "a list of numbers of experiments"}
    return said.get(param.type) or f"one of {', '.join(map(str, param.choices))}"


_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv,
    ast.USub: operator.neg,
}


def _arithmetic(text: Any, names: Mapping[str, Any]) -> float:
    """Evaluate "2*season"-like arithmetic; min and max are the only functions."""
    if text is None:
        raise AdapterInvalid("a numeric parameter of a recipe needs low and high")
    if not isinstance(text, str):
        return text

    def walk(node: ast.AST) -> float:
        if isinstance(node, ast.Expression):
            return walk(node.body)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return node.value
        if isinstance(node, ast.Name) and node.id in names:
            return names[node.id]
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](walk(node.left), walk(node.right))
        if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](walk(node.operand))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("min", "max"):
            return {"min": min, "max": max}[node.func.id](*map(walk, node.args))
        raise AdapterInvalid(f"cannot evaluate '{text}' in a recipe; use numbers, + - * / min max and {', '.join(sorted(names))}")

    return walk(parse(text, mode="eval"))


def copy_adapter(adapter: Adapter, target: Path) -> Adapter:
    """Copy an adapter into a workspace, so that a campaign is self-contained."""
    shutil.copytree(adapter.root, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    return Adapter(target)
