"""File tools: confined to the role's folders, exact edits, pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from alphalab_nb.errors import ToolError
from alphalab_nb.tools import TOOLS, Deps
from tests.desk import desk


@pytest.fixture
def deps(tmp_path: Path) -> Deps:
    """A Worker's Deps; vault/ and another experiment lie outside of what it may read or write."""
    made = desk(tmp_path / "ws")
    files = {"vault/sealed/meta.json": "secret", "experiments/002_other/run.py": "theirs = 1\n", "harness/score.py": "x = 1\n"}
    for name, text in files.items():
        path = made.workspace.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return made.as_role("worker_implement", made.workspace.experiment(1, "mine"))


@pytest.mark.parametrize("path", ["../../vault/sealed/meta.json", "/etc/hostname", "../../board.sqlite3", "../../campaign.yaml"])
def test_a_file_outside_of_the_roles_folders_is_not_read(deps: Deps, path: str):
    with pytest.raises(ToolError, match="may not read"):
        TOOLS["read_file"](deps, path)


@pytest.mark.parametrize("path", ["../../harness/score.py", "../002_other/run.py", "../../playbook.md", "/tmp/stray.txt"])
def test_a_file_outside_of_the_roles_folders_is_not_written(deps: Deps, path: str):
    with pytest.raises(ToolError, match="may not write"):
        TOOLS["write_file"](deps, path, "x")


def test_a_link_does_not_lead_out_of_the_folder(deps: Deps):
    (deps.cwd / "link").symlink_to(deps.workspace.vault)
    (deps.cwd / "meta.json").symlink_to(deps.workspace.vault / "sealed" / "meta.json")
    with pytest.raises(ToolError, match="may not read"):
        TOOLS["read_file"](deps, "link/sealed/meta.json")
    with pytest.raises(ToolError, match="may not write"):
        TOOLS["write_file"](deps, "link/sealed/meta.json", "x")
    assert "secret" not in TOOLS["grep_file"](deps, "secret", ".")
    (deps.cwd / "sub").mkdir()
    (deps.cwd / "sub" / "meta.json").symlink_to(deps.workspace.vault / "sealed" / "meta.json")
    with pytest.raises(ToolError, match="no file sub"):
        TOOLS["copy_file"](deps, "sub", "copy")


def test_a_folder_is_copied_and_a_copy_stays_inside(deps: Deps):
    TOOLS["copy_file"](deps, "../../harness", "mine")
    assert (deps.cwd / "mine" / "score.py").read_text(encoding="utf-8") == "x = 1\n"
    with pytest.raises(ToolError, match="may not write"):
        TOOLS["copy_file"](deps, "mine", "../../harness")


def test_python_with_a_syntax_error_is_written_and_reported(deps: Deps):
    assert "syntax error in line 2" in TOOLS["write_file"](deps, "run.py", "a = 1\nb = (\n")
    assert (deps.cwd / "run.py").exists()


@pytest.mark.parametrize(("old", "count"), [("a = 1", 2), ("nowhere", 0), ("", 0)])
def test_an_edit_needs_a_passage_that_occurs_once(deps: Deps, old: str, count: int):
    TOOLS["write_file"](deps, "run.py", "a = 1\na = 1\nb = 2\n")
    with pytest.raises(ToolError, match=f"occurs {count} times"):
        TOOLS["edit_file"](deps, "run.py", old, "x")
    TOOLS["edit_file"](deps, "run.py", "b = 2", "b = 3")
    assert TOOLS["read_file"](deps, "run.py", offset=3) == "b = 3\n"


def test_a_long_file_is_read_in_pages(deps: Deps):
    text = "".join(f"line {n}\n" for n in range(1, 1001))
    TOOLS["write_file"](deps, "long.txt", text)
    first = TOOLS["read_file"](deps, "long.txt")
    assert "read on with offset=501" in first
    assert first.split("[lines")[0] + TOOLS["read_file"](deps, "long.txt", offset=501) == text


def test_an_image_is_shown_scaled_down(deps: Deps):
    Image.new("RGB", (3000, 1000)).save(deps.cwd / "plot.png")
    shown = TOOLS["view_image"](deps, "plot.png")
    assert shown.return_value[0] == "plot.png 3000x1000"
    assert shown.return_value[1].media_type == "image/png"
    TOOLS["write_file"](deps, "no.png", "text")
    with pytest.raises(ToolError, match="not an image"):
        TOOLS["view_image"](deps, "no.png")
