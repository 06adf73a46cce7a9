"""alphalab-nb: the verbs of Campaign on the command line; `--json` prints one JSON object for programs."""

from __future__ import annotations

import functools
import json
import math
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from alphalab_nb.errors import INTERRUPTED, AlphaLabError, BadInput, PhaseFailed

Show = Callable[[Any], None]
"""Prints an answer for people."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="alphalab-nb")
def cli() -> None:
    """Run autonomous research campaigns, and steer them while they run."""


def verb(function: Callable[..., Any]) -> click.Command:
    """Declare a verb: its function returns (answer, show), and work that begins once the answer is out; errors end with their exit code."""

    @functools.wraps(function)
    def call(*, as_json: bool, **arguments: Any) -> None:
        try:
            answer, show, *work = function(**arguments)
            click.echo(json.dumps(answer, default=str)) if as_json else show(answer)
            for begin in work:
                begin()
        except AlphaLabError as error:
            _fail(str(error), error.exit_code, as_json)
        except KeyboardInterrupt:
            _fail("interrupted; run the same command again to go on", INTERRUPTED, as_json)

    name = function.__name__.removesuffix("_verb")
    return cli.command(name=name)(click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(call))


def _fail(message: str, code: int, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"error": message, "exit_code": code}))
    click.echo(f"error: {message}", err=True)
    sys.exit(code)


workspace_argument = click.argument("workspace", type=click.Path(path_type=Path))
id_argument = click.argument("id", type=int)
by_option = click.option("--by", default=None, help="Who asks; default: your user name.")


def _open(workspace: Path) -> Any:
    from alphalab_nb.campaign import Campaign

    return Campaign.open(workspace)


def _said(answer: dict[str, Any]) -> None:
    click.echo(answer["message"])


# -- begin ---------------------------------------------------------------------------------------------------


@verb
@workspace_argument
@click.option("--config", type=click.Path(path_type=Path), default=None, help="A campaign .yaml; see adapters/*/examples.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a setting, e.g. limits.max_experiments=40.")
def create(workspace: Path, config: Path | None, settings: tuple[str, ...]) -> Any:
    """Make a campaign in a new folder. Everything is checked before anything is written."""
    from alphalab_nb.campaign import Campaign
    from alphalab_nb.config import parse_settings

    campaign = Campaign.create(workspace, config, **parse_settings(settings))
    root = str(campaign.workspace.root)
    return {"workspace": root, "message": f"created {root}; start it with: alphalab-nb run {workspace}"}, _said


@verb
@click.argument("file", type=click.Path(path_type=Path), default=Path("campaign.yaml"))
@click.option("--example", default="csv_panel", help="Name of a shipped example.")
@click.option("--domain", default="time_series")
def init(file: Path, example: str, domain: str) -> Any:
    """Write a campaign .yaml to start from, with every setting explained."""
    from alphalab_nb.config import nearest
    from alphalab_nb.resources import shipped

    folder = shipped("adapters", domain, "examples")
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if not known:
        raise BadInput(f"domain '{domain}' ships no examples")
    if example not in known:
        raise BadInput(f"there is no example '{example}'{nearest(example, known)}")
    if file.exists():
        raise BadInput(f"{file} exists already; choose another name or remove it")
    file.write_text((folder / f"{example}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return {"file": str(file), "message": f"wrote {file}; edit it, then: alphalab-nb create runs/mine --config {file}"}, _said


def _finite(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number of seconds")
    return value


@verb
@workspace_argument
@click.option("--phase", default=None, help="Only this phase: adapt, explore, build, experiment, report.")
@click.option("--more", type=int, default=None, metavar="N", help="Go on with experiments that have ended: N more of them.")
@click.option("--max-outage", type=click.FloatRange(min=0), default=None, callback=_finite, metavar="SECONDS",
              help="End with exit code 3 when a provider is gone for longer.")
def run(workspace: Path, phase: str | None, more: int | None = None, max_outage: float | None = None) -> Any:
    """Run all phases, or one, headless. A campaign that was interrupted goes on where it stopped."""
    from alphalab_nb.console import Progress, show_summary

    campaign = _open(workspace)
    if more is not None and phase not in (None, "experiment"):
        raise BadInput(f"--more is of the phase experiment, not of {phase}")
    with _interrupted_by_sigterm(), Progress(campaign) as progress:
        if more is not None:
            campaign.run_more(more, progress=progress.update)
        else:
            campaign.run(phase, progress=progress.update, max_outage_s=max_outage)
    return campaign.status(), lambda _: show_summary(campaign)


@verb
@click.argument("workspace", type=click.Path(path_type=Path), default=Path("runs/demo"))
def demo(workspace: Path) -> Any:
    """Run the whole demo campaign: forecast atmospheric CO2 half a year ahead."""
    from alphalab_nb.campaign import Campaign
    from alphalab_nb.resources import shipped

    if not (workspace / "campaign.yaml").is_file():
        Campaign.create(workspace, shipped("adapters", "time_series", "examples", "co2.yaml"))
    return run.callback.__wrapped__(workspace=workspace, phase=None)  # type: ignore[union-attr]


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """A job scheduler's SIGTERM ends a run as Ctrl-C does: the phase stops cleanly and resumes later."""

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


