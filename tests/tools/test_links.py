"""No tool reads or writes through a link, however fast an agent's program puts one where a file was."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from alphalab_nb.errors import ToolError
from alphalab_nb.storage.experiment import Proposal
from alphalab_nb.tools import TOOLS, Deps, draft_findings
from tests.desk import desk

TRIES = 400
"""Calls of one tool against each of two ways to swap."""
SECRET = "foreign = 'of the vault'\nplain = 1\n"
OWN = "plain = 1\n"
_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux."""


@contextlib.contextmanager
def swapping(swap: Callable[[], None]) -> Iterator[None]:
    """Let a thread swap all the time."""
    end = threading.Event()

    def work() -> None:
        while not end.is_set():
            swap()

    thread, interval = threading.Thread(target=work), sys.getswitchinterval()
    sys.setswitchinterval(2e-5)  # seconds: threads take turns in the midst of a call
    thread.start()
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        end.set()
        thread.join()


def file_swap(path: Path, foreign: Path, own: bytes) -> Callable[[], None]:
    """Return what makes a path the own file, then a link to the foreign one; it is never absent."""
    aside = path.parent.parent / "aside"

    def swap() -> None:
        aside.write_bytes(own)
        aside.replace(path)
        aside.symlink_to(foreign)
        aside.replace(path)

    return swap


def folder_swap(path: Path, foreign: Path, own: bytes) -> Callable[[], None]:
    """Return what exchanges the path's folder, which holds the own file, with a link to the folder of the foreign one."""
    folder, aside = path.parent, path.parent.with_name("aside")
    aside.unlink(missing_ok=True)
    aside.symlink_to(foreign.parent)

    def swap() -> None:
        exchanged = ctypes.CDLL(None).renameat2(_HERE, os.fsencode(folder), _HERE, os.fsencode(aside), _EXCHANGE)
        assert exchanged == 0

    return swap


def attacked(deps: Deps, path: Path, own: bytes, foreign: bytes, call: Callable[[], Any], tries: int = TRIES) -> list[str]:
    """Return what a tool said while its file, or the file's folder, was swapped; the foreign folder stays as it was."""
    secret = deps.workspace.vault / path.name
    secret.parent.mkdir()
    secret.write_bytes(foreign)
    said: list[str] = []
    for way in (file_swap, folder_swap):
        path.parent.mkdir(exist_ok=True, parents=True)
        path.unlink(missing_ok=True)
        path.write_bytes(own)
        with swapping(way(path, secret, own)):
            for _ in range(tries):
                try:
                    said.append(str(call()))
                except (ToolError, OSError) as error:
                    said.append(f"refused: {error}")
                assert secret.read_bytes() == foreign
                assert [entry.name for entry in secret.parent.iterdir()] == [path.name]
    assert path.parent.with_name("aside").is_symlink() != path.parent.is_symlink(), "the folder was swapped to the end"
    return said


@pytest.fixture
def worker(tmp_path: Path) -> Deps:
    made = desk(tmp_path / "ws")
    return made.as_role("worker_implement", made.workspace.experiment(1, "mine"))


@pytest.fixture
def generator(tmp_path: Path) -> Deps:
    made = desk(tmp_path / "ws", new_domain=True)
    shutil.rmtree(made.workspace.adapter)
    return made.as_role("generator", made.workspace.draft)


@pytest.mark.parametrize(("tool", "arguments"), [
    ("read_file", ["d/x.py"]), ("read_file", ["d"]), ("grep_file", ["foreign|plain", "d"]), ("grep_file", ["foreign|plain", "d/x.py"]),
    ("copy_file", ["d/x.py", "copy.py"]), ("copy_file", ["d", "copy"]), ("copy_file", ["own.py", "d/x.py"]),
    ("write_file", ["d/x.py", OWN]), ("write_file", ["d/new/../x.py", OWN]), ("edit_file", ["d/x.py", "plain = 1\n", OWN]),
], ids=lambda value: value if isinstance(value, str) else value[-1][:6])
def test_a_file_tool_reads_and_writes_nothing_foreign(worker: Deps, tool: str, arguments: list[str]):
    (worker.cwd / "own.py").write_text(OWN)
    said = attacked(worker, worker.cwd / "d" / "x.py", OWN.encode(), SECRET.encode(), lambda: TOOLS[tool](worker, *arguments))
    assert not [line for line in said if "foreign" in line]
    assert any(not line.startswith("refused") for line in said)
    if arguments not in (["d"], ["foreign|plain", "d"], ["foreign|plain", "d/x.py"]):  # these leave links out
        assert any("links are not followed" in line for line in said)
    assert not [path for path in worker.cwd.rglob("*.py") if "foreign" in path.read_text()]


