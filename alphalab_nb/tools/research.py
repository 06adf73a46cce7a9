"""The playbook, verdicts and reports, as far as an agent may see and change them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from alphalab_nb.errors import ToolError
from alphalab_nb.tools.base import Deps, Finding, Verdict, tool


class Report(BaseModel):
    """Send your report and end the conversation."""

    model_config = ConfigDict(extra="forbid")
    summary: str = Field(description="What you did and what follows from it, in a few sentences.")


@tool()
def read_playbook(deps: Deps) -> str:
    """Read the lessons of this campaign."""
    return deps.playbook.markdown()


@tool()
def update_playbook(
    deps: Deps, claim: str, kind: Literal["works", "fails", "avoid", "insight"], evidence: list[int], replaces: int | None = None
) -> str:
    """Add a lesson, or replace one of yours by a new version. What a person wrote cannot be replaced.

    Args:
        claim: One sentence.
        kind: works, fails, avoid (do not attempt) or insight.
        evidence: Ids of the experiments that support it.
        replaces: Id of the entry that this is a new version of.
    """
    if replaces is None:
        return f"playbook entry {deps.playbook.add(claim, kind=kind, evidence=evidence, author=deps.role).id}"
    entry = deps.playbook.edit(replaces, claim=claim, evidence=evidence, author=deps.role)
    return f"playbook entry {entry.id}, version {entry.version}"


@tool(remembers=True)
def verdict(deps: Deps, passed: bool, findings: list[Finding]) -> str:
    """Give your verdict on what you examined; required before you report.

    Args:
        passed: False if any finding is blocking.
        findings: What is wrong, each with the execution that shows it.
    """
    if passed and any(finding.severity == "blocking" for finding in findings):
        raise ToolError("a blocking finding means passed = false")
    if not passed and not findings:
        raise ToolError("passed = false needs at least one finding")
    deps.verdict = Verdict(passed, tuple(findings))
    return f"verdict: {'passed' if passed else 'not passed'}, {len(findings)} finding(s)"
