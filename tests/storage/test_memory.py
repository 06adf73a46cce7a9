"""Leaderboard, playbook, ledger, snapshots."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from alphalab_nb.errors import AlphaLabError, MixedVersions, NotFound, ToolError
from alphalab_nb.judge.leaders import leaderboard
from alphalab_nb.metric import Metric
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import State
from alphalab_nb.storage.leaderboard import full_runs, ranking, unranked
from alphalab_nb.storage.ledger import Ledger
from alphalab_nb.storage.playbook import Playbook
from alphalab_nb.storage.snapshots import Snapshots, ast_hash, remove
from alphalab_nb.workspace import Workspace
from tests.boards import finished, scored

RMSE = Metric("rmse")
SHARPE = Metric("sharpe", "maximize")

# -- leaderboard ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("metric", "order"), [(RMSE, ["a", "b", "c"]), (SHARPE, ["c", "b", "a"])])
def test_the_metric_decides_which_end_is_first(board: Board, metric: Metric, order: list[str]):
    for name, value in (("b", 2.0), ("a", 1.0), ("c", 3.0)):
        finished(board, value, name=name)
    rows = leaderboard(board, metric)
    assert [row.name for row in rows] == order
    assert [row.rank for row in rows] == [1, 2, 3]


def test_smoke_scores_never_rank(board: Board):
    finished(board, 0.1, name="smoke", fidelity="smoke")
    finished(board, 1.0, name="full")
    assert [row.name for row in leaderboard(board, RMSE)] == ["full"]


def test_versions_of_the_harness_are_never_ranked_together(board: Board):
    finished(board, 0.1, name="old", harness="h1")
    finished(board, 1.0, name="new", harness="h2")
    assert [(row.name, row.evaluator) for row in leaderboard(board, RMSE, "h2")] == [("new", "h2")]
    assert unranked(board, "h2") == {"h1": 1}
    with pytest.raises(MixedVersions, match=r"h1 \(1\), h2 \(1\).*alphalab-nb rescore"):
        leaderboard(board, RMSE)


def test_the_scores_that_two_versions_gave_one_program_are_never_averaged(board: Board):
    experiment = finished(board, 1.0, harness="h1")
    run = board.plan_run(board.attempts(experiment.id)[0], kind="replicate", partition="search", seed=0, fidelity="full")
    board.end_run(run.id, scored(3.0, harness="h2"), 1.0)
    assert [run.score.value for run in full_runs(board, experiment.id, None)] == [3.0]
    assert ([entry.value for entry in ranking(board, RMSE, "h1")], unranked(board, "h2")) == ([1.0], {})


def test_quarantined_and_failed_experiments_do_not_rank(board: Board):
    suspicious = finished(board, 0.001, name="suspicious")
    board.change(suspicious.id, quarantined=1)
    failed = finished(board, 1.0, name="failed")
    run = board.plan_run(board.attempts(failed.id)[0], kind="replicate", partition="search", seed=1000, fidelity="full")
    board.end_run(run.id, scored(0.0, ok=False), 0.1)
    assert [(row.name, row.score) for row in leaderboard(board, RMSE)] == [("failed", 1.0)]


def test_replicates_are_averaged_and_only_the_newest_attempt_counts(board: Board):
    experiment = finished(board, 1.0)
    newest = board.add_attempt(experiment.id, commit="e" * 40, ast_hash="new")
    for seed, value in ((0, 2.0), (1000, 4.0)):
        run = board.plan_run(newest, kind="full", partition="search", seed=seed, fidelity="full")
        board.end_run(run.id, scored(value), 1.0)
    [entry] = ranking(board, RMSE)
    assert (entry.value, len(entry.runs)) == (3.0, 2)


# -- playbook ------------------------------------------------------------------------------------------------


@pytest.fixture
def playbook(board: Board, tmp_path: Path) -> Playbook:
    return Playbook(board.database, tmp_path / "playbook.md")


def test_a_persons_entry_is_never_overwritten_by_an_agent(playbook: Playbook):
    order = playbook.add("no neural nets", kind="avoid", evidence=[], author="ann", human=True)
    for change in (lambda: playbook.edit(order.id, claim="nets are fine", author="worker"),
                   lambda: playbook.retire(order.id, author="offline:best")):
        with pytest.raises(ToolError, match="written by a person"):
            change()
    assert [(e.claim, e.version) for e in playbook.entries()] == [("no neural nets", 1)]
    assert playbook.edit(order.id, claim="small nets only", author="bob", human=True).version == 2


def test_an_agents_lesson_needs_evidence(playbook: Playbook):
    with pytest.raises(ToolError, match="needs evidence"):
        playbook.add("nets never work", kind="fails", evidence=[], author="worker")
    assert playbook.entries() == []


def test_every_version_is_kept_and_the_mirror_shows_what_is_in_force(playbook: Playbook, tmp_path: Path):
    first = playbook.add("drift works", kind="works", evidence=[1], author="offline:best")
    playbook.edit(first.id, claim="harmonic works better", evidence=[2], author="offline:best")
    second = playbook.add("ets is slow", kind="insight", evidence=[3], author="worker")
    playbook.retire(second.id, author="worker")
    assert [e.claim for e in playbook.versions(first.id)] == ["drift works", "harmonic works better"]
    assert [e.claim for e in playbook.entries()] == ["harmonic works better"]
    assert len(playbook.entries(retired=True)) == 2
    text = (tmp_path / "playbook.md").read_text(encoding="utf-8")
    assert "harmonic works better (#2; offline:best, v2)" in text
    assert "ets is slow" not in text
    assert [words for _, words in playbook.growth()] == [2, 3, 6, 3]


def test_an_unknown_entry_is_an_error(playbook: Playbook):
    with pytest.raises(NotFound):
        playbook.edit(5, claim="x", author="worker")


# -- ledger --------------------------------------------------------------------------------------------------


def test_the_ledger_adds_up_and_groups(board: Board):
    ledger = Ledger(board.database)
    finished(board, 1.0)
    for role, usd in (("worker", 0.5), ("worker", 0.25), ("strategist", 2.0)):
        ledger.add(phase="experiment", role=role, provider="p", model="m", input_tokens=10, cached_tokens=4, output_tokens=3, usd=usd)
    total = ledger.total()
    assert (total.usd, total.input_tokens, total.cached_tokens, total.output_tokens, total.compute_s) == (2.75, 30, 12, 9, 1.5)
    assert [(row["role"], row["calls"], row["usd"]) for row in ledger.by("role")] == [("strategist", 1, 2.0), ("worker", 2, 0.75)]
    with pytest.raises(ValueError, match="group by"):
        ledger.by("usd; drop table ledger")


# -- snapshots -----------------------------------------------------------------------------------------------


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "campaign")
    workspace.make()
    return workspace


def test_a_snapshot_comes_back_as_it_was_and_read_only(workspace: Workspace):
    folder = workspace.experiment(1, "x")
    (folder / "members").mkdir(parents=True)
    (folder / "model.py").write_text("a = 1\n")
    (folder / "members" / "m.py").write_text("b = 1\n")
    snapshots = Snapshots(workspace)
    first = snapshots.take(folder, "one")
    (folder / "model.py").write_text("a = 2\n")
    second = snapshots.take(folder, "two")
    target = workspace.attempt(1, 1)
    snapshots.export(first, folder, target)
    assert (target / "model.py").read_text() == "a = 1\n"
    assert (target / "members" / "m.py").read_text() == "b = 1\n"
    assert (target / "model.py").stat().st_mode & 0o222 == 0
    snapshots.export(second, folder, target)  # a second export replaces the first
    assert (target / "model.py").read_text() == "a = 2\n"
    assert "+a = 2" in snapshots.diff(first, second)
    remove(target)
    assert not target.exists()


def test_an_enclosing_repository_is_not_touched(tmp_path: Path):
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    workspace = Workspace(tmp_path / "campaign")
    workspace.make()
    folder = workspace.experiment(1, "x")
    folder.mkdir()
    (folder / "model.py").write_text("a = 1\n")
    Snapshots(workspace).take(folder, "one")
    outer = subprocess.run(["git", "-C", tmp_path, "rev-parse", "--verify", "--quiet", "HEAD"], check=False, capture_output=True)
    staged = subprocess.run(["git", "-C", tmp_path, "diff", "--cached", "--name-only"], check=True, capture_output=True)
    assert (outer.returncode, staged.stdout) == (1, b"")


def test_a_snapshot_of_an_unknown_commit_says_what_failed(workspace: Workspace):
    folder = workspace.experiment(1, "x")
    folder.mkdir()
    (folder / "model.py").write_text("a = 1\n")
    snapshots = Snapshots(workspace)
    snapshots.take(folder, "one")
    with pytest.raises(AlphaLabError, match="git archive failed"):
        snapshots.export("0" * 40, folder, workspace.attempt(1, 1))


def test_identity_of_a_program_ignores_layout_but_not_configuration(tmp_path: Path):
    texts = {
        "plain": "def f(x):\n    return x + 1\n",
        "commented": '"""Doc."""\n\n# why\ndef f(x):\n    """Add one."""\n    return (x + 1)\n',
        "other": "def f(x):\n    return x + 2\n",
    }
    for name, text in texts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.py").write_text(text)
        (tmp_path / name / "config.json").write_text('{"k": 1}')
    hashes = {name: ast_hash(tmp_path / name) for name in texts}
    assert hashes["plain"] == hashes["commented"] != hashes["other"]
    (tmp_path / "plain" / "notes.md").write_text("ignored")
    assert ast_hash(tmp_path / "plain") == hashes["plain"]
    (tmp_path / "plain" / "config.json").write_text('{"k": 2}')
    assert ast_hash(tmp_path / "plain") != hashes["plain"]


def test_moves_keep_verdict_and_outcome(board: Board):
    experiment = finished(board, 1.0)
    moved = board.move(experiment.id, State.ANALYZED, by="worker", verdict="keep", outcome="ok")
    assert (moved.verdict, moved.outcome) == ("keep", "ok")
