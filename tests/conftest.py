"""Shared fixtures."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real data sets (ALPHALAB_SHARED_DATA, else beside the checkout); skips loudly without it."""
    folder = Path(os.environ.get("ALPHALAB_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        warnings.warn(f"real data sets are absent ({folder}); tests on them are skipped", stacklevel=1)
        pytest.skip(f"real data sets are absent: {folder}")
    return folder
