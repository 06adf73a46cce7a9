"""Papermill engine `alphalab`: every status in the executed notebook is true, every save is whole, no kernel is left behind.

Plain papermill calls cells `completed` that never ran when the kernel dies, a cell times out or a signal ends the run. This
engine knows nothing of campaigns; `runner` is its one user, and `papermill --engine alphalab` works as well.

Papermill loads its engines while it is itself being imported, so this module must not import papermill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["AlphaEngine"]


class AlphaEngine:
    """What papermill calls. One option beyond papermill's own: `told`, a function that is given lines of progress."""

    @classmethod
    def execute_notebook(cls, nb: NotebookNode, kernel_name: str, output_path: str | None = None, *, progress_bar: bool = True,
                         log_output: bool = False, autosave_cell_every: int = 5, **options: Any) -> NotebookNode:
        """Execute a notebook in place, saving it to `output_path` after every cell."""
        from alphalab_nb.engine.client import execute
        from alphalab_nb.engine.record import TruthfulManager

        manager = TruthfulManager(
            nb, output_path=output_path, log_output=log_output, progress_bar=progress_bar, autosave_cell_every=autosave_cell_every
        )
        manager.notebook_start()
        try:
            execute(manager, kernel_name, log_output=log_output, **options)
        finally:
            manager.notebook_complete()
        return manager.nb

    @classmethod
    def nb_kernel_name(cls, nb: NotebookNode, name: str | None = None) -> str:
        from papermill.utils import nb_kernel_name

        return nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: NotebookNode, language: str | None = None) -> str:
        from papermill.utils import nb_language

        return nb_language(nb, language)
