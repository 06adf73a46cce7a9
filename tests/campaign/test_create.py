"""Campaign.create: all is checked before anything is written; what was made opens again."""

from __future__ import annotations

import copy
import datetime
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from alphalab_nb.campaign import Campaign
from alphalab_nb.config import merge
from alphalab_nb.errors import BadInput, ConfigError, DataError, UnknownDomain, WorkspaceError
from alphalab_nb.partitions import SeriesSpec, hidden_paths
from alphalab_nb.sandbox.bwrap import Bubblewrap
from alphalab_nb.storage.database import SCHEMA_VERSION
from tests.support import toy_adapter, weekly_csv

HORIZON = 8


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with an adapter of one's own and a data file."""
    toy_adapter(tmp_path / "toy")
    weekly_csv(tmp_path / "weekly.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "name": "small", "domain": "toy", "objective": "forecast a small weekly series",
        "data": {"path": "weekly.csv", "timestamp": "time", "target": "co2"}, "task": {"horizon": HORIZON},
    }
    return merge(copy.deepcopy(plain), changes)


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def refused(root: Path, folder: Path, kind: type[BadInput], *said: str, config: Path | None = None, **values: Any) -> None:
    """Prove that a creation is refused in words, and that the folder is afterwards what it was before."""
    before = tree(folder)
    with pytest.raises(kind) as error:
        Campaign.create(root, config, **values)
    for words in said:
        assert words in str(error.value)
    assert error.value.exit_code == 2
    assert tree(folder) == before


