"""Where the real data sets are that some tests and measurements use."""

from __future__ import annotations

import os
from pathlib import Path


def shared_data() -> Path:
    """Return the folder of the real data sets: ALPHALAB_SHARED_DATA, else beside the checkout. It may be absent."""
    root = Path(__file__).resolve().parent.parent
    return Path(os.environ.get("ALPHALAB_SHARED_DATA", root.parent / "shared" / "data"))
