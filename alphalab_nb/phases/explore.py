"""Phase 1: the Explorer looks at the explore partition; its kept cells become the research report."""

from __future__ import annotations

from alphalab_nb.agents import run_agent
from alphalab_nb.agents.tasks import ExploreTask, Findings
from alphalab_nb.parts import Parts, deps_of
from alphalab_nb.phases.review import review
from alphalab_nb.phases.steps import Result, step
from alphalab_nb.session import compile_report, execute_notebook

RAW = "1_explorer.ipynb"


@step("explore")
def explore_data(parts: Parts) -> Result:
    """Run the Explorer: plan.md, learnings.md, data_report/, scripts/, plots/, notes/ and its raw notebook."""
    return explore(parts)


@step("explore")
def review_exploration(parts: Parts) -> Result:
    """Let the Supervisor review what was learnt; the Explorer may go on once, in the same notebook's successor."""
    known = parts.board.step("explore", "explore_data") or {"result": {}}
    names = ("plan", "learnings", "data_report/schema", "data_report/statistics", "data_report/findings")
    files = [f"explore/{name}.md" for name in names]
    return review(parts, "explore", known["result"]["summary"], files, lambda findings: explore(parts, findings))


def explore(parts: Parts, findings: Findings = ()) -> Result:
    """Run the Explorer; with findings it continues its notebook in a new conversation."""
    workspace = parts.workspace
    task = ExploreTask(folder=workspace.explore, data=workspace.explore_data, task=parts.task, rule=parts.adapter.manifest.partition,
                       findings=findings)
    deps = deps_of(parts, "explore", RAW, cwd=workspace.explore)
    report = run_agent("explorer", deps, task, key="explore/1_explorer_again" if findings else "")
    return {
        "summary": report.summary,
        "plots": sorted(path.name for path in (workspace.explore / "plots").glob("*.png")),
        "learnings": (workspace.explore / "learnings.md").read_text(encoding="utf-8"),
    }


@step("explore")
def compile_research_report(parts: Parts) -> Result:
    """Compile the kept cells into report.ipynb and execute it once, top to bottom."""
    workspace = parts.workspace
    out = workspace.explore / "report.ipynb"
    compile_report(workspace.agents / RAW, out)
    execute_notebook(
        out, cwd=workspace.explore, sandbox=parts.sandbox, read_only=[workspace.explore_data, workspace.adapter],
        read_write=[workspace.explore],
    )
    return {"report": str(out.relative_to(workspace.root))}
