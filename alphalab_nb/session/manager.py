"""LabKernelManager: starts our kernel (kernel_app.py) over ipc sockets in a private folder. Usable by nbclient and Papermill.

Never the user's kernelspecs, no ports, nothing that another user of the machine can connect to.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from traitlets import Bool, List, Unicode

from alphalab_nb.session.provisioner import NAME

KERNEL_APP = Path(__file__).with_name("kernel_app.py")
_LONGEST_FOLDER = 80
"""Of the 107 bytes that the path of a unix socket may have."""


class LabKernelManager(AsyncKernelManager):
    """`folder` holds the connection file and the sockets; set `prefix` before the start to run behind a sandbox."""

    prefix: List[str] = List(Unicode())
    own_processes = Bool(False)

    def __init__(self, **options: Any) -> None:
        self.folder = _private_folder()
        fixed = {
            "transport": "ipc", "ip": str(self.folder / "k"), "connection_file": str(self.folder / "kernel.json"),
            "shutdown_wait_time": 3.0,
        }
        super().__init__(**{**options, **fixed})
        # An entry point is there only after installation; a checkout works too.
        KernelProvisionerFactory.instance().provisioners.setdefault(
            NAME, EntryPoint(NAME, "alphalab_nb.session.provisioner:PrefixProvisioner", KernelProvisionerFactory.GROUP_NAME)
        )

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-P", str(KERNEL_APP), "-f", "{connection_file}", "--HistoryManager.enabled=False",
                  "--InteractiveShell.cache_size=50"],
            display_name="AlphaLab-NB", language="python", interrupt_mode="message" if self.own_processes else "signal",
            metadata={"kernel_provisioner": {
                "provisioner_name": NAME, "config": {"prefix": list(self.prefix), "own_processes": self.own_processes},
            }},
        )

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart=restart)
        if not restart:
            shutil.rmtree(self.folder, ignore_errors=True)

    cleanup_resources = _async_cleanup_resources


def _private_folder() -> Path:
    base = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="alphalab-k-", dir=base if len(base) < _LONGEST_FOLDER else "/tmp"))
