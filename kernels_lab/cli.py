"""`python -m kernels_lab`: every command prints exactly one JSON object on standard output.

Exit code 0: the question was answered, also when the answer is that a candidate failed. 2: bad input, with the reason in "error".
"""

from __future__ import annotations

import json
import secrets
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import torch

from kernels_lab import aa as aa_trials
from kernels_lab import baselines as references
from kernels_lab import machine, sandbox
from kernels_lab import survey as surveys
from kernels_lab.backends import BACKENDS
from kernels_lab.bench import TIMEOUT_S
from kernels_lab.cores import device_held
from kernels_lab.errors import LabError
from kernels_lab.evaluate import evaluate as verdict_on
from kernels_lab.evaluate import version
from kernels_lab.lint import lint as findings
from kernels_lab.problem import Problem, load, names
from kernels_lab.timing import BUDGET_S

_PROBLEMS = click.argument("problems", nargs=-1)


def _available(_: click.Context, __: click.Parameter, device: str) -> str:
    if device == "cuda" and not torch.cuda.is_available():
        raise click.UsageError("PyTorch finds no GPU here; on a machine with one, install PyTorch for CUDA, or give --device cpu")
    return device


_DEVICE = click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, callback=_available,
                       help="Where the reference runs.")  # fmt: skip


@click.group(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None: ...


@cli.command()
@click.argument("problem")
@click.argument("candidate", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--backend", type=click.Choice(sorted(BACKENDS)), help="How the candidate is written; by default by its file name.")
@click.option("--seed", type=int, help="Decides inputs, weights and held-out sizes. By default one that nobody knows; it is printed.")
@click.option("--time/--no-time", "time_it", default=True, help="Whether to time what is right.")
@click.option("--baselines", "compared", type=click.Choice(["eager", "known", "all"]), default="known", show_default=True,
              help="eager alone, those kept for this machine, or all: measures missing ones.")  # fmt: skip
@click.option("--timeout", "timeout_s", type=float, default=TIMEOUT_S, show_default=True, help="Seconds for one request to the candidate.")
@click.option("--budget", "budget_s", type=float, default=BUDGET_S, show_default=True, help="Seconds for the rounds of timing.")
def evaluate(problem: str, candidate: Path, backend: str | None, seed: int | None, **options: Any) -> None:
    """Say whether CANDIDATE is a right kernel for PROBLEM (a name of ours, or a file in KernelBench form), and how fast it is."""
    chosen = backend or next((name for name, each in BACKENDS.items() if each.suffix == candidate.suffix), "cpp")
    seed = secrets.randbelow(2**31) if seed is None else seed
    found = verdict_on(found_problem(problem), candidate, chosen, seed=seed, **options)
    _print(asdict(found))


@cli.command(name="list")
def listed() -> None:
    """Name our problems, with what each resembles."""
    rows = [(load(name), name) for name in names()]
    _print({"problems": [{"name": name, "resembles": one.resembles, "tags": one.tags, "rewrite": one.rewrite} for one, name in rows]})


@cli.command()
@_PROBLEMS
def lint(problems: tuple[str, ...]) -> None:
    """Say whether PROBLEMS (all of ours by default) are worth a kernel."""
    found = [findings(found_problem(name)) for name in problems or names()]
    _print({"ok": all(one.ok for one in found), "problems": [asdict(one) for one in found]})


@cli.command()
@click.option("--problems", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True,
              help="A checkout of KernelBench.")  # fmt: skip
@click.option("--level", "levels", type=int, multiple=True, default=surveys.LEVELS, show_default=True)
def survey(folder: Path, levels: tuple[int, ...]) -> None:
    """Say of each problem of a checkout whether it loads, runs and passes the lint at CPU scale, and why not. A few seconds each."""
    found = list(surveys.survey(folder, levels))
    counts = {name: sum(getattr(one, name) for one in found) for name in ("loads", "runs", "lint_ok")}
    _print({"n": len(found), **counts, "problems": [asdict(one) for one in found]})


@cli.command()
@_PROBLEMS
@_DEVICE
@click.option("--again", is_flag=True, help="Measure also what is kept for this machine.")
def baselines(problems: tuple[str, ...], device: str, again: bool) -> None:
    """Measure the baselines of PROBLEMS (all of ours by default) against the reference as it is, and keep them for this machine."""
    found = {name: _baselines(found_problem(name), device, again) for name in problems or names()}
    _print({"machine": machine.description(), "problems": found})


def _baselines(problem: Problem, device: str, again: bool) -> dict[str, Any]:
    with device_held(device):
        found = references.measured(problem, device, again=again)
    rows = {form: {"gain": one.gain._asdict(), "us": one.us, "graph_breaks": one.graph_breaks} for form, one in found.items()}
    return {"forms": rows, "fastest": references.fastest(found).form, "failed": references.refused(problem, device)}


@cli.command()
@_PROBLEMS
@_DEVICE
@click.option("--repeats", type=int, default=1, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--budget", "budget_s", type=float, default=BUDGET_S, show_default=True, help="Seconds for the rounds of timing.")
def aa(problems: tuple[str, ...], repeats: int, **options: Any) -> None:
    """Compare the reference of PROBLEMS (all of ours by default) with itself."""
    done = aa_trials.trials([found_problem(name) for name in problems or names()], repeats, **options)
    _print({"summary": aa_trials.summed_up(done), "trials": [asdict(one) for one in done]})


@cli.command()
def doctor() -> None:
    """Say what this machine can do: backends, sandbox, where measurements are kept."""
    lacks = {name: backend.missing() for name, backend in BACKENDS.items()}
    _print({
        "machine": machine.description(), "sandbox": sandbox.level(), "lab": version(), "cache": str(machine.cache_folder()),
        "backends": {name: {"runs": not missing, "missing": missing} for name, missing in lacks.items()},
    })  # fmt: skip


def found_problem(name: str) -> Problem:
    """Return one of our problems by its name, or any by the path of its file, at sizes that this machine can run."""
    return surveys.at_cpu_scale(Path(name)) if name.endswith(".py") and Path(name).is_file() else load(name)


def _print(answer: dict[str, Any]) -> None:
    click.echo(json.dumps(answer, default=str))


def main() -> None:
    """Run a command; errors of the lab are JSON, too."""
    try:
        cli(standalone_mode=False)
    except (LabError, click.ClickException) as error:
        text = error.format_message() if isinstance(error, click.ClickException) else str(error)
        _print({"error": type(error).__name__, "message": text})
        sys.exit(2)
    except click.exceptions.Abort:
        sys.exit(130)
