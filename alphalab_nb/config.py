"""campaign.yaml: every setting of a campaign, its default and its meaning. Unknown keys are errors."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alphalab_nb.errors import ConfigError


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ExecutorConfig(_Block):
    """Where experiments run."""

    kind: Literal["inline", "local"] = "local"
    slots: int = Field(default=0, ge=0)
    """Parallel experiments; 0 means one per core set."""
    cores_per_slot: int = Field(default=1, ge=1)
    wall_s: float = Field(default=120, gt=0)
    """Hard wall-clock limit of one RUN or SCORE in seconds."""
    budget_s: float = Field(default=60, gt=0)
    """Seconds of training that a full RUN is told it may use (`--budget-s`)."""
    memory_gib: float = Field(default=4, gt=0)
    pids: int = Field(default=256, ge=8)
    output_mib: float = Field(default=512, gt=0)


class LimitsConfig(_Block):
    """Budgets. Each ends the campaign with a typed stop reason; 0 means no limit."""

    max_experiments: int = Field(default=20, ge=1)
    max_runs: int = Field(default=0, ge=0)
    wall_s: float = Field(default=0, ge=0)
    usd: float = Field(default=0, ge=0)
    tokens: int = Field(default=0, ge=0)
    """Input and output tokens of the whole campaign."""
    requests: int = Field(default=0, ge=0)
    """Responses of one conversation; 0: the limit of its role."""
    convergence: int = Field(default=20, ge=0)
    """Stop after this many full results without an improvement (paper, section 2)."""
    max_fixes: int = Field(default=2, ge=0)
    """Attempts to repair one failed experiment."""
    strategy_every: int = Field(default=5, ge=1)
    """Ask the strategy again after this many analyzed experiments (paper, appendix)."""
    milestone_every: int = Field(default=15, ge=1)
    family_share: float = Field(default=0.5, gt=0, le=1)
    """Largest share of the experiments one family may take."""
    error_window: int = Field(default=10, ge=2)
    """The Supervisor looks at so many of the newest ended experiments ..."""
    error_rate: float = Field(default=0.4, gt=0, le=1)
    """... and is called, once, when a larger share of them failed."""
    answer_s: float = Field(default=600, ge=0)
    """Longest time an agent's question waits for a person before its default is taken."""


BUDGETS = ("max_experiments", "max_runs", "wall_s", "usd", "tokens")
"""Limits that a person may change while the campaign runs."""


class Price(_Block):
    """Dollars per million tokens of one model; wins over the built-in price list."""

    input: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)
    """Read from the prompt cache; like `input` if not given."""
    written: float | None = Field(default=None, ge=0)
    """Written to the prompt cache; like `input` if not given."""
    output: float = Field(ge=0)


Effort = Literal["off", "minimal", "low", "medium", "high"]


class ProviderConfig(_Block):
    """How language models are asked. Keys are never here: they come from the providers' own environment variables."""

    base_url: str = ""
    """Of `local:` models, for example http://localhost:8000/v1; the other providers read their own variables."""
    effort: Effort | dict[str, Effort] = "low"
    """Reasoning effort, for all roles or by role with `default`."""
    max_tokens: int = Field(default=32_000, ge=256)
    """Of one response."""
    cache: Literal["off", "5m", "1h"] = "5m"
    """Prompt cache. off also asks the provider not to retain prompts for caching (zero-retention users)."""
    compact_at: int = Field(default=120_000, ge=8_000)
    """Tokens of context at which a conversation is condensed to a hand-over note and its newest turns."""
    context_tokens: int = Field(default=0, ge=0)
    """Size of the model's context window; 0: what the price list or the server says."""
    max_outage_s: float = Field(default=86_400, ge=0)
    """How long a campaign waits for a provider that is out of order before it ends with exit code 3."""
    silence_s: float = Field(default=120, gt=0)
    """A stream without an event for so long is asked for again."""
    first_event_s: float = Field(default=600, gt=0)
    """How long the first event of a response may take."""
    prices: dict[str, Price] = Field(default_factory=dict)
    """By model name."""
    search_url: str = ""
    """Where search_web asks; {query} is replaced by the words, and the answer may be JSON or a page."""
    native_search: bool = True
    """Use the search of the provider where it has one and no search_url is given."""
    image_input: bool = True
    """Whether the models can see; without, view_image is not offered."""


class StrategyConfig(_Block):
    """Who proposes experiments."""

    name: str = "auto"
    """offline (Optuna over the recipes), strategist (a language model), listed; auto: strategist if that role has a model."""
    seed: int = 0
    options: dict[str, Any] = Field(default_factory=dict)


class JudgeConfig(_Block):
    """What it takes to be kept."""

    alpha: float = Field(default=0.04, gt=0, lt=1)
    """Probability that the whole campaign keeps anything that is no better than what it replaces."""
    replicates: int = Field(default=8, ge=1)
    """Most runs on the confirm partition of one candidate, if programs are stochastic; a deterministic program has one."""
    floor: float | None = None
    """Value of the metric that nothing honest surpasses; what does is set aside."""
    remeasure_every: int = Field(default=20, ge=0)
    """Measure the incumbent again after so many rulings; 0: never."""


class SandboxConfig(_Block):
    """What candidate code may see."""

    level: Literal["auto", "bwrap", "rlimits"] = "auto"
    network: bool = False


class Policy(_Block):
    """When work may begin without a person, and when a person is asked."""

    approval: Literal["auto", "ask"] = "auto"
    after_s: float = Field(default=0, ge=0)
    check_in_every: int = Field(default=0, ge=0)


