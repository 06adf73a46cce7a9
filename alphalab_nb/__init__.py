"""AlphaLab-NB: an autonomous research harness whose campaigns are folders of executed notebooks.

Public names are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphalab_nb.campaign import Campaign
    from alphalab_nb.errors import AlphaLabError, BadInput

__version__ = "0.1.0"

_HOMES = {"Campaign": "campaign", "AlphaLabError": "errors", "BadInput": "errors"}

__all__ = ["AlphaLabError", "BadInput", "Campaign", "__version__"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
