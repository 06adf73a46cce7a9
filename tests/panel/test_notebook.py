"""A notebook that was run headless shows the panel's tables to every reader: as a file, converted, and to a program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from jupyter_client.manager import start_new_kernel
from nbconvert import HTMLExporter, MarkdownExporter

from tests.report.campaigns import add
from tests.support import sleepers, small_campaign

pytestmark = pytest.mark.slow
WIDGETS = "application/vnd.jupyter.widget-state+json"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("panel")
    campaign = small_campaign(folder, sleepers(0.1))
    campaign.board.set_fact("harness", "h1")
    add(campaign.board, "ridge_long", 1.25, family="ridge", hypothesis="two years <i>of</i> context help")
    code = f"from alphalab_nb import Campaign\nCampaign.open({str(campaign.workspace.root)!r}).panel()"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "in.ipynb")
    papermill.execute_notebook(str(folder / "in.ipynb"), str(folder / "out.ipynb"), progress_bar=False)
    return nbformat.read(folder / "out.ipynb", as_version=4)


def test_the_file_holds_the_whole_state_for_readers_without_a_kernel(executed: Any):
    states = executed.metadata.widgets[WIDGETS]["state"].values()
    (snapshot,) = [held["state"]["snapshot"] for held in states if "snapshot" in held["state"]]
    assert [card[1] for card in snapshot["cards"]] == ["ridge_long"]
    assert set(snapshot["sections"]) >= {"campaign", "people", "playbook"}


def test_the_plain_text_of_the_output_is_the_tables(executed: Any):
    widget = executed.cells[-1].outputs[0]
    assert "1. #1 ridge_long (ridge) 1.25" in widget.data["text/plain"]


@pytest.mark.parametrize("exporter", [HTMLExporter, MarkdownExporter])
def test_a_converted_notebook_shows_the_tables_without_a_script(executed: Any, exporter: Any):
    text, _ = exporter().from_notebook_node(executed)
    assert "<td><bdi>ridge_long</bdi></td><td><bdi>ridge</bdi></td><td>1.25</td>" in text


def test_what_agents_write_stays_text_in_a_converted_notebook(executed: Any):
    for output in executed.cells[-1].outputs:
        assert "<i>of</i>" not in output.data.get("text/html", "")


def test_a_cell_that_is_run_again_closes_the_panel_it_had_shown(tmp_path: Path):
    campaign = small_campaign(tmp_path, sleepers(0.1))
    opened = f"from alphalab_nb import Campaign\nimport threading, time\ncampaign = Campaign.open({str(campaign.workspace.root)!r})"
    count = "time.sleep(0.5)\nsum(thread.name == 'panel' for thread in threading.enumerate())"
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        run_in(client, opened)
        for cell in ("first", "first", "first", "second"):
            run_in(client, "campaign.panel()", cell=cell)
        assert run_in(client, count) == "2"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run_in(client: Any, code: str, *, cell: str = "") -> str:
    """Run code as a cell of JupyterLab, which names its cells; return the text of its value."""
    message = client.session.msg("execute_request", {"code": code, "silent": False, "store_history": True, "allow_stdin": False},
                                 metadata={"cellId": cell} if cell else {})
    client.shell_channel.send(message)
    value = ""
    while True:
        told = client.get_iopub_msg(timeout=60)
        if told["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            continue
        assert told["msg_type"] != "error", told["content"]
        value = told["content"]["data"]["text/plain"] if told["msg_type"] == "execute_result" else value
        if told["msg_type"] == "status" and told["content"]["execution_state"] == "idle":
            return value
