"""Rules of the Worker: write a recipe's files, repair by the label of the failure, fill in the debrief's form."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from alphalab_nb.adapter import Recipe
from alphalab_nb.agents.tasks import AnalyzeTask, FixTask, ImplementTask
from alphalab_nb.llm import Call, Result

Steps = AsyncGenerator[Call | list[Call], Any]

_IMPORT = re.compile(r"\b(ImportError|ModuleNotFoundError)\b")


async def implement(task: ImplementTask, notes: Sequence[str]) -> Steps:
    """Write the recipe's files."""
    done: list[Result] = yield [Call("read_playbook"), *_writes(task.files)]
    yield _report(f"implemented {task.experiment.name} from recipe {task.experiment.family}: {len(task.files)} files", done)


async def fix(task: FixTask, notes: Sequence[str]) -> Steps:
    """Rewrite the files by the rule for the label of the failure."""
    rule, files = repair(task)
    written: list[Result] = yield _writes({**files, "fix.md": _fix_note(task, rule)})
    yield _report(f"repaired {task.experiment.name}: {rule}", written)


async def analyze(task: AnalyzeTask, notes: Sequence[str]) -> Steps:
    """Write debrief.md from measured numbers only."""
    written: Result = yield Call("write_file", {"path": "debrief.md", "text": debrief(task)})
    yield _report(f"debrief of {task.experiment.name}", [written])


def _writes(files: Mapping[str, str]) -> list[Call]:
    return [Call("write_file", {"path": path, "text": text}) for path, text in files.items()]


def _report(text: str, results: Sequence[Result]) -> Call:
    bad = [result.text for result in results if not result.ok or "syntax error" in result.text]
    return Call("report_to_user", {"summary": "; ".join([text, *bad])})


# -- repair ----------------------------------------------------------------------------------------------


def repair(task: FixTask) -> tuple[str, dict[str, str]]:
    """Return the rule that applies and the files it leads to."""
    recipe = task.recipe
    if recipe is None:
        return "no recipe for this family; the files are written again as they were", dict(task.files)
    if task.files and not any(name.endswith(".py") for name in task.files):  # another point would be another experiment
        return f"{task.label}: there is no program to repair; the point is written again as it was proposed", dict(task.files)
    if _IMPORT.search(task.error) and task.siblings:
        sibling = task.siblings[0]
        rule = f"a module is missing here: default of the sibling recipe {sibling.family}"
        return rule, sibling.render(sibling.default(task.facts), task.facts)
    default = recipe.default(task.facts)
    present = recipe.complete(task.experiment.config, task.facts)
    if task.label in ("oom", "timeout"):
        factor = 2 ** (task.experiment.fixes + 1)
        smaller = shrunk(recipe, present, task.facts, factor)
        return f"{task.label}: size parameters divided by {factor}", recipe.render(smaller, task.facts)
    return f"{task.label}: default configuration of {recipe.family}", recipe.render(_keeping_members(recipe, default, present), task.facts)


def shrunk(recipe: Recipe, config: Mapping[str, Any], facts: Mapping[str, Any], factor: int) -> dict[str, Any]:
    """Return the configuration with every integer parameter divided, down to its lower bound."""
    smaller = dict(config)
    for name, param in recipe.spec.params.items():
        if name in smaller and param.type == "int" and isinstance(smaller[name], int):
            low, _ = recipe.bounds(param, facts)
            smaller[name] = max(int(low), smaller[name] // factor)
    return smaller


def _keeping_members(recipe: Recipe, default: dict[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    """Keep which experiments an ensemble combines: its default names none."""
    members = {name: present[name] for name, param in recipe.spec.params.items() if param.type == "experiments" and name in present}
    return {**default, **members}


def _fix_note(task: FixTask, rule: str) -> str:
    last = task.error.strip().splitlines()[-1] if task.error.strip() else "no message"
    return f"# Fix {task.experiment.fixes + 1}\n\n- Failure: {task.label}: `{last[:300]}`\n- Rule: {rule}\n"


# -- debrief ---------------------------------------------------------------------------------------------


def debrief(task: AnalyzeTask) -> str:
    """Return the debrief: a filled-in form, no reasons that nobody measured."""
    experiment = task.experiment
    sections = [
        f"# Debrief of experiment {experiment.id}: {experiment.name}",
        f"Family {experiment.family}. Hypothesis: {experiment.hypothesis}",
        "## Result\n\n" + "\n".join(_result(task)),
        *_profiles(task),
        "## Caveats\n\nRule-based, no language model: only measured numbers; reasons are not known.",
    ]
    return "\n\n".join(sections) + "\n"


def _result(task: AnalyzeTask) -> list[str]:
    score, metric = task.score, task.metric
    if score is None or not score.ok or score.value is None:
        last = score.error.strip().splitlines()[-1] if score and score.error.strip() else ""
        label = score.label if score else "not run"
        return [f"- No score: {label}{f' ({last[:300]})' if last else ''}", f"- Compute: {task.seconds:.1f} s"]
    lines = [f"- {metric.name}: {score.value:.6g} {metric.unit}".rstrip(), f"- Verdict: {task.verdict or 'none'}"]
    if task.best_other is not None:
        change = metric.improvement(score.value, task.best_other)
        lines.append(f"- Against the best other, #{task.best_other_id} ({task.best_other:.6g}): {_signed(change)}")
    lines += [f"- Against {name} ({value:.6g}): {_signed(metric.improvement(score.value, value))}"
              for name, value in sorted(task.baselines.items()) if value is not None]
    return [*lines, f"- Compute: {task.seconds:.1f} s"]


def _profiles(task: AnalyzeTask) -> list[str]:
    """Return the profile over the horizon and the worst and best items, as far as the harness measured them."""
    if task.score is None or not task.score.ok:
        return []
    secondary, sections = task.score.secondary, list[str]()
    steps = _numbers(secondary.get("by_step"))
    if steps:
        points = sorted({0, len(steps) // 4, len(steps) // 2, 3 * len(steps) // 4, len(steps) - 1})
        sections.append("## Profile over the horizon\n\n" + "\n".join(f"- step {steps[i][0]}: {steps[i][1]:.6g}" for i in points))
    items = sorted(_numbers(secondary.get("by_item")), key=lambda pair: pair[1])
    if len(items) > 1:
        chosen = items if len(items) <= 6 else [*items[:3], *items[-3:]]
        sections.append("## Items, smallest loss first\n\n" + "\n".join(f"- {name}: {value:.6g}" for name, value in chosen))
    return sections


def _numbers(profile: Any) -> list[tuple[str, float]]:
    """Return (name, value) of a list or a mapping of numbers."""
    pairs = profile.items() if isinstance(profile, Mapping) else enumerate(profile or [], start=1)
    return [(str(name), float(value)) for name, value in pairs if isinstance(value, int | float)]


def _signed(change: float) -> str:
    return f"{abs(change):.2%} {'better' if change > 0 else 'worse' if change < 0 else 'the same'}"
