"""PrefixProvisioner: starts a kernel behind a command prefix, such as a sandbox's (entry point `alphalab-prefix`)."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Bool, List, Unicode

from alphalab_nb.process import kill_tree

NAME = "alphalab-prefix"


class PrefixProvisioner(LocalProvisioner):
    """LocalProvisioner with argv in front of the kernel's own."""

    prefix: List[str] = List(Unicode()).tag(config=True)
    own_processes = Bool(False).tag(config=True)
    """The prefix makes a process namespace: the kernel cannot see us, so the prefix must end it with us."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        kwargs = await super().pre_launch(**kwargs)
        kwargs["cmd"] = [*self.prefix, *kwargs["cmd"]]
        if self.own_processes:
            # ipykernel's watch over its parent would see pid 0 or 1 and end the kernel at once.
            kwargs["independent"] = True
            kwargs["env"].pop("JPY_PARENT_PID", None)
        return kwargs

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel and every process that a cell has started and that is still its descendant."""
        if self.process is not None:
            await asyncio.to_thread(kill_tree, self.process.pid)
