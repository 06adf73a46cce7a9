"""The partition rule of domains without a data file: what is written, what is refused, and what nobody but the evaluator may see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.errors import ConfigError, DataError
from alphalab_nb.partitions import Partitions, Wanted, report_of, rule_of

RULE = rule_of("streams")
SPACE = {"point": {"summary": "A point.", "params": {"x": {"type": "bool", "default": False}}}}


def make(root: Path, data: dict[str, Any] | None = None, split: dict[str, Any] | None = None) -> dict[str, object]:
    return RULE.make(Wanted(data or {}, split or {}, {}, SPACE), root).as_dict()


def streams(root: Path) -> dict[str, dict[str, Any]]:
    paths = {name: root / "vault" / name / "stream.json" for name in ("search", "confirm", "sealed")}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items()}


def test_each_partition_has_a_stream_of_its_own_in_one_world(tmp_path: Path):
    make(tmp_path, {"seed": 3}, {"confirm": 7})
    found = streams(tmp_path)
    assert len({held["stream"] for held in found.values()}) == 3
    assert {held["world"] for held in found.values()} == {3}
    assert [held["draws"] for held in found.values()] == [1, 7, 16]


def test_explore_holds_the_space_and_neither_secret(tmp_path: Path):
    make(tmp_path)
    texts = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "data" / "explore").iterdir()}
    assert json.loads(texts["space.json"]) == SPACE
    secrets = {str(held[key]) for held in streams(tmp_path).values() for key in ("world", "stream")}
    assert not [secret for secret in secrets for text in texts.values() if secret in text]


def test_without_a_seed_no_two_campaigns_share_a_world(tmp_path: Path):
    make(tmp_path / "a")
    make(tmp_path / "b")
    assert streams(tmp_path / "a")["search"]["world"] != streams(tmp_path / "b")["search"]["world"]


def test_a_finished_split_is_read_back_and_counted_like_any_other(tmp_path: Path):
    first = make(tmp_path)
    before = streams(tmp_path)
    assert make(tmp_path) == first
    assert streams(tmp_path) == before
    partitions = Partitions(tmp_path)
    partitions.verify()
    partitions.open("sealed", by="a", reason="test")
    with pytest.raises(DataError, match="opened already"):
        partitions.open("sealed", by="b", reason="test")


@pytest.mark.parametrize(("data", "split"), [({"seed": 4}, {}), ({"seed": 3}, {"search": 2})])
def test_other_streams_in_the_same_workspace_are_refused(tmp_path: Path, data: dict[str, Any], split: dict[str, Any]):
    make(tmp_path, {"seed": 3})
    with pytest.raises(DataError, match="other streams"):
        make(tmp_path, data, split)


@pytest.mark.parametrize(("data", "split", "message"), [
    ({"path": "x.csv"}, {}, "unknown key 'data.path'"), ({"seed": -1}, {}, "data.seed"), ({"seed": True}, {}, "data.seed"),
    ({}, {"serach": 3}, "did you mean 'search'"), ({}, {"search": 0}, "at least 1"), ({}, {"search": 1.5}, "at least 1"),
    ({}, {"rule": "series"}, "must be streams"),
])
def test_a_wrong_setting_is_refused_before_anything_is_written(tmp_path: Path, data: dict[str, Any], split: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        RULE.check(Wanted(data, split, {}), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_seed_that_the_campaign_file_fixes_makes_that_file_a_secret(tmp_path: Path):
    assert RULE.hidden({"seed": 3}, tmp_path) == [tmp_path / "campaign.yaml"]
    assert RULE.hidden({}, tmp_path) == []


def test_the_report_survives_its_record(tmp_path: Path):
    made = make(tmp_path)
    report = report_of(json.loads(json.dumps(made)))
    assert report.as_dict() == made
    assert "| sealed | 16 draws" in report.to_markdown()


def test_draws_are_independent_and_windows_of_a_series_are_not():
    assert RULE.block({}) == 1
    assert [rule_of("series").block({"horizon": 24, "stride": stride}) for stride in (1, 5, 24, 48)] == [24, 5, 1, 1]
