"""A command in the sandbox runs as outside, sees what it is given, and the level in force is told."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.errors import ConfigError
from alphalab_nb.process import Identity
from alphalab_nb.sandbox import Sandbox, base
from alphalab_nb.sandbox.bwrap import Bubblewrap


def run(sandbox: Sandbox, code: str, *, cwd: Path, **options: Any) -> str:
    argv, env = sandbox.command([sys.executable, "-c", code], cwd=cwd, **options)
    done = subprocess.run(argv, env=env, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_runs_scientific_python_with_private_places(level: str, tmp_path: Path) -> None:
    code = (
        "import json, os, tempfile, matplotlib; matplotlib.use('Agg'); import matplotlib.pyplot as plt, numpy, sklearn, pandas\n"
        "plt.plot(numpy.arange(3)); plt.savefig(os.path.join(tempfile.gettempdir(), 'a.png'))\n"
        "print(json.dumps([os.getcwd(), os.environ['HOME'], os.environ['GIVEN']]))"
    )
    cwd, home, given = json.loads(run(Sandbox(level), code, cwd=tmp_path, env={"GIVEN": "1"}))
    assert (cwd, given) == (str(tmp_path), "1")
    assert home != os.environ.get("HOME")


def test_paths_are_readable_writable_or_absent_as_named(level: str, tmp_path: Path) -> None:
    for name in ("code", "data", "out", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    code = f"""
import os
os.chdir({str(tmp_path)!r})
for name in ("code", "data", "out", "other"):
    for mode in "ra":
        try:
            open(name + "/file", mode).close()
            print(name, mode)
        except OSError:
            pass"""
    seen = run(Sandbox(level), code, cwd=tmp_path / "code", read_only=[tmp_path / "data"], read_write=[tmp_path / "out"])
    assert seen.splitlines() == ["code r", "data r", "out r", "out a"]


def test_inner_paths_decide(level: str, tmp_path: Path) -> None:
    mine = tmp_path / "experiments" / "001"
    mine.mkdir(parents=True)
    (tmp_path / "experiments" / "other.txt").write_text("x")
    code = "open('made', 'w').close(); print(open('../other.txt').read())"
    assert run(Sandbox(level), code, cwd=mine, read_only=[tmp_path / "experiments"], read_write=[mine]) == "x"
    assert (mine / "made").is_file()


def test_a_folder_can_be_named_through_a_link(level: str, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("x")
    (tmp_path / "link").symlink_to("real")
    assert run(Sandbox(level), "print(open('file').read())", cwd=tmp_path / "link") == "x"


def test_a_link_inside_a_shown_folder_may_be_named(level: str, tmp_path: Path) -> None:
    for name in ("shown", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "elsewhere" / "file").write_text("x")
    (tmp_path / "shown" / "link").symlink_to(tmp_path / "elsewhere")
    link = tmp_path / "shown" / "link"
    code = "open('link/made', 'w').close(); print(open('link/file').read())"
    assert run(Sandbox(level), code, cwd=tmp_path / "shown", read_only=[tmp_path / "shown"], read_write=[link]) == "x"


def test_a_placeholder_survives_for_the_harness_to_fill(level: str, tmp_path: Path) -> None:
    argv, _ = Sandbox(level).command([sys.executable], cwd=tmp_path, env={"PYTHONPATH": "{harness}"})
    filled = [part.replace("{harness}", "/usr/share") for part in argv]
    done = subprocess.run([*filled, "-c", "import sys; print(sys.path)"], capture_output=True, text=True, check=True)
    assert "/usr/share" in done.stdout


def test_exit_codes_and_streams_pass_through(level: str, tmp_path: Path) -> None:
    argv, env = Sandbox(level).command([sys.executable, "-c", "import sys; print(sys.stdin.read()); sys.exit(7)"], cwd=tmp_path)
    done = subprocess.run(argv, env=env, input="hello", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (7, "hello")


def test_a_limit_of_the_caller_is_not_raised(level: str, tmp_path: Path) -> None:
    code = "open('big', 'wb').write(bytes(3 << 20))"
    argv, env = Sandbox(level).command([sys.executable, "-c", code], cwd=tmp_path, read_write=[tmp_path])

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    done = subprocess.run(argv, env=env, cwd=tmp_path, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert (tmp_path / "big").stat().st_size <= 1 << 20


def test_a_command_ends_with_the_process_that_started_it(level: str, tmp_path: Path) -> None:
    argv, env = Sandbox(level).command(["sleep", "97"], cwd=tmp_path)
    starter = f"import subprocess, time; p = subprocess.Popen({argv!r}, env={env!r}); print(p.pid, flush=True); time.sleep(97)"
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = Identity.of(int(parent.stdout.readline()))
        time.sleep(0.5)
        assert child.alive()
        parent.send_signal(signal.SIGKILL)
    assert child.wait(10)


def test_auto_takes_the_best_level_that_works() -> None:
    sandbox = Sandbox()
    assert sandbox.level == ("rlimits" if Bubblewrap.refusal() else "bwrap")
    assert sandbox.describe().startswith(sandbox.level)


def test_a_level_that_does_not_work_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base.Bubblewrap, "refusal", staticmethod(lambda: "user namespaces are forbidden"))
    with pytest.raises(ConfigError, match="user namespaces are forbidden"):
        Sandbox("bwrap")
    assert Sandbox("auto").level == "rlimits"
    assert "user namespaces are forbidden" in Sandbox("auto").describe()
