"""A campaign that language models lead from phase 0 to the sealed test, on each wire: what it leaves, and what it cost."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Any

import genai_prices
import pytest
from pydantic_ai.usage import RequestUsage

from alphalab_nb.workspace import PHASES
from tests.live.campaigns import INJECTED, KEY, LOCAL_PRICE, MODELS, NOTES, QUESTION, REASON, SPARE, VETOED, Lived, lived
from tests.provider.brain.audit import role_of, section
from tests.provider.brain.staff import INSTRUCTION
from tests.provider.protocol import WIRES, Request, Usage

pytestmark = pytest.mark.slow

KNOWLEDGE = "adapter/domain_knowledge.md"


@pytest.fixture(scope="module", params=WIRES)
def ended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    with lived(request.param, tmp_path_factory.mktemp(request.param)) as campaign:
        yield campaign


# -- what it leaves ------------------------------------------------------------------------------------------


def test_it_ends_normally(ended: Lived):
    status = ended.campaign.status()
    assert (status["phase"], status["stop_reason"], status["outage"]) == ("done", "max_experiments", None)
    assert status["sealed"]["reads"] == 1
    assert ended.provider.log.failures == []
    assert ended.provider.log.refused == []
    assert [event["text"] for event in ended.campaign.board.events() if event["kind"] in ("error", "tool_error", "retry")] == []


def test_five_executed_notebooks_are_left_and_none_shows_an_error(ended: Lived):
    for phase in PHASES:
        cells = json.loads(ended.campaign.workspace.notebook(phase).read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert all(cell["execution_count"] for cell in code), phase
        assert [output for cell in code for output in cell["outputs"] if output["output_type"] == "error"] == []


def test_the_notebook_of_the_experiments_tells_how_they_went(ended: Lived):
    text = ended.campaign.workspace.notebook("experiment").read_text(encoding="utf-8")
    assert re.search(r"8 of 8 ended, best rmse [\d.]+ \(\w+\)", text)
    kinds = Counter(event["kind"] for event in ended.campaign.board.events())
    assert (kinds["phase"], kinds["review"], kinds["verdict"], kinds["supervisor"], kinds["stop"]) == (10, 3, 8, 1, 1)


def test_every_experiment_came_to_its_end(ended: Lived):
    ends = {e.name: (str(e.state), e.outcome) for e in ended.campaign.board.list()}
    cancelled = {VETOED: ("cancelled", "vetoed"), SPARE: ("cancelled", "cancelled")}
    assert {name: end for name, end in ends.items() if name in cancelled} == cancelled
    measured = {name: end for name, end in ends.items() if name not in cancelled}
    assert len(measured) == 8
    assert set(measured.values()) <= {("done", "ok"), ("analyzed", "ok")}
    assert all(json.loads(path.read_text(encoding="utf-8"))["ok"] for path in ended.campaign.workspace.root.glob("runs/*/score/score.json"))


def test_a_program_that_crashed_was_repaired_and_the_one_that_a_person_wanted_ran(ended: Lived):
    by_name = {e.name: e for e in ended.campaign.board.list()}
    crashed, injected = by_name["median_change"], by_name[INJECTED]
    labels = [run.score.label for run in ended.campaign.board.runs(crashed.id) if run.score and run.partition == "search"]
    assert (crashed.fixes, labels[0], labels[-1]) == (1, "crash", "ok")
    assert (injected.author, injected.outcome) == ("ada", "ok")


def test_what_the_person_asked_was_answered_by_the_guide_while_it_ran(ended: Lived):
    (asked,) = [command for command in ended.campaign.board.commands() if command.verb == "ask"]
    assert (asked.state, asked.args) == ("applied", {"text": QUESTION})
    assert re.match(r"The best so far is #\d+ with|Nothing has a full score yet\.$", asked.result)
    assert QUESTION in ended.requests("guide")[0].first


def test_a_family_without_a_recipe_was_written_from_its_brief(ended: Lived):
    written = next(e for e in ended.campaign.board.list() if e.name == "damped_change")
    folder = ended.campaign.workspace.experiment(written.id, written.name)
    assert written.family not in {recipe.family for recipe in ended.campaign.parts.recipes}
    assert "least squares" in (folder / "run.py").read_text(encoding="utf-8")
    assert (folder / "debrief.md").is_file()


def test_every_conversation_left_a_notebook(ended: Lived):
    names = [path.stem for path in ended.campaign.workspace.agents.glob("*.ipynb")]
    kinds = Counter(re.sub(r"_?\d+$", "", re.sub(r"^\d+_", "", name)).split("_")[-1] for name in names)
    assert kinds.keys() >= {"customizer", "explorer", "child", "builder", "critic", "tester", "strategist", "implement", "fix", "analyze",
                            "reporter", "supervisor", "adapt", "explore", "build"}
    assert (kinds["implement"], kinds["analyze"], kinds["fix"]) == (8, 8, 1)
    models = {json.loads(path.read_text(encoding="utf-8"))["metadata"]["alphalab"]["model"] for path in
              ended.campaign.workspace.agents.glob("*.ipynb")}
    assert models == {MODELS[ended.wire][1]}


def test_the_exploration_was_sent_back_once_and_mended(ended: Lived):
    again = ended.campaign.board.step("explore", "review_exploration")["result"]  # type: ignore[index]
    assert (again["passed"], "errs by" in again["again"]["learnings"]) == (False, True)
    assert [ended.campaign.board.step(phase, name)["result"]["passed"]  # type: ignore[index]
            for phase, name in (("adapt", "review_adapter"), ("build", "review_harness"))] == [True, True]
    assert "errs by" in section(ended.requests("strategist")[-1], "strategist", "Learnings about the data")


# -- people --------------------------------------------------------------------------------------------------


def test_a_veto_reaches_the_next_turn_of_the_strategist(ended: Lived):
    said = [section(request, "strategist", "What people said") for request in ended.requests("strategist")]
    assert said[0] == "Nothing yet." or VETOED not in said[0]
    assert f"{VETOED}): {REASON}" in said[-1]
    cancelled = next(e for e in ended.campaign.board.list() if e.name == SPARE)
    assert ended.campaign.board.history(cancelled.id)[-1].reason == "its idea was vetoed"


@pytest.mark.parametrize("role", NOTES)
def test_a_note_reaches_a_running_conversation_once(ended: Lived, role: str):
    text = f"A person (ada) says: {NOTES[role]}"
    heard = [[said for turn in request.turns for said in turn.said if text in said] for request in ended.requests(role)]
    assert {len(said) for said in heard} == {0, 1}
    assert text in _reports(ended, role)


def _reports(ended: Lived, role: str) -> str:
    """Return what every conversation of a role reported."""
    sql = ended.campaign.board.database.connection()
    rows = sql.execute(
        "select t.body_json from turns t join conversations c on c.id = t.conversation where c.role = ? and t.kind = 'response'", (role,)
    )
    return "\n".join(row["body_json"] for row in rows)


def test_a_question_of_an_agent_is_answered_by_a_person(ended: Lived):
    questions = ended.campaign.questions.list()
    assert [(q.id, q.answered_by, q.answer) for q in questions] == [(id, "ada", "yes, after a minute") for id in ended.person.answered]
    assert len(questions) == 1


def test_the_supervisors_patch_is_a_commit_that_later_prompts_show_and_a_person_can_take_back(ended: Lived):
    campaign = ended.campaign
    patch = campaign.patches.list()[-1]
    assert (patch.author, patch.file, patch.reverted_by) == ("supervisor", KNOWLEDGE, "")
    command = ["git", "log", "--format=%s", "--", KNOWLEDGE]
    log = subprocess.run(command, cwd=campaign.workspace.root, capture_output=True, text=True, check=True).stdout
    assert f"supervisor: {patch.reason}" in log.splitlines()
    shown = [INSTRUCTION in request.system for request in ended.requests("worker_implement")]
    assert (shown[0], shown[-1]) == (False, True)
    campaign.revert_patch(patch.id, by="ada")
    text = (campaign.workspace.root / KNOWLEDGE).read_text(encoding="utf-8")
    assert (INSTRUCTION in text, "## This data" in text) == (False, True)


def test_the_playbook_rests_on_experiments_and_reaches_workers(ended: Lived):
    ids = {e.id for e in ended.campaign.board.list() if e.outcome == "ok"}
    entries = ended.campaign.playbook.entries()
    assert {entry.author for entry in entries} == {"strategist", "worker_analyze"}
    assert all(entry.evidence and set(entry.evidence) <= ids for entry in entries)
    briefs = [section(request, "worker_implement", "Playbook") for request in ended.requests("worker_implement")]
    news = [request.body.decode() for role in ("worker_implement", "worker_analyze") for request in ended.requests(role)]
    said = [(entry.claim, f"Playbook, added since you started: {entry.claim}") for entry in entries]
    assert any(claim in brief for claim, _ in said for brief in briefs) or any(late in body for _, late in said for body in news), (
        "neither a brief nor the news in a conversation that had begun before told a Worker of any lesson")


def test_milestones_are_the_reporters_and_the_report_is_written(ended: Lived):
    reports = ended.campaign.workspace.reports
    assert "![scores](plots/milestone_1.png)" in (reports / "milestone_1.md").read_text(encoding="utf-8")
    assert (reports / "plots" / "milestone_1.png").is_file()
    assert INJECTED in (ended.campaign.workspace.root / "report.html").read_text(encoding="utf-8")


# -- money and keys ------------------------------------------------------------------------------------------

_PHASE = {
    "preflight": "adapt", "customizer": "adapt", "explorer": "explore", "child": "explore", "builder": "build", "critic": "build",
    "tester": "build", "strategist": "experiment", "worker_implement": "experiment", "worker_fix": "experiment",
    "worker_analyze": "experiment", "reporter": "experiment", "guide": "experiment",
}


def _owner(request: Request) -> tuple[str, str, int | None]:
    """Return (phase, role, experiment) that a request is charged to, read from the request alone."""
    role = role_of(request)
    if role == "supervisor":
        review = re.search(r"what the phase `(\w+)`", request.first)
        return (review[1] if review else "experiment"), role, None
    worked_on = re.search(r"experiment #(\d+)", request.first) if role.startswith("worker") else None
    return _PHASE[role], role, int(worked_on[1]) if worked_on else None


def _usd(ended: Lived, usage: Usage) -> float:
    """Return what the provider would bill, from the public price list or from the campaign's own."""
    provider, model = MODELS[ended.wire]
    if provider == "local":
        fresh = usage.input - usage.cached
        return (fresh * LOCAL_PRICE["input"] + usage.cached * LOCAL_PRICE["cached"] + usage.output * LOCAL_PRICE["output"]) / 1e6
    used = RequestUsage(
        input_tokens=usage.input, output_tokens=usage.output, cache_read_tokens=usage.cached, cache_write_tokens=usage.written
    )
    return float(genai_prices.calc_price(used, model, provider_id=provider).total_price)


