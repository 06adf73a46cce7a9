"""The reality check finds what would fail in a campaign, at both levels of the sandbox, and gives no score."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from alphalab_nb.errors import ToolError
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.tools import TOOLS, Deps
from tests.desk import Desk, desk
from tests.levels import level

__all__ = ["level"]

ROWS = 600


def lay_out(at: Desk, rows: int = ROWS) -> None:
    """Leave what phases 0 and 2 leave: a sine of period 52 between 250 and 350, and the harness."""
    folder = at.workspace.explore_data
    folder.mkdir(parents=True)
    target = 300 + 50 * np.sin(np.arange(rows) * 2 * np.pi / 52)[:, None]
    np.savez(folder / "panel.npz", target=target, times=np.arange(rows) * 604800, t0=np.int64(0), items=np.array(["a"]),
             covariates=np.zeros((rows, 1, 0)), known=np.zeros(0, dtype=bool), covariate_names=np.array([], dtype=np.str_))
    meta = {"freq": "W", "season": 52, "seasons": [52], "partition": "explore", "rows": rows, "items": 1, "t0": 0}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    shutil.copytree(at.workspace.adapter / "harness", at.workspace.harness)
    (at.workspace.harness / "config.json").write_text(json.dumps(at.task), encoding="utf-8")


@pytest.fixture
def deps(tmp_path: Path, level: Literal["bwrap", "rlimits"]) -> Iterator[Deps]:
    """A Worker in front of a program that works."""
    at = desk(tmp_path / "ws")
    lay_out(at)
    working = at.as_role("worker_implement", at.workspace.experiment(1, "mine"))
    working.sandbox = Sandbox(level, hidden=[at.workspace.vault])
    recipe = next(recipe for recipe in at.adapter.recipes() if recipe.family == "harmonic")
    facts = {**at.task, "n_items": 1, "length": ROWS}
    for name, text in recipe.render(recipe.default(facts), facts).items():
        (working.cwd / name).write_text(text, encoding="utf-8")
    yield working
    working.close()


def check(deps: Deps) -> str:
    said: str = TOOLS["reality_check"](deps)
    return said


def change(deps: Deps, name: str, old: str, new: str) -> None:
    path = deps.cwd / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


ANSWER = "        return np.asarray"


def test_a_program_that_works_is_described_without_a_score(deps: Deps):
    before = {path.name: path.read_bytes() for path in deps.cwd.iterdir()}
    said = check(deps)
    assert "run.py in smoke fidelity: exit 0" in said
    assert re.search(r"answers of shape \(26, 1\), all finite", said)
    low, high = map(float, re.findall(r"forecasts ([\d.]+) to ([\d.]+)", said)[0])
    assert 240 < low < high < 360, "as the data"
    assert "the data there: 250 to 350" in said
    assert "an evaluation would take it" in said
    assert not re.search(r"rmse|mae|mase|loss|value", said)
    assert {path.name: path.read_bytes() for path in deps.cwd.iterdir()} == before


def test_a_conversation_that_is_taken_up_again_may_check_too(deps: Deps):
    check(deps)
    deps.close()
    deps.opened = None
    assert "A new kernel was started" in check(deps)


@pytest.mark.parametrize(("name", "old", "new", "found"), [
    ("serve.py", ANSWER, "        return np.nan * np.asarray", "(?s)1 not finite.*NOT READY: an evaluation would fail: invalid_output"),
    ("serve.py", ANSWER, "        return np.zeros((3, 1)) + 0 * np.asarray(0) if 1 else np.asarray", r"answers of shape \(3, 1\)"),
    ("serve.py", ANSWER, "        return np.random.rand() * np.asarray", "gate_missed"),
    ("serve.py", ANSWER, "        1 / 0\n        return np.asarray", "ZeroDivisionError"),
    ("serve.py", "class Forecaster", "class Other", "has no attribute 'Forecaster'"),
    ("run.py", "def main() -> None:", "def main() -> None:\n    open('stray.txt', 'w')", "PermissionError.*stray"),
    ("run.py", "    main()", "    print('nothing to do')", "left nothing in DIR/artefact/"),
    ("run.py", "    main()", "    raise MemoryError('too large')", "exit 1.*(?s:.*)too large"),
])
def test_what_would_fail_in_a_campaign_is_found(deps: Deps, name: str, old: str, new: str, found: str):
    change(deps, name, old, new)
    with pytest.raises(ToolError, match="NOT READY") as refused:
        check(deps)
    assert re.search(found, str(refused.value), re.DOTALL), refused.value


def test_an_artefact_that_reads_what_will_not_be_there_is_found(deps: Deps):
    change(deps, "serve.py", ANSWER, f"        np.load({str(deps.workspace.explore_data / 'panel.npz')!r})\n{ANSWER}")
    with pytest.raises(ToolError, match=r"serving opened .*panel\.npz: only the artefact will be there"):
        check(deps)


def test_a_program_that_does_not_end_is_stopped(deps: Deps):
    deps.config = deps.config.model_copy(update={"executor": deps.config.executor.model_copy(update={"wall_s": 1.0})})
    change(deps, "run.py", "    main()", "    import time; time.sleep(60)")
    with pytest.raises(ToolError, match=r"was stopped in 1\.\d s"):
        check(deps)


def test_an_empty_folder_says_what_is_missing(deps: Deps):
    (deps.cwd / "run.py").unlink()
    with pytest.raises(ToolError, match=r"run\.py"):
        check(deps)


def test_without_a_harness_the_program_is_run_and_no_more(deps: Deps):
    shutil.rmtree(deps.workspace.harness)
    with pytest.raises(ToolError, match=r"(?s)exit 0 in .*no harness yet"):
        check(deps)


def test_an_explore_that_is_too_short_for_a_window_is_said(deps: Deps):
    with np.load(deps.workspace.explore_data / "panel.npz") as panel:
        short = {name: panel[name][:40] if len(panel[name].shape) and len(panel[name]) == ROWS else panel[name] for name in panel.files}
    np.savez(deps.workspace.explore_data / "panel.npz", **short)
    (deps.cwd / "run.py").write_text("import sys, pathlib\n(pathlib.Path(sys.argv[2]) / 'artefact').mkdir()\n"
                                     "(pathlib.Path(sys.argv[2]) / 'artefact' / 'serve.py').write_text('x = 1')\n", encoding="utf-8")
    with pytest.raises(ToolError, match="explore has 40 rows: too few for a window of 26"):
        check(deps)
