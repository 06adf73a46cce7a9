"""First messages are data, too: every brief is kept as a golden file, rendered from a task that is always the same."""

from __future__ import annotations

from importlib.resources import files

import pytest

from tests.agents.examples import GOLDEN, TASKS, golden_brief


@pytest.mark.parametrize("name", TASKS)
def test_a_brief_is_what_its_golden_file_holds(name: str):
    path = GOLDEN / f"{name}.md"
    assert path.is_file(), "run python -m tests.agents.golden and read the diff"
    assert golden_brief(name) == path.read_text(encoding="utf-8"), "if meant: run python -m tests.agents.golden and read the diff"


def test_every_template_has_an_example_and_every_golden_file_one():
    templates = {entry.name for entry in files("alphalab_nb.agents").joinpath("briefs").iterdir() if entry.name[0] != "_"}
    assert {task.template for task in TASKS.values()} == {name for name in templates if name.endswith(".md")}
    assert {path.stem for path in GOLDEN.glob("*.md")} == set(TASKS)
