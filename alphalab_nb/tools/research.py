"""The playbook, verdicts and reports, as far as an agent may see and change them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from alphalab_nb.errors import ToolError
from alphalab_nb.storage.standing import check_avoid, results
from alphalab_nb.tools.base import Deps, Finding, Verdict, tool
from alphalab_nb.tools.weighing import effects, weigh_playbook


class Report(BaseModel):
    """Send your report and end the conversation."""

    model_config = ConfigDict(extra="forbid")
    summary: str = Field(description="What you did and what follows from it, in a few sentences.")


@tool()
def read_playbook(deps: Deps) -> str:
    """Read the lessons of this campaign. Tentative ones rest on one run, or on an effect inside the noise."""
    return deps.playbook.prompt()


@tool()
def update_playbook(
    deps: Deps, claim: str, kind: Literal["works", "fails", "avoid", "insight"], evidence: list[int], replaces: int | None = None
) -> str:
    """Add a lesson, or replace one of yours by a new version. What a person wrote cannot be replaced.

    Measured scores decide how far it stands: on one run, or inside the noise, it is tentative; contradicted twice, it is retired.

    Args:
        claim: One sentence.
        kind: works, fails, avoid (do not attempt; needs two experiments that failed or did clearly worse) or insight.
        evidence: Ids of the experiments that support it; add the parent where the claim compares an experiment with it.
        replaces: Id of the entry that this is a new version of.
    """
    _check_ids(deps, evidence)
    old = None if replaces is None else deps.playbook.get(replaces)
    if old is None or not old.human:
        check_avoid(old.kind if old else kind, evidence, results(deps.board), effects(deps.board, deps.metric, deps.block))
    if replaces is None:
        entry = deps.playbook.add(claim, kind=kind, evidence=evidence, author=deps.role)
    else:
        entry = deps.playbook.edit(replaces, claim=claim, evidence=evidence, author=deps.role)
    weigh_playbook(deps.board, deps.playbook, deps.metric, deps.block)
    said = f"playbook entry {entry.id}{f', version {entry.version}' if replaces is not None else ''}"
    return f"{said} ({deps.playbook.standings()[entry.id]})"


def _check_ids(deps: Deps, evidence: list[int]) -> None:
    known = {experiment.id for experiment in deps.board.list()}
    if unknown := [id for id in evidence if id not in known]:
        raise ToolError(f"there is no experiment {unknown[0]}; evidence is a list of ids of the board")


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
