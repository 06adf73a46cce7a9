"""The command line as people and programs use it: real processes, exit codes, JSON."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ready, sleepers, small_campaign, toy_adapter, weekly_csv


def call(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "alphalab_nb.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120, check=False)


def settings(folder: Path, **changes: str) -> list[str]:
    values = {
        "domain": str(toy_adapter(folder / "toy")), "objective": "forecast", "data.path": str(weekly_csv(folder / "weekly.csv")),
        "data.timestamp": "time", "data.target": "co2", "task.horizon": "8", **changes,
    }
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]


def test_create_makes_a_campaign_and_says_how_to_go_on(tmp_path: Path):
    done = call("create", tmp_path / "ws", *settings(tmp_path))
    assert (done.returncode, "alphalab-nb run" in done.stdout) == (0, True), done.stderr
    assert json.loads(call("status", tmp_path / "ws", "--json").stdout)["phase"] == "adapt"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data.path": "/nowhere/at_all.csv"}, "/nowhere/at_all.csv"),
        ({"objectiv": "x"}, "did you mean 'objective'"),
        ({"executor.slot": "2"}, "did you mean 'slots'"),
        ({"task.horizn": "2"}, "did you mean 'horizon'"),
        ({"domain": "time_serie"}, "did you mean 'time_series'"),
        ({"data.target": "co3"}, "co2"),
        ({"task.horizon": "5000"}, "horizon"),
        ({"task.metric": "rmsle"}, "rmse"),
        ({"strategy.name": "ofline"}, "offline"),
    ],
)
def test_bad_input_is_exit_2_names_the_remedy_and_writes_nothing(tmp_path: Path, changes: dict[str, str], said: str):
    done = call("create", tmp_path / "ws", *settings(tmp_path, **changes))
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "ws").exists()


def test_an_unwritable_workspace_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("a file, not a folder")
    done = call("create", tmp_path / "file" / "ws", *settings(tmp_path))
    assert (done.returncode, "cannot write" in done.stderr) == (2, True), done.stderr


def test_a_workspace_of_a_newer_schema_is_refused(tmp_path: Path):
    campaign = small_campaign(tmp_path)
    with sqlite3.connect(campaign.workspace.database) as sql:
        version = sql.execute("pragma user_version").fetchone()[0]
        sql.execute(f"pragma user_version = {version + 1}")
    done = call("status", campaign.workspace.root)
    assert (done.returncode, "newer" in done.stderr) == (2, True), done.stderr


def test_no_campaign_in_the_folder_is_exit_2_and_json_says_so_too(tmp_path: Path):
    done = call("status", tmp_path, "--json")
    assert done.returncode == 2
    assert "create" in json.loads(done.stdout)["error"]


def test_a_phase_out_of_order_is_refused(tmp_path: Path):
    campaign = small_campaign(tmp_path)
    done = call("run", campaign.workspace.root, "--phase", "build")
    assert (done.returncode, "needs adapt, explore first" in done.stderr) == (2, True), done.stderr


def test_steering_verbs_leave_a_command_with_its_author(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0)))
    root = campaign.workspace.root
    inject = ["inject", "drift_1", "--hypothesis", "h", "--set", "k=2"]
    for verb in (["pause"], ["resume"], ["note", "look at the season"], ["stop"], inject):
        done = call(verb[0], root, *verb[1:], "--by", "ada", "--json")
        assert done.returncode == 0, done.stderr
    commands = campaign.board.commands(state="pending")
    assert [(c.verb, c.actor) for c in commands] == [(v, "ada") for v in ("pause", "resume", "note", "stop", "inject")]
    assert commands[-1].args["config"] == {"k": 2}


def test_steering_an_experiment_that_does_not_exist_is_refused(tmp_path: Path):
    campaign = small_campaign(tmp_path)
    for verb in (["approve", "99"], ["veto", "99", "--reason", "x"], ["cancel", "99"], ["pin", "99"]):
        done = call(verb[0], campaign.workspace.root, *verb[1:])
        assert done.returncode == 2, done.stdout + done.stderr


@pytest.mark.parametrize(("verb", "said"), [
    (["answer", "99", "yes"], "there is no question 99; `alphalab-nb status` lists them"),
    (["patches", "--revert", "7"], "there is no patch 7; `alphalab-nb patches` lists them"),
    (["export", "--responses", "r.jsonl"], "no language model has answered in this campaign yet"),
    *[(["run", "--max-outage", seconds], "--max-outage") for seconds in ("-1", "nan", "inf")],
])
def test_what_nobody_can_do_is_exit_2_with_the_remedy(tmp_path: Path, verb: list[str], said: str):
    campaign = small_campaign(tmp_path)
    done = call(verb[0], campaign.workspace.root, *verb[1:], cwd=tmp_path)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr
    assert campaign.board.steps() == []


def test_status_shows_what_each_role_cost_once_a_model_has_answered(tmp_path: Path):
    campaign = small_campaign(tmp_path)
    ledger = campaign.parts.ledger
    ledger.add(phase="adapt", role="customizer", provider="offline", model="rules")
    assert "dollars by role" not in call("status", campaign.workspace.root).stdout
    tokens = {"input_tokens": 1700, "cached_tokens": 900, "cache_write_tokens": 300, "output_tokens": 45}
    ledger.add(phase="explore", role="explorer", provider="openai", model="some-model", usd=0.25, **tokens)
    ledger.add(phase="build", role="critic", provider="local", model="other-model", usd=None, **tokens)
    lines = call("status", campaign.workspace.root).stdout.splitlines()
    cells = {key: line.replace("│", " ").split() for line in lines for key in ("explorer", "critic") if key in line}
    assert cells["explorer"] == ["explore", "explorer", "some-model", "1", "500", "900", "300", "45", "0.25"]
    assert cells["critic"][-2:] == ["45", "-"]


def test_json_of_status_and_leaderboard_has_the_agreed_form(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, 0)))
    executor = campaign.executor()
    campaign.dispatcher(strategy=campaign.strategy(), executor=executor).run()
    executor.close()
    status = json.loads(call("status", campaign.workspace.root, "--json").stdout)
    assert set(status) >= {"phase", "states", "best", "spent", "stop_reason", "sealed"}
    assert set(status["spent"]) == {"usd", "input_tokens", "cached_tokens", "output_tokens", "compute_s"}
    assert status["sealed"] is None
    board = json.loads(call("leaderboard", campaign.workspace.root, "--json").stdout)
    assert board["metric"] == {"name": "rmse", "direction": "minimize", "unit": "units of the target"}
    assert set(board["rows"][0]) == {"rank", "id", "name", "family", "score", "n", "shrunken", "low", "high", "fidelity", "evaluator",
                                     "code", "seconds", "compute_s", "compute_ratio", "matched", "note"}
    assert all(row["low"] < row["shrunken"] < row["high"] and row["compute_s"] > 0 for row in board["rows"])
    assert [row["rank"] for row in board["rows"]] == [1, 2]


def test_init_writes_a_campaign_file_that_create_understands(tmp_path: Path):
    assert call("init", tmp_path / "campaign.yaml", "--example", "co2").returncode == 0
    assert call("create", tmp_path / "ws", "--config", tmp_path / "campaign.yaml").returncode == 0
    assert call("init", tmp_path / "campaign.yaml").returncode == 2


def test_doctor_shows_the_sandbox_level(tmp_path: Path):
    found = json.loads(call("doctor", "--json", cwd=tmp_path).stdout)
    assert "sandbox" in {check["check"] for check in found["checks"]}


def test_a_moved_workspace_still_opens(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0)))
    moved = tmp_path / "elsewhere"
    shutil.move(campaign.workspace.root, moved)
    assert call("status", moved, "--json").returncode == 0
