"""The campaign's folder on disk; the only place that knows its file names."""

from __future__ import annotations

import os
from pathlib import Path

from alphalab_nb.errors import WorkspaceError

PHASES: tuple[str, ...] = ("adapt", "explore", "build", "experiment", "report")
"""The five phases in their order; phase n is notebook `n_<name>.ipynb`."""
LAST_STEPS = {"adapt": "review_adapter", "explore": "compile_research_report", "build": "certify_baselines", "report": "open_sealed"}
"""The step that ends a phase; the experiments end with a stop reason."""


class Workspace:
    """Paths of one campaign. Making one touches nothing on disk."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).expanduser().resolve()

    def __fspath__(self) -> str:
        return str(self.root)

    def __repr__(self) -> str:
        return f"Workspace({str(self.root)!r})"

    @property
    def config(self) -> Path:
        return self.root / "campaign.yaml"

    @property
    def database(self) -> Path:
        return self.root / "board.sqlite3"

    @property
    def lock(self) -> Path:
        return self.root / ".dispatcher.lock"

    @property
    def adapter(self) -> Path:
        return self.root / "adapter"

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def agents(self) -> Path:
        return self.root / "agents"

    @property
    def explore(self) -> Path:
        """Working folder of the Explorer: plan.md, learnings.md, data_report/, scripts/, plots/, notes/."""
        return self.root / "explore"

    @property
    def draft(self) -> Path:
        """The adapter of a new domain while it is being written."""
        return self.root / "adapter_draft"

    @property
    def build(self) -> Path:
        """Working folder of phase 2."""
        return self.root / "build"

    @property
    def data(self) -> Path:
        """Visible data; its one sub-folder is the explore partition."""
        return self.root / "data"

    @property
    def explore_data(self) -> Path:
        return self.data / "explore"

    @property
    def vault(self) -> Path:
        """Hidden data: search, confirm, sealed."""
        return self.root / "vault"

    @property
    def secret(self) -> tuple[Path, ...]:
        """What no agent and no experiment may see: the hidden partitions, the board and the scores."""
        files = [self.database.with_name(self.database.name + suffix) for suffix in ("", "-wal", "-shm")]
        return (self.vault, *files, self.runs)

    @property
    def harness(self) -> Path:
        return self.root / "harness"

    @property
    def experiments(self) -> Path:
        return self.root / "experiments"

    @property
    def attempts(self) -> Path:
        return self.root / "attempts"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def playbook(self) -> Path:
        return self.root / "playbook.md"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def git(self) -> Path:
        """The workspace's own git directory; an enclosing repository is never touched."""
        return self.root / ".git"

    def notebook(self, phase: str) -> Path:
        """Executed notebook of a phase."""
        return self.notebooks / f"{PHASES.index(phase)}_{phase}.ipynb"

    def notebook_source(self, phase: str) -> Path:
        """The notebook that is run; people may edit it."""
        return self.notebooks / "source" / f"{PHASES.index(phase)}_{phase}.ipynb"

    def verification(self, experiment: int) -> Path:
        """Executed notebook of the newest verification of an experiment."""
        return self.notebooks / f"verify_{experiment}.ipynb"

    def clean_copy(self, experiment: int) -> Path:
        """Where a program is restored to be run again; removed when its verification ends."""
        return self.root / "clean" / f"{experiment:03d}"

    def experiment(self, id: int, name: str) -> Path:
        return self.experiments / f"{id:03d}_{name}"

    def attempt(self, experiment: int, number: int) -> Path:
        return self.attempts / f"{experiment:03d}" / str(number)

    def run(self, id: int) -> Path:
        return self.runs / f"{id:05d}"

    def make(self) -> None:
        """Create the folder and its standing sub-folders.

        Raises:
            WorkspaceError: the folder cannot be written.
        """
        try:
            for folder in (self.agents, self.notebooks / "source", self.experiments, self.attempts, self.runs, self.reports):
                folder.mkdir(parents=True, exist_ok=True)
            probe = self.root / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise WorkspaceError(f"cannot write to {self.root}: {error.strerror}; choose a folder you may write to") from error

    def check(self) -> None:
        """Make sure that this folder holds a campaign.

        Raises:
            WorkspaceError: missing, no campaign in it, or not writable.
        """
        if not self.config.is_file():
            raise WorkspaceError(
                f"{self.root} holds no campaign (no campaign.yaml); create one with `alphalab-nb create {self.root} --config FILE`"
            )
        if not os.access(self.root, os.W_OK):
            raise WorkspaceError(f"{self.root} is not writable; change its owner or mode, or copy it")
