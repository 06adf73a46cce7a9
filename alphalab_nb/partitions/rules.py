"""One rule per kind of data, by the `partition` key of a manifest. What depends on the kind of data is asked here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from alphalab_nb.errors import ConfigError
from alphalab_nb.partitions.base import SeriesSpec
from alphalab_nb.partitions.guard import hidden_paths
from alphalab_nb.partitions.streams import StreamsReport, draws_of, make_streams, secret_of


@dataclass(frozen=True)
class Wanted:
    """What a campaign says about its data."""

    data: Mapping[str, Any]
    """The `data:` block."""
    split: Mapping[str, Any]
    """The `partitions:` block."""
    task: Mapping[str, Any]
    """The task block with the adapter's defaults."""
    space: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Families of experiments by name, with their parameters: what a domain of points shows as explore."""


class Report(Protocol):
    """What was split; shows itself in a notebook."""

    def as_dict(self) -> dict[str, object]: ...
    def to_markdown(self) -> str: ...


class Rule(Protocol):
    """How one kind of data is checked, cut and guarded."""

    least: Mapping[str, int]
    """Settings of a task that are whole numbers, and the least each may be; null leaves one open where the adapter's default does."""

    def check_task(self, task: Mapping[str, Any]) -> None:
        """Refuse a task that lacks what must be given."""
        ...

    def check(self, wanted: Wanted, base: Path) -> None:
        """Refuse data that cannot be split, before anything is written."""
        ...

    def make(self, wanted: Wanted, root: Path) -> Report:
        """Write the four partitions of a workspace; a finished split is only read back."""
        ...

    def report(self, held: Mapping[str, Any]) -> Report:
        """Undo `as_dict` after a trip through JSON."""
        ...

    def hidden(self, data: Mapping[str, Any], root: Path) -> list[Path]:
        """Return the files that hold the same data as the hidden partitions."""
        ...

    def block(self, task: Mapping[str, Any]) -> int:
        """Return how many neighbouring units of a score depend on each other."""
        ...


class Series:
    """Rows in time order, read from a file."""

    least: Mapping[str, int] = {"horizon": 1, "stride": 1, "season": 1, "lookback": 1, "smoke_origins": 1, "embargo": 0}

    def check_task(self, task: Mapping[str, Any]) -> None:
        if task.get("horizon") is None:
            raise ConfigError("'task.horizon' is missing; say how many rows ahead to forecast")

    def check(self, wanted: Wanted, base: Path) -> None:
        from alphalab_nb.partitions.formats import load_series
        from alphalab_nb.partitions.split import plan_partitions

        panel = load_series(SeriesSpec.from_config(wanted.data, base), base)
        plan_partitions(panel, wanted.split, int(wanted.task["horizon"]))

    def make(self, wanted: Wanted, root: Path) -> Report:
        from alphalab_nb.partitions.formats import load_series
        from alphalab_nb.partitions.series import make_partitions

        panel = load_series(SeriesSpec.from_config(wanted.data, root), root)
        return make_partitions(panel, wanted.split, int(wanted.task["horizon"]), root)

    def report(self, held: Mapping[str, Any]) -> Report:
        from alphalab_nb.partitions.series import PartitionReport

        return PartitionReport.from_dict(held)

    def hidden(self, data: Mapping[str, Any], root: Path) -> list[Path]:
        return hidden_paths(SeriesSpec.from_config(data, root))

    def block(self, task: Mapping[str, Any]) -> int:
        """Overlapping forecasts are not independent (contract: block >= horizon, counted in origins)."""
        return max(1, -(-int(task["horizon"]) // int(task["stride"])))


class Streams:
    """Noise that the harness draws; nothing is read."""

    least: Mapping[str, int] = {}

    def check_task(self, task: Mapping[str, Any]) -> None:
        """Nothing must be given."""

    def check(self, wanted: Wanted, base: Path) -> None:
        draws_of(wanted.split)
        secret_of(wanted.data)

    def make(self, wanted: Wanted, root: Path) -> Report:
        return make_streams(wanted.data, wanted.split, wanted.space, root)

    def report(self, held: Mapping[str, Any]) -> Report:
        return StreamsReport(**held)

    def hidden(self, data: Mapping[str, Any], root: Path) -> list[Path]:
        """A seed that campaign.yaml fixes is the world itself."""
        return [root / "campaign.yaml"] if data.get("seed") is not None else []

    def block(self, task: Mapping[str, Any]) -> int:
        """Draws are independent."""
        return 1


_RULES: dict[str, Rule] = {"series": Series(), "streams": Streams()}


def rule_of(name: str) -> Rule:
    """Return the rule of a manifest's `partition` key."""
    return _RULES[name]


def report_of(held: Mapping[str, Any]) -> Report:
    """Return the report of a split from its record; one that names no rule is of a series."""
    return rule_of(str(held.get("rule", "series"))).report(held)
