"""What agents can do. A tool is added in the file of its subject and to a role's row."""

from alphalab_nb.tools.base import Deps, Finding, Tool, Verdict, tool
from alphalab_nb.tools.citations import check_citations, find_uncited
from alphalab_nb.tools.code import note, run_cell, shell_exec
from alphalab_nb.tools.files import copy_file, edit_file, grep_file, read_file, write_file
from alphalab_nb.tools.research import Report, read_board, read_playbook, update_playbook, verdict
from alphalab_nb.tools.web import view_image

TOOLS: dict[str, Tool] = {
    declared.name: declared
    for declared in (
        run_cell, shell_exec, note, read_file, write_file, edit_file, copy_file, grep_file, view_image, read_board, read_playbook,
        update_playbook, verdict, check_citations,
    )
}
"""Every tool by name; `report_to_user` is the output tool of each conversation."""

__all__ = ["TOOLS", "Deps", "Finding", "Report", "Tool", "Verdict", "find_uncited", "tool"]