def _billed(ended: Lived, *columns: int) -> dict[tuple[Any, ...], list[float]]:
    """Return input, cached, written and output tokens and dollars of all responses that were sent whole, by columns of the owner."""
    sums: dict[tuple[Any, ...], list[float]] = {}
    for request, usage in ended.billed:
        owner = _owner(request)
        row = sums.setdefault(tuple(owner[column] for column in columns), [0.0] * 5)
        for n, value in enumerate((usage.input, usage.cached, usage.written, usage.output, _usd(ended, usage))):
            row[n] += value
    return sums


_NUMBERS = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "usd")


@pytest.mark.parametrize("columns", [("phase",), ("role",), ("experiment",), ("phase", "role", "experiment")], ids=" ".join)
def test_the_cost_table_is_the_providers_bill(ended: Lived, columns: tuple[str, ...]):
    places = [("phase", "role", "experiment").index(column) for column in columns]
    rows = ended.campaign.parts.ledger.by(*columns, "model")
    table = {tuple(row[column] for column in columns): [row[number] for number in _NUMBERS] for row in rows}
    bill = _billed(ended, *places)
    assert table.keys() == bill.keys()
    for owner, numbers in bill.items():
        assert table[owner] == pytest.approx(numbers, rel=1e-9), owner
    assert {(row["model"], row["unpriced"], row["usage_missing"]) for row in rows} == {(MODELS[ended.wire][1], 0, 0)}


