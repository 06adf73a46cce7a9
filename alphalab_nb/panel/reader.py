"""Follows one board: keeps the present cards, and tells what has changed since a reader last asked. Needs no widget library."""

from __future__ import annotations

import json
import threading
from typing import Any

from alphalab_nb.panel.sections import SECTIONS, now
from alphalab_nb.parts import Parts, with_written_adapter
from alphalab_nb.storage.board import sound
from alphalab_nb.storage.feed import CARD, Feed, ranked_cards

Message = dict[str, Any]

SAVED_CARDS = 1000
"""Cards that a saved notebook keeps: the best and the newest."""


class Reader:
    """The panel's picture of one campaign, refreshed from the board; used by one thread at a time."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.cards: dict[int, list[Any]] = {}
        self.sections: dict[str, Any] = {}
        self._feed = Feed(parts.board.database)
        self._rev, self._event = 0, 0
        self._mark: object = None
        self._told: dict[str, str] = {}
        self.lock = threading.Lock()

    def delta(self, *, force: bool = False) -> Message | None:
        """Return what has changed since the last call, or None.

        Args:
            force: look also where nobody has written: processes and deadlines end without a word.
        """
        mark = self._feed.data_version()
        if mark == self._mark and not force:
            return None
        self._mark = mark
        self.parts = with_written_adapter(self.parts)
        self._rev, cards = self._feed.cards(self._rev)
        self.cards.update({card[0]: card for card in cards})
        events = self._feed.events(self._event)
        self._event = events[-1][0] if events else self._event
        sections = self._changed_sections()
        if not (cards or events or sections):
            return None
        return {"type": "delta", "rev": self._rev, "cards": cards, "events": events, "sections": sections}

    def whole(self) -> Message:
        """Return the whole present state."""
        self.delta(force=True)
        return {
            "type": "delta", "reset": True, "rev": self._rev, "cards": list(self.cards.values()), "events": self._feed.events(),
            "sections": self.sections,
        }

    def saved(self) -> Message:
        """Return the state that a notebook keeps, with the time; of many experiments the best and the newest."""
        state = self.whole()
        if len(state["cards"]) > SAVED_CARDS:
            best = {card[0] for card in self.ranked()[: SAVED_CARDS // 5]}
            newest = set(sorted(self.cards)[-(SAVED_CARDS - len(best)) :])
            state["cards"] = [card for id, card in sorted(self.cards.items()) if id in best | newest]
        return {**state, "at": now(), "total": len(self.cards)}

    def ranked(self) -> list[list[Any]]:
        """Return the cards with a score that may be ranked, best first: of the newest evaluator, not quarantined."""
        cards = (dict(zip(CARD, card, strict=True)) for card in self.cards.values())
        return [self.cards[card["id"]] for card in ranked_cards(cards, self.parts.metric, self.parts.board.fact("harness"))]

    def _changed_sections(self) -> dict[str, Any]:
        changed: dict[str, Any] = {}
        for name, read in SECTIONS.items():
            data = read(self.parts, self.cards)
            text = sound(json.dumps(data, default=str, ensure_ascii=False))
            if self._told.get(name) != text:
                self._told[name], self.sections[name], changed[name] = text, json.loads(text), json.loads(text)
        return changed
