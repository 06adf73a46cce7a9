"""`alphalab-nb panel`: a page on loopback behind a token, which ends cleanly and says what is in its way."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest

from tests.support import small_campaign

PROGRAM = [sys.executable, "-m", "alphalab_nb.cli", "panel"]


@contextmanager
def served(workspace: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a running page and the address that it printed."""
    process = subprocess.Popen(
        [*PROGRAM, str(workspace), "--json", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests in the background ignore Ctrl-C, and so would it
    )
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())["url"]
    finally:
        process.kill()
        process.communicate()


def ask(url: str) -> tuple[int, str]:
    """Return the status of an answer and the address it came from at last, once the server listens."""
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return answer.status, answer.url
        except HTTPError as error:
            return error.code, url
        except URLError:
            assert time.monotonic() < end, f"nobody listens at {url}"
            time.sleep(0.1)


def refused(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_the_page_asks_for_its_token_and_ctrl_c_ends_it(tmp_path: Path):
    with served(small_campaign(tmp_path).workspace.root) as (process, url):
        bare = url.split("?")[0]
        assert bare.startswith("http://127.0.0.1:")
        assert "/login" in ask(bare)[1]
        assert "/login" in ask(bare + "?token=guessed")[1]
        # neither the list of processes nor a file tells the token to the others on this machine
        assert url.split("token=")[1].encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


@pytest.mark.slow
def test_only_loopback_is_listened_on_whatever_the_user_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "voila.json").write_text(json.dumps({"Voila": {"ip": "0.0.0.0", "token": ""}}))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    with served(small_campaign(tmp_path).workspace.root) as (_, url):
        assert "/login" in ask(url.split("?")[0])[1]
        port = f":{int(url.split(':')[2].split('/')[0]):04X}"
        listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines() if " 0A " in line]
        assert [address for address in listening if address.endswith(port)] == [f"0100007F{port}"]


def test_a_port_in_use_is_refused(tmp_path: Path):
    campaign = small_campaign(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = refused(campaign.workspace.root, "--port", taken.getsockname()[1])
    assert (done.returncode, "--port" in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr


def test_a_folder_without_a_campaign_is_refused(tmp_path: Path):
    done = refused(tmp_path)
    assert (done.returncode, "create" in done.stderr) == (2, True), done.stderr