class CampaignConfig(_Block):
    """The whole of campaign.yaml."""

    name: str = "campaign"
    domain: str
    objective: str
    data: dict[str, Any] = Field(default_factory=dict)
    """Where the data is and how to read it; keys belong to the partition rule of the domain."""
    task: dict[str, Any] = Field(default_factory=dict)
    """The problem: horizon, metric, ...; keys belong to the adapter."""
    partitions: dict[str, Any] = Field(default_factory=dict)
    """How to split; empty means the default of the adapter."""
    llm: str | dict[str, str] = "offline"
    """Who decides: `offline` (rules, no language model), or provider:model, for all roles or by role with `default`.

    Providers: openai, anthropic, bedrock, local (any OpenAI-compatible server), replay:FILE.
    """
    provider: ProviderConfig = Field(default_factory=ProviderConfig)
    new_domain: bool = False
    """Let phase 0 write the adapter of a domain that has none yet; without it an unknown domain is an error."""
    families: list[str] = Field(default_factory=list)
    """Recipes that may be used; empty: all whose requirements are installed."""
    executor: ExecutorConfig = Field(default_factory=ExecutorConfig)
    limits: LimitsConfig = Field(default_factory=LimitsConfig)
    strategy: StrategyConfig = Field(default_factory=StrategyConfig)
    judge: JudgeConfig = Field(default_factory=JudgeConfig)
    sandbox: SandboxConfig = Field(default_factory=SandboxConfig)
    approval: Literal["auto", "ask"] = "auto"
    """auto: proposals are accepted at once; ask: they wait in `proposed` until a person approves."""
    approval_after_s: float = Field(default=0, ge=0)
    """With ask: a proposal that nobody decided on for so many seconds goes on by itself; 0: it waits for ever."""
    check_in_every: int = Field(default=0, ge=0)
    """After so many analyzed experiments nothing new starts until a person was asked whether to go on; without an answer within
    limits.answer_s it goes on. 0: nobody is asked."""
    seed: int = 0

    @property
    def policy(self) -> Policy:
        """What the campaign begins with; people may change it while it runs."""
        return Policy(approval=self.approval, after_s=self.approval_after_s, check_in_every=self.check_in_every)


def nearest(word: str, known: list[str]) -> str:
    """Return ` - did you mean 'x'?` for the closest known word, else the list of known words."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f" - did you mean '{close[0]}'?" if close else f"; known: {', '.join(sorted(known))}"


def load_config(path: Path, overrides: dict[str, Any] | None = None) -> CampaignConfig:
    """Read a campaign.yaml; overrides win, block by block.

    Raises:
        ConfigError: file missing, not YAML, unknown key (with the nearest known one), wrong value.
    """
    return parse_config(merge(read_yaml(path), overrides or {}), source=str(path))


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a .yaml file; see `load_config` for the errors."""
    if not path.is_file():
        raise ConfigError(f"there is no campaign file at {path}; give the path of a campaign .yaml")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} must hold a mapping of settings (domain: ..., objective: ..., data: ...)")
    return raw


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return base with the values of over; blocks are merged key by key."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def parse_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Return the nested mapping of `a.b=value` settings; values are read as YAML.

    Raises:
        ConfigError: a setting without `=`, or a value that is not YAML.
    """
    values: dict[str, Any] = {}
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path.strip():
            raise ConfigError(f"'{setting}' is no setting; write KEY=VALUE, e.g. limits.max_experiments=40")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"the value of '{setting}' is not valid YAML: {error}") from error
        for part in reversed(path.strip().split(".")):
            value = {part: value}
        values = merge(values, value)
    return values


def parse_config(raw: dict[str, Any], source: str = "the configuration") -> CampaignConfig:
    """Validate a mapping of settings; see `load_config` for the errors."""
    try:
        return CampaignConfig.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(_explain(error, source)) from error


def changed_limits(limits: LimitsConfig, changes: dict[str, Any]) -> LimitsConfig:
    """Return budgets with some of them changed; None leaves one as it is.

    Raises:
        ConfigError: nothing to change, no budget of that name, or a value that campaign.yaml would not take.
    """
    return _changed(limits, changes, BUDGETS, "budget")


def changed_policy(policy: Policy, changes: dict[str, Any]) -> Policy:
    """Return a policy with some of it changed; see `changed_limits` for the errors."""
    return _changed(policy, changes, tuple(Policy.model_fields), "policy")


_Kind = TypeVar("_Kind", bound=_Block)


def _changed(block: _Kind, changes: dict[str, Any], known: tuple[str, ...], source: str) -> _Kind:
    given = {key: value for key, value in changes.items() if value is not None}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ConfigError(f"{source}: there is no '{unknown[0]}'{nearest(unknown[0], list(known))}")
    if not given:
        raise ConfigError(f"{source}: nothing to change; give one or more of {', '.join(known)}")
    try:
        return type(block).model_validate({**block.model_dump(), **given})
    except ValidationError as error:
        raise ConfigError(f"{_explain(error, source)}; nothing was changed") from error


def _explain(error: ValidationError, source: str) -> str:
    lines: list[str] = []
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            block = _block_at(item["loc"][:-1])
            lines.append(f"unknown key '{where}'{nearest(str(item['loc'][-1]), list(block.model_fields))}")
        elif item["type"] == "missing":
            lines.append(f"'{where}' is missing; add it")
        else:
            lines.append(f"'{where}': {item['msg']}")
    return f"{source}: " + "; ".join(lines)


def _block_at(path: tuple[int | str, ...]) -> type[BaseModel]:
    block: type[BaseModel] = CampaignConfig
    for part in path:
        annotation = block.model_fields[str(part)].annotation if str(part) in block.model_fields else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            block = annotation
    return block


def dump_config(config: CampaignConfig) -> str:
    """Return the campaign.yaml text of a configuration."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
