"""The cells that tools run in an agent's kernel: templates in cells/. Values are written into them as Python literals."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import jinja2


def cell(name: str, **values: Any) -> str:
    """Return the code of a cell."""
    return _templates().get_template(f"{name}.j2").render(**values)


def shown(name: str) -> str:
    """Return a file of cells/ as it is."""
    return files("alphalab_nb.tools").joinpath("cells", name).read_text(encoding="utf-8")


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(loader=jinja2.PackageLoader("alphalab_nb.tools", "cells"), undefined=jinja2.StrictUndefined)
    environment.filters["repr"] = repr
    return environment
