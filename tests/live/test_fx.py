"""A domain that nobody has prepared: language models write its adapter, explore, trade, and say how sure the result is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from alphalab_nb.adapter import FILES, Adapter
from alphalab_nb.campaign import Campaign
from alphalab_nb.errors import UnknownDomain
from alphalab_nb.metric import Metric
from alphalab_nb.parts import open_parts, with_written_adapter
from alphalab_nb.phases.adapt import accept_draft
from alphalab_nb.tools.citations import CHECKED, cell_outputs, uncited
from alphalab_nb.workspace import PHASES
from tests.fx.content import COPIED, WRITTEN, assemble
from tests.live.fx import EXPERIMENTS, PARTITIONS, Traded, fx_campaign, traded
from tests.provider.brain.audit import role_of
from tests.provider.brain.fx import FORGOTTEN, MISSPELT, SETTINGS
from tests.provider.brain.replay import FINAL
from tests.support import small_campaign

SHARPE = Metric("sharpe", "maximize", "per year")


# -- before anything is asked ------------------------------------------------------------------------------


@pytest.mark.parametrize(("domain", "remedy"), [
    ("time_serie", "did you mean 'time_series'"), ("time-series", "did you mean 'time_series'"), ("fx_trading", "time_series"),
])
def test_a_misspelt_domain_is_an_error_and_nothing_is_generated(tmp_path: Path, domain: str, remedy: str):
    with pytest.raises(UnknownDomain, match=f"no adapter for domain '{domain}'.*{remedy}"):
        small_campaign(tmp_path, domain=domain, llm="openai:gpt-5.2", new_domain=False)
    assert not (tmp_path / "workspace").exists()


def test_steps_after_the_acceptance_work_with_the_adapter_that_was_written(tmp_path: Path, shared_data: Path):
    parts = fx_campaign(tmp_path / "ws").parts
    assert with_written_adapter(parts) is parts, "nothing is written yet"
    assemble(parts.workspace.draft)
    accept_draft(parts.workspace)
    later = with_written_adapter(parts)
    assert (later.adapter_pending, later.metric, later.adapter.root) == (False, SHARPE, parts.workspace.adapter)
    assert later.task == open_parts(parts.workspace.root).task
    assert (later.task["pegged"], later.task["smoke_origins"]) == ("4", 10)


def test_an_acceptance_that_was_interrupted_is_made_whole(tmp_path: Path, shared_data: Path):
    workspace = fx_campaign(tmp_path / "ws").workspace
    assemble(workspace.draft)
    (workspace.adapter / "harness").mkdir(parents=True)
    shutil.copyfile(workspace.draft / "manifest.yaml", workspace.adapter / "manifest.yaml")
    (workspace.adapter / "harness" / "half_written.py").write_text("import no", encoding="utf-8")
    accept_draft(workspace)
    Adapter(workspace.adapter).validate()
    assert _files(workspace.adapter) == _files(workspace.draft) == {*WRITTEN, *COPIED}


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.suffix in (".py", ".md", ".yaml")}


# -- the campaign --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Traded]:
    with traded(tmp_path_factory.mktemp("fx") / "ws") as campaign:
        yield campaign


@pytest.mark.slow
class TestCampaign:
    """What the campaign leaves."""

    def test_it_ends_normally(self, ended: Traded):
        status = ended.campaign.status()
        assert (status["phase"], status["stop_reason"], status["outage"]) == ("done", "max_experiments", None)
        assert (ended.provider.log.failures, ended.provider.log.refused) == ([], [])
        assert [event["text"] for event in ended.campaign.board.events() if event["kind"] in ("error", "tool_error", "retry")] == []
        for phase in PHASES:
            cells = json.loads(ended.campaign.workspace.notebook(phase).read_text(encoding="utf-8"))["cells"]
            assert [out for cell in cells for out in cell.get("outputs", []) if out["output_type"] == "error"] == [], phase

    def test_the_partitions_are_those_that_were_asked_for(self, ended: Traded):
        bounds = ended.campaign.board.step("adapt", "make_data")["result"]["rows"]  # type: ignore[index]
        rows = {name: last - first + 1 for name, (first, last) in bounds.items()}
        assert bounds["explore"] == [0, 6070]
        assert rows == {**PARTITIONS, "explore": 6071}
        assert all(rows[name] // SETTINGS["horizon"] >= 3 for name in ("search", "confirm", "sealed"))

    def test_all_files_of_the_adapter_are_written_and_valid(self, ended: Traded):
        folder = ended.campaign.workspace.adapter
        adapter = Adapter(folder)
        adapter.validate()
        assert len(FILES) == 11
        assert _files(folder) == {*WRITTEN, *COPIED}
        assert (adapter.manifest.name, ended.campaign.parts.metric) == ("fx_trading", SHARPE)
        assert "## This data\n" in (folder / "domain_knowledge.md").read_text(encoding="utf-8")

    def test_a_draft_with_mistakes_was_refused_by_name_and_mended(self, ended: Traded):
        last = [request for request in ended.provider.log.requests if role_of(request) == "generator"][-1]
        refusals = [answer.text for turn in last.turns for call, answer in zip(turn.calls, turn.answers, strict=True) if call.name == FINAL]
        assert len(refusals) == 2
        assert f"{FORGOTTEN} is missing" in refusals[0]
        assert f"{MISSPELT} does not render: UndefinedError: 'harness_version' is undefined" in refusals[1]
        assert "harness_version" not in (ended.campaign.workspace.adapter / MISSPELT).read_text(encoding="utf-8")

    @pytest.mark.parametrize("file", ["learnings.md", "data_report/findings.md"])
    @pytest.mark.parametrize(("finding", "shows"), [
        ("maximum absolute correlation 0.804, between items 0 and 6", "np.corrcoef"),
        ("item 4: 34.3 percent of 6070 returns are exactly 0", "longest("),
    ])
    def test_what_a_trader_must_know_is_found_with_the_cell_that_shows_it(self, ended: Traded, file: str, finding: str, shows: str):
        text = (ended.campaign.workspace.explore / file).read_text(encoding="utf-8")
        [line] = [line for line in text.splitlines() if finding in line]
        notebook = ended.campaign.workspace.agents / "1_explorer.ipynb"
        assert uncited(file, line, cell_outputs(notebook)) == []
        cited = line.rpartition("[cell ")[2].rstrip("]")
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        [source] = ["".join(cell["source"]) for cell in cells if str(cell["metadata"].get("alphalab", {}).get("cell")) == cited]
        assert shows in source

    def test_every_number_of_the_exploration_is_cited_and_figures_were_looked_at(self, ended: Traded):
        workspace = ended.campaign.workspace
        outputs = cell_outputs(workspace.agents / "1_explorer.ipynb")
        assert [str(found) for name in CHECKED for found in uncited(name, (workspace.explore / name).read_text("utf-8"), outputs)] == []
        assert len(list((workspace.explore / "plots").glob("*.png"))) >= 6
        asked = [request for request in ended.provider.log.requests if role_of(request) == "explorer"]
        looked = max(sum(call.name == "view_image" for turn in request.turns for call in turn.calls) for request in asked)
        assert looked >= 6

    def test_the_harness_was_attacked_and_frozen_and_its_baselines_certified(self, ended: Traded):
        [only] = ended.campaign.board.step("build", "attack_harness")["result"]["rounds"]  # type: ignore[index]
        assert "4 probes ran" in only["critic"]
        assert "passed" in only["tester"]
        baselines = ended.campaign.board.step("build", "certify_baselines")["result"]["search"]  # type: ignore[index]
        assert baselines.keys() == {"naive", "drift", "momentum", "var1"}
        assert baselines["naive"] == 0.0

    def test_experiments_of_families_without_a_recipe_are_scored_and_the_broken_one_is_mended(self, ended: Traded):
        board = ended.campaign.board
        ends = {e.name: (e.family, e.outcome, e.fixes) for e in board.list()}
        assert ends == {"ridge": ("ridge", "ok", 0), "reversal": ("reversal", "ok", 1), "ridge_slow": ("ridge", "ok", 0)}
        assert len(ends) == EXPERIMENTS
        reversal = next(e for e in board.list() if e.name == "reversal")
        labels = [run.score.label for run in board.runs(reversal.id) if run.score and run.partition == "search"]
        assert (labels[0], labels[-1]) == ("crash", "ok")
        assert len({row.score for row in ended.campaign.rows()}) == EXPERIMENTS, "programs that differ have scores that differ"

    def test_the_sealed_sharpe_stands_in_its_interval_and_in_the_report(self, ended: Traded):
        sealed = ended.campaign.board.fact("sealed")
        interval = sealed["secondary"]["interval"]
        assert sealed["reads"] == 1
        assert interval["low"] <= sealed["score"] <= interval["high"]
        assert interval["low"] < 0 < interval["high"], "two and a half years show no edge"
        assert sealed["refit"]
        assert sealed["baselines"].keys() == {"naive", "drift", "momentum", "var1"}
        report = ended.campaign.workspace.report.read_text(encoding="utf-8")
        assert f"sharpe {sealed['score']:.5g} per year</span> on the sealed test" in report

    def test_it_was_paid_for_by_all_roles_that_took_part(self, ended: Traded):
        roles = {row["role"] for row in ended.campaign.parts.ledger.by("role")}
        assert roles == {"preflight", "generator", "explorer", "child", "builder", "critic", "tester", "strategist", "supervisor",
                         "worker_implement", "worker_fix", "worker_analyze", "reporter"}
        assert ended.campaign.spent.usd > 0


@pytest.mark.slow
def test_a_generation_that_was_cut_off_after_the_acceptance_is_not_asked_for_again(ended: Traded, tmp_path: Path):
    """The process died between the adapter's move to its place and the record of the step."""
    shutil.copytree(ended.campaign.workspace.root, tmp_path / "ws", symlinks=True)
    campaign = Campaign.open(tmp_path / "ws")
    before = ended.provider.log.requests[-1].number
    with campaign.board.database.transaction() as sql:
        sql.execute("delete from steps where phase = 'adapt' and name in ('phase', 'adapt_domain')")
    campaign.run("adapt")
    assert [role_of(request) for request in ended.provider.log.requests if request.number > before] == []
    assert campaign.board.step("adapt", "adapt_domain")["result"]["drafts"] == 1  # type: ignore[index]
    Adapter(campaign.workspace.adapter).validate()
