"""Running the loop of phase 3 in this process, so that a test can steer it from its own thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from alphalab_nb.campaign import Campaign
from alphalab_nb.dispatch.triggers import StopReason


def run(campaign: Campaign) -> StopReason:
    with campaign.executor() as executor:
        return campaign.dispatcher(strategy=campaign.strategy(), executor=executor).run()


def in_background(campaign: Campaign) -> threading.Thread:
    thread = threading.Thread(target=run, args=(Campaign.open(campaign.workspace.root),), daemon=True)
    thread.start()
    return thread


def until(condition: Callable[[], object], timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def ends(thread: threading.Thread, campaign: Campaign) -> str:
    """Wait for the end of the loop and return its reason."""
    thread.join(90)
    assert not thread.is_alive()
    return str(campaign.board.fact("stop_reason"))
