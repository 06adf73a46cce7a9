"""Every opening of the sealed test as a table: what the record of the campaign and the log of reads beside the data say of it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from alphalab_nb.partitions import Partitions
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.openings import Openings

COLUMNS = ["opening", "asked for", "by", "reason", "full scores by then", "champion", "search", "confirm", "sealed", "state", "reads"]


def openings_table(board: Board, partitions: Partitions) -> pd.DataFrame:
    """Return a row for each opening, the blind one first, and one for what the log of reads holds beyond them.

    An opening that was interrupted and taken up again has more than one read.
    """
    log = dict(partitions.openings("sealed"))
    rows: list[dict[str, Any]] = [
        {
            "opening": opening.number, "asked for": opening.at[:19], "by": opening.by, "reason": opening.reason,
            "full scores by then": opening.scores, "champion": opening.champion and f"#{opening.champion}", "search": opening.search,
            "confirm": opening.confirm, "sealed": opening.score, "state": opening.state, "reads": log.pop((opening.by, opening.told), 0),
        }
        for opening in Openings(board).list()
    ]
    rows += [{"by": by, "reason": reason, "state": "outside of phase 4", "reads": reads} for (by, reason), reads in log.items()]
    return pd.DataFrame(rows, columns=COLUMNS).set_index("opening")
