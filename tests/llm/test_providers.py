"""From the settings of a campaign to what stands on the wire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.agents.preflight import try_minds
from alphalab_nb.config import ProviderConfig
from alphalab_nb.errors import ConfigError
from alphalab_nb.llm.providers import Mind, check_providers, make_model, make_settings, mind_of, parse_mind, setting_of
from tests.desk import desk
from tests.provider.protocol import WIRES, Wire
from tests.provider.server import Provider
from tests.provider.talk import MINDS, Desk, adder, keys

every_wire = pytest.mark.parametrize("wire", WIRES)

# -- who plays a role ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("table", "expected"), [
    ("all", "all"),
    ({"worker": "kind"}, "kind"),
    ({"worker_fix": "own", "worker": "kind", "default": "rest"}, "own"),
    ({"default": "rest"}, "rest"),
    ({"critic": "other"}, "otherwise"),
])
def test_the_setting_of_a_role_is_its_own_then_its_kinds_then_the_default(table: Any, expected: str):
    assert setting_of("worker_fix", table, "otherwise") == expected


@pytest.mark.parametrize(("text", "mind"), [
    ("offline", Mind("offline", "")),
    ("openai:gpt-5.2", Mind("openai", "gpt-5.2")),
    ("local:org/model:7b", Mind("local", "org/model:7b")),
    ("replay:a/b.jsonl", Mind("replay", "a/b.jsonl")),
])
def test_a_mind_is_a_provider_and_a_model(text: str, mind: Mind):
    assert parse_mind(text) == mind
    assert str(mind) == text


def test_without_a_setting_the_rules_play():
    assert mind_of("worker_fix", {"critic": "openai:gpt-5.2"}).offline
    assert not mind_of("critic", {"critic": "openai:gpt-5.2"}).offline


@pytest.mark.parametrize(("text", "says"), [
    ("openia:gpt-5.2", "unknown provider 'openia'.*openai"), ("openai", "name the model"), ("openai:", "name the model"),
    ("openai: ", "name the model"),
])
def test_a_setting_that_names_no_model_is_refused_with_a_remedy(text: str, says: str):
    with pytest.raises(ConfigError, match=says):
        check_providers({"default": "offline", "critic": text}, ProviderConfig())


@pytest.mark.parametrize(("mind", "says"), [
    (Mind("openai", "gpt-5.2"), "OPENAI_API_KEY"), (Mind("anthropic", "claude-opus-4-6"), "ANTHROPIC_API_KEY"),
    (Mind("local", "m"), "provider.base_url"),
])
def test_a_missing_key_or_address_is_named(mind: Mind, says: str, monkeypatch: pytest.MonkeyPatch):
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=says):
        make_model(mind, ProviderConfig())


def test_the_preflight_names_a_model_without_a_key_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    made = desk(tmp_path / "ws", llm="openai:gpt-5.2")
    with pytest.raises(ConfigError, match=r"^openai:gpt-5\.2 needs OPENAI_API_KEY"):
        try_minds(made.deps(made.workspace.root / "scratch", phase="adapt"))


def test_a_local_server_needs_no_key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LOCAL_API_KEY", raising=False)
    assert make_model(Mind("local", "m"), ProviderConfig(base_url="http://127.0.0.1:9/v1")).base_url == "http://127.0.0.1:9/v1/"


# -- what is sent ----------------------------------------------------------------------------------------


def sent(wire: Wire, folder: Path, *, role: str = "tester", key: str = "test/one", **config: Any) -> dict[str, Any]:
    """Hold a conversation and return the body of its last request."""
    with Provider(adder) as provider, keys(provider):
        desk = Desk(folder / key, provider.openai_url, **config)
        assert desk.talk(wire, key, role=role).run() == "The sum is 7."
    return json.loads(provider.log.requests[-1].body)


def marks(value: Any) -> int:
    """Count the cache_control of a body."""
    if isinstance(value, list):
        return sum(map(marks, value))
    return sum(marks(item) for item in value.values()) + ("cache_control" in value) if isinstance(value, dict) else 0


def test_responses_are_stateless_and_carry_their_reasoning(tmp_path: Path):
    body = sent("responses", tmp_path)
    assert body["store"] is False
    assert body["include"] == ["reasoning.encrypted_content"]
    assert "previous_response_id" not in body
    assert [item["type"] for item in body["input"] if "encrypted_content" in item] == ["reasoning", "reasoning"]


def test_each_conversation_has_its_own_cache_key(tmp_path: Path):
    found = {sent("responses", tmp_path, key=key)["prompt_cache_key"] for key in ("test/one", "test/two", "test/" + "x" * 80)}
    assert len(found) == 3
    assert all(len(key) <= 64 for key in found)


@pytest.mark.parametrize("ttl", ["5m", "1h"])
def test_messages_mark_what_shall_be_cached(ttl: str, tmp_path: Path):
    body = sent("messages", tmp_path, cache=ttl)
    assert 2 <= marks(body) <= 4
    assert f'"ttl": "{ttl}"' in json.dumps(body) or ttl == "5m"


@every_wire
def test_without_a_cache_nothing_asks_for_one(wire: Wire, tmp_path: Path):
    body = sent(wire, tmp_path, cache="off")
    assert marks(body) == 0
    assert not [name for name in body if "cache" in name]


LENGTH: dict[Wire, str] = {"responses": "max_output_tokens", "messages": "max_tokens", "chat": "max_completion_tokens"}


@every_wire
def test_the_length_of_a_response_is_the_campaigns(wire: Wire, tmp_path: Path):
    assert sent(wire, tmp_path, max_tokens=5000)[LENGTH[wire]] == 5000


def effort_of(wire: Wire, body: dict[str, Any]) -> Any:
    if wire == "responses":
        return body.get("reasoning", {}).get("effort")
    return (body.get("thinking", {}).get("type"), body.get("output_config", {}).get("effort"))


@pytest.mark.parametrize(("wire", "role", "expected"), [
    ("responses", "critic", "high"), ("responses", "worker_fix", "medium"), ("responses", "tester", "low"),
    ("messages", "critic", ("adaptive", "high")), ("messages", "worker_fix", ("adaptive", "medium")),
    ("messages", "explorer", (None, None)),
])
def test_the_effort_is_that_of_the_role(wire: Wire, role: str, expected: Any, tmp_path: Path):
    effort = {"critic": "high", "worker": "medium", "explorer": "off", "default": "low"}
    assert effort_of(wire, sent(wire, tmp_path, role=role, effort=effort)) == expected


def test_a_local_model_is_asked_in_the_plain_form(tmp_path: Path):
    body = sent("chat", tmp_path)
    assert not {"reasoning_effort", "prompt_cache_key", "store"} & set(body)
    assert [message["role"] for message in body["messages"]].count("system") == 1


@every_wire
def test_an_sdk_sends_once(wire: Wire, tmp_path: Path):
    """Retries belong to LiveModel alone."""
    with Provider(adder) as provider, keys(provider):
        model: Any = make_model(MINDS[wire], ProviderConfig(base_url=provider.openai_url))
    assert model.client.max_retries == 0
    assert make_settings(MINDS[wire], ProviderConfig(), "tester", "c/k")["max_retries"] == 0  # type: ignore[typeddict-item]
