"""Try the language models of a campaign before anything is spent: key, name, a tool round trip, an image, the size of the context."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace

from PIL import Image

from alphalab_nb.agents.agent import run_agent
from alphalab_nb.agents.minds import is_live
from alphalab_nb.agents.roles import ROLES
from alphalab_nb.agents.tasks import PreflightTask
from alphalab_nb.config import CampaignConfig
from alphalab_nb.errors import AlphaLabError, ConfigError
from alphalab_nb.llm.pricing import PriceList
from alphalab_nb.llm.providers import Mind, mind_of, served_window
from alphalab_nb.llm.replay import REPLAY
from alphalab_nb.tools import Deps

_COLOURS = {"red": (220, 20, 20), "green": (20, 160, 20), "blue": (20, 20, 220)}


@dataclass(frozen=True)
class Tried:
    """What a trial of one model showed."""

    model: str
    roles: tuple[str, ...]
    sees: bool | None
    """Whether it named the colour of a test image; None if images are switched off."""
    context_tokens: int | None
    usd: float


def try_minds(deps: Deps) -> list[Tried]:
    """Hold one short conversation with every language model of the campaign.

    Raises:
        ConfigError: a price that the budget needs is not known, the context window is too small, or the model cannot see.
        ProviderRefused, ProviderOutage: as the provider said.
    """
    return [_try(deps, mind, roles) for mind, roles in _minds(deps.config).items() if mind.provider != REPLAY]


def _minds(config: CampaignConfig) -> dict[Mind, tuple[str, ...]]:
    """Return the models and the roles that they play."""
    found: dict[Mind, tuple[str, ...]] = {}
    for role in ROLES:
        if role != "preflight" and is_live(role, config):
            mind = mind_of(role, config.llm)
            found[mind] = (*found.get(mind, ()), role)
    return found


def _try(deps: Deps, mind: Mind, roles: tuple[str, ...]) -> Tried:
    config = deps.config.provider
    prices = PriceList(mind.model, mind.provider, config.prices, config.cache)
    if deps.config.limits.usd and prices.estimate(input_tokens=1, output_tokens=1) is None:
        raise ConfigError(f"limits.usd is set but the price of {mind} is not known; give provider.prices.{mind.model}, or drop limits.usd")
    context = config.context_tokens or prices.context_tokens() or served_window(mind, config)
    if context and config.compact_at > 0.9 * context:
        raise ConfigError(f"{mind} has a context of {context} tokens; set provider.compact_at to {int(0.6 * context)} or less")
    before = deps.ledger.total().usd
    seen = _converse(deps, mind, config.image_input)
    return Tried(str(mind), roles, seen, context, round(deps.ledger.total().usd - before, 6))


def _converse(deps: Deps, mind: Mind, image_input: bool) -> bool | None:
    """Let the model look at a coloured square and say the colour."""
    colour = sorted(_COLOURS)[len(str(mind)) % len(_COLOURS)]
    if image_input:
        buffer = io.BytesIO()
        Image.new("RGB", (64, 64), _COLOURS[colour]).save(buffer, "PNG")
        (deps.cwd / "preflight.png").write_bytes(buffer.getvalue())
    (deps.cwd / "preflight.txt").write_text("seen\n", encoding="utf-8")
    name = f"0_preflight_{''.join(c if c.isalnum() else '_' for c in str(mind))}_{hashlib.sha256(str(mind).encode()).hexdigest()[:6]}"
    number = 1 + len(list(deps.notebook.parent.glob(f"{name}_*.ipynb")))  # a trial that failed is made anew
    alone = deps.config.model_copy(update={"llm": str(mind)})
    own = replace(deps, config=alone, notebook=deps.notebook.with_name(f"{name}_{number}.ipynb"))
    try:
        summary = run_agent("preflight", own, PreflightTask(image=image_input)).summary.lower()
    except AlphaLabError as error:
        said = str(error)
        raise type(error)(said if said.startswith(str(mind)) else f"{mind}: {said}") from error
    if not image_input:
        return None
    if colour not in summary:
        raise ConfigError(f"{mind} did not see the test image (it said: {summary[:200]!r}); set provider.image_input: false")
    return True
