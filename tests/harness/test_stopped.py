"""A campaign whose reference harness has a bug of the paper does not get past phase 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from alphalab_nb.errors import PhaseFailed
from alphalab_nb.phases.adapt import make_data, preflight
from alphalab_nb.phases.build import attack_harness, build_harness
from tests.support import small_campaign

BUGS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "bugs.yaml").read_text(encoding="utf-8"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.get("paper")], ids=lambda bug: bug["name"])
def test_critic_and_tester_stop_the_campaign(bug: dict[str, Any], tmp_path: Path) -> None:
    campaign = small_campaign(tmp_path)
    reference = campaign.workspace.adapter / "harness" / bug["file"]
    text = reference.read_text(encoding="utf-8")
    assert text.count(bug["old"]) == 1, f"bugs.yaml no longer fits {bug['file']}"
    reference.write_text(text.replace(bug["old"], bug["new"]), encoding="utf-8")
    for step in (preflight, make_data, build_harness):
        step(campaign.parts)
    with pytest.raises(PhaseFailed, match=rf"did not survive its attack: .*harness/{bug['file']}:\d+ .*{bug['check']}"):
        attack_harness(campaign.parts)
    rounds = campaign.board.fact("findings")
    assert any(f["severity"] == "blocking" and f["file"] == f"harness/{bug['file']}" for f in rounds[0]["findings"])
    step_record = campaign.board.step("build", "attack_harness")
    assert step_record is not None
    assert step_record["status"] == "failed"


def test_a_bug_that_only_the_builder_made_is_mended_and_the_campaign_goes_on(tmp_path: Path) -> None:
    campaign = small_campaign(tmp_path)
    for step in (preflight, make_data, build_harness):
        step(campaign.parts)
    bug = BUGS[0]
    built = campaign.workspace.harness / bug["file"]
    built.write_text(built.read_text(encoding="utf-8").replace(bug["old"], bug["new"]), encoding="utf-8")
    result = attack_harness(campaign.parts)
    assert result["passed"]
    assert len(result["rounds"]) == 2
    assert built.read_bytes() == (campaign.workspace.adapter / "harness" / bug["file"]).read_bytes()
