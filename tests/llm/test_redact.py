"""No key is stored or shown."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import pytest

from alphalab_nb.agents import run_agent
from alphalab_nb.agents.tasks import PreflightTask
from alphalab_nb.errors import ProviderOutage, ProviderRefused
from alphalab_nb.llm.redact import redact
from tests.desk import desk
from tests.provider.faults import Fault, Schedule, first
from tests.provider.protocol import WIRES, Wire
from tests.provider.server import Provider
from tests.provider.talk import Desk, adder, keys

KEY = "loopback+Secret/0123456789"
"""Of no shape that is known as a key's: only the environment tells."""


@pytest.mark.parametrize(("text", "expected"), [
    ("Incorrect API key provided: sk-proj-abc123def456.", "Incorrect API key provided: [key]."),
    ("Authorization: Bearer abcdef.ghijkl-mnop=", "Authorization: [key]"),
    ("aws AKIAIOSFODNN7EXAMPLE!", "aws [key]!"),
    ("sk-short and a risk-averse ask-me-anything", "sk-short and a risk-averse ask-me-anything"),
    ("GET https://ana:pa55@word@host:80/x?q=a", "GET https://[key]@host:80/x?q=a"),
    ("http://:hunter2@host", "http://[key]@host"),
    ('{"url": "http://host:8000", "by": "ana@host"}', '{"url": "http://host:8000", "by": "ana@host"}'),
    ("see http://host:8000/ana@home", "see http://host:8000/ana@home"),
    ("the bearer of news", "the bearer of news"),
    ("task-0123456789 in disk-abcdefghijkl", "task-0123456789 in disk-abcdefghijkl"),
])
def test_what_looks_like_a_key_is_hidden_and_other_words_stay(text: str, expected: str):
    assert redact(text) == expected


def test_keys_of_the_environment_are_hidden_whatever_they_look_like(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOME_API_KEY", KEY)
    monkeypatch.setenv("OTHER_TOKEN", KEY + "-and-more")
    monkeypatch.setenv("SHORT_KEY", "abc")
    assert redact(f"{KEY}-and-more, {KEY}, abc") == "[key], [key], abc"


def test_a_key_may_begin_with_a_slash_but_a_file_is_no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    file = tmp_path / "signing.pem"
    file.write_text("x")
    monkeypatch.setenv("CLOUD_SECRET", "/abc+def/0123456789")
    monkeypatch.setenv("LONG_KEY", "/" + "x" * 300)
    monkeypatch.setenv("SIGNING_KEY_FILE", str(file))
    monkeypatch.setenv("TOKEN_PATH", "/var/run/token")
    text = f"/abc+def/0123456789 {file} /var/run/token"
    assert redact(text) == f"[key] {file} /var/run/token"
    assert redact("/" + "x" * 300) == "[key]"


ECHO = f"Incorrect API key provided: {KEY}. You can find your API key at the console."


def found_in(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize("wire", WIRES)
def test_a_provider_that_quotes_the_key_does_not_make_it_known(wire: Wire, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG, "alphalab_nb")
    with Provider(adder, faults=Schedule(otherwise=Fault("http", status=401, text=ECHO))) as provider, keys(provider, KEY):
        desk = Desk(tmp_path, provider.openai_url)
        with pytest.raises(ProviderRefused, match=r"refuses the key.*\[key\]") as caught:
            desk.talk(wire).run()
    assert len(provider.log.requests) == 1
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert KEY not in caplog.text
    assert found_in(tmp_path) == []


@pytest.mark.parametrize("wire", WIRES)
def test_what_is_told_of_an_outage_holds_no_key(wire: Wire, tmp_path: Path):
    with Provider(adder, faults=Schedule(otherwise=Fault("http", status=500, text=ECHO))) as provider, keys(provider, KEY):
        desk = Desk(tmp_path, provider.openai_url)
        with pytest.raises(ProviderOutage) as caught:
            desk.talk(wire).run()
    assert "[key]" in desk.events[0][1]
    assert KEY not in f"{desk.events}{''.join(traceback.format_exception(caught.value))}"


def test_a_campaign_keeps_no_key_on_its_board_nor_in_its_notebooks(tmp_path: Path):
    """One retry is told to the board, then the key is refused."""
    faults = Schedule({**first(1, Fault("http", status=500, text=ECHO)).by_number, 2: Fault("http", status=401, text=ECHO)})
    with Provider(adder, faults=faults) as provider, keys(provider, KEY):
        at = desk(tmp_path / "ws", llm="local:local-model", provider={"base_url": provider.openai_url, "image_input": False})
        deps = at.deps(at.workspace.root / "preflight", phase="adapt")
        with pytest.raises(ProviderRefused):
            run_agent("preflight", deps, PreflightTask(image=False))
    (event,) = at.board.events(kind="retry")
    assert "[key]" in event["text"]
    assert found_in(tmp_path) == []
