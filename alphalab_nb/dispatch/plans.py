"""Carry out what a strategy's turn decided: promotions, cancellations, lessons, proposals; what comes too late is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from alphalab_nb.dispatch.triggers import family_capped
from alphalab_nb.dispatch.view import remaining
from alphalab_nb.errors import ToolError
from alphalab_nb.parts import Parts
from alphalab_nb.storage.board import clean_name
from alphalab_nb.storage.experiment import WAITING, Experiment, Proposal, State
from alphalab_nb.storage.leaderboard import ranking
from alphalab_nb.storage.playbook import Entry, Playbook
from alphalab_nb.storage.standing import REVIEWER, check_avoid, results, scale_of
from alphalab_nb.strategies.base import Lesson, Plan
from alphalab_nb.tools.weighing import effects, weigh_playbook

ME = "dispatcher"


def carry_out(parts: Parts, plan: Plan, *, by: str, saw: Sequence[int], busy: Callable[[int], bool]) -> None:
    """Apply a plan to the board. Applied again after a crash in its middle, it does what is left of it.

    Args:
        by: name of the strategy.
        saw: analyzed experiments that the turn had before it; they are done now.
        busy: whether an agent or a job is at work on an experiment.
    """
    for id in saw:
        parts.board.move(id, State.DONE, by=by, reason="used by a strategy turn")
    for id in plan.promote:  # decided on a picture that is a moment old: what has moved since stays where it is
        if parts.board.get(id).state is State.CHECKED:
            parts.board.move(id, State.QUEUED, by=by, reason=f"promoted by {by}", expect=State.CHECKED, fidelity="full")
    for id, reason in plan.drop.items():
        _drop(parts, id, reason, by, busy)
    for lesson in plan.lessons:
        _learn(parts, lesson, by)
    weigh_playbook(parts.board, parts.playbook, parts.metric, parts.rule.block(parts.task))
    accepted = sum(_accept(parts, proposal, by) for proposal in plan.proposals)
    text = f"{accepted} accepted, {len(plan.promote)} promoted, {len(plan.drop)} dropped, {len(plan.lessons)} lessons"
    parts.board.event("strategy", text, role=by)


def _drop(parts: Parts, id: int, reason: str, by: str, busy: Callable[[int], bool]) -> None:
    """Cancel what waits; what has begun meanwhile goes on."""
    state = parts.board.get(id).state
    if state is State.PROPOSED or (state in WAITING and not busy(id)):
        parts.board.move(id, State.CANCELLED, by=by, reason=reason, expect=state, outcome="cancelled")


def _accept(parts: Parts, proposal: Proposal, by: str) -> bool:
    experiments, limits = parts.board.list(), parts.limits()
    if remaining(parts, experiments) == 0:
        return False
    counted = [e.family for e in experiments if e.state is not State.CANCELLED]
    if any(_same(proposal, e, by) for e in experiments):
        return _refuse(parts, proposal, "proposed before")
    if family_capped(proposal.family, counted, share=limits.family_share, budget=limits.max_experiments):
        return _refuse(parts, proposal, f"family {proposal.family} has its share")
    parts.board.add(_anchored(parts, proposal), by=by, state=State.PROPOSED if parts.policy().approval == "ask" else State.TO_IMPLEMENT)
    return True


def _anchored(parts: Parts, proposal: Proposal) -> Proposal:
    """Return a proposal whose predicted gain says over what: the best full score so far, else the best baseline."""
    if proposal.predicted is None:
        return proposal
    ranked = ranking(parts.board, parts.metric, parts.board.fact("harness"))
    best = ranked[0].value if ranked else scale_of(parts.board, parts.metric, None).baseline
    return replace(proposal, predicted=replace(proposal.predicted, over=best))


def _same(proposal: Proposal, known: Experiment, by: str) -> bool:
    """Whether it was accepted before the process was killed in the middle of this plan, or is proposed once more."""
    told = (clean_name(proposal.name), proposal.hypothesis, proposal.config)
    return known.author == by and (known.name, known.hypothesis, known.config) == told


def _refuse(parts: Parts, proposal: Proposal, why: str) -> bool:
    parts.board.event("refused", f"{proposal.name}: {why}", role=ME)
    return False


def _learn(parts: Parts, lesson: Lesson, by: str) -> None:
    """Store a lesson: new, changed, or withdrawn because later runs contradict it. What a person made of it stands, and so does a
    retirement, until there is other evidence.
    """
    playbook, author = parts.playbook, f"{by}:{lesson.rule}"
    begun = [entry for entry in playbook.entries(retired=True) if _began(playbook, entry, author)]
    if any(entry.human or (entry.author == REVIEWER and {*lesson.evidence} <= {*entry.evidence}) for entry in begun):
        return
    mine = [entry for entry in begun if entry.author == author and entry.status == "active"]
    if lesson.retire:
        for entry in mine:
            playbook.retire(entry.id, author=author)
    elif not _admitted(parts, lesson):
        return
    elif not mine:
        playbook.add(lesson.claim, kind=lesson.kind, evidence=lesson.evidence, author=author)  # type: ignore[arg-type]
    elif (mine[0].claim, mine[0].evidence) != (lesson.claim, tuple(lesson.evidence)):
        playbook.edit(mine[0].id, claim=lesson.claim, evidence=lesson.evidence, author=author)


def _admitted(parts: Parts, lesson: Lesson) -> bool:
    """Whether the evidence carries the lesson's kind; what is refused is said among the events."""
    if lesson.kind != "avoid":
        return True
    try:
        check_avoid("avoid", lesson.evidence, results(parts.board), effects(parts.board, parts.metric, parts.rule.block(parts.task)))
    except ToolError as error:
        parts.board.event("refused", f"lesson '{lesson.rule}': {error}", role=ME)
        return False
    return True


def _began(playbook: Playbook, entry: Entry, author: str) -> bool:
    return any(version.author == author for version in playbook.versions(entry.id))
