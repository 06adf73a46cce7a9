"""Phase 4, between confirm and sealed: the champion is proved again from a clean copy; one that does not hold makes way for the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alphalab_nb.errors import PhaseFailed
from alphalab_nb.parts import Parts
from alphalab_nb.phases.choice import choose_champion
from alphalab_nb.phases.steps import Result, step
from alphalab_nb.storage.leaderboard import ranking
from alphalab_nb.verify import Verdict


@step("report")
def verify_champion(parts: Parts, verify: Callable[[int], Verdict]) -> Result:
    """Verify the champion, and put the next best of the confirmed candidates in its place as long as it does not hold.

    One that met a limit of time or memory this time is given a second try: the machine may have been busy.

    Args:
        verify: proves one experiment, as `Campaign.verify` does.

    Raises:
        PhaseFailed: nothing holds, or what all results rest on is at fault; the sealed test stays closed.
    """
    confirmed = parts.board.step("report", "confirm_best")
    assert confirmed is not None, "confirm_best comes first"
    candidates = {row["id"]: row["confirm"] for row in confirmed["result"]["rows"] if row["confirm"] is not None}
    champion, rows = int(parts.board.fact("champion")), list[dict[str, Any]]()
    while True:
        verdict = verify(champion)
        if verdict.strained:
            verdict = verify(champion)
        rows.append({"id": champion, "verdict": verdict.said, "notebook": verdict.notebook})
        if verdict.holds:
            return {"champion": champion, "rows": rows}
        if not verdict.blames:
            raise PhaseFailed(f"the champion #{champion} cannot be verified: {verdict.said}; put this right and run again")
        _set_aside(parts, champion, verdict)
        following = _next_best(parts, candidates)
        if following is None:
            raise PhaseFailed("no confirmed candidate reproduces, so the sealed test stays closed: "
                              + "; ".join(f"#{row['id']} {row['verdict']}" for row in rows))
        champion = following
        parts.board.set_fact("champion", champion)


def _set_aside(parts: Parts, id: int, verdict: Verdict) -> None:
    parts.board.change(id, quarantined=1, verdict="quarantine")
    parts.board.event("verdict", f"quarantine: it does not reproduce: {verdict.said}", role="verify", experiment=id)


def _next_best(parts: Parts, candidates: dict[int, float]) -> int | None:
    """Return who follows by the rule that chose the champion, of those that were confirmed and are not in quarantine."""
    ranked = ranking(parts.board, parts.metric, parts.board.fact("harness"))
    left = [entry for entry in ranked if entry.experiment.id in candidates]
    return choose_champion(parts.board, parts.metric, ranked, left, candidates)[0] if left else None
