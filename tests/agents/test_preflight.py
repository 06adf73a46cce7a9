"""Every model is tried before anything is spent: what is wrong is said with its remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.agents.preflight import try_minds
from alphalab_nb.errors import ConfigError, ProviderOutage, ProviderRefused
from tests.desk import Desk, desk
from tests.provider.brain.researcher import Researcher
from tests.provider.protocol import Call, Reply, Request
from tests.provider.server import Provider
from tests.provider.talk import keys


def deps(at: Desk) -> Any:
    return at.deps(at.workspace.root / "scratch", phase="adapt", notebook="0_models.ipynb")


def campaign(tmp_path: Path, provider: Provider, llm: Any = "local:local-model", **settings: Any) -> Any:
    block = {"base_url": provider.openai_url, **settings.pop("provider", {})}
    return deps(desk(tmp_path / "ws", llm=llm, provider=block, **settings))


def blind(request: Request) -> Reply:
    """Report a colour without having seen one."""
    return Reply("", (Call("report_to_user", {"summary": "the word is seen, the colour is mauve"}),))


def test_each_model_is_tried_once_with_a_tool_and_an_image(tmp_path: Path):
    with Provider(Researcher()) as provider, keys(provider):
        tried = try_minds(campaign(tmp_path, provider, {"default": "openai:gpt-5.2", "critic": "anthropic:claude-opus-4-6"}))
    assert [(one.model, one.sees) for one in tried] == [("openai:gpt-5.2", True), ("anthropic:claude-opus-4-6", True)]
    assert tried[1].roles == ("critic",)
    assert all(one.context_tokens and one.usd > 0 for one in tried)


def test_a_campaign_of_rules_tries_nothing(tmp_path: Path):
    assert try_minds(deps(desk(tmp_path / "ws"))) == []


def test_a_key_that_is_refused_is_named_with_its_model(tmp_path: Path):
    with Provider(Researcher()) as provider, keys(provider, "bad-key"):
        with pytest.raises(ProviderRefused, match="local:local-model: the provider refuses the key") as error:
            try_minds(campaign(tmp_path, provider))
    assert "bad-key" not in str(error.value)


def test_a_model_that_does_not_exist_is_refused(tmp_path: Path):
    with Provider(Researcher()) as provider, keys(provider), pytest.raises(ProviderRefused, match="does not exist"):
        try_minds(campaign(tmp_path, provider, "openai:gpt-5.2-tubro"))


def test_a_model_that_cannot_see_is_found_out(tmp_path: Path):
    with Provider(blind) as provider, keys(provider), pytest.raises(ConfigError, match=r"set provider\.image_input: false"):
        try_minds(campaign(tmp_path, provider))


def test_a_context_too_small_for_the_compaction_is_refused_with_a_better_setting(tmp_path: Path):
    with Provider(Researcher(), window=40_000) as provider, keys(provider):
        with pytest.raises(ConfigError, match=r"set provider\.compact_at to 24000 or less"):
            try_minds(campaign(tmp_path, provider))


def test_a_budget_in_dollars_needs_a_price(tmp_path: Path):
    with Provider(Researcher()) as provider, keys(provider):
        with pytest.raises(ConfigError, match=r"give provider\.prices\.local-model"):
            try_minds(campaign(tmp_path, provider, limits={"usd": 5}))


def test_an_endpoint_that_is_dead_is_an_outage(tmp_path: Path):
    with Provider(Researcher()) as provider:
        pass
    with keys(provider):
        at = campaign(tmp_path, provider)
        at.board.set_fact("max_outage_s", 0)
        with pytest.raises(ProviderOutage, match="out of order"):
            try_minds(at)
