"""What papermill writes into the notebook while it runs: statuses that are true, files that are whole."""

from __future__ import annotations

from typing import Any

from papermill.engines import NotebookExecutionManager
from papermill.iorw import LocalHandler, papermill_io

from alphalab_nb.process import write_atomic


class AtomicHandler(LocalHandler):
    """Writes whole files: a reader sees the notebook before or after a save, never half of it."""

    def write(self, buf: str, path: str) -> None:
        write_atomic(path, buf)


# Absolute paths only: papermill resolves relative ones against a folder that only its own handler knows.
papermill_io.register("/", AtomicHandler())


class TruthfulManager(NotebookExecutionManager):
    """Keeps papermill's records, without its habit of calling completed what never ran."""

    def notebook_complete(self, **_: Any) -> None:
        self.end_time = self.now()
        record = self.nb.metadata.papermill
        record["end_time"] = self.end_time.isoformat()
        if self.start_time is not None:
            record["duration"] = (self.end_time - self.start_time).total_seconds()
        record["exception"] = any(cell.metadata.papermill["status"] != self.COMPLETED for cell in self.nb.cells) or None
        self.cleanup_pbar()
        self.save()