# -- look ----------------------------------------------------------------------------------------------------


@verb
@workspace_argument
def status(workspace: Path) -> Any:
    """Show phase, board, spending and, at the end, the sealed test."""
    from alphalab_nb.console import show_status

    return _open(workspace).status(), show_status


@verb
@workspace_argument
def board(workspace: Path) -> Any:
    """List the experiments."""
    from alphalab_nb.console import show_board

    campaign = _open(workspace)
    return {"experiments": [asdict(experiment) for experiment in campaign.board.list()]}, show_board


@verb
@workspace_argument
def leaderboard(workspace: Path) -> Any:
    """Rank the experiments that have a full score."""
    from alphalab_nb.console import show_leaderboard

    return _open(workspace).leaderboard_data(), show_leaderboard


@verb
@workspace_argument
@click.option("--add", default=None, metavar="CLAIM", help="Add a lesson of your own.")
@click.option("--edit", type=int, default=None, metavar="ENTRY", help="Give a lesson another --claim or other --evidence.")
@click.option("--retire", type=int, default=None, metavar="ENTRY", help="Withdraw a lesson.")
@click.option("--claim", default=None, help="With --edit: what it says from now on.")
@click.option("--kind", default=None, help="With --add: works, fails, avoid or insight, which is the default.")
@click.option("--evidence", type=int, multiple=True, metavar="ID", help="An experiment that supports it; may be repeated.")
@by_option
def playbook(workspace: Path, add: str | None, edit: int | None, retire: int | None, by: str | None, **lesson: Any) -> Any:
    """Print what has been learnt, or add, edit or retire a lesson."""
    campaign = _open(workspace)
    wanted = [name for name, value in (("--add", add), ("--edit", edit), ("--retire", retire)) if value is not None]
    given = {name: value for name, value in lesson.items() if value}
    takes = {"--add": ("kind", "evidence"), "--edit": ("claim", "evidence"), "--retire": ()}[wanted[0]] if len(wanted) == 1 else ()
    if len(wanted) > 1 or set(given) - set(takes):
        raise BadInput("playbook: give --add CLAIM [--kind K], --edit ENTRY [--claim C], either with --evidence ID, or --retire ENTRY")
    if add is not None:
        return _asked(campaign, campaign.playbook_add(add, by=by, **given), "playbook --add")
    if edit is not None:
        return _asked(campaign, campaign.playbook_edit(edit, by=by, **given), f"playbook --edit {edit}")
    if retire is not None:
        return _asked(campaign, campaign.playbook_retire(retire, by=by), f"playbook --retire {retire}")
    entries = [asdict(entry) for entry in campaign.playbook.entries()]
    return {"entries": entries}, lambda _: click.echo(campaign.playbook.markdown())


