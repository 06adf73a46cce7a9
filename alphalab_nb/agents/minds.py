"""Who sits where: from a role of a campaign to the model that plays it, its record, its limits and what it cannot be offered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pydantic_ai.capabilities import NativeTool
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model
from pydantic_ai.native_tools import WebSearchTool

from alphalab_nb.agents.capabilities import Checkpoints, Compactor, News
from alphalab_nb.agents.offline import POLICIES
from alphalab_nb.agents.pulse import BoardPulse, HastyPulse
from alphalab_nb.agents.roles import ROLES, Role
from alphalab_nb.agents.tasks import Task
from alphalab_nb.config import CampaignConfig
from alphalab_nb.errors import ConfigError
from alphalab_nb.llm import Metered, RuleModel
from alphalab_nb.llm.budget import Budget
from alphalab_nb.llm.conversation import Conversation, Done
from alphalab_nb.llm.live import LiveModel, Talk
from alphalab_nb.llm.metered import Tags
from alphalab_nb.llm.patience import Patience, Pulse
from alphalab_nb.llm.pricing import PriceList
from alphalab_nb.llm.providers import Mind, make_model, make_settings, mind_of
from alphalab_nb.llm.redact import redact
from alphalab_nb.llm.replay import REPLAY, ReplayModel
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.journal import Journal
from alphalab_nb.storage.ledger import Ledger
from alphalab_nb.storage.orders import Orders
from alphalab_nb.storage.terms import limits_of
from alphalab_nb.tools import Deps

_SEARCHING = ("openai", "anthropic")
"""Providers with a search of their own."""
_budgets: dict[Path, Budget] = {}


@dataclass(frozen=True)
class Seat:
    """What one conversation is held with."""

    model: Model
    history: list[ModelMessage] = field(default_factory=list[ModelMessage])
    """Messages of an interrupted conversation to go on from."""
    requests: int = 0
    """Responses it had before."""
    done: list[Done] = field(default_factory=list[Done])
    """Tool calls it had made before."""
    capabilities: list[Any] = field(default_factory=list[Any])
    settings: Any = None
    absent: dict[str, str] = field(default_factory=dict[str, str])
    """Tools of the role that are not offered, with the reason."""
    pulse: Pulse = field(default_factory=Pulse)
    instructions: str = ""
    """Those that an interrupted conversation began with: what was sent is only appended to."""
    over: bool = False
    """It had reported before; what it reported is on record."""
    end: Callable[[], None] = lambda: None


def is_live(role: str, config: CampaignConfig) -> bool:
    """Whether a language model plays the role."""
    return not mind_of(role, config.llm).offline


def unpriced(config: CampaignConfig) -> list[str]:
    """Return the language models of a campaign whose price is not known."""
    minds, block = {mind_of(role, config.llm) for role in ROLES if is_live(role, config)}, config.provider
    prices = {mind: PriceList(mind.model, mind.provider, block.prices, block.cache) for mind in minds if mind.provider != REPLAY}
    return sorted(str(mind) for mind, price in prices.items() if price.estimate(input_tokens=1, output_tokens=1) is None)


def orders_of(deps: Deps) -> Orders:
    """Return who carries out people's orders outside of phase 3."""
    return Orders(deps.board, deps.playbook, deps.config, partial(unpriced, deps.config))


def take_seat(role: Role, deps: Deps, task: Task, key: str = "") -> Seat:
    """Return who plays a role in this campaign; see `run_agent` for the errors."""
    mind = mind_of(role.name, deps.config.llm)
    return rules_seat(role, deps, task) if mind.offline else _live_seat(role, deps, mind, key or f"{deps.phase}/{deps.notebook.stem}")


def rules_seat(role: Role, deps: Deps, task: Task) -> Seat:
    """Return the offline researcher in a role.

    Raises:
        ConfigError: it has no rules for it.
    """
    policy = POLICIES.get(role.name)
    if policy is None:
        raise ConfigError(f"the offline researcher has no rules for the role '{role.name}'; give this role a language model")
    model = RuleModel(policy, task, role.name)
    return Seat(Metered(model, ledger=deps.ledger, tags=Tags(deps.phase, role.name, deps.experiment)))


def _live_seat(role: Role, deps: Deps, mind: Mind, key: str) -> Seat:
    config = deps.config.provider
    journal = Journal(deps.board.database)
    conversation = Conversation(journal, journal.open(key, role=role.name, model=str(mind)), deps.workspace.agents / "images")
    model = ReplayModel(Path(mind.model), key) if mind.provider == REPLAY else make_model(mind, config)
    pulse = (BoardPulse(deps.board, deps.phase, role.name, deps.experiment, orders=orders_of(deps)) if role.patient
             else HastyPulse(deps.board, deps.phase, role.name))
    prices = PriceList(mind.model, mind.provider, config.prices, config.cache)
    talk = Talk(
        conversation=conversation, tags=Tags(deps.phase, role.name, deps.experiment, deps.attempt), budget=_budget(deps),
        prices=prices, patience=_patience(deps, role), pulse=pulse, emit=_emitter(deps, role),
    )
    live = LiveModel(model, talk)
    turns = journal.turns(conversation.head.id)
    since = turns[-1].at if turns else conversation.head.created
    absent, native = _offer(role, mind, deps.config)
    return Seat(
        live, history=conversation.history, requests=conversation.requests, done=conversation.done,
        capabilities=[
            News(deps.board, deps.playbook, since), Compactor(live, conversation, config.compact_at), Checkpoints(conversation), *native,
        ],
        settings=make_settings(mind, config, role.name, f"{deps.config.name}/{key}"), absent=absent, pulse=pulse,
        end=conversation.end, over=bool(conversation.head.ended), instructions=conversation.head.instructions,
    )


def _offer(role: Role, mind: Mind, config: CampaignConfig) -> tuple[dict[str, str], list[Any]]:
    """Return the tools that cannot be offered, and the provider's own ones that stand in."""
    absent: dict[str, str] = {}
    native: list[Any] = []
    if "search_web" in role.tools and not config.provider.search_url:
        searches = config.provider.native_search and mind.provider in _SEARCHING
        native = [NativeTool(WebSearchTool())] if searches else []
        absent["search_web"] = "the provider's own web search takes its place" if searches else "this campaign has no web search"
    if "view_image" in role.tools and not config.provider.image_input:
        absent["view_image"] = "the model cannot see; judge figures by the numbers that you print"
    return absent, native


def _budget(deps: Deps) -> Budget:
    """Return the campaign's budget: one per process, for reservations are in memory."""
    budget = _budgets.setdefault(deps.board.database.path, Budget(Ledger(deps.board.database), deps.config.limits))
    budget.limits = deps.config.limits  # a person may have raised them since
    budget.in_force = partial(limits_of, deps.board)
    return budget


def _patience(deps: Deps, role: Role) -> Patience:
    config = deps.config.provider
    if not role.patient:
        return Patience(tries=2, rate_limit_s=10.0, outage_s=0.0, first_event_s=min(60.0, config.first_event_s),
                        silence_s=min(30.0, config.silence_s))
    outage_s = float(deps.board.fact("max_outage_s", config.max_outage_s))
    return Patience(outage_s=outage_s, first_event_s=config.first_event_s, silence_s=config.silence_s)


def _emitter(deps: Deps, role: Role) -> Callable[[str, str], None]:
    board: Board = deps.board
    return lambda kind, text: board.event(kind, redact(text), role=role.name, experiment=deps.experiment)
