"""The board keeps the lifecycle, whoever writes to it."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from alphalab_nb.errors import IllegalMove, NotFound, StaleMove, WorkspaceError
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import SCHEMA_VERSION, Database
from alphalab_nb.storage.experiment import TRANSITIONS, Prediction, State
from tests.boards import finished, proposal, scored

PATHS: dict[State, tuple[State, ...]] = {
    State.PROPOSED: (),
    State.TO_IMPLEMENT: (State.TO_IMPLEMENT,),
    State.IMPLEMENTED: (State.TO_IMPLEMENT, State.IMPLEMENTED),
    State.CHECKED: (State.TO_IMPLEMENT, State.IMPLEMENTED, State.CHECKED),
    State.QUEUED: (State.TO_IMPLEMENT, State.IMPLEMENTED, State.CHECKED, State.QUEUED),
    State.RUNNING: (State.TO_IMPLEMENT, State.IMPLEMENTED, State.CHECKED, State.QUEUED, State.RUNNING),
    State.FINISHED: (State.TO_IMPLEMENT, State.FINISHED),
    State.ANALYZED: (State.TO_IMPLEMENT, State.FINISHED, State.ANALYZED),
    State.DONE: (State.TO_IMPLEMENT, State.FINISHED, State.ANALYZED, State.DONE),
    State.CANCELLED: (State.CANCELLED,),
}


@pytest.mark.parametrize("target", State)
@pytest.mark.parametrize("source", State)
def test_exactly_the_listed_moves_are_legal(board: Board, source: State, target: State):
    experiment = board.add(proposal(), by="test", state=State.PROPOSED)
    for state in PATHS[source]:
        board.move(experiment.id, state, by="test")
    if target in TRANSITIONS[source]:
        assert board.move(experiment.id, target, by="test").state is target
    else:
        with pytest.raises(IllegalMove, match="cannot go from"):
            board.move(experiment.id, target, by="test")
        assert board.get(experiment.id).state is source


def test_a_move_on_an_outdated_belief_is_refused_and_changes_nothing(board: Board):
    experiment = board.add(proposal(), by="test")
    board.move(experiment.id, State.IMPLEMENTED, by="worker")
    with pytest.raises(StaleMove, match="implemented, not to_implement"):
        board.move(experiment.id, State.CANCELLED, by="test", expect=State.TO_IMPLEMENT, outcome="cancelled")
    assert (board.get(experiment.id).state, board.get(experiment.id).outcome) == (State.IMPLEMENTED, None)


def test_history_names_from_to_who_why(board: Board):
    experiment = board.add(proposal(), by="offline")
    board.move(experiment.id, State.IMPLEMENTED, by="worker", reason="written")
    moves = board.history(experiment.id)
    assert [(m.source, m.target, m.actor, m.reason) for m in moves] == [
        (None, State.TO_IMPLEMENT, "offline", "a fair start"), (State.TO_IMPLEMENT, State.IMPLEMENTED, "worker", "written")
    ]
    assert moves[0].at <= moves[1].at


def test_names_are_cleaned_and_made_unique(board: Board):
    names = [board.add(proposal("GBM: wide / deep!"), by="test").name for _ in range(3)]
    assert names == ["gbm_wide_deep", "gbm_wide_deep_2", "gbm_wide_deep_3"]


def test_a_run_is_scored_once(board: Board):
    experiment = finished(board, 1.0)
    run = board.runs(experiment.id)[0]
    with pytest.raises(StaleMove, match="already been scored"):
        board.end_run(run.id, scored(0.1), 1.0)
    assert board.run(run.id).score == scored(1.0)


def test_attempts_are_numbered_and_twins_found(board: Board):
    first, second = finished(board, 1.0, name="a"), board.add(proposal("b"), by="test")
    same = board.add_attempt(second.id, commit="d" * 40, ast_hash="a")
    other = board.add_attempt(second.id, commit="e" * 40, ast_hash="z")
    assert (same.number, other.number) == (1, 2)
    assert board.twin(same) == first.id
    assert board.twin(other) is None
    assert board.twin(board.attempts(first.id)[0]) is None  # the earlier one is the original
    board.move(first.id, State.CANCELLED, by="test", outcome="cancelled")
    assert board.twin(same) is None


def test_unknown_ids_and_fields_are_errors_with_a_remedy(board: Board):
    for call in (lambda: board.get(9), lambda: board.move(9, State.DONE, by="x"), lambda: board.run(9)):
        with pytest.raises(NotFound, match="there is no"):
            call()
    experiment = board.add(proposal(), by="test")
    with pytest.raises(ValueError, match="config_json"):
        board.change(experiment.id, config_json="{}")


def test_commands_are_left_by_anyone_and_settled_once(board: Board):
    with pytest.raises(NotFound, match="unknown command 'explode'"):
        board.command("explode", by="ann")
    id = board.command("veto", by="ann", id=3, reason="no")
    [command] = board.commands(state="pending")
    assert (command.verb, command.args, command.actor, command.state) == ("veto", {"id": 3, "reason": "no"}, "ann", "pending")
    board.settle(id, applied=False, result="there is no experiment 3")
    board.settle(id, applied=True, result="done after all")
    [command] = board.commands()
    assert (command.state, command.result) == ("refused", "there is no experiment 3")
    assert board.commands(state="pending") == []


def test_notes_events_steps_and_facts_come_back_as_stored(board: Board):
    board.note("try harmonic", by="ann")
    board.event("phase", "explore started", role="explore")
    board.set_step("build", "phase", "failed", result={"error": "x"}, seconds=2.0)
    board.set_step("build", "phase", "finished", result=[1], seconds=3.0)
    board.set_fact("sealed", {"score": 0.5})
    assert [(n.author, n.text) for n in board.notes()] == [("ann", "try harmonic")]
    assert [e["text"] for e in board.events(kind="phase")] == ["explore started"]
    assert board.events(after=board.events()[-1]["id"]) == []
    step = board.step("build", "phase")
    assert step is not None
    assert (step["status"], step["result"], len(board.steps())) == ("finished", [1], 1)
    assert (board.fact("sealed"), board.fact("nothing", 7)) == ({"score": 0.5}, 7)


def test_a_failing_transaction_stores_nothing(board: Board):
    def half() -> None:
        with board.database.transaction() as sql:
            sql.execute("insert into notes (author, text, at) values ('a', 'b', 'c')")
            sql.execute("insert into notes (author, text, at) values (null, null, null)")

    with pytest.raises(sqlite3.IntegrityError):
        half()
    assert board.notes() == []


# -- several processes ---------------------------------------------------------------------------------------


def _race(path: Path, id: int, barrier, results) -> None:
    board = Board.open(path)
    barrier.wait()
    try:
        board.move(id, State.RUNNING, by=multiprocessing.current_process().name, expect=State.QUEUED)
        results.put("won")
    except StaleMove:
        results.put("late")


def test_of_two_processes_that_move_one_experiment_one_wins(board: Board):
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    experiment = board.add(proposal(), by="test")
    for state in (State.IMPLEMENTED, State.CHECKED, State.QUEUED):
        board.move(experiment.id, state, by="test")
    racers = [context.Process(target=_race, args=(board.database.path, experiment.id, barrier, results)) for _ in range(2)]
    for racer in racers:
        racer.start()
    assert sorted(results.get(timeout=60) for _ in racers) == ["late", "won"]
    for racer in racers:
        racer.join()
    assert [m.target for m in board.history(experiment.id)].count(State.RUNNING) == 1


def _adds(path: Path, count: int) -> None:
    board = Board.open(path)
    for _ in range(count):
        board.add(proposal("same"), by="test")


def test_processes_that_add_at_once_lose_nothing(board: Board):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_adds, args=(board.database.path, 25)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert len({e.name for e in board.list()}) == 75


def test_data_version_shows_another_connections_write(board: Board):
    before = board.database.data_version()
    assert board.database.data_version() == before
    Board.open(board.database.path).note("hello", by="ann")
    assert board.database.data_version() != before


# -- the file ------------------------------------------------------------------------------------------------


def test_a_newer_schema_is_refused_with_the_remedy(board: Board):
    with board.database.transaction() as sql:
        sql.execute(f"pragma user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(WorkspaceError, match=r"newer version.*upgrade alphalab-nb"):
        Database.open(board.database.path)


def test_a_schema_of_before_the_first_release_is_refused_with_the_remedy(board: Board):
    with board.database.transaction() as sql:
        sql.execute("pragma user_version = 1")
    with pytest.raises(WorkspaceError, match="create the campaign anew"):
        Database.open(board.database.path)


def test_a_missing_foreign_or_empty_file_is_refused(tmp_path: Path):
    with pytest.raises(WorkspaceError, match="create the campaign first"):
        Database.open(tmp_path / "none.sqlite3")
    (tmp_path / "text.sqlite3").write_text("this is no database at all, but long enough to be read as a header " * 30)
    with pytest.raises(WorkspaceError, match="not a campaign's board"):
        Database.open(tmp_path / "text.sqlite3")
    (tmp_path / "empty.sqlite3").touch()
    with pytest.raises(WorkspaceError, match="holds no campaign"):
        Database.open(tmp_path / "empty.sqlite3")


def test_creating_twice_keeps_what_is_there(board: Board):
    board.note("hello", by="ann")
    assert Board(Database.create(board.database.path)).notes()[0].text == "hello"


def test_units_are_kept_and_read_only_where_they_are_asked_for(board: Board):
    experiment = finished(board, 1.0)
    [run] = board.runs(experiment.id)
    assert run.score is not None
    assert (run.score.value, run.score.units) == (1.0, ())
    whole = board.run(run.id).score
    assert whole is not None
    assert whole.units == (("t0/a", 1.0), ("t1/a", 1.0))


@pytest.mark.parametrize(("version", "newer"), [(4, ["predictions", "rulings"]), (5, ["rulings"])])
def test_a_campaign_of_a_version_before_opens_with_all_it_held(tmp_path: Path, version: int, newer: list[str]):
    path = tmp_path / "board.sqlite3"
    old = Database.create(path)
    made = Board(old).add(proposal("old"), by="test")
    with old.transaction() as sql:
        for table in newer:
            sql.execute(f"drop table {table}")
        sql.execute(f"pragma user_version = {version}")
    for _ in range(2):  # the second finds it brought up to date
        assert Board.open(path).get(made.id) == made
    fresh, updated = Database.create(tmp_path / "new.sqlite3").connection(), Database.open(path).connection()
    for table in newer:
        columns = [tuple(row) for row in updated.execute(f"pragma table_info({table})")]
        assert columns == [tuple(row) for row in fresh.execute(f"pragma table_info({table})")]


def test_a_prediction_is_kept_with_its_experiment(board: Board):
    predicted = Prediction(expected=0.5, low=-0.1, high=0.75, model="rules", over=3.0)
    made = board.add(proposal("told", predicted=predicted), by="offline")
    silent = board.add(proposal("silent"), by="offline")
    assert [e.predicted for e in board.list()] == [predicted, None]
    assert (board.get(made.id).predicted, board.get(silent.id).predicted) == (predicted, None)