# -- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"data": {"path": "weekl.csv"}}, DataError, ["weekl.csv"]),
        ({"data": {"path": "toy"}}, DataError, ["is a folder", ".csv"]),
        ({"data": {"path": None}}, ConfigError, ["'data.path' is missing"]),
        ({"data": {"path": "statsmodels:co3"}}, DataError, ["statsmodels:co2"]),
        ({"data": {"targt": "co2"}}, ConfigError, ["did you mean 'target'"]),
        ({"data": {"timestamp": "when"}}, DataError, ["no column 'when'", "time"]),
        ({"data": {"covariates": 3}}, ConfigError, ["'data.covariates' must be a list"]),
        ({"data": {"covariates": [{"path": "extra.csv"}]}}, DataError, ["extra.csv"]),
        ({"data": "weekly.csv"}, ConfigError, ["'data'", "dictionary"]),
        ({"task": {"strid": 2}}, ConfigError, ["did you mean 'stride'"]),
        ({"task": {"horizon": None}}, ConfigError, ["'task.horizon' is missing"]),
        *[({"task": {"horizon": value}}, ConfigError, ["'task.horizon' must be a whole number of at least 1"])
          for value in ("abc", 0, -1, 2.5, True, [8])],
        ({"task": {"stride": 0}}, ConfigError, ["'task.stride' must be a whole number of at least 1, not 0"]),
        ({"task": {"season": "year"}}, ConfigError, ["'task.season' must be a whole number"]),
        ({"task": {"embargo": -1}}, ConfigError, ["'task.embargo' must be a whole number of at least 0"]),
        ({"task": {"metric": "rsme"}}, ConfigError, ["did you mean 'rmse'"]),
        ({"limits": {"max_experiment": 3}}, ConfigError, ["did you mean 'max_experiments'"]),
        ({"limits": {"max_experiments": 0}}, ConfigError, ["limits.max_experiments", "greater than or equal to 1"]),
        ({"executor": {"kind": "slurm"}}, ConfigError, ["executor.kind", "inline", "local"]),
        ({"partitions": {"seald": 40}}, ConfigError, ["did you mean 'sealed'"]),
        ({"partitions": {"sealed": 5}}, DataError, ["partition sealed", "less than one forecast"]),
        ({"domain": "tiny"}, UnknownDomain, ["no adapter", "time_series"]),
        ({"families": ["drfit"]}, ConfigError, ["did you mean 'drift'"]),
        ({"strategy": {"name": "lsited"}}, ConfigError, ["did you mean 'listed'"]),
        ({"strategy": {"options": {"trials": 3}}}, ConfigError, ["no option 'trials'"]),
        ({"llm": "opnai:gpt-x"}, ConfigError, ["unknown provider 'opnai'", "did you mean 'openai'"]),
        ({"llm": {"default": "offline", "worker": "anthropic"}}, ConfigError, ["name the model, as in anthropic:NAME"]),
        ({"llm": "openai: "}, ConfigError, ["name the model, as in openai:NAME"]),
        ({"llm": {}}, ConfigError, ["'llm' is empty"]),
        ({"llm": {"default": "offline", "critc": "openai:x"}}, ConfigError, ["unknown role 'llm.critc'", "did you mean 'critic'"]),
        ({"provider": {"effort": {"workr": "high"}}}, ConfigError, ["unknown role 'provider.effort.workr'", "did you mean 'worker'"]),
        ({"llm": "local:m"}, ConfigError, ["local:m needs provider.base_url"]),
        ({"llm": {"critic": "local:m"}}, ConfigError, ["local:m needs provider.base_url"]),
        ({"provider": {"search_url": "http://localhost/search?q="}}, ConfigError, ["provider.search_url", "has no {query}"]),
        ({"llm": "replay:none.jsonl"}, BadInput, ["no recording at", "none.jsonl", "alphalab-nb export"]),
        ({"llm": {"critic": "replay:weekly.csv"}}, BadInput, ["weekly.csv is not a recording"]),
        ({"llm": "replay:toy"}, BadInput, ["toy cannot be read"]),
        ({"strategy": {"name": "strategist"}}, ConfigError, ["'strategist' needs a language model"]),
        ({"new_domain": True, "domain": "fx"}, ConfigError, ["'new_domain' needs a language model for the role 'generator'"]),
        ({"new_domain": True, "domain": "time_series", "llm": "openai:x"}, ConfigError, ["there is an adapter for 'time_series'"]),
        ({"domain": "time_sries", "llm": "openai:x"}, UnknownDomain, ["did you mean 'time_series'"]),
        ({"objective": None}, ConfigError, ["'objective'"]),
    ],
)
def test_bad_input_is_named_with_its_remedy_and_nothing_is_written(
    folder: Path, changes: dict[str, Any], kind: type[BadInput], said: list[str]
):
    refused(folder / "deep" / "ws", folder, kind, *said, **settings(**changes))


def test_every_unknown_key_is_named_at_once(folder: Path):
    refused(folder / "ws", folder, ConfigError, "did you mean 'name'", "did you mean 'seed'", **settings(nam="x", sed=3))


def test_a_sandbox_that_does_not_work_here_is_refused_before_anything_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Bubblewrap, "refusal", staticmethod(lambda: "bwrap is not installed"))
    refused(folder / "ws", folder, ConfigError, "bwrap is not installed", "sandbox.level: auto", **settings(sandbox={"level": "bwrap"}))


@pytest.mark.parametrize("text", ["- a list", "just words", "a: [1"])
def test_a_file_that_is_no_campaign_file_is_refused(folder: Path, text: str):
    (folder / "campaign.yaml").write_text(text)
    refused(folder / "ws", folder, ConfigError, str(folder / "campaign.yaml"), config=folder / "campaign.yaml")


def test_a_missing_campaign_file_is_refused(folder: Path):
    refused(folder / "ws", folder, ConfigError, "no campaign file", config=folder / "nowhere.yaml")


def test_a_workspace_below_a_file_is_refused(folder: Path):
    refused(folder / "weekly.csv" / "ws", folder, WorkspaceError, "cannot write", "choose a folder", **settings())
    refused(folder / "weekly.csv", folder, WorkspaceError, "cannot write", **settings())


