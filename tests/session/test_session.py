"""Sessions: cells, limits, restarts, and the notebook they leave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipykernel
import nbformat
import pytest

from alphalab_nb.errors import AlphaLabError
from alphalab_nb.process import Identity, pids
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.session import Session

ENDLESS = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"


@pytest.fixture
def session(level: str, tmp_path: Path) -> Iterator[Session]:
    with Session(tmp_path / "raw.ipynb", tmp_path / "cwd", Sandbox(level), title="explorer", metadata={"role": "explorer"}) as session:
        yield session


def cells(session: Session) -> list[Any]:
    notebook = nbformat.read(session.notebook, as_version=4)
    nbformat.validate(notebook)
    return notebook.cells


def kernels(folder: Path) -> list[Identity]:
    """Return the processes that work in a folder."""
    found = []
    for pid in pids():
        try:
            if Path(f"/proc/{pid}/cwd").readlink() == folder:
                found.append(Identity.of(pid))
        except OSError:
            continue
    return found


def test_cells_share_variables_and_become_a_valid_notebook(session: Session) -> None:
    first = session.run("x = 20; print('made', x)", reason="Make a number.")
    second = session.run("x + 1")
    session.note("It is 21.")
    assert (first.status, first.text, first.cell_id) == ("ok", "made 20\n", 1)
    assert (second.text, second.cell_id, second.note) == ("21\n", 2, "")
    kept = [(cell.cell_type, cell.source) for cell in cells(session)]
    assert kept == [
        ("markdown", "# explorer"), ("markdown", "Make a number."), ("code", "x = 20; print('made', x)"), ("code", "x + 1"),
        ("markdown", "It is 21."),
    ]
    assert cells(session)[2].outputs[0].text == "made 20\n"
    assert nbformat.read(session.notebook, as_version=4).metadata.alphalab["role"] == "explorer"


def test_figures_come_back_as_png_and_stay_in_the_notebook(session: Session) -> None:
    result = session.run("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    assert [image[:4] for image in result.images] == [b"\x89PNG"]
    assert "image/png" in cells(session)[-1].outputs[0].data


def test_an_error_is_a_result(session: Session) -> None:
    result = session.run("1 / 0")
    assert result.status == "error"
    assert result.text.rstrip().endswith("ZeroDivisionError: division by zero")
    assert "\x1b" not in result.text
    assert session.run("'still here'").ok


def test_output_is_cut_where_it_is_made_and_the_cut_is_told(session: Session) -> None:
    result = session.run("for i in range(300_000): print(i)\nprint('END')", timeout_s=60)
    assert result.text.startswith("0\n1\n")
    assert result.text.endswith("END\n")
    whole = sum(len(str(i)) + 1 for i in range(300_000)) + 4
    assert f"[{whole - 200_000} characters were cut here]" in result.text
    child = session.run("import subprocess\nsubprocess.run('yes | head -c 3000000', shell=True)", timeout_s=60)
    assert len(child.text) < 500_000
    assert session.notebook.stat().st_size < 2_000_000


@pytest.mark.parametrize("code", [
    r"print('\ud800')", r"print('\x00\x1b[31m\U0001F600 \u00e9')", "'x' * 10**7", "raise ValueError('x' * 10**7)",
])
def test_any_output_can_be_kept(session: Session, code: str) -> None:
    result = session.run(code, timeout_s=60)
    result.text.encode()
    assert result.status in ("ok", "error")
    assert cells(session)[-1].source == code
    assert session.notebook.stat().st_size < 3_000_000


def test_a_cell_that_swallows_its_interrupt_is_still_late(session: Session) -> None:
    result = session.run("import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('no')", timeout_s=1)
    assert (result.status, result.text) == ("timeout", "no\n")


def test_a_kernel_that_cannot_start_says_why(level: str, tmp_path: Path) -> None:
    sandbox = Sandbox(level, hidden=[Path(ipykernel.__file__).parent])
    session = Session(tmp_path / "raw.ipynb", tmp_path / "cwd", sandbox)
    with pytest.raises(AlphaLabError, match=r"did not start[\s\S]*ipykernel"):
        session.run("1")
    session.close()


def test_progress_bars_keep_their_last_state(session: Session) -> None:
    assert session.run("for i in range(3): print(f'\\r{i} of 3', end='')\nprint()").text == "2 of 3\n"


def test_a_late_cell_is_interrupted_and_variables_stay(session: Session) -> None:
    session.run("x = 1")
    result = session.run("import time\nprint('before', flush=True)\ntime.sleep(60)", timeout_s=1)
    assert (result.status, result.restarted) == ("timeout", False)
    assert result.text.startswith("before\n")
    assert "stopped at its limit of 1 s" in result.note
    assert session.run("x").text == "1\n"


def test_a_cell_that_does_not_stop_costs_the_kernel_and_says_so(session: Session) -> None:
    session.run("x = 1")
    # With its handler gone, the kernel does not hear an interrupt.
    result = session.run("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + ENDLESS, timeout_s=1)
    assert (result.status, result.restarted) == ("killed", True)
    assert "the kernel was killed and restarted: all variables are lost" in result.note
    assert session.run("x").status == "error"
    assert nbformat.read(session.notebook, as_version=4).metadata.alphalab["restarts"] == 1
    assert any(output.get("ename") == "KernelRestarted" for cell in cells(session) if cell.cell_type == "code" for output in cell.outputs)


@pytest.mark.parametrize(("code", "status"), [("import os; os._exit(3)", "died"), ("exit()", "exited")])
def test_the_end_of_a_kernel_is_noticed(session: Session, code: str, status: str) -> None:
    result = session.run(code)
    assert (result.status, result.restarted) == (status, True)
    assert "all variables are lost" in result.note
    assert session.run("1").ok


def test_interrupting_from_another_thread(session: Session) -> None:
    session.run("1")
    threading.Timer(0.5, session.interrupt).start()
    result = session.run("import time; time.sleep(60)", timeout_s=30)
    assert result.status == "error"
    assert "KeyboardInterrupt" in result.text


def test_notes_alone_start_no_kernel_and_cost_nothing(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.session import Session
session = Session(Path({str(tmp_path)!r}) / "raw.ipynb", Path({str(tmp_path)!r}), Sandbox())
session.note("hello")
session.close()
print([name for name in ("jupyter_client", "zmq", "nbformat") if name in sys.modules])"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    sandbox = Sandbox("rlimits")
    began = time.perf_counter()
    for _ in range(20):
        Session(tmp_path / "other.ipynb", tmp_path, sandbox, title="worker")
    assert (time.perf_counter() - began) / 20 < 0.005
    assert not (tmp_path / "other.ipynb").exists()


def test_an_existing_notebook_is_continued(session: Session, level: str, tmp_path: Path) -> None:
    session.run("x = 1")
    session.close()
    with Session(session.notebook, tmp_path / "cwd", Sandbox(level), title="explorer") as again:
        result = again.run("x")
    assert (result.cell_id, result.status) == (2, "error")
    assert "variables of earlier cells are not there" in result.note
    assert [cell.source for cell in cells(session)] == ["# explorer", "x = 1", "x"]


def test_the_kernel_sees_what_the_session_was_given(level: str, tmp_path: Path) -> None:
    for name in ("data", "plots"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "a.txt").write_text("visible")
    with Session(
        tmp_path / "raw.ipynb", tmp_path / "cwd", Sandbox(level), read_only=[tmp_path / "data"], read_write=[tmp_path / "plots"]
    ) as session:
        code = f"open({str(tmp_path / 'plots' / 'p')!r}, 'w').write(open({str(tmp_path / 'data' / 'a.txt')!r}).read())\nopen('here', 'w')"
        assert session.run(code).ok
        assert not session.run(f"open({str(tmp_path / 'data' / 'b')!r}, 'w')").ok
        assert not session.run(f"open({str(session.notebook)!r})").ok
    assert (tmp_path / "plots" / "p").read_text() == "visible"
    assert (tmp_path / "cwd" / "here").exists()


def test_nothing_is_left_after_close(session: Session, tmp_path: Path) -> None:
    session.run("import subprocess; child = subprocess.Popen(['sleep', '95'], start_new_session=True)")
    alive = kernels(tmp_path / "cwd")
    assert alive
    session.close()
    assert not [known for known in alive if not known.wait(5)]
    session.close()  # a second time is no error


def test_no_kernel_outlives_a_process_that_is_killed(level: str, tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.session import Session
folder = Path({str(tmp_path)!r})
Session(folder / "raw.ipynb", folder / "cwd", Sandbox({level!r})).run("print(1)")
print("ready", flush=True)
time.sleep(60)"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        alive = kernels(tmp_path / "cwd")
        assert alive
        owner.send_signal(signal.SIGKILL)
    assert not [known for known in alive if not known.wait(5)]
    assert json.loads((tmp_path / "raw.ipynb").read_text())["cells"][0]["outputs"][0]["text"] == "1\n"


def test_keys_do_not_reach_the_kernel(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "SOME_API_KEY", "secret-value")
    assert session.run("import os; print('SOME_API_KEY' in os.environ)").text == "False\n"
