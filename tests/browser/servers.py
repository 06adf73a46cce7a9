"""Real servers on loopback for a test: JupyterLab with throw-away settings, and the page of `alphalab-nb panel`."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
_PATIENCE_S = 90.0


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab whose file browser shows `root`."""

    url: str
    token: str
    root: Path
    scratch: Path

    def address(self, notebook: str, *, workspace: str = "") -> str:
        """Return the address that opens a notebook alone; another `workspace` is another tab with a layout of its own."""
        place = f"/lab/workspaces/{workspace}/tree/{notebook}" if workspace else f"/doc/tree/{notebook}"
        return f"{self.url}{place}?token={self.token}"

    def trust(self, notebook: str) -> None:
        """Sign a notebook as this JupyterLab's user does who trusts it."""
        command = [sys.executable, "-m", "jupyter", "trust", str(self.root / notebook)]
        subprocess.run(command, env=_environment(self.scratch), check=True, capture_output=True)

    def kernels(self) -> list[str]:
        """Return the ids of the running kernels."""
        with urllib.request.urlopen(f"{self.url}/api/kernels?token={self.token}", timeout=10) as answer:
            return [kernel["id"] for kernel in json.load(answer)]


@contextmanager
def jupyterlab(root: Path, scratch: Path, *, theme: str = "light") -> Iterator[Lab]:
    """Serve a folder with JupyterLab; settings, layouts, trust and logs stay in `scratch`."""
    lab = Lab(f"http://127.0.0.1:{(port := free_port())}", secrets.token_hex(16), root, scratch)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={lab.token}", f"--ServerApp.root_dir={root}", "--ServerApp.allow_root=True",
        "--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly",
    ]
    _settings(scratch / "settings", theme)
    with (scratch / "lab.log").open("w") as log:
        process = subprocess.Popen(command, env=_environment(scratch), stdout=log, stderr=log, start_new_session=True)
        with _ended(process):
            _wait_for(f"{lab.url}/api/status?token={lab.token}", process, scratch / "lab.log")
            yield lab


@contextmanager
def panel_page(workspace: Path, scratch: Path, *, theme: str = "light") -> Iterator[str]:
    """Serve the panel of a campaign as a person does at the command line; yields the address it prints."""
    command = [sys.executable, "-m", "alphalab_nb.cli", "panel", str(workspace), "--theme", theme, "--json"]
    scratch.mkdir(parents=True, exist_ok=True)
    with (scratch / "page.log").open("w") as log:
        process = subprocess.Popen(
            command, env=_environment(scratch), stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        )
        with _ended(process):
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            _wait_for(url.split("?")[0] + "static/voila.js", process, scratch / "page.log")
            yield url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _settings(folder: Path, theme: str) -> None:
    """Choose the theme, and let JupyterLab ask nobody for news."""
    values = {"themes": {"theme": THEMES[theme]}, "notification": {"fetchNews": "false", "checkForUpdates": False}}
    place = folder / "@jupyterlab" / "apputils-extension"
    place.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        (place / f"{name}.jupyterlab-settings").write_text(json.dumps(value))


def _environment(scratch: Path) -> dict[str, str]:
    places = {
        "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "run", "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "layouts",
    }
    return {**os.environ, **{name: str(scratch / folder) for name, folder in places.items()}, "JUPYTER_PREFER_ENV_PATH": "1"}


def _wait_for(url: str, process: subprocess.Popen[str] | subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            urllib.request.urlopen(url, timeout=30).close()
        except URLError as error:
            if isinstance(error, urllib.request.HTTPError):
                return  # it answers
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"no server at {url}: {log.read_text()[-3000:]}") from error
            time.sleep(0.1)
        else:
            return


@contextmanager
def _ended(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Iterator[None]:
    """End a server as Ctrl-C does not ask twice: SIGTERM, so that it ends its kernels, then SIGKILL."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
