"""What a tool is: a typed function whose first argument is Deps and whose docstring the model reads.

    @tool(slow=True)
    def run_cell(deps: Deps, reason: str, code: str) -> str:
        '''Run a cell. ...'''

A ToolError (any AlphaLabError but those that end a conversation) becomes a failed observation. No tool takes a score.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, validate_call
from pydantic_ai import RunContext
from pydantic_ai import Tool as PydanticTool
from pydantic_ai.exceptions import ModelRetry, ToolFailed

from alphalab_nb.adapter import Adapter
from alphalab_nb.beneath import Place, lexical, place
from alphalab_nb.config import CampaignConfig
from alphalab_nb.errors import AlphaLabError, ProviderOutage, Stopped, ToolError
from alphalab_nb.metric import Metric
from alphalab_nb.partitions import rule_of
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import Proposal
from alphalab_nb.storage.ledger import Ledger
from alphalab_nb.storage.patches import Patches
from alphalab_nb.storage.playbook import Playbook
from alphalab_nb.storage.questions import Questions
from alphalab_nb.storage.snapshots import Snapshots
from alphalab_nb.workspace import Workspace

if TYPE_CHECKING:
    from alphalab_nb.sandbox import Sandbox
    from alphalab_nb.session import Session

_log = logging.getLogger(__name__)

AGENT_CHARS = 8000
"""Characters of an output that the agent sees, head and tail; the notebook keeps the rest (llm.md, layout rule 4)."""

DRIVERS = Path(__file__).with_name("drivers")
"""Programs that tools run inside the sandbox of a kernel, which sees nothing else of this package."""


class Finding(BaseModel):
    """One thing that is wrong with what was examined."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    severity: Literal["blocking", "major", "minor"]
    file: str
    line: int
    """0 if it concerns the whole file."""
    message: str
    """One sentence: what was run and what came out."""


@dataclass(frozen=True)
class Verdict:
    """What the Critic or the Tester decided."""

    passed: bool
    findings: tuple[Finding, ...]


@dataclass
class Decisions:
    """What a Strategist has decided so far in its turn."""

    proposals: list[Proposal] = field(default_factory=list[Proposal])
    cancelled: dict[int, str] = field(default_factory=dict[int, str])
    """Experiment -> reason."""
    most: int = 0
    """Experiments that may be proposed in this turn."""
    diverse: bool = False
    """Whether the diversity quota is in force."""


