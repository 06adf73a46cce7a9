"""`python -m tests.agents.golden` writes the golden prompts and briefs anew; read their diff before you commit it."""

from __future__ import annotations

import shutil

from alphalab_nb.agents import ROLES
from tests.agents import examples
from tests.agents.rendering import ADAPTERS, GOLDEN, golden


def main() -> None:
    """Write one file per adapter and role, one per example of a brief, and nothing else."""
    shutil.rmtree(GOLDEN, ignore_errors=True)
    for adapter in ADAPTERS:
        (GOLDEN / adapter).mkdir(parents=True)
        for role in ROLES:
            (GOLDEN / adapter / f"{role}.md").write_text(golden(adapter, role), encoding="utf-8")
    shutil.rmtree(examples.GOLDEN, ignore_errors=True)
    examples.GOLDEN.mkdir()
    for name in examples.TASKS:
        (examples.GOLDEN / f"{name}.md").write_text(examples.golden_brief(name), encoding="utf-8")


if __name__ == "__main__":
    main()