@verb
@workspace_argument
@click.argument("id", type=int, required=False)
@click.option("--all", "everything", is_flag=True, help="Check the record of the whole campaign; no program is run.")
def verify(workspace: Path, id: int | None, everything: bool) -> Any:
    """Run and score a result again from a clean copy, in a notebook that is kept; exit code 1 says FAULT."""
    from alphalab_nb.console import show_verdict

    if everything == (id is not None):
        raise BadInput("verify: give the number of an experiment, or --all")
    verdict = _open(workspace).verify(id)
    return verdict.as_dict(), show_verdict, *([] if verdict.holds else [partial(sys.exit, PhaseFailed.exit_code)])


@verb
@workspace_argument
@click.argument("first", type=int)
@click.argument("second", type=int)
def compare(workspace: Path, first: int, second: int) -> Any:
    """Compare two experiments on the units that both were scored on: how much better the first is, and whether that is luck."""
    from alphalab_nb.console import show_duel

    return _open(workspace).compare(first, second).as_dict(), show_duel


@verb
@workspace_argument
@id_argument
def match(workspace: Path, id: int) -> Any:
    """Give the leaderboard's reference the compute that an experiment used: is its gain an idea, or only more work?"""
    campaign = _open(workspace)
    campaign.match(id)
    row = next(row for row in campaign.rows() if row.id == id)
    return {**asdict(row), "message": f"#{id} {row.name} scored {row.score:.6g}, and {row.note}"}, _said


@verb
@workspace_argument
@click.option("--yes", "change", is_flag=True, help="Freeze a harness that you have changed as a new version.")
@by_option
def rescore(workspace: Path, change: bool, by: str | None) -> Any:
    """Score the history again with the present harness, so that it ranks; no program is run."""
    return _open(workspace).rescore(change=change, by=by), _rescored


def _rescored(answer: dict[str, Any]) -> None:
    click.echo(f"{answer['scored']} runs are scored by {answer['harness']}; the leaderboard ranks what it has scored")
    for row in answer["failed"]:
        click.echo(f"#{row['id']} has no score of it: {row['label']} {row['error']}".rstrip())
    for id in answer["missing"]:
        click.echo(f"#{id} cannot be scored again: its artefact is gone; inject it anew to have it ranked")


@verb
@workspace_argument
@click.option("--again", is_flag=True, help="First confirm, verify and open the sealed test once more; that stays in the report for ever.")
@click.option("--reason", default=None, metavar="WHY", help="With --again: why; the report prints it.")
@by_option
def report(workspace: Path, again: bool, reason: str | None, by: str | None) -> Any:
    """Write report.html from what the board holds now."""
    from alphalab_nb.console import Progress, show_summary

    if again != (reason is not None):
        raise BadInput("report: give --again and --reason WHY together, or neither")
    campaign = _open(workspace)
    if reason is None:
        path = campaign.report()
        return {"report": str(path), "message": f"wrote {path}"}, _said
    with _interrupted_by_sigterm(), Progress(campaign) as progress:
        campaign.report_again(reason, by=by, progress=progress.update)
    return campaign.status(), lambda _: show_summary(campaign)


@verb
@workspace_argument
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; default: a free one.")
@click.option("--theme", type=click.Choice(["light", "dark"]), default="light")
def panel(workspace: Path, port: int, theme: str) -> Any:
    """Serve the panel as a page of its own, on this machine only; Ctrl-C ends it, and the campaign goes on."""
    from alphalab_nb.serving import PanelPage

    page = PanelPage.of(_open(workspace).workspace.root, port=port, theme=theme)
    return {"url": page.url, "message": f"the panel is at {page.url}\nCtrl-C ends it; the campaign goes on"}, _said, partial(_serve, page)


def _serve(page: Any) -> None:
    page.serve()
    raise KeyboardInterrupt  # it ends in no other way


@verb
def doctor() -> Any:
    """Say what this machine offers: versions, cores, GPUs, the sandbox level and what it covers."""
    from alphalab_nb.console import show_checks
    from alphalab_nb.doctor import examine

    return examine(), show_checks


