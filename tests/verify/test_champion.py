"""Phase 4 proves the champion before sealed: what does not reproduce makes way, and what all rest on stops the phase."""

from __future__ import annotations

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.errors import PhaseFailed
from alphalab_nb.executors import make_executor
from alphalab_nb.phases import confirm_best, open_sealed, verify_champion
from alphalab_nb.storage.leaderboard import ranking
from alphalab_nb.verify import Line, Verdict
from tests.verify.campaigns import CLOCK, HONEST, STRAY
from tests.verify.test_experiment import verified


def confirmed(campaign: Campaign, champion: int) -> None:
    """Confirm what is on the board, and let this experiment be the champion."""
    with make_executor("inline") as executor:
        confirm_best(campaign.parts, executor)
    campaign.board.set_fact("champion", champion)


def proof(campaign: Campaign, asked: list[int]):
    def verify(id: int) -> Verdict:
        asked.append(id)
        return verified(campaign, id)

    return verify


def test_a_champion_that_does_not_reproduce_makes_way_and_never_opens_sealed(campaign: Campaign):
    confirmed(campaign, CLOCK)
    asked: list[int] = []
    result = verify_champion(campaign.parts, proof(campaign, asked))
    assert asked[0] == CLOCK
    assert (asked[-1], result["champion"], campaign.board.fact("champion")) == (HONEST, HONEST, HONEST)
    assert [row["verdict"][:5] for row in result["rows"]] == [*["FAULT"] * (len(asked) - 1), "HOLDS"]
    assert campaign.board.get(CLOCK).quarantined
    assert CLOCK not in [entry.experiment.id for entry in ranking(campaign.board, campaign.parts.metric)]
    with make_executor("inline") as executor:
        sealed = open_sealed(campaign.parts, executor)
    assert sealed["champion"] == HONEST
    assert CLOCK not in {run.experiment for run in campaign.board.runs() if run.partition == "sealed"}
    page = campaign.report().read_text(encoding="utf-8")
    assert f"#{CLOCK} FAULT" in page
    assert f"#{HONEST} HOLDS" in page


def test_without_one_that_reproduces_sealed_stays_closed_and_the_report_says_why(campaign: Campaign):
    confirmed(campaign, CLOCK)
    campaign.board.change(HONEST, quarantined=1)
    with pytest.raises(PhaseFailed, match="no confirmed candidate reproduces"):
        verify_champion(campaign.parts, proof(campaign, []))
    assert campaign.board.get(STRAY).quarantined
    assert campaign.parts.partitions.reads("sealed") == 0
    assert "no confirmed candidate reproduces" in campaign.report().read_text(encoding="utf-8")


def test_a_champion_that_met_a_limit_is_tried_once_more(campaign: Campaign):
    confirmed(campaign, HONEST)
    asked: list[int] = []
    late = Verdict("#1", (Line("score of the program, run again from the clean copy", 4.0, "timeout", holds=False),))

    def busy_at_first(id: int) -> Verdict:
        return proof(campaign, asked)(id) if asked else (asked.append(id) or late)

    result = verify_champion(campaign.parts, busy_at_first)
    assert (asked, result["champion"]) == ([HONEST, HONEST], HONEST)
    assert not campaign.board.get(HONEST).quarantined


def test_a_fault_of_the_harness_quarantines_nobody(campaign: Campaign):
    confirmed(campaign, HONEST)
    metrics = campaign.workspace.harness / "metrics.py"
    metrics.chmod(0o644)
    metrics.write_text(metrics.read_text() + "\n")
    with pytest.raises(PhaseFailed, match=r"harness/metrics\.py was changed"):
        verify_champion(campaign.parts, proof(campaign, []))
    assert not [experiment.id for experiment in campaign.board.list() if experiment.quarantined]
