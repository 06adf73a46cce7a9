"""The contract of executors, run on every kind. A new executor has to pass it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from alphalab_nb.executors import Command, Executor, Exit, Limits, make_executor
from alphalab_nb.process import children, pids
from alphalab_nb.resources import cores

PYTHON = (sys.executable, "-I", "-S", "-c")
KINDS = ("inline", "local")
NO_LIMITS = Limits()
FAMILY = """
import os, time
if os.fork() == 0:
    os.setsid()
    os.fork()
open(f'up{{os.getpid()}}', 'w')
time.sleep(60)  # {mark}
"""
"""Three processes, two of them out of the group, the session and the sight of the first."""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def executor(kind: str) -> Iterator[Executor]:
    made = make_executor(kind)  # type: ignore[arg-type]
    yield made
    made.close()


def command(folder: Path, *argv: str, limits: Limits = NO_LIMITS, **env: str) -> Command:
    return Command(argv=argv, cwd=folder, folder=folder / "job", limits=limits, env=env, name="test")


def program(folder: Path, source: str, *, limits: Limits = NO_LIMITS, **env: str) -> Command:
    return command(folder, *PYTHON, source, limits=limits, **env)


def run(executor: Executor, order: Command) -> Exit:
    return executor.submit(order).result(20)


def marked(mark: str) -> list[int]:
    """Pids of living processes with the mark in their command line."""
    found = []
    for pid in pids():
        try:
            if mark.encode() in Path(f"/proc/{pid}/cmdline").read_bytes() and pid != os.getpid():
                found.append(pid)
        except OSError:
            continue
    return found


def until(condition: object, timeout_s: float = 10) -> bool:
    ends_at = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < ends_at:  # type: ignore[operator]
        time.sleep(0.01)
    return bool(condition())  # type: ignore[operator]


# -- ends ----------------------------------------------------------------------------------------------------


def test_success_is_ok_and_leaves_its_output(executor: Executor, tmp_path: Path) -> None:
    end = run(executor, program(tmp_path, "import os, sys; print(os.getcwd()); print('aside', file=sys.stderr)"))
    assert (end.label, end.code, end.signal, end.reason) == ("ok", 0, None, "")
    assert (tmp_path / "job" / "stdout.log").read_text() == f"{tmp_path}\n"
    assert (tmp_path / "job" / "stderr.log").read_text() == "aside\n"


def test_an_exit_code_other_than_zero_is_a_crash(executor: Executor, tmp_path: Path) -> None:
    end = run(executor, program(tmp_path, "import sys; sys.exit(3)"))
    assert (end.label, end.code, end.signal) == ("crash", 3, None)


def test_a_signal_is_a_crash(executor: Executor, tmp_path: Path) -> None:
    end = run(executor, program(tmp_path, "import os; os.kill(os.getpid(), 11)"))
    assert (end.label, end.code, end.signal) == ("crash", None, 11)


def test_a_program_that_cannot_start_is_the_machines_fault(executor: Executor, tmp_path: Path) -> None:
    end = run(executor, command(tmp_path, "/nowhere/python"))
    assert end.label == "infrastructure"
    assert "No such file" in end.reason


def test_a_missing_working_folder_is_the_machines_fault(executor: Executor, tmp_path: Path) -> None:
    order = Command(argv=("true",), cwd=tmp_path / "gone", folder=tmp_path / "job")
    assert run(executor, order).label == "infrastructure"


def test_what_was_spent_is_measured(executor: Executor, tmp_path: Path) -> None:
    source = "import time\nx = bytearray(64 << 20)\nwhile time.process_time() < 0.2: pass\ntime.sleep(0.2)"
    end = run(executor, program(tmp_path, source))
    assert end.wall_s >= 0.4
    assert 0.2 <= end.cpu_s < end.wall_s
    assert 64 <= end.peak_mib < 120
    assert end.started < end.finished


def test_cpu_and_memory_of_children_count(executor: Executor, tmp_path: Path) -> None:
    child = "import time\nx = bytearray(48 << 20)\nwhile time.process_time() < 0.2: pass"
    end = run(executor, program(tmp_path, f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {child!r}])"))
    assert end.cpu_s >= 0.2
    assert end.peak_mib >= 48


# -- limits --------------------------------------------------------------------------------------------------


def test_timeout_kills_grandchildren_that_hide(executor: Executor, tmp_path: Path) -> None:
    end = run(executor, program(tmp_path, FAMILY.format(mark=tmp_path.name), limits=Limits(wall_s=0.6)))
    assert end.label == "timeout"
    assert 0.6 <= end.wall_s < 3
    assert len(list(tmp_path.glob("up*"))) == 3
    assert marked(f"# {tmp_path.name}") == []


def test_timeout_first_asks(executor: Executor, tmp_path: Path) -> None:
    source = "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(print('tidied')))\ntime.sleep(60)"
    assert run(executor, program(tmp_path, source, limits=Limits(wall_s=0.6))).label == "timeout"
    assert (tmp_path / "job" / "stdout.log").read_text() == "tidied\n"


def test_timeout_ends_who_will_not_listen(executor: Executor, tmp_path: Path) -> None:
    source = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(60)"
    end = run(executor, program(tmp_path, source, limits=Limits(wall_s=0.3)))
    assert (end.label, end.signal) == ("timeout", 9)


def test_cpu_limit_counts_the_whole_tree(executor: Executor, tmp_path: Path) -> None:
    source = "import os\nos.fork()\nos.fork()\nwhile True: pass"
    end = run(executor, program(tmp_path, source, limits=Limits(cpu_s=0.3, wall_s=10)))
    assert end.label == "timeout"
    assert "CPU" in end.reason
    assert end.cpu_s >= 0.3


def test_too_much_memory_is_oom(executor: Executor, tmp_path: Path) -> None:
    source = "import time\nx = []\nwhile True:\n x.append(bytearray(8 << 20)); time.sleep(0.01)"
    end = run(executor, program(tmp_path, source, limits=Limits(memory_mib=100, wall_s=10)))
    assert end.label == "oom"
    assert end.peak_mib >= 100
    assert "oom:" in (tmp_path / "job" / "stderr.log").read_text()


def test_memory_shared_by_forks_counts_once(executor: Executor, tmp_path: Path) -> None:
    source = "import os, time\nx = bytearray(40 << 20)\nif os.fork(): os.fork()\ntime.sleep(0.5)"
    end = run(executor, program(tmp_path, source, limits=Limits(memory_mib=100)))
    assert end.label == "ok"


def test_too_many_processes_are_a_crash(executor: Executor, tmp_path: Path) -> None:
    source = "import os, time\nfor _ in range(30):\n if os.fork() == 0: break\ntime.sleep(60)"
    end = run(executor, program(tmp_path, source, limits=Limits(pids=20, wall_s=10)))
    assert end.label == "crash"
    assert "processes" in end.reason


def test_output_is_capped(executor: Executor, tmp_path: Path) -> None:
    end = run(executor, program(tmp_path, "while True: print('x' * 10000)", limits=Limits(output_mib=1, wall_s=10)))
    assert end.label == "crash"
    assert "output" in end.reason
    assert (tmp_path / "job" / "stdout.log").stat().st_size <= 2**20


def test_children_left_behind_are_ended_with_the_job(executor: Executor, tmp_path: Path) -> None:
    mark = f"left-{tmp_path.name}"
    source = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60) # {mark}'])"
    assert run(executor, program(tmp_path, source)).label == "ok"
    assert marked(f"time.sleep(60) # {mark}") == []


# -- environment ---------------------------------------------------------------------------------------------

TELL = "import json, os; print(json.dumps([dict(os.environ), sorted(os.sched_getaffinity(0))]))"


def told(folder: Path) -> tuple[dict[str, str], list[int]]:
    environment, affinity = json.loads((folder / "job" / "stdout.log").read_text())
    return environment, affinity


def test_no_key_of_ours_reaches_a_job(executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    monkeypatch.setenv("SOMETHING_ELSE", "secret")
    source = f"{TELL}\nprint(open(f'/proc/{{os.getppid()}}/environ').read())"
    run(executor, program(tmp_path, source, MINE="1"))
    text = (tmp_path / "job" / "stdout.log").read_text()
    assert '"MINE": "1"' in text
    assert '"PATH"' in text
    assert "secret" not in text


def test_threads_are_those_of_the_slot_and_cores_are_pinned(executor: Executor, tmp_path: Path) -> None:
    run(executor, program(tmp_path, TELL, OMP_NUM_THREADS="77"))
    environment, affinity = told(tmp_path)
    assert set(affinity) <= set(cores())
    for library in ("OMP", "MKL", "OPENBLAS", "TORCH", "NUMEXPR"):
        assert environment[f"{library}_NUM_THREADS"] == str(len(affinity))


def test_stdin_is_empty(executor: Executor, tmp_path: Path) -> None:
    run(executor, program(tmp_path, "import sys; print(repr(sys.stdin.read()))"))
    assert (tmp_path / "job" / "stdout.log").read_text() == "''\n"


# -- handles -------------------------------------------------------------------------------------------------


def test_submit_never_waits(executor: Executor, tmp_path: Path) -> None:
    began = time.monotonic()
    jobs = [
        executor.submit(Command(argv=("sleep", "0.5"), cwd=tmp_path, folder=tmp_path / str(n))) for n in range(executor.slots + 3)
    ]
    assert time.monotonic() - began < 0.5, "longer than the first of them takes"
    assert not jobs[-1].done
    assert {job.result(20).label for job in jobs} == {"ok"}


def test_result_raises_when_the_time_is_over(executor: Executor, tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        executor.submit(command(tmp_path, "sleep", "60")).result(0.05)


def test_callbacks_are_called_once_with_the_job_even_late(executor: Executor, tmp_path: Path) -> None:
    called: list[object] = []
    first = threading.Event()
    job = executor.submit(command(tmp_path, "true"))
    job.add_done_callback(lambda done: (called.append(done), first.set()))
    assert first.wait(20)
    job.add_done_callback(called.append)
    assert called == [job, job]


def test_a_callback_may_submit_the_next_step(executor: Executor, tmp_path: Path) -> None:
    ends: list[str] = []
    second_done = threading.Event()

    def next_step(_: object) -> None:
        second = executor.submit(Command(argv=("true",), cwd=tmp_path, folder=tmp_path / "second"))
        second.add_done_callback(lambda job: (ends.append(job.result().label), second_done.set()))

    executor.submit(command(tmp_path, "true")).add_done_callback(next_step)
    assert second_done.wait(20)
    assert ends == ["ok"]


def test_a_failing_callback_does_not_cost_the_slot(executor: Executor, tmp_path: Path) -> None:
    job = executor.submit(command(tmp_path, "true"))
    job.add_done_callback(lambda _: 1 / 0)
    assert job.result(20).label == "ok"
    assert run(executor, Command(argv=("true",), cwd=tmp_path, folder=tmp_path / "next")).label == "ok"


def test_a_running_job_can_be_cancelled(executor: Executor, tmp_path: Path) -> None:
    job = executor.submit(command(tmp_path, "sleep", "60"))
    assert until((tmp_path / "job" / "job.json").is_file)
    job.cancel()
    assert job.result(5).label == "cancelled"
    job.cancel()
    assert job.result(0).label == "cancelled"


def test_a_job_can_be_cancelled_at_once(executor: Executor, tmp_path: Path) -> None:
    job = executor.submit(command(tmp_path, "sleep", "60"))
    job.cancel()
    assert job.result(5).label == "cancelled"


def test_a_queued_job_can_be_cancelled_and_never_starts(executor: Executor, tmp_path: Path) -> None:
    blocking = [executor.submit(Command(argv=("sleep", "60"), cwd=tmp_path, folder=tmp_path / str(n))) for n in range(executor.slots)]
    queued = executor.submit(program(tmp_path, "open('ran', 'w')"))
    queued.cancel()
    assert queued.result(1).label == "cancelled"
    for job in blocking:
        job.cancel()
    assert run(executor, Command(argv=("true",), cwd=tmp_path, folder=tmp_path / "next")).label == "ok"
    assert not (tmp_path / "ran").exists()


def test_close_ends_everything_and_refuses_more(kind: str, tmp_path: Path) -> None:
    executor = make_executor(kind)  # type: ignore[arg-type]
    jobs = [executor.submit(Command(argv=("sleep", "60"), cwd=tmp_path, folder=tmp_path / str(n))) for n in range(executor.slots + 2)]
    executor.close()
    assert {job.result(0).label for job in jobs} == {"cancelled"}
    with pytest.raises(RuntimeError, match="closed"):
        executor.submit(command(tmp_path, "true"))


# -- traces --------------------------------------------------------------------------------------------------


def test_an_ended_job_is_found_by_its_folder(kind: str, tmp_path: Path) -> None:
    with make_executor(kind) as executor:  # type: ignore[arg-type]
        end = run(executor, program(tmp_path, "import sys; sys.exit(4)"))
    with make_executor(kind) as later:  # type: ignore[arg-type]
        job = later.attach(tmp_path / "job")
        assert job is not None
        assert job.done
        assert job.result(0) == end


def test_nothing_is_found_where_nothing_ran(executor: Executor, tmp_path: Path) -> None:
    assert executor.attach(tmp_path) is None
    assert executor.attach(tmp_path / "gone") is None


def test_a_running_job_is_found_by_its_folder(executor: Executor, kind: str, tmp_path: Path) -> None:
    executor.submit(command(tmp_path, "sleep", "0.5"))
    assert until((tmp_path / "job" / "job.json").is_file)
    with make_executor(kind) as later:  # type: ignore[arg-type]
        job = later.attach(tmp_path / "job")
        assert job is not None
        assert not job.done
        assert job.result(20).label == "ok"


def test_a_running_job_that_was_found_can_be_cancelled(executor: Executor, kind: str, tmp_path: Path) -> None:
    first = executor.submit(command(tmp_path, "sleep", "60"))
    assert until((tmp_path / "job" / "job.json").is_file)
    with make_executor(kind) as later:  # type: ignore[arg-type]
        job = later.attach(tmp_path / "job")
        assert job is not None
        job.cancel()
        assert job.result(5).label == first.result(5).label == "cancelled"


def test_a_new_job_in_an_old_folder_has_no_old_end(executor: Executor, tmp_path: Path) -> None:
    run(executor, program(tmp_path, "print('first')"))
    job = executor.submit(command(tmp_path, "sleep", "60"))
    assert executor.attach(tmp_path / "job") is None or not job.done
    assert not (tmp_path / "job" / "exit.json").exists()


# -- kill -9 -------------------------------------------------------------------------------------------------

OWNER = """
import sys, time
from pathlib import Path
from alphalab_nb.executors import Command, make_executor
folder = Path(sys.argv[2])
executor = make_executor(sys.argv[1])
executor.submit(Command(argv=("true",), cwd=folder, folder=folder / "short")).result(20)
executor.submit(Command(argv=(sys.executable, "-I", "-S", "-c", sys.argv[3]), cwd=folder, folder=folder / "job"))
time.sleep(60)
"""


@pytest.fixture
def owner(kind: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with an executor whose job has hidden grandchildren; their command lines hold the folder's name."""
    job = FAMILY.format(mark=tmp_path.name)
    process = subprocess.Popen([sys.executable, "-c", OWNER, kind, str(tmp_path), job], start_new_session=True)
    assert until(lambda: len(list(tmp_path.glob("up*"))) == 3, 30)
    yield process
    process.kill()
    process.wait()