# -- steer ---------------------------------------------------------------------------------------------------


def _asked(campaign: Any, command: int, what: str) -> Any:
    message = f"{what}: command {command} is on the board; the running campaign applies it (a stopped one at its next start)"
    return {"command": command, "workspace": str(campaign.workspace.root), "message": message}, _said


@verb
@workspace_argument
@id_argument
@by_option
def approve(workspace: Path, id: int, by: str | None) -> Any:
    """Accept a proposed experiment."""
    campaign = _open(workspace)
    return _asked(campaign, campaign.approve(id, by=by), f"approve #{id}")


@verb
@workspace_argument
@id_argument
@click.option("--reason", required=True, help="The strategy reads it.")
@by_option
def veto(workspace: Path, id: int, reason: str, by: str | None) -> Any:
    """Refuse an experiment."""
    campaign = _open(workspace)
    return _asked(campaign, campaign.veto(id, reason=reason, by=by), f"veto #{id}")


@verb
@workspace_argument
@id_argument
@click.option("--reason", default="")
@by_option
def cancel(workspace: Path, id: int, reason: str, by: str | None) -> Any:
    """Cancel an experiment; its running job is killed."""
    campaign = _open(workspace)
    return _asked(campaign, campaign.cancel(id, reason=reason, by=by), f"cancel #{id}")


@verb
@workspace_argument
@id_argument
@by_option
def pin(workspace: Path, id: int, by: str | None) -> Any:
    """Let an experiment run next."""
    campaign = _open(workspace)
    return _asked(campaign, campaign.pin(id, by=by), f"pin #{id}")


@verb
@workspace_argument
@id_argument
@click.argument("value", type=int, metavar="PRIORITY")
@by_option
def priority(workspace: Path, id: int, value: int, by: str | None) -> Any:
    """Let an experiment run before those of lower priority."""
    campaign = _open(workspace)
    return _asked(campaign, campaign.priority(id, value, by=by), f"priority of #{id}")


priority.context_settings["ignore_unknown_options"] = True  # a priority below 0 is no option


@verb
@workspace_argument
@click.argument("name")
@click.option("--hypothesis", required=True, help="Why it should help.")
@click.option("--family", default="", help="Recipe family; default: the family whose name starts NAME.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter of the recipe.")
@click.option("--brief", default="", help="What to build, in words; a language model can build from it what has no recipe.")
@click.option("--priority", type=int, default=1, help="Higher runs first.")
@by_option
def inject(workspace: Path, name: str, settings: tuple[str, ...], by: str | None, **wanted: Any) -> Any:
    """Add an experiment of your own."""
    from alphalab_nb.config import parse_settings

    campaign = _open(workspace)
    command = campaign.inject(name, config=parse_settings(settings), by=by, **wanted)
    return _asked(campaign, command, f"inject {name}")


@verb
@workspace_argument
@click.argument("text")
@click.option("--experiment", type=int, default=None, metavar="ID", help="What it is about.")
@by_option
def note(workspace: Path, text: str, experiment: int | None, by: str | None) -> Any:
    """Leave a note that the strategy reads at its next turn."""
    campaign = _open(workspace)
    return _asked(campaign, campaign.note(text, experiment, by=by), "note")


@verb
@workspace_argument
@click.option("--approval", type=click.Choice(["auto", "ask"]), default=None, help="auto: proposals begin at once; ask: a person approves.")
@click.option("--after", "after_s", type=float, default=None, metavar="SECONDS", help="With ask: then a proposal begins by itself.")
@click.option("--check-in-every", type=int, default=None, metavar="N", help="Ask whether to go on after N analyzed experiments.")
@by_option
def policy(workspace: Path, by: str | None, **changes: Any) -> Any:
    """Show or change when work may begin without a person; 0 is never."""
    campaign = _open(workspace)
    if all(value is None for value in changes.values()):
        return {"policy": campaign.parts.policy().model_dump()}, _terms
    return _asked(campaign, campaign.policy(by=by, **changes), "policy")


