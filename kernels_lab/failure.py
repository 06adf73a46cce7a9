"""What can go wrong with a candidate, as a value: a verdict on the candidate, not a bug of the lab."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Stage = Literal["build", "load", "correctness", "timing", "done"]


class Label(StrEnum):
    """Kinds of failure that a caller acts on."""

    CRASH = "crash"
    TIMEOUT = "timeout"
    OOM = "oom"
    INVALID_OUTPUT = "invalid_output"
    GATE_MISSED = "gate_missed"
    INFRASTRUCTURE = "infrastructure"


class Failure(Exception):
    """A candidate failed: a label, the name of the check that caught it, and what was seen."""

    def __init__(self, label: Label, check: str, message: str) -> None:
        super().__init__(message)
        self.label = label
        self.check = check
        self.message = message


def wrong(check: str, message: str) -> Failure:
    """Return the failure of a candidate whose output is not what was asked for."""
    return Failure(Label.INVALID_OUTPUT, check, message)
