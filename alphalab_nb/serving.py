"""Serve the panel of one campaign without JupyterLab: a page on loopback, behind a token. The only door to Voila."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

from alphalab_nb.errors import BadInput
from alphalab_nb.resources import shipped

WORKSPACE_VARIABLE = "ALPHALAB_WORKSPACE"
"""Environment variable that names the campaign's folder to notebooks/panel.ipynb."""
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class PanelPage:
    """A page that shows the panel; each visitor gets a kernel of their own, and all of them share the board."""

    root: Path
    port: int
    theme: str = "light"
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @classmethod
    def of(cls, root: Path, *, port: int = 0, theme: str = "light") -> PanelPage:
        """Plan a page for an existing campaign; port 0 means a free one.

        Raises:
            BadInput: the port is not to be had.
        """
        return cls(root, _free_port(port), theme)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/?token={self.token}"

    def serve(self) -> None:
        """Serve until Ctrl-C or SIGTERM.

        Raises:
            BadInput: somebody else took the port meanwhile.
        """
        from voila.app import Voila

        os.environ[WORKSPACE_VARIABLE] = str(self.root)
        os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # this Python's kernel, whatever kernels the user has installed
        app = Voila()
        app.initialize(self._arguments())
        app.token = self.token  # not an argument: command lines are readable by everybody on the machine
        try:
            app.start()
        except SystemExit as error:  # how Voila says that it cannot listen
            raise BadInput(_taken(self.port)) from error

    def _arguments(self) -> list[str]:
        """Return Voila's command line; it wins over the configuration files of the user."""
        return [
            str(shipped("notebooks", "panel.ipynb")), "--no-browser", f"--port={self.port}", f"--theme={self.theme}",
            f"--Voila.ip={LOOPBACK}", "--Voila.port_retries=0", "--Voila.log_level=ERROR",
            "--KernelManager.transport_encryption=auto", "--VoilaConfiguration.show_tracebacks=True",
            "--VoilaConfiguration.preheat_kernel=False",
        ]


def _free_port(port: int) -> int:
    """Return the port if it is free, or any free one for 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: a page that has just ended blocks nobody
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise BadInput(_taken(port)) from error
        return probe.getsockname()[1]


def _taken(port: int) -> str:
    return f"port {port} of {LOOPBACK} cannot be used, another program may hold it; choose another --port, or none for a free one"
