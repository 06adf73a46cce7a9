"""How long a request is tried: hours of failures, pauses before it, outages that others met."""

from __future__ import annotations

import time

import pytest
from pydantic_ai.messages import ModelRequest, UserPromptPart

from alphalab_nb.config import ProviderConfig
from alphalab_nb.errors import ConfigError, ProviderOutage, RequestRefused
from alphalab_nb.llm.faults import Refused
from alphalab_nb.llm.patience import Patience, Pulse, Trouble
from alphalab_nb.llm.providers import make_model, parse_mind
from alphalab_nb.llm.tokens import tokens_of


def trouble(pulse: Pulse | None = None, **patience: float) -> Trouble:
    return Trouble(Patience(**patience), pulse or Pulse(), lambda kind, text: None)  # type: ignore[arg-type]


def test_two_days_of_failures_are_borne():
    borne = trouble(outage_s=1e9)
    assert all(0 < borne.delay(ConnectionError("down")) <= 75 for _ in range(3000))


def test_the_time_before_the_first_failure_is_no_outage():
    paused = trouble(tries=2, outage_s=0.2, first_s=0.01)
    time.sleep(0.3)
    assert paused.delay(ConnectionError("down")) < 1
    paused.delay(ConnectionError("down"))
    time.sleep(0.3)
    with pytest.raises(ProviderOutage):
        paused.delay(ConnectionError("down"))


def test_the_first_success_tells_that_an_outage_is_over_whoever_met_it():
    told: list[float | None] = []

    class Listening(Pulse):
        def outage(self, since: float | None, text: str) -> None:
            told.append(since)

    trouble(Listening()).over()
    assert told == [None]


def test_a_filter_refuses_one_request_and_hides_its_cause():
    with pytest.raises(RequestRefused, match="refuses the request") as error:
        trouble().delay(Refused("no"))
    assert error.value.__cause__ is None


@pytest.mark.parametrize("key", ["sk-very-secret-0123\n", "sk very secret", "sk-verysecr\u00e9t"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch, key: str):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY holds white space") as error:
        make_model(parse_mind("openai:gpt-5.2"), ProviderConfig())
    assert "very" not in str(error.value)


def test_characters_beyond_ascii_count_as_tokens_of_their_own():
    def estimate(text: str) -> int:
        return tokens_of([ModelRequest(parts=[UserPromptPart(text)])])

    assert estimate("\u6c34" * 9000) >= 9000
    assert estimate("a" * 9000) < 3200
