"""Identity, trees, atomic files and locks, on real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alphalab_nb import process
from alphalab_nb.errors import WorkspaceError
from alphalab_nb.process import FileLock, Identity, is_locked, kill_marked, kill_tree, write_atomic

SLEEP = (sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(SLEEP)
    yield started
    started.kill()
    started.wait()


# -- identity ------------------------------------------------------------------------------------------------


def test_we_are_alive() -> None:
    assert Identity.current().pid == os.getpid()
    assert Identity.current().alive()


def test_another_process_of_the_same_pid_is_not_the_same(sleeper: subprocess.Popen[bytes]) -> None:
    known = Identity.of(sleeper.pid)
    assert known.alive()
    assert not known._replace(start=known.start + 1).alive()
    assert not known._replace(boot="another boot").alive()
    assert not known._replace(start=known.start - 1).send(signal.SIGKILL)
    assert sleeper.poll() is None


def test_an_identity_survives_json(sleeper: subprocess.Popen[bytes]) -> None:
    assert Identity(*list(Identity.of(sleeper.pid))).alive()


def test_a_zombie_has_ended(sleeper: subprocess.Popen[bytes]) -> None:
    known = Identity.of(sleeper.pid)
    assert known.send(signal.SIGKILL)
    assert known.wait(5)
    assert sleeper.returncode is None  # not reaped
    assert not known.alive()
    assert not known.send(signal.SIGKILL)


def test_nobody_has_no_identity(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.kill()
    sleeper.wait()
    with pytest.raises(ProcessLookupError):
        Identity.of(sleeper.pid)


def test_wait_gives_up_in_time(sleeper: subprocess.Popen[bytes]) -> None:
    began = time.monotonic()
    assert not Identity.of(sleeper.pid).wait(0.1)
    assert time.monotonic() - began < 2


def test_wait_and_send_work_without_pidfd(sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(pid: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", unknown)
    known = Identity.of(sleeper.pid)
    assert not known.wait(0.05)
    assert known.send(signal.SIGKILL)
    assert known.wait(5)


# -- trees ---------------------------------------------------------------------------------------------------

FAMILY = """
import os, sys, time
root = os.getpid()
os.fork()
os.fork()
if os.getpid() != root: os.setsid()
open(f"{sys.argv[1]}/{os.getpid()}", "w")
time.sleep(60)
"""


def family(folder: Path, **env: str) -> tuple[subprocess.Popen[bytes], list[int]]:
    """Start a process that becomes four, three of them in sessions of their own."""
    root = subprocess.Popen([sys.executable, "-I", "-S", "-c", FAMILY, str(folder)], env={**os.environ, **env})
    while len(list(folder.iterdir())) < 4:
        time.sleep(0.01)
    return root, [int(path.name) for path in folder.iterdir()]


def living(pids: list[int]) -> list[int]:
    return [pid for pid in pids if (known := process.stat(pid)) is not None and known.state not in "ZX"]


def test_descendants_are_found_in_other_sessions(tmp_path: Path) -> None:
    root, pids = family(tmp_path)
    assert {root.pid, *process.descendants(root.pid)} == set(pids)
    assert kill_tree(root.pid)
    root.wait()


def test_children_are_found_where_the_kernel_does_not_list_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, _ = family(tmp_path)
    assert set(process._children_by_search(root.pid)) == set(process.children(root.pid))
    assert kill_tree(root.pid)
    root.wait()


def test_kill_tree_leaves_nobody(tmp_path: Path) -> None:
    root, pids = family(tmp_path)
    assert kill_tree(root.pid)
    assert living(pids) == []
    root.wait()


def test_kill_tree_outruns_who_forks_all_the_time(tmp_path: Path) -> None:
    source = "import os, time\nwhile True:\n pid = os.fork()\n if pid == 0: time.sleep(60)\n time.sleep(0.002)"
    root = subprocess.Popen([sys.executable, "-I", "-S", "-c", source], env={**os.environ, "MARK": tmp_path.name})
    time.sleep(0.2)
    assert kill_tree(root.pid)
    root.wait()
    assert kill_marked(f"MARK={tmp_path.name}") == 0


def test_kill_tree_of_nobody_is_no_error(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.kill()
    sleeper.wait()
    assert kill_tree(sleeper.pid)


def test_the_marked_are_found_after_they_left_the_tree(tmp_path: Path) -> None:
    root, pids = family(tmp_path, MARK=tmp_path.name)
    root.kill()
    root.wait()
    assert kill_marked(f"MARK={tmp_path.name}x") == 0
    assert kill_marked(f"MARK={tmp_path.name}") == 3
    time.sleep(0.1)
    assert living(pids) == []


CHILD = """
import time
from alphalab_nb.process import set_pdeathsig
set_pdeathsig(parent={parent})
print("up", flush=True)
time.sleep(60)
"""
HOLDER = """
import sys, time
from alphalab_nb.process import FileLock
with FileLock(sys.argv[1]):
    print("up", flush=True)
    time.sleep(60)
"""


def test_a_child_dies_with_the_thread_that_started_it() -> None:
    children: list[subprocess.Popen[str]] = []

    def start() -> None:
        command = [sys.executable, "-c", CHILD.format(parent=os.getpid())]
        children.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert children[0].stdout is not None
        assert children[0].stdout.readline() == "up\n"

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert children[0].wait(5) == -signal.SIGKILL
    assert children[0].stdout is not None
    children[0].stdout.close()


def test_a_parent_that_had_already_died_is_noticed() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD.format(parent=1 << 22)], capture_output=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")


# -- files ---------------------------------------------------------------------------------------------------


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, "ä")
    assert path.read_bytes() == "ä".encode()
    write_atomic(str(path), b"\0")
    assert path.read_bytes() == b"\0"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path, sizes = tmp_path / "file", (10, 1 << 18)
    write_atomic(path, b"x" * sizes[0])
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for size in sizes:
                write_atomic(path, b"x" * size)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    seen = {len(path.read_bytes()) for _ in range(200)}
    stop.set()
    for writer in writers:
        writer.join()
    assert seen <= set(sizes)


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_atomic(tmp_path / "folder", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_lock_has_one_holder_and_names_it(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"):
        with pytest.raises(WorkspaceError, match=str(os.getpid())), FileLock(tmp_path / "lock"):
            pass
    with FileLock(tmp_path / "lock"):
        pass


def test_a_lock_is_free_when_its_holder_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"up\n"
        with pytest.raises(WorkspaceError, match=str(holder.pid)), FileLock(tmp_path / "lock"):
            pass
        holder.kill()
        holder.wait()
    with FileLock(tmp_path / "lock"):
        pass


def test_a_lock_does_not_pass_to_children(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"):
        child = subprocess.Popen(SLEEP)
    with FileLock(tmp_path / "lock"):
        child.kill()
    child.wait()


def test_a_lock_is_seen_while_somebody_holds_it_and_looking_takes_nothing(tmp_path: Path):
    path = tmp_path / "lock"
    assert not is_locked(path), "there is no such file"
    with FileLock(path):
        assert is_locked(path)
        assert is_locked(path)
    assert not is_locked(path)
