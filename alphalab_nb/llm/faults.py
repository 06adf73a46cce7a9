"""What an exception of a provider means: wait, try again, condense the conversation, or give up. From the stable core of the exceptions.

Source of the rows: design measurements on both SDKs (tests/faults/test_provider_faults.py holds the table).
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pydantic_ai.exceptions import ModelAPIError

_TRANSPORT = frozenset({"httpx", "httpx2", "httpcore", "httpcore2", "openai", "anthropic", "botocore", "ssl"})
_OVERFLOW = re.compile(r"context_length_exceeded|prompt is too long|maximum context length|context window|too many tokens", re.IGNORECASE)
_RETRIED = frozenset({408, 409, 425})


class Fault(StrEnum):
    """Kinds of failure of one attempt."""

    RATE = "rate limit"
    TRANSIENT = "transient"
    OVERFLOW = "context overflow"
    KEY = "key"
    MODEL = "model"
    FATAL = "fatal"


class Truncated(Exception):
    """The stream ended before its terminal event; what came so far may lack a tool call."""


class Silent(Exception):
    """No event came in time."""


class Refused(Exception):
    """The provider's filter answered instead of the model."""


def fault_of(error: BaseException) -> Fault:
    """Return what kind of failure an exception is."""
    if isinstance(error, Truncated | Silent):
        return Fault.TRANSIENT
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _of_status(status, str(error))
    if isinstance(error, ModelAPIError) or type(error).__module__.split(".")[0] in _TRANSPORT:
        return Fault.OVERFLOW if _OVERFLOW.search(str(error)) else Fault.TRANSIENT
    return Fault.TRANSIENT if isinstance(error, ConnectionError | TimeoutError) else Fault.FATAL


def _of_status(status: int, text: str) -> Fault:
    if status == 429:
        return Fault.RATE
    if status in (401, 403):
        return Fault.KEY
    if status == 404:
        return Fault.MODEL
    if status in _RETRIED or status >= 500:
        return Fault.TRANSIENT
    return Fault.OVERFLOW if _OVERFLOW.search(text) else Fault.FATAL


def retry_after_s(error: BaseException) -> float | None:
    """Return what a rate limit asks us to wait, in seconds; None if it does not say, or asks for no wait at all."""
    told: Any = getattr(error, "retry_after", None)
    if told is None:
        response = getattr(error.__cause__, "response", None)
        told = (getattr(response, "headers", None) or {}).get("retry-after")
    try:
        seconds = told.total_seconds() if isinstance(told, timedelta) else float(told)
    except (TypeError, ValueError):
        return None
    return seconds if seconds > 0 and math.isfinite(seconds) else None