def test_creating_twice_is_refused_and_leaves_the_first_alone(folder: Path):
    first = Campaign.create(folder / "ws", **settings())
    first.note("keep me")
    first.board.database.connection().execute("pragma wal_checkpoint(truncate)")
    refused(folder / "ws", folder, WorkspaceError, "already holds a campaign; open it", **settings(name="other"))
    assert Campaign.open(folder / "ws").config.name == "small"


@pytest.mark.parametrize("entry", ["adapter.txt", "thesis.tex", ".git/HEAD", "campaign.yaml"])
def test_a_folder_with_other_things_in_it_is_refused(folder: Path, entry: str):
    """A campaign there would mix with them; in somebody's repository it would commit to their git."""
    path = folder / "ws" / entry
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    refused(folder / "ws", folder, WorkspaceError, "is not empty", path.relative_to(folder / "ws").parts[0], **settings())


# -- what is made --------------------------------------------------------------------------------------------


def test_an_empty_folder_is_welcome_and_so_are_hidden_files(folder: Path):
    (folder / "ws").mkdir()
    (folder / "ws" / ".gitignore").write_text("*")
    assert Campaign.create(folder / "ws", **settings()).phase() == "adapt"


def test_a_creation_that_was_killed_can_be_repeated(folder: Path):
    done = Campaign.create(folder / "ws", **settings())
    done.workspace.config.unlink()  # it is written last
    (folder / "ws" / "campaign.yaml.17.3.partial").write_text("domain: t")
    assert Campaign.create(folder / "ws", **settings(name="again")).config.name == "again"


def test_what_was_made_opens_again_with_the_same_configuration(folder: Path):
    made = Campaign.create(folder / "ws", **settings(limits={"max_experiments": 7}))
    opened = Campaign.open(folder / "ws")
    assert opened.config == made.config
    assert (opened.config.limits.max_experiments, opened.config.task["horizon"]) == (7, HORIZON)
    assert [path.name for path in sorted((folder / "ws" / "notebooks" / "source").iterdir())] == [
        "0_adapt.ipynb", "1_explore.ipynb", "2_build.ipynb", "3_experiment.ipynb", "4_report.ipynb",
    ]


def test_settings_win_over_the_file_block_by_block(folder: Path):
    (folder / "campaign.yaml").write_text(yaml.safe_dump(settings(limits={"max_experiments": 5, "usd": 2.0})))
    made = Campaign.create(folder / "ws", folder / "campaign.yaml", limits={"max_experiments": 6})
    assert (made.config.limits.max_experiments, made.config.limits.usd, made.config.name) == (6, 2.0, "small")


