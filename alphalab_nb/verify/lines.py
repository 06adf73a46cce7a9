"""What a verification says: a line for each thing compared, and a verdict over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

HOLDS, FAULT = "HOLDS", "FAULT"
Value = str | float | int | None


@dataclass(frozen=True)
class Line:
    """One comparison."""

    what: str
    recorded: Value
    found: Value
    holds: bool
    why: str = ""
    """By which rule it holds, or what to make of the difference."""
    shared: bool = False
    """Whether it is about what all experiments rest on (harness, data, machine): then no single experiment is to blame."""

    @property
    def verdict(self) -> str:
        return HOLDS if self.holds else FAULT


class Lines(list[Line]):
    """Lines that show themselves in a notebook as a table."""

    def table(self) -> pd.DataFrame:
        import pandas as pd

        columns = ["what", "recorded", "found", "verdict", "why"]
        return pd.DataFrame([{name: getattr(line, name) for name in columns} for line in self], columns=columns, dtype=object)

    def _repr_html_(self) -> str:
        return self.table().to_html(index=False, max_rows=60)

    def __repr__(self) -> str:
        return "\n".join(f"{line.verdict}  {line.what}: recorded {line.recorded}, found {line.found}  {line.why}".rstrip() for line in self)


@dataclass(frozen=True)
class Verdict:
    """HOLDS if every line does."""

    subject: str
    """What was verified, for people."""
    lines: tuple[Line, ...]
    notebook: str = ""
    """Executed notebook that shows the lines, relative to the workspace; empty for a check of the whole campaign."""

    @property
    def holds(self) -> bool:
        return all(line.holds for line in self.lines)

    @property
    def faults(self) -> list[Line]:
        return [line for line in self.lines if not line.holds]

    @property
    def blames(self) -> bool:
        """Whether the faults are the experiment's own: nothing that all experiments rest on is at fault."""
        return not self.holds and not any(line.shared for line in self.faults)

    @property
    def strained(self) -> bool:
        """Whether something met a limit of time or memory that it had kept before."""
        return any(line.found in ("timeout", "oom") for line in self.faults)

    @property
    def said(self) -> str:
        """HOLDS, or FAULT with the names of what does not hold."""
        return HOLDS if self.holds else f"{FAULT}: {named(self.faults)}"

    def as_dict(self) -> dict[str, Any]:
        lines = [{**asdict(line), "verdict": line.verdict} for line in self.lines]
        return {"subject": self.subject, "verdict": HOLDS if self.holds else FAULT, "holds": self.holds, "lines": lines,
                "notebook": self.notebook}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Verdict:
        """Undo `as_dict`."""
        lines = tuple(Line(**{key: value for key, value in line.items() if key != "verdict"}) for line in stored["lines"])
        return cls(stored["subject"], lines, stored["notebook"])

    def __repr__(self) -> str:
        return f"{self.subject}: {self.said}"


def named(lines: Sequence[Line]) -> str:
    """Return lines as one sentence part."""
    return "; ".join(f"{line.what} (recorded {line.recorded}, found {line.found})" for line in lines)


def equal(what: str, recorded: Value, found: Value, *, why: str = "", shared: bool = False) -> Line:
    """Compare what must be the same."""
    return Line(what, recorded, found, recorded == found, why, shared)
