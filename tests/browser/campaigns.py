"""Real campaigns for the browser: small, offline, and ready for their experiments."""

from __future__ import annotations

from typing import Any

import nbformat
from playwright.sync_api import Page

from alphalab_nb.campaign import Campaign
from alphalab_nb.resources import shipped
from tests.browser import steps
from tests.browser.servers import Lab
from tests.support import ready, sleepers, small_campaign


def waiting_campaign(lab: Lab, name: str, *seconds: float, **settings: Any) -> Campaign:
    """Create a campaign below the root of JupyterLab that is ready for its experiments: one for each of `seconds`."""
    return ready(small_campaign(lab.root / name, sleepers(*seconds), **settings))


def quickstart(lab: Lab, campaign: Campaign, name: str) -> str:
    """Copy the shipped campaign.ipynb into JupyterLab's folder, on this campaign."""
    notebook = nbformat.read(shipped("notebooks", "campaign.ipynb"), as_version=4)
    parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    parameters.source = f"workspace = {str(campaign.workspace.root)!r}"
    nbformat.write(notebook, lab.root / name)
    return name


def panel_notebook(lab: Lab, campaign: Campaign, name: str = "panel.ipynb") -> str:
    """Write a notebook that shows the panel of a campaign and does nothing else."""
    root = str(campaign.workspace.root)
    return steps.write_notebook(lab.root / name, f"from alphalab_nb import Campaign\nCampaign.open({root!r}).panel()").name


def show_panel(page: Page, lab: Lab, campaign: Campaign, name: str = "panel.ipynb") -> None:
    """Open the panel of a campaign in JupyterLab, in a kernel of its own, and wait until it lives."""
    steps.open_notebook(page, lab, panel_notebook(lab, campaign, name))
    steps.run_all(page)
    steps.wait_panel(page)
