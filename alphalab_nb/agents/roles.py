"""The table of roles: prompt, tools, folders and limits. Adding a tool to a role is a word in its row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alphalab_nb.tools import Deps, draft_findings, find_uncited
from alphalab_nb.workspace import Workspace

_CODE = ("run_cell", "shell_exec", "note", "start_job", "read_job", "stop_job")
_LOOK = ("read_file", "grep_file")
_EDIT = ("write_file", "edit_file", "copy_file")
_MEMORY = ("read_board", "read_playbook")
_HELP = ("search_web", "spawn_agent", "ask_human")


@dataclass(frozen=True)
class Role:
    """One row."""

    name: str
    prompt: str
    """The adapter's file that describes the role; empty for roles that are the same in every domain."""
    contract: str
    """File in contracts/: what our code needs of the role; it stands after the prompt and wins."""
    tools: tuple[str, ...]
    reads: tuple[str, ...] = ()
    """Properties of Workspace; the role's working folder is always readable."""
    writes: tuple[str, ...] = ()
    """Properties of Workspace, in which the working folder counts only as `cwd`."""
    block: str = ""
    """Section of prompt and contract that is meant, where several roles share the files."""
    refuses: Callable[[Deps], str] | None = None
    """Says why a report comes too early; an empty text accepts it."""
    informed: bool = True
    """Whether it reads the domain knowledge."""
    requests: int = 100
    """Responses per conversation."""
    patient: bool = True
    """Whether it waits when the campaign is paused or its provider is out of order; where a person waits for it, it gives up instead."""

    def folders(self, workspace: Workspace, cwd: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """Return what the role may read and what it may write."""
        return (
            (cwd, *(_folder(workspace, cwd, name) for name in self.reads)),
            tuple(_folder(workspace, cwd, name) for name in self.writes),
        )


def _folder(workspace: Workspace, cwd: Path, name: str) -> Path:
    path: Path = cwd if name == "cwd" else getattr(workspace, name)
    return path


def _without_verdict(deps: Deps) -> str:
    return "" if deps.verdict else "give your verdict before you report"


def _uncited(deps: Deps) -> str:
    problems = find_uncited(deps)
    return f"mend {len(problems)} citation(s) before you report; check_citations lists them. The first: {problems[0]}" if problems else ""


def _invalid_draft(deps: Deps) -> str:
    """The Generator's draft must validate before it may report; without a manifest it reports that the data cannot answer."""
    return draft_findings(deps) if (deps.workspace.draft / "manifest.yaml").is_file() else ""


_WORKER_READS = ("adapter", "explore", "explore_data", "harness", "experiments", "playbook")
_REVIEWED = ("adapter", "explore", "explore_data", "harness", "build", "agents", "reports", "playbook", "experiments")

ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        Role("generator", "phase0_generator.md", "generator.md",
             (*_CODE, *_LOOK, "read_reference_adapter", "write_adapter_file", "patch_adapter_file", "copy_reference_folder", *_HELP),
             reads=("explore_data", "adapter", "draft"), writes=("cwd",), refuses=_invalid_draft, requests=200),
        Role("customizer", "phase0_customizer.md", "customizer.md", (*_CODE, *_LOOK, *_EDIT, "read_adapter", "patch_adapter_file", *_HELP),
             reads=("explore_data",), writes=("adapter",)),
        # Paper: 200-400 tool calls in 30-90 minutes.
        Role("explorer", "phase1_explorer.md", "explorer.md", (*_CODE, *_LOOK, *_EDIT, "view_image", "check_citations", *_HELP),
             reads=("explore_data", "adapter"), writes=("cwd",), refuses=_uncited, requests=500),
        Role("builder", "phase2_builder.md", "builder.md", (*_CODE, *_LOOK, *_EDIT, *_HELP), reads=("adapter", "explore", "explore_data"),
             writes=("cwd", "harness"), requests=200),
        Role("critic", "phase2_critic.md", "critic.md", (*_CODE, *_LOOK, "write_file", "verdict", *_HELP),
             reads=("adapter", "harness", "explore", "explore_data"), writes=("cwd",), refuses=_without_verdict, requests=100),
        Role("tester", "phase2_tester.md", "tester.md", (*_CODE, *_LOOK, *_EDIT, "verdict", *_HELP),
             reads=("adapter", "harness", "explore_data"), writes=("cwd",), refuses=_without_verdict, requests=100),
        Role("strategist", "phase3_strategist.md", "strategist.md",
             (*_LOOK, *_MEMORY, "update_playbook", "propose_experiment", "cancel_experiment", *_HELP), reads=_WORKER_READS,
             writes=("cwd",), requests=80),
        Role("worker_implement", "phase3_worker.md", "worker.md", (*_CODE, *_LOOK, *_EDIT, *_MEMORY, "reality_check", *_HELP),
             reads=_WORKER_READS, writes=("cwd",), block="implement", requests=120),
        Role("worker_fix", "phase3_worker.md", "worker.md", (*_CODE, *_LOOK, *_EDIT, *_MEMORY, "reality_check", *_HELP),
             reads=_WORKER_READS, writes=("cwd",), block="fix", requests=80),
        Role("worker_analyze", "phase3_worker.md", "worker.md", (*_CODE, *_LOOK, *_EDIT, *_MEMORY, "view_image", "update_playbook"),
             reads=_WORKER_READS, writes=("cwd",), block="analyze", requests=60),
        Role("reporter", "", "reporter.md", (*_CODE, *_LOOK, *_EDIT, *_MEMORY, "view_image"), reads=_WORKER_READS,
             writes=("reports",), requests=60),
        Role("supervisor", "phase3_supervisor.md", "supervisor.md",
             (*_LOOK, "read_adapter", "patch_adapter_file", *_MEMORY, "verdict", "view_image", "ask_human"), reads=_REVIEWED,
             writes=("adapter",), requests=60),
        Role("guide", "", "guide.md", (*_LOOK, *_MEMORY), reads=("reports", "experiments", "explore"), requests=12, patient=False),
        Role("preflight", "", "preflight.md", ("read_file", "view_image"), reads=("cwd",), informed=False, requests=12),
        Role("child", "", "child.md", (*_CODE, *_LOOK, "view_image", "search_web"),
             reads=_WORKER_READS, writes=("cwd",), requests=60),
    )
}