def test_relative_paths_start_from_the_campaign_file(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """The data's and the domain's, wherever one stands."""
    (folder / "campaign.yaml").write_text(yaml.safe_dump(settings()))
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    made = Campaign.create("ws", Path("../campaign.yaml"))
    assert made.config.data["path"] == str(folder / "weekly.csv")
    assert made.workspace.root == folder / "elsewhere" / "ws"
    assert (made.workspace.adapter / "recipes" / "sleeper").is_dir()


RECORDED = '{"key": "adapt/0", "response": {"parts": [{"content": "x", "part_kind": "text"}], "kind": "response"}}\n'


@pytest.mark.parametrize(("llm", "expected"), [
    ("replay:r.jsonl", "replay:{here}/r.jsonl"),
    ({"critic": "replay: r.jsonl", "default": "offline"}, {"critic": "replay:{here}/r.jsonl", "default": "offline"}),
])
def test_a_recording_is_found_from_the_campaign_file(folder: Path, monkeypatch: pytest.MonkeyPatch, llm: Any, expected: Any):
    (folder / "r.jsonl").write_text(RECORDED)
    (folder / "campaign.yaml").write_text(yaml.safe_dump(settings(llm=llm)))
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    made = Campaign.create("ws", Path("../campaign.yaml"))
    assert str(made.config.llm) == str(expected).replace("{here}", str(folder))


@pytest.mark.parametrize("key", ["critic", "worker", "worker_fix", "default"])
def test_a_role_its_kind_and_the_rest_may_have_settings_of_their_own(folder: Path, key: str):
    made = Campaign.create(folder / "ws", **settings(llm={key: "offline"}, provider={"effort": {key: "high"}}))
    assert (made.config.llm, made.config.provider.effort) == ({key: "offline"}, {key: "high"})


@pytest.mark.parametrize("name", ["12:30.csv", "übung und mehr.csv"])
def test_a_data_file_may_be_called_anything_and_is_hidden_from_agents(folder: Path, name: str):
    (folder / "weekly.csv").rename(folder / name)
    made = Campaign.create("ws", **settings(data={"path": name}))
    assert made.config.data["path"] == str(folder / name)
    assert folder / name in hidden_paths(SeriesSpec.from_config(made.config.data, made.workspace.root))


@pytest.mark.parametrize(
    "changes", [{"start": datetime.date(2000, 1, 2)}, {"covariates": None}, {"covariates": []}, {"freq": None}], ids=str
)
def test_what_yaml_makes_of_a_plain_line_is_understood(folder: Path, changes: dict[str, Any]):
    """An unquoted date, a key without a value."""
    (folder / "campaign.yaml").write_text(yaml.safe_dump(settings(data=changes)))
    made = Campaign.create(folder / "ws", folder / "campaign.yaml")
    assert Campaign.open(made.workspace.root).config == made.config


def test_creating_does_not_change_the_settings_it_was_given(folder: Path):
    given = settings()
    Campaign.create(folder / "ws", **given)
    assert given == settings()


def test_a_campaign_does_not_need_the_adapter_it_was_made_from(folder: Path):
    Campaign.create(folder / "ws", **settings())
    (folder / "toy").rename(folder / "gone")
    assert Campaign.open(folder / "ws").parts.adapter.manifest.name == "time_series"


# -- what does not open --------------------------------------------------------------------------------------


def _newer(root: Path) -> None:
    with sqlite3.connect(root / "board.sqlite3") as sql:
        sql.execute(f"pragma user_version = {SCHEMA_VERSION + 1}")


def _without_board(root: Path) -> None:
    for path in root.glob("board.sqlite3*"):
        path.unlink()


def _no_board(root: Path) -> None:
    _without_board(root)
    (root / "board.sqlite3").write_text("these are not the bytes of a board")


def _unknown_key(root: Path) -> None:
    config = root / "campaign.yaml"
    config.write_text(config.read_text() + "aproval: ask\n")


@pytest.mark.parametrize(
    ("harm", "kind", "said"),
    [
        (_newer, WorkspaceError, "newer version"),
        (_without_board, WorkspaceError, "no board"),
        (_no_board, WorkspaceError, "not a campaign's board"),
        (_unknown_key, ConfigError, "did you mean 'approval'"),
    ],
)
def test_a_harmed_workspace_is_refused_and_left_as_it_is(folder: Path, harm: Callable[[Path], None], kind: type[BadInput], said: str):
    root = Campaign.create(folder / "ws", **settings()).workspace.root
    harm(root)
    files = {name for name in tree(root) if "board.sqlite3" not in name}
    with pytest.raises(kind, match=said) as error:
        Campaign.open(root)
    assert error.value.exit_code == 2
    assert {name for name in tree(root) if "board.sqlite3" not in name} == files


@pytest.mark.parametrize("where", ["toy", "weekly.csv", "nowhere"])
def test_what_is_no_workspace_does_not_open_and_nothing_is_made_there(folder: Path, where: str):
    before = tree(folder)
    with pytest.raises(WorkspaceError, match="holds no campaign"):
        Campaign.open(folder / where)
    assert tree(folder) == before