def test_every_response_is_in_the_ledger_once(ended: Lived):
    sql = ended.campaign.board.database.connection()
    rows = sql.execute("select role, experiment, input_tokens, cached_tokens, cache_write_tokens, output_tokens from ledger")
    told = Counter((*_owner(request)[1:], usage.input, usage.cached, usage.written, usage.output) for request, usage in ended.billed)
    assert Counter(map(tuple, rows)) == told
    assert ended.campaign.spent.usd == pytest.approx(sum(_usd(ended, usage) for _, usage in ended.billed), rel=1e-9)


def test_most_of_what_was_sent_was_read_from_the_cache(ended: Lived):
    usages = [usage for _, usage in ended.billed]
    assert sum(usage.cached for usage in usages) > 0.7 * sum(usage.input for usage in usages)


def test_no_file_of_the_campaign_holds_the_key(ended: Lived):
    assert any(KEY in value for request in ended.provider.log.requests for value in request.headers.values()), "the key was in use"
    holding = [path for path in ended.campaign.workspace.root.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert holding == []


def test_what_a_worker_costs_is_charged_to_an_experiment_and_its_attempt(ended: Lived):
    sql = ended.campaign.board.database.connection()
    rows = sql.execute("select role, experiment, attempt from ledger where role like 'worker%'").fetchall()
    assert rows
    assert not [tuple(row) for row in rows if row["experiment"] is None or row["attempt"] is None]
    assert {row["attempt"] for row in rows if row["role"] == "worker_fix"} == {2}