def test_no_foreign_image_is_shown(worker: Deps, tmp_path: Path):
    images = []
    for size in ((2, 2), (7, 3)):
        Image.new("RGB", size).save(tmp_path / "made.png")
        images.append((tmp_path / "made.png").read_bytes())
    path = worker.cwd / "d" / "x.png"
    said = attacked(worker, path, *images, lambda: TOOLS["view_image"](worker, "d/x.png").return_value[0])
    assert not [line for line in said if "7x3" in line]
    assert "d/x.png 2x2" in said
    assert any("links are not followed" in line for line in said)


@pytest.mark.parametrize(("tool", "arguments"), [
    ("write_adapter_file", ["d/x.py", OWN]), ("patch_adapter_file", ["d/x.py", "plain = 1\n", OWN, "why"]), ("read_adapter", ["d/x.py"]),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_tool_on_the_draft_reads_and_writes_nothing_foreign(generator: Deps, tool: str, arguments: list[str]):
    said = attacked(generator, generator.cwd / "d" / "x.py", OWN.encode(), SECRET.encode(), lambda: TOOLS[tool](generator, *arguments), 150)
    assert not [line for line in said if "foreign" in line]
    assert any(not line.startswith("refused") for line in said)


def test_a_drafts_findings_tell_nothing_foreign(generator: Deps):
    path = generator.cwd / "harness" / "manifest.yaml"  # beneath a folder that can be swapped, too
    (generator.cwd / "manifest.yaml").symlink_to(path)
    foreign = "name: foreign\nforeign: [\n"
    said = attacked(generator, path, b"name: own\n", foreign.encode(), lambda: draft_findings(generator), 50)
    assert not [line for line in said if "foreign" in line]
    top = file_swap(generator.cwd / "manifest.yaml", generator.workspace.vault / path.name, b"name: own\n")
    with swapping(top):
        said = [draft_findings(generator) for _ in range(100)]
    assert not [line for line in said if "foreign" in line]
    assert any("validation" in line or "Field required" in line for line in said), said[:3]


def test_citations_show_nothing_foreign(tmp_path: Path):
    made = desk(tmp_path / "ws")
    explorer = made.as_role("explorer", made.workspace.explore)
    call = TOOLS["check_citations"]
    said = attacked(explorer, explorer.cwd / "data_report" / "schema.md", b"- 1 row\n", b"- 98765 rows\n", lambda: call(explorer), 150)
    assert not [line for line in said if "98765" in line]
    assert any("schema.md:1: 1 without" in line for line in said)


def test_a_debrief_that_is_a_link_is_not_shown(worker: Deps):
    found = worker.board.add(Proposal(name="mine", family="x", hypothesis="h"), by="a")
    folder = worker.workspace.experiment(found.id, "mine")
    folder.mkdir(exist_ok=True)
    (folder / "debrief.md").symlink_to(worker.workspace.config)
    worker.workspace.config.write_text("foreign")
    assert "Debrief: none" in TOOLS["read_board"](worker, "experiment", found.id)


def test_a_link_inside_that_leads_inside_is_refused_with_its_reason(worker: Deps):
    TOOLS["write_file"](worker, "a.txt", "text")
    (worker.cwd / "b.txt").symlink_to("a.txt")
    for tool, arguments in (("read_file", ["b.txt"]), ("write_file", ["b.txt", "x"]), ("copy_file", ["b.txt", "c.txt"])):
        with pytest.raises(ToolError, match=r"b\.txt is a link, and links are not followed"):
            TOOLS[tool](worker, *arguments)
    assert TOOLS["read_file"](worker, "../001_mine/./a.txt") == "text"
    assert "b.txt" not in TOOLS["read_file"](worker, ".")


def test_a_pipe_is_neither_waited_for_nor_read(worker: Deps):
    os.mkfifo(worker.cwd / "pipe")
    for tool, arguments in (("read_file", ["pipe"]), ("write_file", ["pipe", "x"]), ("copy_file", ["pipe", "copy"])):
        with pytest.raises(ToolError, match=r"not a regular file|cannot be opened"):
            TOOLS[tool](worker, *arguments)


def test_a_file_copied_onto_itself_keeps_its_content(worker: Deps):
    TOOLS["write_file"](worker, "a.txt", "text")
    with pytest.raises(ToolError, match="are the same"):
        TOOLS["copy_file"](worker, "a.txt", "d/../a.txt")
    assert TOOLS["read_file"](worker, "a.txt") == "text"
