"""The playbook under selection pressure: what a lesson rests on, what speaks against it, what a prompt sees of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from alphalab_nb.errors import ToolError
from alphalab_nb.metric import Metric
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.course import course
from alphalab_nb.storage.experiment import Experiment, State
from alphalab_nb.storage.playbook import Entry, Kind, Playbook
from alphalab_nb.storage.standing import (
    REVIEWER,
    Result,
    Scale,
    check_avoid,
    cited,
    results,
    scale_of,
    users,
    weigh,
    weighed,
)
from tests.boards import finished, proposal

RMSE = Metric("rmse")
SCALE = Scale(RMSE, baseline=1.0, band=0.05)
BEFORE, SINCE, AFTER = "2026-01-01", "2026-01-02", "2026-01-03"


def result(id: int, value: float | None, *, family: str = "ridge", parent: int | None = None, runs: int = 1, ended: str = BEFORE) -> Result:
    return Result(id, family, parent, value, runs, failed=value is None, ended=ended)


def entry(kind: Kind, *evidence: int, human: bool = False) -> Entry:
    return Entry(1, 1, "it is so", kind, evidence, "worker", human, "active", SINCE)


def stand(lesson: Entry, *known: Result, uses: Sequence[int] = (), scale: Scale = SCALE):
    return weighed(lesson, SINCE, uses, {one.id: one for one in known}, scale)


# -- what a claim rests on -----------------------------------------------------------------------------------


def test_a_claim_on_one_run_is_tentative_and_a_replicate_makes_it_firm():
    assert str(stand(entry("works", 1), result(1, 0.5))) == "tentative: one run"
    assert stand(entry("works", 1), result(1, 0.5, runs=2)).word == "firm"


def test_an_effect_inside_the_noise_is_tentative_whatever_the_claim_says():
    inside = [result(1, 0.97), result(2, 0.96)]
    assert str(stand(entry("works", 1, 2), *inside)) == "tentative: inside the noise of 5.00%"
    assert stand(entry("insight", 1, 2), *inside).word == "tentative"
    assert stand(entry("works", 1, 2), *inside, scale=Scale(RMSE, 1.0, 0.01)).word == "firm"


def test_nothing_is_firm_while_the_noise_is_not_known():
    assert stand(entry("works", 1, 2), result(1, 0.5), result(2, 0.5), scale=Scale(RMSE, 1.0, None)).word == "tentative"


def test_a_larger_value_is_better_where_the_metric_says_so():
    sharpe = Scale(Metric("sharpe", "maximize"), 1.0, 0.05)
    assert stand(entry("works", 1, 2), result(1, 2.0), result(2, 2.0), scale=sharpe).word == "firm"
    assert stand(entry("fails", 1, 2), result(1, 2.0), result(2, 2.0), scale=sharpe).word == "contradicted"


def test_a_child_beside_its_parent_is_compared_with_the_parent():
    parent, child = result(1, 0.5), result(2, 0.6, parent=1)
    assert stand(entry("fails", 1, 2), parent, child).gain == pytest.approx(-0.2)
    assert stand(entry("fails", 1, 2), parent, child).word == "firm"
    assert stand(entry("works", 2), parent, child).gain == pytest.approx(0.4), "alone it is compared with the best baseline"


# -- what speaks against it ----------------------------------------------------------------------------------


def test_a_later_success_of_the_family_decays_what_was_said_to_fail_and_two_contradict_it():
    failed, later = [result(1, 1.2), result(2, 1.3)], [result(3, 0.5, ended=AFTER), result(4, 0.6, ended=AFTER)]
    alone, once, twice = (stand(entry("fails", 1, 2), *failed, *later[:n]) for n in range(3))
    assert (alone.word, alone.weight, alone.against) == ("firm", 1.0, ())
    assert (str(once), once.weight) == ("tentative: contradicted by #3", 0.5)
    assert (twice.word, twice.weight, twice.against) == ("contradicted", 0.25, (3, 4))


@pytest.mark.parametrize("later", [
    pytest.param(result(3, 0.98, ended=AFTER), id="inside the noise"),
    pytest.param(result(3, 0.5, family="lags", ended=AFTER), id="another family"),
    pytest.param(result(3, 1.5, ended=AFTER), id="a failure more"),
])
def test_what_does_not_do_clearly_better_in_the_family_contradicts_no_failure(later: Result):
    assert stand(entry("fails", 1, 2), result(1, 1.2), result(2, 1.3), later).against == ()


def test_a_failure_inside_of_a_family_that_works_is_not_contradicted_by_the_family():
    known = [result(1, 0.5), result(2, 1.2), result(3, 1.3), result(4, 0.4, ended=AFTER)]
    assert stand(entry("fails", 2, 3), *known).against == ()


def test_what_cites_a_lesson_and_does_clearly_worse_is_against_it():
    known = [result(1, 0.5), result(2, 0.6), result(3, 1.4, ended=AFTER), result(4, None, ended=AFTER), result(5, 1.4, ended=AFTER)]
    standing = stand(entry("works", 1, 2), *known, uses=[3, 4])
    assert standing.against == (3, 4), "the fifth does not cite it"
    assert standing.word == "contradicted"


def test_a_refinement_that_failed_is_not_against_what_its_parent_showed_beside_the_baseline():
    worse = result(3, 0.7, parent=1, ended=AFTER)
    assert stand(entry("works", 1), result(1, 0.5), worse, uses=[3]).against == ()
    change = stand(entry("works", 1, 2), result(1, 0.5), result(2, 0.4, parent=1), worse, uses=[3])
    assert change.against == (3,), "a lesson of a change to the parent is contradicted by it"


def test_evidence_that_was_measured_again_with_the_opposite_outcome_contradicts():
    assert stand(entry("works", 1, 2), result(1, 1.4), result(2, 1.5)).word == "contradicted"


# -- do not attempt ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("evidence", [(1,), (1, 1), (1, 2), (1, 9)])
def test_do_not_attempt_needs_two_failures_and_the_refusal_names_what_is_missing(evidence: tuple[int, ...]):
    known = {1: result(1, None), 2: result(2, 0.97)}
    with pytest.raises(ToolError, match=r"needs 2 .* and 1 of .*#1 failed.*Cite 1 more"):
        check_avoid("avoid", evidence, known, SCALE)


def test_do_not_attempt_takes_failures_and_scores_clearly_worse():
    check_avoid("avoid", (1, 2), {1: result(1, None), 2: result(2, 1.5)}, SCALE)
    check_avoid("fails", (1,), {1: result(1, 0.97)}, SCALE)


def test_a_machine_that_failed_is_no_failure_of_an_idea(board: Board):
    for name, error in (("lost", "infrastructure: no space left"), ("broken", "crash: ValueError")):
        made = board.add(proposal(name), by="test")
        board.move(made.id, State.FINISHED, by="test", outcome="failed", error=error)
    assert [one.failed for one in results(board).values()] == [False, True]


# -- on a board ----------------------------------------------------------------------------------------------


@pytest.fixture
def playbook(board: Board, tmp_path: Path) -> Playbook:
    board.set_fact("baselines", {"search": {"naive": 1.0, "broken": None}})
    return Playbook(board.database, tmp_path / "playbook.md")


def ended(board: Board, value: float, name: str, **changes: object) -> Experiment:
    return finished(board, value, name=name, **changes)  # type: ignore[arg-type]


def test_a_contradicted_entry_is_retired_by_the_board_and_it_is_said(board: Board, playbook: Playbook):
    failed = [ended(board, 1.5, "a"), ended(board, 1.4, "b")]
    lesson = playbook.add("drift never pays", kind="fails", evidence=[e.id for e in failed], author="worker")
    weigh(board, playbook, scale_of(board, RMSE, 0.05))
    assert playbook.standings()[lesson.id].word == "firm"
    ended(board, 0.5, "c")
    ended(board, 0.4, "d")
    weigh(board, playbook, scale_of(board, RMSE, 0.05))
    assert playbook.entries() == []
    assert playbook.get(lesson.id).author == REVIEWER
    assert "contradicted by #3 #4" in board.events(kind="playbook")[-1]["text"]
    assert course(playbook)[-1].retired == 1


def test_an_entry_of_a_person_is_weighed_but_never_retired(board: Board, playbook: Playbook):
    failed = [ended(board, 1.5, "a"), ended(board, 1.4, "b")]
    told = playbook.add("drift never pays", kind="fails", evidence=[e.id for e in failed], author="ann", human=True)
    order = playbook.add("no drift", kind="avoid", evidence=[], author="ann", human=True)
    for name in ("c", "d", "e"):
        ended(board, 0.5, name)
    weigh(board, playbook, scale_of(board, RMSE, 0.05))
    assert {e.id: str(playbook.standings()[e.id]) for e in playbook.entries()} == {
        told.id: "contradicted: contradicted by #3 #4 #5", order.id: "by order: a person's word, without evidence",
    }


def test_the_same_evidence_in_other_words_does_not_forget_what_spoke_against_it(board: Board, playbook: Playbook):
    failed = [ended(board, 1.5, "a"), ended(board, 1.4, "b")]
    lesson = playbook.add("drift never pays", kind="fails", evidence=[e.id for e in failed], author="worker")
    ended(board, 0.5, "c")
    playbook.edit(lesson.id, claim="really, drift never pays", evidence=[e.id for e in failed], author="worker")
    weigh(board, playbook, scale_of(board, RMSE, 0.05))
    assert playbook.standings()[lesson.id].against == (3,)


def test_an_agent_cannot_take_the_evidence_out_of_a_lesson(playbook: Playbook):
    lesson = playbook.add("drift pays", kind="works", evidence=[1], author="worker")
    with pytest.raises(ToolError, match="needs evidence"):
        playbook.edit(lesson.id, evidence=[], author="worker")


def test_use_counts_the_proposals_that_cite_an_entry(board: Board, playbook: Playbook):
    first = ended(board, 0.5, "a")
    lesson = playbook.add("drift pays", kind="works", evidence=[first.id], author="worker")
    for name, words in (("b", "more of it (playbook 1)"), ("c", "playbook entries 2 and 1 say so"), ("d", "playbook 11")):
        board.add(proposal(name, hypothesis=words), by="test")
    weigh(board, playbook, scale_of(board, RMSE, 0.05))
    assert playbook.standings()[lesson.id].use == 2
    assert users(lesson.id, "9999", board.list()) == [], "what was proposed before it does not count"


@pytest.mark.parametrize(("text", "ids"), [
    ("(playbook 3)", {3}), ("Playbook entries 3, 5 and #8.", {3, 5, 8}), ("playbook [3], [4]", {3, 4}), ("3 lags", set()),
    ("the playbook says 3", set()),
])
def test_a_citation_is_read_as_it_is_written(text: str, ids: set[int]):
    assert cited(text) == ids


def test_a_prompt_keeps_within_its_tokens_and_leaves_out_what_is_worth_least(board: Board, playbook: Playbook):
    used = ended(board, 0.5, "used")
    small = ended(board, 0.9, "small")
    order = playbook.add("no drift, whatever happens", kind="avoid", evidence=[], author="ann", human=True)
    weak = playbook.add(f"a small gain {'x ' * 100}", kind="works", evidence=[small.id], author="worker")
    strong = playbook.add(f"a large gain {'x ' * 100}", kind="works", evidence=[used.id], author="worker")
    ended(board, 0.5, "again", hypothesis=f"as before (playbook {strong.id})")
    weigh(board, playbook, scale_of(board, RMSE, 0.05))
    text = playbook.markdown(tokens=150)
    assert len(text.encode()) <= 150 * 3 + 200, "titles and the last line are beside the limit"
    assert (f"[{order.id}]" in text, f"[{weak.id}]" in text, f"[{strong.id}]" in text) == (True, False, True)
    assert "1 more of less worth" in text
    assert f"[{weak.id}]" in playbook.markdown(), "the file holds all"


def test_no_limit_leaves_an_entry_of_a_person_out(playbook: Playbook):
    for number in range(5):
        playbook.add(f"order {number}", kind="insight", evidence=[], author="ann", human=True)
    assert all(f"order {number}" in playbook.markdown(tokens=1) for number in range(5))
