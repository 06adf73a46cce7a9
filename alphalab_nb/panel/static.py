"""The panel's tables as static HTML and as text: for nbconvert, code-hosting sites, terminals and notebooks nobody trusts."""

from __future__ import annotations

from collections import Counter
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2

from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import State
from alphalab_nb.storage.feed import CARD, ranked_cards

_LEADERS = 20
_UNTOLD = {"shrunken": None, "low": None, "high": None, "note": ""}
_OPEN = 20
"""Lines of the list of what is going on."""


def html_of(state: dict[str, Any]) -> str:
    """Return a saved state of the panel (`Reader.saved`) as HTML without scripts, styles of its own or links; texts are escaped."""
    return _template("panel.html.j2").render(**_tables(state))


def text_of(state: dict[str, Any]) -> str:
    """Return the same as plain text."""
    return _template("panel.txt.j2").render(**_tables(state)).rstrip("\n")


def _tables(state: dict[str, Any]) -> dict[str, Any]:
    sections = state["sections"]
    campaign = sections["campaign"]
    cards = [dict(zip(CARD, card, strict=True)) for card in state["cards"]]
    metric = Metric(**campaign["metric"])
    ranked = ranked_cards(cards, metric, campaign["harness"])
    counts = Counter(card["state"] for card in cards)
    told: dict[str, dict[str, Any]] = sections["leaderboard"]["rows"]
    return {
        **sections, "campaign": campaign, "metric": metric, "saved": state.get("at", ""), "total": state.get("total", len(cards)),
        "shown": len(cards), "counts": [(name.value, counts[name.value]) for name in State if counts[name.value]],
        "leaders": [{**card, **told.get(str(card["id"]), _UNTOLD)} for card in ranked[:_LEADERS]],
        "open": [c for c in cards if c["state"] not in ("analyzed", "done", "cancelled")][-_OPEN:],
        "quarantined": [c for c in cards if c["quarantined"]],
        "baselines": [(name, value) for name, value in campaign["baselines"].items() if value is not None],
        "active": [entry for entry in sections["playbook"]["entries"] if entry["status"] == "active"],
        "decisions": [c for c in sections["people"]["commands"] if c["state"] != "pending"][-_OPEN:],
    }


@cache
def _template(name: str) -> jinja2.Template:
    def load(name: str) -> str:
        return files("alphalab_nb").joinpath("templates", name).read_text(encoding="utf-8")

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(load), undefined=jinja2.StrictUndefined, autoescape=name.endswith(".html.j2"), trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["line"] = lambda text: " ".join(str(text).split())  # hostile text must not draw lines of its own
    return environment.get_template(name)


def _number(value: Any) -> str:
    return "–" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
