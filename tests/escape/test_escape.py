"""Nobody gets out: a set of attempts at what a campaign hides, as a RUN would make them and as a cell would."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alphalab_nb.sandbox import Sandbox, confine
from alphalab_nb.session import Session
from alphalab_nb.workspace import Workspace

PROBES = Path(__file__).with_name("probes.py")
SECRET = "the truth of the sealed partition"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A campaign's folder with something to find in each hidden place."""
    workspace = Workspace(tmp_path / "campaign")
    for folder in (workspace.vault / "sealed", workspace.explore_data, workspace.harness, workspace.experiments / "001_mine"):
        folder.mkdir(parents=True)
    for file in (workspace.vault / "sealed" / "panel.npz", workspace.database, workspace.config, tmp_path / "source.csv"):
        file.write_text(SECRET)
    return workspace


@pytest.fixture
def sandbox(level: str, workspace: Workspace) -> Sandbox:
    return Sandbox(level, hidden=[workspace.root.parent / "source.csv", workspace.vault, workspace.database])


@pytest.fixture
def victim() -> Iterator[int]:
    """A process of the host that holds a key."""
    with subprocess.Popen(["sleep", "300"], env={**os.environ, "PLANTED_API_KEY": "planted-secret"}) as process:
        yield process.pid
        assert process.poll() is None, "it was reached from inside"
        process.kill()


def test_a_level_that_cannot_hide_files_says_so() -> None:
    said = Sandbox("rlimits").describe()
    assert "NOT covered" in said
    assert ("can read every file" in said) == (not confine.landlock_abi())


@pytest.mark.parametrize("hidden", ["vault/sealed/panel.npz", "board.sqlite3", "campaign.yaml", "../source.csv"])
def test_no_attempt_of_a_run_succeeds(
    hidden: str, workspace: Workspace, sandbox: Sandbox, victim: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED_API_KEY", "planted-secret")
    cwd = workspace.experiments / "001_mine"
    with socket.create_server(("127.0.0.1", 0)) as service, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0alphalab-{os.getpid()}")
        abstract.listen()
        order = {
            "file": str((workspace.root / hidden).resolve()), "victim": victim, "port": service.getsockname()[1],
            # In a network of its own a datagram goes to nobody and no error comes back.
            "datagrams": sandbox.level == "rlimits", "abstract": f"alphalab-{os.getpid()}", "read_only": str(workspace.harness),
        }
        argv, env = sandbox.command(
            [sys.executable, str(PROBES), json.dumps(order)], cwd=cwd, read_only=[PROBES, workspace.harness, workspace.explore_data],
            read_write=[cwd],
        )
        done = subprocess.run(argv, env=env, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert len(outcome) > 15
    assert {name: result["got"] for name, result in outcome.items() if "got" in result} == {}
    assert SECRET not in done.stdout
    assert not list(workspace.root.parent.rglob("made"))


def test_what_is_hidden_stays_hidden_inside_a_folder_that_is_shown(workspace: Workspace, sandbox: Sandbox) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "for path in sys.argv[1:]:\n    try:\n        print(Path(path).read_text())\n    except OSError:\n        print('stopped')"
    )
    shown = workspace.explore_data / "meta.json"
    shown.write_text("shown")
    files = [workspace.vault / "sealed" / "panel.npz", workspace.database, workspace.root.parent / "source.csv", shown]
    for link in (False, True):
        root = workspace.root.parent
        if link:
            root = root.with_name(root.name + "_link")
            root.symlink_to(workspace.root.parent.name)
        argv, env = sandbox.command([sys.executable, "-c", code, *map(str, files)], cwd=root, read_only=[root])
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["stopped"] * 3 + ["shown"]


def test_copies_of_data_in_packages_are_hidden_and_the_packages_work(level: str, tmp_path: Path) -> None:
    import statsmodels.datasets.co2

    copy = Path(statsmodels.datasets.co2.__file__).with_name("co2.csv")
    code = (
        f"import statsmodels.api\nfrom statsmodels.datasets import co2\n"
        f"for read in (lambda: open({str(copy)!r}).read(), co2.load_pandas):\n"
        "    try:\n        print(len(read()))\n    except Exception as error:\n        print(type(error).__name__)"
    )
    argv, env = Sandbox(level, hidden=[copy]).command([sys.executable, "-c", code], cwd=tmp_path)
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["PermissionError"] * 2


def test_a_cell_and_its_shell_see_no_more_than_a_run(workspace: Workspace, sandbox: Sandbox) -> None:
    file = workspace.vault / "sealed" / "panel.npz"
    with Session(workspace.agents / "raw.ipynb", workspace.experiments / "001_mine", sandbox) as session:
        assert not session.run(f"open({str(file)!r}).read()").ok
        assert not session.run(f"import os; os.listdir({str(workspace.vault)!r})").ok
        shell = session.run(f"import subprocess; print(subprocess.run(['cat', {str(file)!r}], capture_output=True, text=True))")
        assert "returncode=1" in shell.text
        assert not session.run("import urllib.request; urllib.request.urlopen('http://127.0.0.1', timeout=2)").ok
    assert SECRET not in session.notebook.read_text()
