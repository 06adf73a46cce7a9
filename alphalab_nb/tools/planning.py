"""What a Strategist decides in its turn. Nothing is carried out before it reports, so a resumed turn decides the same again."""

from __future__ import annotations

import math
from typing import Any

from alphalab_nb.adapter import BRIEF_CHARS, Recipe, injected
from alphalab_nb.errors import BadInput, NotFound, ToolError
from alphalab_nb.partitions import with_facts
from alphalab_nb.storage.board import clean_name
from alphalab_nb.storage.experiment import WAITING, Experiment, Prediction, Proposal, State
from alphalab_nb.tools.base import Deps, tool
from alphalab_nb.tools.diversity import WINDOW, owed

_STAGE = "strategist"
_CANCELLABLE = (State.PROPOSED, *WAITING)


@tool(remembers=True)
def propose_experiment(
    deps: Deps, name: str, family: str, hypothesis: str, brief: str = "", config: dict[str, Any] | None = None,
    parent: int | None = None, priority: int = 0, expected_improvement: float | None = None,
    improvement_low: float | None = None, improvement_high: float | None = None,
) -> str:
    """Propose an experiment; it is put on the board when you report.

    Args:
        name: Short and unique; lower-case letters, digits, underscore.
        family: A recipe, or a word for the kind of method.
        hypothesis: What is expected and why, in one or two sentences.
        brief: What to build, for the Worker who writes it; required where the family is no recipe.
        config: Parameters of the recipe; the defaults stand in for what is left out.
        parent: Experiment that it changes.
        priority: Higher runs first.
        expected_improvement: Over the best so far, in units of the metric; positive is better. It is compared with what comes.
        improvement_low: Lower end of the interval that holds it in four of five cases.
        improvement_high: Upper end of that interval.
    """
    predicted = _prediction(deps, expected_improvement, improvement_low, improvement_high)
    text = _with_expectation(deps, brief, expected_improvement)
    proposal = Proposal(name=name, family=family, hypothesis=hypothesis, brief=text, config=config or {}, parent=parent, stage=_STAGE,
                        priority=priority, predicted=predicted)
    if proposal not in deps.decisions.proposals:
        _check(deps, proposal, brief)
        deps.decisions.proposals.append(proposal)
    number = 1 + deps.decisions.proposals.index(proposal)
    return f"proposal {number} of at most {deps.decisions.most}: {name} ({family})"


@tool(remembers=True)
def cancel_experiment(deps: Deps, id: int, reason: str) -> str:
    """Cancel an experiment that waits; what runs or has run stays. It is carried out when you report.

    Args:
        id: Of the experiment.
        reason: One sentence that the next turn will understand.
    """
    state = deps.board.get(id).state
    if state not in (*_CANCELLABLE, State.CANCELLED):  # cancelled: the turn had been carried out before it was resumed
        raise ToolError(f"experiment {id} is {state}; only what waits can be cancelled ({', '.join(_CANCELLABLE)})")
    deps.decisions.cancelled[id] = reason
    return f"experiment {id} will be cancelled"


def _prediction(deps: Deps, expected: float | None, low: float | None, high: float | None) -> Prediction | None:
    """Return what is expected, checked; without an interval it claims to be exact."""
    if expected is None:
        if low is None and high is None:
            return None
        raise ToolError("an interval needs expected_improvement as well")
    low, high = expected if low is None else low, expected if high is None else high
    if not all(math.isfinite(number) for number in (low, expected, high)) or not low <= expected <= high:
        raise ToolError(f"improvement_low <= expected_improvement <= improvement_high must hold, not {low:g}, {expected:g}, {high:g}")
    return Prediction(expected=expected, low=low, high=high, model=str(deps.metadata.get("model", "")))


def _with_expectation(deps: Deps, brief: str, expected: float | None) -> str:
    if expected is None:
        return brief
    return f"{brief}\n\nExpected improvement: {expected:g} {deps.metric.unit or deps.metric.name}".lstrip()


def _check(deps: Deps, proposal: Proposal, brief: str) -> None:
    """Raises: ToolError if the proposal cannot be accepted."""
    if clean_name(proposal.name) != proposal.name:
        raise ToolError(f"'{proposal.name}' is no name for a folder; write {clean_name(proposal.name)}")
    if len(deps.decisions.proposals) >= deps.decisions.most:
        raise ToolError(f"{deps.decisions.most} experiment(s) may be proposed in this turn, and so many are; report")
    _check_name(deps, proposal)
    if proposal.parent is not None:
        _check_parent(deps, proposal.parent)
    recipes = deps.adapter.recipes(deps.config.families)
    _check_diversity(deps, proposal, recipes)
    if proposal.family in {recipe.family for recipe in recipes}:
        _check_config(deps, proposal, recipes)
    elif len(brief.strip()) < BRIEF_CHARS:
        known = ", ".join(recipe.family for recipe in recipes) or "none"
        raise ToolError(f"'{proposal.family}' is no recipe (known: {known}): say in the brief, in {BRIEF_CHARS} characters or more, what"
                        " to build")


def _check_name(deps: Deps, proposal: Proposal) -> None:
    if any(proposal.name == earlier.name for earlier in deps.decisions.proposals):
        raise ToolError(f"you have proposed '{proposal.name}' already in this turn; take another name")
    taken = [known for known in deps.board.list() if known.name == proposal.name]
    if any(known.hypothesis != proposal.hypothesis for known in taken):  # the same one: this turn had been carried out
        raise ToolError(f"'{proposal.name}' is experiment {taken[0].id} already ({taken[0].state}); take another name")


def _check_parent(deps: Deps, parent: int) -> None:
    try:
        deps.board.get(parent)
    except NotFound as error:
        raise ToolError(f"there is no experiment {parent} to start from; leave parent out, or take an id of the board") from error


def _check_diversity(deps: Deps, proposal: Proposal, recipes: list[Recipe]) -> None:
    if not deps.decisions.diverse:
        return
    known, earlier = {recipe.family for recipe in recipes}, [e for e in deps.board.list() if e.name != proposal.name]
    wanted = owed(earlier, deps.decisions.proposals, by=deps.role, known=known)
    tried = {one.family for one in (*earlier, *deps.decisions.proposals)}
    if wanted and proposal.family not in wanted and proposal.family in known | tried:
        raise ToolError(f"of {WINDOW} proposals in a row one must be from a family tried least, and your last {WINDOW - 1} were not:"
                        f" propose {', '.join(sorted(wanted))} or a new family first")


def _check_config(deps: Deps, proposal: Proposal, recipes: list[Recipe]) -> None:
    try:
        recipe = injected(recipes, proposal.name, proposal.family, proposal.config)
    except BadInput as error:
        parameters = ", ".join(next(recipe for recipe in recipes if recipe.family == proposal.family).spec.params)
        raise ToolError(f"config of {proposal.family}: {error}. Its parameters: {parameters or 'none'}") from error
    if same := _same(deps, recipe, proposal):
        raise ToolError(f"experiment {same.id} ({same.state}) has this family and configuration; propose something else")


def _same(deps: Deps, recipe: Recipe, proposal: Proposal) -> Experiment | None:
    """Return the experiment that does the same without a word on what to build otherwise."""
    if proposal.brief.strip() or not (deps.workspace.explore_data / "meta.json").is_file():
        return None
    facts = with_facts(deps.task, deps.workspace.explore_data)
    wanted = recipe.complete(proposal.config, facts)
    known = [e for e in deps.board.list() if e.family == proposal.family and e.state is not State.CANCELLED and not e.brief]
    return next((e for e in known if e.name != proposal.name and recipe.complete(e.config, facts) == wanted), None)
