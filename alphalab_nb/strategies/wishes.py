"""What rules can understand of people's words: which families to avoid and which to prefer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from alphalab_nb.strategies.base import BoardView

_CLAUSE = re.compile(r"[.;,:!?\n]+|\bbut\b|\binstead\b")
_AGAINST = re.compile(r"\b(no|not|never|avoid|without|skip|stop|drop|forget|ban|exclude|veto|don't|dont|cannot|can't)\b")
_FOR = re.compile(r"\b(try|prefer|focus|explore|more|use|favou?r|test|pursue)\b")


@dataclass(frozen=True)
class Wishes:
    """Families that people named."""

    avoided: frozenset[str] = field(default_factory=frozenset[str])
    preferred: frozenset[str] = field(default_factory=frozenset[str])


def wishes(view: BoardView) -> Wishes:
    """Return what people's notes and playbook entries ask for; a later word overrides an earlier one."""
    families = [recipe.family for recipe in view.recipes]
    orders = [(entry.kind, entry.claim) for entry in view.playbook if entry.human]
    found: dict[str, bool] = {}
    for kind, claim in orders:
        if kind in ("avoid", "fails"):
            found.update(dict.fromkeys(_named(claim.lower(), families), False))
        else:
            found.update(understood(claim, families))
    for note in view.notes:
        found.update(understood(note, families))
    return Wishes(
        frozenset(family for family, wanted in found.items() if not wanted),
        frozenset(family for family, wanted in found.items() if wanted),
    )


def understood(text: str, families: Sequence[str]) -> dict[str, bool]:
    """Return the families a text asks for (True) or asks to avoid (False); a family merely mentioned is neither."""
    found: dict[str, bool] = {}
    for clause in _CLAUSE.split(text.lower().replace("’", "'")):
        for family in _named(clause, families):
            before = clause[: re.search(_word(family), clause).start()]  # type: ignore[union-attr]
            if _AGAINST.search(before):
                found[family] = False
            elif _FOR.search(before):
                found[family] = True
    return found


def _named(text: str, families: Iterable[str]) -> list[str]:
    return [family for family in families if re.search(_word(family), text)]


def _word(family: str) -> str:
    return rf"(?<![\w]){re.escape(family.lower())}(?![\w])"
