"""Phase 4, between confirm and sealed: champions are proved again from a clean copy; one that does not hold makes way for the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alphalab_nb.errors import PhaseFailed
from alphalab_nb.parts import Parts
from alphalab_nb.phases.choice import champions, choose_champion, contests, set_champions
from alphalab_nb.phases.steps import Result, step
from alphalab_nb.storage.leaderboard import ranking
from alphalab_nb.verify import Verdict


@step("report")
def verify_champion(parts: Parts, verify: Callable[[int], Verdict]) -> Result:
    """Verify the champion of each contest, and put the next best of its confirmed candidates in its place as long as it does not hold.

    One that met a limit of time or memory this time is given a second try: the machine may have been busy.

    Args:
        verify: proves one experiment, as `Campaign.verify` does.

    Raises:
        PhaseFailed: nothing holds, or what all results rest on is at fault; the sealed test stays closed.
    """
    confirmed = parts.board.step("report", "confirm_best")
    assert confirmed is not None, "confirm_best comes first"
    candidates = {row["id"]: row["confirm"] for row in confirmed["result"]["rows"] if row["confirm"] is not None}
    chosen, rows = champions(parts.board), list[dict[str, Any]]()
    for contest, first in [*chosen.items()]:
        champion: int | None = first
        while champion is not None and not _holds(champion, verify, rows):
            _set_aside(parts, champion, rows[-1]["verdict"])
            champion = _next_best(parts, contest, candidates)
        chosen = {**chosen, contest: champion} if champion else {name: id for name, id in chosen.items() if name != contest}
        if not chosen:
            raise PhaseFailed("no confirmed candidate reproduces, so the sealed test stays closed: "
                              + "; ".join(f"#{row['id']} {row['verdict']}" for row in rows))
        set_champions(parts.board, chosen)
    return {"champion": next(iter(chosen.values())), "rows": rows}


def _holds(champion: int, verify: Callable[[int], Verdict], rows: list[dict[str, Any]]) -> bool:
    """Verify one, put what came of it on record and say whether it holds."""
    verdict = verify(champion)
    if verdict.strained:
        verdict = verify(champion)
    rows.append({"id": champion, "verdict": verdict.said, "notebook": verdict.notebook})
    if not verdict.holds and not verdict.blames:
        raise PhaseFailed(f"the champion #{champion} cannot be verified: {verdict.said}; put this right and run again")
    return verdict.holds


def _set_aside(parts: Parts, id: int, said: str) -> None:
    parts.board.change(id, quarantined=1, verdict="quarantine")
    parts.board.event("verdict", f"quarantine: it does not reproduce: {said}", role="verify", experiment=id)


def _next_best(parts: Parts, contest: str, candidates: dict[int, float]) -> int | None:
    """Return who follows by the rule that chose the champion, of those that were confirmed and are not in quarantine."""
    ranked = contests(parts, ranking(parts.board, parts.metric, parts.board.fact("harness"))).get(contest, [])
    left = [entry for entry in ranked if entry.experiment.id in candidates]
    return choose_champion(parts.board, parts.metric, ranked, left, candidates)[0] if left else None
