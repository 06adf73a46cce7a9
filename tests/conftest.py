"""Shared fixtures."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from tests import datasets


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real data sets; skips loudly without it."""
    folder = datasets.shared_data()
    if not (folder / "README.md").is_file():
        warnings.warn(f"real data sets are absent ({folder}); tests on them are skipped", stacklevel=1)
        pytest.skip(f"real data sets are absent: {folder}")
    return folder