@verb
@workspace_argument
@click.option("--experiments", "max_experiments", type=int, default=None, help="Experiments of the whole campaign.")
@click.option("--runs", "max_runs", type=int, default=None, help="Runs of the whole campaign.")
@click.option("--wall", "wall_s", type=float, default=None, metavar="SECONDS", help="Time that the experiments may take.")
@click.option("--usd", type=float, default=None, help="Dollars for language models.")
@click.option("--tokens", type=int, default=None, help="Input and output tokens of language models.")
@by_option
def budget(workspace: Path, by: str | None, **changes: Any) -> Any:
    """Show or change the budgets of a running campaign; 0 is no limit."""
    campaign = _open(workspace)
    if all(value is None for value in changes.values()):
        return {key: campaign.status()[key] for key in ("limits", "spent")}, _terms
    return _asked(campaign, campaign.budget(by=by, **changes), "budget")


def _terms(answer: dict[str, dict[str, Any]]) -> None:
    for title, values in answer.items():
        click.echo(f"{title}: " + ", ".join(f"{key} {value}" for key, value in values.items()))


@verb
@workspace_argument
@by_option
def pause(workspace: Path, by: str | None) -> Any:
    """Start nothing new; running jobs go on."""
    campaign = _open(workspace)
    return _asked(campaign, campaign.pause(by=by), "pause")


@verb
@workspace_argument
@by_option
def resume(workspace: Path, by: str | None) -> Any:
    """Go on after a pause."""
    campaign = _open(workspace)
    return _asked(campaign, campaign.resume(by=by), "resume")


@verb
@workspace_argument
@by_option
def stop(workspace: Path, by: str | None) -> Any:
    """End the experiments; running jobs end first, and the report can be written."""
    campaign = _open(workspace)
    return _asked(campaign, campaign.stop(by=by), "stop")


@verb
@workspace_argument
@id_argument
@click.argument("text")
@by_option
def answer(workspace: Path, id: int, text: str, by: str | None) -> Any:
    """Answer a question of an agent; `status` lists the open ones."""
    answered = _open(workspace).answer(id, text, by=by)
    return {**asdict(answered), "message": f"question {id} is answered: {text}"}, _said


@verb
@workspace_argument
@click.argument("text")
@click.option("--wait", type=click.FloatRange(min=0), default=240.0, callback=_finite, metavar="SECONDS", help="Longest wait.")
@by_option
def ask(workspace: Path, text: str, wait: float, by: str | None) -> Any:
    """Ask about the campaign: what is happening? any errors? best so far?"""
    asked = _open(workspace).ask(text, by=by, wait_s=wait)
    settled = asked.state != "pending"
    message = asked.result if settled else f"no answer yet to question {asked.id}; the panel shows it when it comes"
    return {"command": asked.id, "state": asked.state, "answer": asked.result if settled else None, "message": message}, _said


@verb
@workspace_argument
@click.option("--revert", type=int, default=None, metavar="ID", help="Take this change back.")
@by_option
def patches(workspace: Path, revert: int | None, by: str | None) -> Any:
    """Show what the Supervisor changed in the adapter's files, or take a change back."""
    from alphalab_nb.console import show_patches

    campaign = _open(workspace)
    if revert is not None:
        campaign.revert_patch(revert, by=by)
    return {"patches": [asdict(patch) for patch in campaign.patches.list()]}, show_patches


@verb
@workspace_argument
@click.option("--responses", type=click.Path(path_type=Path), required=True, help="File for every response of the language models.")
def export(workspace: Path, responses: Path) -> Any:
    """Write a campaign's model responses to a file; `llm: replay:FILE` runs a campaign from it without a key."""
    count = _open(workspace).export_responses(responses)
    return {"responses": count, "file": str(responses), "message": f"{count} responses are in {responses}"}, _said


def main() -> None:
    cli(prog_name="alphalab-nb")


if __name__ == "__main__":
    main()
