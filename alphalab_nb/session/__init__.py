"""Session: an agent's managed Jupyter kernel, which leaves a notebook behind. Nothing here loads jupyter_client at import."""

from alphalab_nb.session.report import compile_report, execute_notebook
from alphalab_nb.session.session import CellResult, Session

__all__ = ["CellResult", "Session", "compile_report", "execute_notebook"]
