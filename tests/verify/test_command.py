"""`alphalab-nb verify`: a real process, an executed notebook, the exit code."""

from __future__ import annotations

import json
import subprocess
import sys

import nbformat

from alphalab_nb.campaign import Campaign
from alphalab_nb.resources import shipped
from alphalab_nb.verify import known_verdict
from tests.verify.campaigns import CLOCK, HONEST, SMOKED, sql


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "alphalab_nb.cli", "verify", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_an_executed_notebook_states_the_verdict_and_the_exit_code_repeats_it(campaign: Campaign):
    root = campaign.workspace.root
    held = call(root, HONEST, "--json")
    assert held.returncode == 0, held.stdout + held.stderr
    answer = json.loads(held.stdout)
    assert (answer["verdict"], answer["notebook"]) == ("HOLDS", f"notebooks/verify_{HONEST}.ipynb")
    fault = call(root, CLOCK)
    assert (fault.returncode, "FAULT" in fault.stdout) == (1, True), fault.stdout + fault.stderr
    for id, word in ((HONEST, "HOLDS"), (CLOCK, "FAULT")):
        executed = nbformat.read(root / f"notebooks/verify_{id}.ipynb", as_version=4)
        code = [cell for cell in executed.cells if cell.cell_type == "code"]
        assert not [out for cell in code for out in cell.outputs if out.output_type == "error"]
        assert word in str(code[-1].outputs)
        verdict = known_verdict(campaign.board, id)
        assert verdict is not None
        assert verdict.said.startswith(word)


def test_the_notebook_imports_nothing_but_our_own_package():
    """The experiment reaches it as an artefact that the harness judges in a process of its own."""
    notebook = json.loads(shipped("notebooks", "verify.ipynb").read_text(encoding="utf-8"))
    source = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    imports = [line for line in source.splitlines() if "import" in line]
    assert imports
    assert all(line.startswith("from alphalab_nb") for line in imports)


def test_bad_input_is_exit_2_and_begins_no_notebook(campaign: Campaign):
    root = campaign.workspace.root
    for arguments, said in (([99], "no experiment 99"), ([SMOKED], "only smoke scores"), ([], "--all"), ([HONEST, "--all"], "--all")):
        done = call(root, *arguments)
        assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr
    assert not list(campaign.workspace.notebooks.glob("verify*"))


def test_the_whole_record_is_checked_and_json_is_one_object(campaign: Campaign):
    assert call(campaign.workspace.root, "--all").returncode == 0
    sql(campaign, "update experiments set state = 'running' where id = ?", SMOKED)
    done = call(campaign.workspace.root, "--all", "--json")
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert [line["what"] for line in answer["lines"] if not line["holds"]] == [f"state of #{SMOKED}"]