def _orphans(folder: Path) -> Sequence[int]:
    return marked(f"time.sleep(60)  # {folder.name}")


def test_no_orphan_after_kill_9_of_the_owner(owner: subprocess.Popen[bytes], kind: str, tmp_path: Path) -> None:
    owner.kill()
    owner.wait()
    assert until(lambda: not _orphans(tmp_path))
    with make_executor(kind) as later:  # type: ignore[arg-type]
        short, long = later.attach(tmp_path / "short"), None
        assert short is not None
        assert short.result(0).label == "ok"
        assert until((tmp_path / "job" / "exit.json").is_file)
        long = later.attach(tmp_path / "job")
        assert long is not None
        assert long.result(0).label == "infrastructure"


def test_no_orphan_after_kill_9_of_the_whole_tree(owner: subprocess.Popen[bytes], kind: str, tmp_path: Path) -> None:
    for pid in [owner.pid, *children(owner.pid)]:
        os.kill(pid, signal.SIGKILL)
    owner.wait()
    with make_executor(kind) as later:  # type: ignore[arg-type]
        assert until(lambda: later.attach(tmp_path / "job") is None)  # a killed wrapper lives for some milliseconds more
    assert until(lambda: not _orphans(tmp_path))


def test_a_killed_wrapper_is_the_machines_fault_and_leaves_no_orphan(executor: Executor, tmp_path: Path) -> None:
    job = executor.submit(program(tmp_path, FAMILY.format(mark=tmp_path.name)))
    assert until(lambda: len(list(tmp_path.glob("up*"))) == 3)
    os.kill(json.loads((tmp_path / "job" / "job.json").read_text())["identity"][0], signal.SIGKILL)
    assert job.result(10).label == "infrastructure"
    assert until(lambda: not _orphans(tmp_path))