@dataclass
class Deps:
    """What the tools of one conversation work on. The caller gives the first block, `run_agent` fills the second from the role."""

    workspace: Workspace
    board: Board
    playbook: Playbook
    ledger: Ledger
    adapter: Adapter
    sandbox: Sandbox
    config: CampaignConfig
    phase: str
    notebook: Path
    """The conversation's raw notebook."""
    cwd: Path
    """Working folder; relative paths of tools start here."""
    experiment: int | None = None
    attempt: int | None = None
    """Number of the experiment's attempt that is worked on."""
    adapter_pending: bool = False
    """The domain's own adapter has not been written yet; `adapter` is the reference that it starts from."""

    role: str = ""
    reads: tuple[Path, ...] = ()
    """Folders and files that may be read, beside those of `writes`."""
    writes: tuple[Path, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    """Goes into the notebook: role, provider, model."""
    verdict: Verdict | None = None
    decisions: Decisions = field(default_factory=Decisions)
    spawn: Callable[[str], str] | None = None
    """Lets a child work on a task, and returns its report."""
    opened: Session | None = None

    @property
    def task(self) -> dict[str, Any]:
        """The task block with the adapter's defaults filled in."""
        return self.adapter.task_with(self.config.task)

    @property
    def metric(self) -> Metric:
        """What is measured. A reference knows nothing of a new domain's metric: until that is written, the reference's own."""
        return self.adapter.metric({} if self.adapter_pending else self.task)

    @property
    def block(self) -> int:
        """Neighbouring units of a score that depend on each other."""
        return rule_of(self.adapter.manifest.partition).block(self.task)

    @property
    def questions(self) -> Questions:
        return Questions(self.board.database)

    @property
    def patches(self) -> Patches:
        return Patches(self.board.database, self.workspace, Snapshots(self.workspace))

    @property
    def session(self) -> Session:
        """The conversation's notebook and kernel; the kernel starts with the first cell."""
        if self.opened is None:
            from alphalab_nb.session import Session

            self.cwd.mkdir(parents=True, exist_ok=True)
            title = f"{self.role} #{self.experiment}" if self.experiment is not None else self.role
            seen, changed = ([path for path in paths if path.exists()] for paths in (self.reads, self.writes))
            self.opened = Session(
                self.notebook, self.cwd, self.sandbox, title=title, metadata=self.metadata, read_only=[*seen, DRIVERS], read_write=changed,
            )
        return self.opened

    def close(self) -> None:
        """Stop the kernel, if one was started."""
        if self.opened is not None:
            self.opened.close()


@dataclass(frozen=True)
class Tool:
    """A declared tool. Calling it runs the plain function (tests, programs)."""

    function: Callable[..., Any]
    slow: bool
    """Runs off the event loop."""
    remembers: bool = False
    """Changes nothing but the conversation's own decisions, which a resumed conversation makes again by calling it again."""

    @property
    def name(self) -> str:
        return self.function.__name__

    def __call__(self, deps: Deps, *args: Any, **kwargs: Any) -> Any:
        return self.function(deps, *args, **kwargs)

    def again(self, deps: Deps, args: dict[str, Any]) -> Any:
        """Call the function with the arguments of a recorded call."""
        return validate_call(functools.partial(self.function, deps))(**args)

    @functools.cached_property
    def schema(self) -> dict[str, Any]:
        """Name, description and JSON schema, as a model sees them."""
        definition = self.pydantic.tool_def
        return {"name": definition.name, "description": definition.description, "parameters": definition.parameters_json_schema}

    @functools.cached_property
    def pydantic(self) -> PydanticTool[Deps]:
        """The pydantic-ai tool; sequential, because cells share one kernel and files one folder."""
        return PydanticTool(_adapted(self), takes_ctx=True, name=self.name, sequential=True, docstring_format="google")


def tool(*, slow: bool = False, remembers: bool = False) -> Callable[[Callable[..., Any]], Tool]:
    """Declare a tool."""
    return lambda function: Tool(function, slow, remembers)


def _adapted(declared: Tool) -> Callable[..., Any]:
    """Return the function with pydantic-ai's context in place of Deps, and failures as observations."""
    function = declared.function

    @functools.wraps(function)
    async def call(ctx: RunContext[Deps], *args: Any, **kwargs: Any) -> Any:
        try:
            if declared.slow:
                return await asyncio.to_thread(function, ctx.deps, *args, **kwargs)
            return function(ctx.deps, *args, **kwargs)
        except (Stopped, ProviderOutage):  # of a child: they end this conversation, too, which can be resumed at this call
            raise
        except AlphaLabError as error:
            raise ToolFailed(str(error)) from error
        except (ModelRetry, ToolFailed):
            raise
        except Exception as error:
            _log.exception("tool %s", declared.name)
            ctx.deps.board.event("tool_error", f"{declared.name}: {error!r}", role=ctx.deps.role, experiment=ctx.deps.experiment)
            raise ToolFailed(f"{type(error).__name__}: {error}") from error

    hints = typing.get_type_hints(function, include_extras=True)
    first, *others = inspect.signature(function).parameters.values()
    parameters = [first.replace(name="ctx", annotation=RunContext[Deps]), *(p.replace(annotation=hints[p.name]) for p in others)]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    del call.__wrapped__  # type: ignore[attr-defined]
    return call


def clip(text: str, limit: int = AGENT_CHARS) -> str:
    """Keep head and tail of a long text and say how much is missing."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def readable(deps: Deps, path: str) -> Place:
    """Return the place of a path if this role may read it. Links are not followed, wherever they lead.

    Raises:
        ToolError: outside of the role's folders.
    """
    return _confined(deps, path, (*deps.writes, *deps.reads), "read")


def writable(deps: Deps, path: str) -> Place:
    """Return the place of a path if this role may write it; see `readable`."""
    return _confined(deps, path, deps.writes, "write")


def _confined(deps: Deps, path: str, roots: tuple[Path, ...], verb: str) -> Place:
    wanted, refusal = lexical(deps.cwd / path), f"{deps.role or 'this role'} may not {verb} {path}"
    for root in map(lexical, roots):
        if wanted.is_relative_to(root):
            return place(_anchor(deps, root), wanted, shown=path, refusal=refusal)
    allowed = ", ".join(_shown(deps, root) for root in roots) or "nothing"
    raise ToolError(f"{refusal}; allowed: {allowed}")


def _anchor(deps: Deps, root: Path) -> Path:
    """Return the folder to start from: a role's folder may lie in one that another role's programs change, the workspace does not."""
    return deps.workspace.root if root.is_relative_to(deps.workspace.root) else root.parent


def _shown(deps: Deps, path: Path) -> str:
    root = deps.workspace.root
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name
