"""What agents can do. A tool is added in the file of its subject and to a role's row."""

from alphalab_nb.tools.adapter import (
    copy_reference_folder,
    patch_adapter_file,
    read_adapter,
    read_reference_adapter,
    write_adapter_file,
)
from alphalab_nb.tools.agents import spawn_agent
from alphalab_nb.tools.base import Decisions, Deps, Finding, Tool, Verdict, tool
from alphalab_nb.tools.board import read_board
from alphalab_nb.tools.checks import reality_check
from alphalab_nb.tools.citations import check_citations, find_uncited
from alphalab_nb.tools.code import note, run_cell, shell_exec
from alphalab_nb.tools.drafts import draft_findings
from alphalab_nb.tools.files import copy_file, edit_file, grep_file, read_file, write_file
from alphalab_nb.tools.jobs import read_job, start_job, stop_job
from alphalab_nb.tools.people import ask_human
from alphalab_nb.tools.planning import cancel_experiment, propose_experiment
from alphalab_nb.tools.research import Report, read_playbook, update_playbook, verdict
from alphalab_nb.tools.web import search_web, view_image

TOOLS: dict[str, Tool] = {
    declared.name: declared
    for declared in (
        run_cell, shell_exec, note, start_job, read_job, stop_job, read_file, write_file, edit_file, copy_file, grep_file, view_image,
        search_web, read_adapter, read_reference_adapter, write_adapter_file, copy_reference_folder, patch_adapter_file, read_board,
        read_playbook, update_playbook, propose_experiment, cancel_experiment, verdict, check_citations, reality_check, ask_human,
        spawn_agent,
    )
}
"""Every tool by name; `report_to_user` is the output tool of each conversation."""

__all__ = ["TOOLS", "Decisions", "Deps", "Finding", "Report", "Tool", "Verdict", "draft_findings", "find_uncited", "tool"]
