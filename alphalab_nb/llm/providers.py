"""From the `llm:` setting of a campaign to the model of a role. A new provider is a line in MAKERS.

Provider libraries are imported when one is asked for: the offline researcher needs none of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from alphalab_nb.config import ProviderConfig, nearest
from alphalab_nb.errors import ConfigError
from alphalab_nb.llm.offline.rule_model import OFFLINE
from alphalab_nb.llm.replay import REPLAY, read_recording


@dataclass(frozen=True)
class Mind:
    """Who plays a role: a provider and a model of it."""

    provider: str
    model: str

    @property
    def offline(self) -> bool:
        return self.provider == OFFLINE

    def __str__(self) -> str:
        return self.provider if self.offline else f"{self.provider}:{self.model}"


def setting_of(role: str, table: str | Mapping[str, str], otherwise: str) -> str:
    """Return a setting of a role: its own, that of its kind (worker for worker_fix), `default`, else `otherwise`."""
    if isinstance(table, str):
        return table
    return next((table[key] for key in (role, role.split("_")[0], "default") if key in table), otherwise)


def mind_of(role: str, llm: str | Mapping[str, str]) -> Mind:
    """Return who plays a role.

    Raises:
        ConfigError: a provider that this version does not know, or no model named.
    """
    return parse_mind(setting_of(role, llm, OFFLINE))


def parse_mind(text: str) -> Mind:
    """Read `provider:model`; see `mind_of`."""
    provider, _, model = (part.strip() for part in text.partition(":"))
    if provider == OFFLINE and not model:
        return Mind(OFFLINE, "")
    if provider not in MAKERS and provider != REPLAY:
        raise ConfigError(f"llm '{text}': unknown provider '{provider}'{nearest(provider, [*MAKERS, OFFLINE, REPLAY])}")
    if not model:
        raise ConfigError(f"llm '{text}': name the model, as in {provider}:NAME")
    return Mind(provider, model)


def check_providers(llm: str | Mapping[str, str], config: ProviderConfig) -> None:
    """Refuse settings with which no conversation could begin, whatever the environment holds.

    Raises:
        ConfigError: no model named, or an address is missing or incomplete.
        BadInput: a recording cannot be read.
    """
    for mind in map(parse_mind, [llm] if isinstance(llm, str) else llm.values()):
        if mind.provider == REPLAY:
            read_recording(Path(mind.model))
        if mind.provider == "local":
            _needs_address(mind.model, config)
    if config.search_url and "{query}" not in config.search_url:
        raise ConfigError(f"provider.search_url '{config.search_url}' has no {{query}}; put it where the words of a search belong")


# -- models ----------------------------------------------------------------------------------------------


def make_model(mind: Mind, config: ProviderConfig) -> Model:
    """Return a model that talks to its provider; keys and addresses come from the provider's own variables.

    Raises:
        ConfigError: the key or the address is missing.
    """
    return _steady(MAKERS[mind.provider](mind.model, config))


def _steady(model: Model) -> Model:
    """Let a model keep what it has made of the schemas of the tools: they stay, and it would walk through them before each request."""
    customize, known = model.customize_request_parameters, list[tuple[ModelRequestParameters, ModelRequestParameters]]()

    def customized(model_request_parameters: ModelRequestParameters) -> ModelRequestParameters:
        given = model_request_parameters
        if not known or _schemas(known[0][0]) != _schemas(given):
            known[:] = [(given, customize(given))]
        made = known[0][1]
        return replace(given, function_tools=made.function_tools, output_tools=made.output_tools, output_object=made.output_object)

    model.customize_request_parameters = customized
    return model


def _schemas(given: ModelRequestParameters) -> tuple[Any, ...]:
    return given.function_tools, given.output_tools, given.output_object


def _openai(model: str, config: ProviderConfig) -> Model:
    from pydantic_ai.models.openai import OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    from alphalab_nb.llm.ready import make_ready

    _needs("OPENAI_API_KEY", f"openai:{model}")
    return OpenAIResponsesModel(model, provider=make_ready(_once(OpenAIProvider())))


def _anthropic(model: str, config: ProviderConfig) -> Model:
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    _needs("ANTHROPIC_API_KEY", f"anthropic:{model}")
    return AnthropicModel(model, provider=_once(AnthropicProvider()))


def _bedrock(model: str, config: ProviderConfig) -> Model:
    try:
        from pydantic_ai.models.bedrock import BedrockConverseModel
    except ImportError as error:
        raise ConfigError("bedrock needs the extra: pip install 'alphalab-nb[bedrock]'") from error
    return BedrockConverseModel(model)


def _local(model: str, config: ProviderConfig) -> Model:
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    from alphalab_nb.llm.ready import make_ready

    _needs_address(model, config)
    provider = make_ready(_once(OpenAIProvider(base_url=config.base_url, api_key=_local_key())))
    # Chat templates refuse system messages in the middle, and a stream without a finish reason was cut.
    return OpenAIChatModel(model, provider=provider, profile={
        "supports_inline_system_prompts": False, "openai_chat_supports_multiple_system_messages": False,
        "openai_chat_streaming_requires_finish_reason": True,
    })  # type: ignore[arg-type]


MAKERS: dict[str, Callable[[str, ProviderConfig], Model]] = {
    "openai": _openai, "anthropic": _anthropic, "bedrock": _bedrock, "local": _local,
}


def _once(provider: Any) -> Any:
    """Let the SDK send a request once: retries belong to LiveModel. The provider owns its connections, so that leaving it closes them."""
    provider.client.max_retries = 0
    return provider


def _local_key() -> str:
    return _usable("LOCAL_API_KEY") or "none"


def _usable(variable: str) -> str:
    """Return a key; one with white space in it would end up in the error of a library that cannot send it.

    Raises:
        ConfigError: it holds what no key holds.
    """
    key = os.environ.get(variable, "")
    if not key.isascii() or any(character.isspace() for character in key):
        raise ConfigError(f"{variable} holds white space or characters that no key has; a line break at its end is the usual reason")
    return key


def _needs(variable: str, who: str) -> None:
    if not _usable(variable):
        raise ConfigError(f"{who} needs {variable} in the environment of the process that runs the campaign")


def _needs_address(model: str, config: ProviderConfig) -> None:
    if not config.base_url:
        raise ConfigError(f"local:{model} needs provider.base_url, for example http://localhost:8000/v1")


def served_window(mind: Mind, config: ProviderConfig) -> int | None:
    """Return the context window that a local server tells of its model (vLLM: max_model_len); None if it does not."""
    from openai import OpenAI, OpenAIError

    if mind.provider != "local":
        return None
    client = OpenAI(base_url=config.base_url, api_key=_local_key(), max_retries=0, timeout=10)
    try:
        told = next((model.model_extra or {} for model in client.models.list() if model.id == mind.model), {})
    except OpenAIError:
        return None  # the trial conversation says what is wrong
    window = told.get("max_model_len") or told.get("context_length") or (told.get("meta") or {}).get("n_ctx_train")
    return int(window) if window else None


# -- settings --------------------------------------------------------------------------------------------


def make_settings(mind: Mind, config: ProviderConfig, role: str, conversation: str) -> ModelSettings:
    """Return how a role's requests are made: effort, cache, length; retries belong to LiveModel alone."""
    effort = setting_of(role, config.effort, "low")
    settings: dict[str, Any] = {
        "max_tokens": config.max_tokens, "max_retries": 0,
        # Else the first nudge puts a text at the START of the system prompt, and the cached prefix is void.
        "framing_announcement": "never",
    }
    if mind.provider != "local":
        settings["thinking"] = False if effort == "off" else effort
        settings["cache"] = False if config.cache == "off" else config.cache
    if mind.provider == "openai":
        settings["openai_store"] = False
        if config.cache != "off":
            settings["openai_prompt_cache_key"] = conversation[-64:]
    return settings  # type: ignore[return-value]


_THOUGHT = {"minimal": 1024, "low": 2048, "medium": 10_000, "high": 16_384}
"""Tokens that models without adaptive thinking get for it (Claude 4.5 and older), by effort."""
_SAID = 1024
"""Tokens that stay for the answer itself."""


def fitted(settings: ModelSettings, model: Model, tokens: int) -> ModelSettings:
    """Return the settings for an answer of at most so many tokens; without thinking, where a fixed share for it would not fit."""
    short: dict[str, Any] = {**settings, "max_tokens": tokens}
    adaptive = model.profile.get("anthropic_supports_adaptive_thinking", True)
    if not adaptive and tokens < _THOUGHT.get(short.get("thinking", ""), 0) + _SAID:
        short["thinking"] = False
    return short  # type: ignore[return-value]
