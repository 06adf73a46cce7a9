"""ReplayModel: gives back the responses that were recorded in another campaign, so that it can be run again without a key."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from pydantic_ai import messages as m
from pydantic_ai.messages import ModelMessagesTypeAdapter
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from alphalab_nb.errors import BadInput, NotFound
from alphalab_nb.process import write_atomic
from alphalab_nb.storage.journal import Journal

REPLAY = "replay"


class ReplayModel(Model):
    """Each request gets the recorded response, of the conversation of that key, that came after the newest one it holds."""

    def __init__(self, path: Path, key: str) -> None:
        super().__init__()
        self._path, self._key = path, key

    @property
    def model_name(self) -> str:
        return self._path.name

    @property
    def system(self) -> str:
        return REPLAY

    async def request(
        self, messages: list[m.ModelMessage], model_settings: ModelSettings | None, model_request_parameters: ModelRequestParameters
    ) -> m.ModelResponse:
        recorded = read_recording(self._path).get(self._key)
        if recorded is None:
            raise NotFound(f"{self._path.name} holds no conversation '{self._key}'; it was recorded in a campaign that went another way")
        number = _place(recorded, [message for message in messages if isinstance(message, m.ModelResponse)])
        if number >= len(recorded):
            raise NotFound(f"{self._path.name} holds only {len(recorded)} responses of '{self._key}'; this campaign went another way")
        return recorded[number]

    @asynccontextmanager
    async def request_stream(  # type: ignore[override]
        self, messages: list[m.ModelMessage], model_settings: ModelSettings | None, model_request_parameters: ModelRequestParameters,
        run_context: Any = None,
    ) -> AsyncIterator[_Whole]:
        yield _Whole(await self.request(messages, model_settings, model_request_parameters))


def _place(recorded: list[m.ModelResponse], given: list[m.ModelResponse]) -> int:
    """Return the number of the next response; of a condensed conversation only the newest ones are given."""
    if not given:
        return 0
    newest = [n for n, response in enumerate(recorded) if n >= len(given) - 1 and response.parts == given[-1].parts]
    return newest[0] + 1 if newest else len(given)


class _Whole:
    """A response that comes at once, in the form of a stream."""

    def __init__(self, response: m.ModelResponse) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        raise StopAsyncIteration

    def get(self) -> m.ModelResponse:
        return self._response


def record(journal: Journal, path: Path) -> int:
    """Write every response of a campaign's conversations to a file, a line each; return how many.

    A line is {"key", "response"}; the keys name phase and notebook. Notes of compactions are left out: nothing acts on them.

    Raises:
        BadInput: there is no response yet, or the file cannot be written.
    """
    lines = [
        json.dumps({"key": head.key, "response": json.loads(turn.body)})
        for head in journal.heads() for turn in journal.turns(head.id, "response")
    ]
    if not lines:
        raise BadInput("no language model has answered in this campaign yet")
    try:
        write_atomic(path, "".join(f"{line}\n" for line in lines))
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}; choose another file") from error
    read_recording.cache_clear()
    return len(lines)


@cache
def read_recording(path: Path) -> dict[str, list[m.ModelResponse]]:
    """Return the recorded responses by conversation.

    Raises:
        BadInput: the file is missing or no recording.
    """
    found: dict[str, list[m.ModelResponse]] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            held = json.loads(line)
            (response,) = ModelMessagesTypeAdapter.validate_python([held["response"]])
            if not isinstance(response, m.ModelResponse):
                raise TypeError("it holds what was asked, not what was answered")
            found.setdefault(held["key"], []).append(response)
    except FileNotFoundError as error:
        raise BadInput(f"there is no recording at {path}; make one with `alphalab-nb export RUN --responses FILE`") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}; give the file that `alphalab-nb export` wrote") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is not a recording of responses: {error}") from error
    if not found:
        raise BadInput(f"{path} is not a recording of responses: it is empty")
    return found
