"""What the Reporter is told of the campaign."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.dispatch.staff import Staff
from alphalab_nb.storage.experiment import State
from tests.boards import finished
from tests.live.campaigns import make
from tests.provider.protocol import Call, Reply, Request
from tests.provider.server import Provider


def reports(request: Request) -> Reply:
    return Reply(calls=(Call("report_to_user", {"summary": "read"}),))


def measured(campaign: Campaign, name: str) -> int:
    """Put a measured experiment with a debrief on the board, and return its id."""
    made = finished(campaign.board, 1.0, name=name)
    folder = campaign.workspace.experiment(made.id, made.name)
    folder.mkdir()
    (folder / "debrief.md").write_text(f"# Debrief of {name}\n", encoding="utf-8")
    return made.id


def test_each_debrief_is_in_one_milestone_whatever_the_order_of_the_analyses(tmp_path: Path):
    with Provider(reports) as provider, pytest.MonkeyPatch.context() as patch:
        campaign = make("chat", tmp_path, provider, patch, limits={"milestone_every": 2})
        ids = [measured(campaign, f"e{n}") for n in range(4)]
        for id in (ids[3], ids[1], ids[0], ids[2]):
            campaign.board.move(id, State.ANALYZED, by="test")
            if len(campaign.board.list(State.ANALYZED)) == 2:
                Staff(campaign.parts).report(1, "draft")
        Staff(campaign.parts).report(2, "draft")
    told = [[n for n in range(4) if f"Debrief of e{n}" in request.first] for request in provider.log.requests]
    assert told == [[1, 3], [0, 2]]
