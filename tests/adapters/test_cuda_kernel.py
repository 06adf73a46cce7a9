"""The adapter for kernels: what its harness scores, which failures it names, and what its probes and planted cheats find."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from alphalab_nb.adapter import load_builtin
from alphalab_nb.judge.cheats import Row, cheats, kill_matrix
from alphalab_nb.resources import shipped

ADAPTER = shipped("adapters", "cuda_kernel")
LAB_TESTS = Path(__file__).parents[1] / "kernels_lab"
PROBES = {path.name: path for path in sorted((ADAPTER / "probes").glob("*.py")) if not path.name.startswith("_")}
CHEATS: dict[str, dict[str, Any]] = yaml.safe_load((ADAPTER / "cheats" / "planted.yaml").read_text(encoding="utf-8"))
PLANTED, SCRIPTED = CHEATS["planted"], {name for name, row in CHEATS["scored"].items() if "lab" in row}
HONEST = [name for name, row in PLANTED.items() if row["stopped"] == "accepted"]

BUGS: list[dict[str, str]] = [
    {"check": "draws_make_a_geometric_mean", "file": "kernels.py", "old": "return math.exp(-math.fsum(losses) / len(losses))",
     "new": "return math.fsum(math.exp(-loss) for loss in losses) / len(losses)", "cheat": "draws_by_hand"},
    {"check": "the_fastest_baseline_counts", "file": "kernels.py", "old": 'baselines="all"', "new": 'baselines="eager"',
     "cheat": "smoke_claimed_as_full"},
    {"check": "labels_arrive", "file": "kernels.py", "old": 'raise Refused(verdict["label"], message',
     "new": 'raise Refused("crash", message', "cheat": "faster_than_the_machine"},
    {"check": "each_draw_counts", "file": "kernels.py", "old": "for draw in range(stream.draws)]\n    units",
     "new": "for draw in range(1)]\n    units"},
    {"check": "noise_is_measured_again", "file": "kernels.py", "old": 'if verdict["timing"]["noisy"]:', "new": "if False:",
     "cheat": "noise_taken_for_speed"},
    {"check": "what_does_not_come_back_misses_a_gate", "file": "kernels.py", "old": 'and not verdict["quarantine"]["reproduced"]',
     "new": 'and verdict["quarantine"]["value"] < 1', "cheat": "luck_that_does_not_come_back"},
    {"check": "no_verdict_is_no_score", "file": "kernels.py", "old": "if not (math.isfinite(speedup) and speedup > 0):",
     "new": "speedup = max(speedup, 1e-9)\n    if not math.isfinite(speedup):"},
    {"check": "baselines_by_hand", "file": "references.py", "old": '"value": loss_of(trial["value"])',
     "new": '"value": loss_of(trial["high"])', "cheat": "baselines_by_hand"},
    {"check": "a_run_repeats_its_draws", "file": "stream.py", "old": 'f"{self.secret}/{seed}/{draw}/{attempt}"',
     "new": 'f"{object()}/{seed}/{draw}/{attempt}"'},
    {"check": "streams_are_apart", "file": "stream.py", "old": 'f"{self.secret}/{seed}/{draw}/{attempt}"',
     "new": 'f"{self.secret}/{draw}/{attempt}"'},
    {"check": "units_are_paired", "file": "stream.py", "old": 'f"{problem}/default/natural/{self.partition}.{seed}.{draw}"',
     "new": 'f"{problem}/{id(problem)}/{os.getpid()}.{self.partition}.{seed}.{draw}"', "head": "import os\n", "cheat": "units_are_paired"},
    {"check": "seeds_are_secret", "file": "kernels.py", "old": '"lab": first["lab"],', "new": '"lab": first["lab"], "seed": first["seed"],',
     "cheat": "seeds_are_not_told"},
    {"check": "seeds_are_secret", "file": "stream.py", "old": "_SEED_BITS = 60", "new": "_SEED_BITS = 16", "cheat": "seeds_are_not_told"},
    {"check": "smoke_is_marked", "file": "score.py", "old": '"fidelity": options.fidelity,', "new": '"fidelity": "full",',
     "cheat": "smoke_claimed_as_full"},
    {"check": "a_kernel_brings_no_problem", "file": "artefact.py", "old": 'r"[A-Za-z]\\w*", re.ASCII', "new": 'r".+"', "real": "lab"},
    {"check": "unusable_artefacts_are_refused", "file": "artefact.py", "old": 'given.keys() != {"problem", "backend"}',
     "new": '{"problem", "backend"} - given.keys()', "cheat": "tells_its_score", "real": "lab"},
    {"check": "unusable_artefacts_are_refused", "file": "artefact.py", "old": 'raise Refused("crash", f"the artefact holds no',
     "new": 'raise Refused("invalid_output", f"the artefact holds no', "cheat": "leaves_nothing"},
    {"check": "", "file": "artefact.py", "old": " | os.O_NOFOLLOW", "new": "", "cheat": "link_as_source"},
    {"check": "", "file": "score.py", "old": 'return failed("infrastructure", str(fault))', "new": 'return failed("crash", str(fault))',
     "cheat": "vault_out_of_reach"},
]
"""Bugs planted one by one into the reference harness, with the check of a probe and the planted cheat that find each; `real`: that check
asks the real lab, which takes seconds."""


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Measurements of the machine are kept for this module alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERNELS_LAB_CACHE", str(tmp_path_factory.mktemp("lab")))
        yield


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder with the harness, its task, its vault and the description of a space."""
    shutil.copytree(ADAPTER / "harness", tmp_path / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "harness" / "config.json").write_text('{"problems": [], "timing_s": 0.3, "metric": "speedup"}', encoding="utf-8")
    for number, name in enumerate(("search", "confirm", "sealed")):
        held = {"partition": name, "world": 3, "stream": 41 + number, "draws": 1}
        (tmp_path / "vault" / name).mkdir(parents=True)
        (tmp_path / "vault" / name / "stream.json").write_text(json.dumps(held), encoding="utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "space.json").write_text('{"diagonal_matmul": {}}', encoding="utf-8")
    return tmp_path


def start(home: Path, source: Path | None, problem: str, *options: str) -> subprocess.Popen[bytes]:
    """Begin to score a source on search as the evaluator does; None: the baselines."""
    what = ["--baselines"]
    if source is not None:
        (home / "artefact").mkdir()
        (home / "artefact" / "kernel.json").write_text(json.dumps({"problem": problem, "backend": "cpp"}), encoding="utf-8")
        shutil.copyfile(source, home / "artefact" / "kernel.cpp")
        what = ["--artefact", str(home / "artefact")]
    argv = [sys.executable, "-m", "harness.score", *what, "--partition", "search", *options, "--out", str(home / "score.json")]
    env = {**os.environ, "ALPHALAB_VAULT": str(home / "vault"), "ALPHALAB_DATA": str(home / "data")}
    return subprocess.Popen(argv, cwd=home, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def scored(home: Path, source: Path | None, problem: str = "", *options: str) -> dict[str, Any]:
    start(home, source, problem, *options).wait(500)
    shutil.rmtree(home / "artefact", ignore_errors=True)
    return json.loads((home / "score.json").read_text(encoding="utf-8"))


def probe(home: Path, name: str, *checks: str) -> list[dict[str, Any]]:
    argv = [sys.executable, str(PROBES[name]), str(home), *checks]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def plant(bug: dict[str, str], harness: Path) -> None:
    path = harness / bug["file"]
    text = path.read_text(encoding="utf-8")
    assert text.count(bug["old"]) == 1, f"the bug no longer fits {bug['file']}"
    text = text.replace(bug["old"], bug["new"])
    path.write_text(text.replace("import json\n", f"import json\n{bug.get('head', '')}", 1), encoding="utf-8")


# -- kernels ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_right_kernel_is_scored_over_the_fastest_baseline_on_the_units_of_its_reference(home: Path) -> None:
    baselines = scored(home, None)
    [name] = baselines["baselines"]
    assert name == "diagonal_matmul"
    assert baselines["baselines"][name] == pytest.approx(1.0, rel=0.4)
    found = scored(home, LAB_TESTS / "candidates" / f"{name}.cpp", name)
    assert found["ok"], found["error"]
    assert [unit["id"] for unit in found["units"]] == [unit["id"] for unit in baselines["units"][name]]
    assert found["secondary"]["baseline"] == baselines["secondary"][name]["baseline"]
    assert found["value"] == pytest.approx(min(found["secondary"]["speedup"].values()))
    assert found["value"] > 2  # no product is done


@pytest.mark.parametrize(("name", "label", "says"), [
    ("syntax.cpp", "crash", "compile_error: kernel.cpp:2"),
    ("segfault.cpp", "crash", "crash: SIGSEGV"),
    pytest.param("exits.cpp", "crash", "exited: ", marks=pytest.mark.slow),
    pytest.param("throws.cpp", "crash", "crash: ", marks=pytest.mark.slow),
    pytest.param("network.cpp", "crash", "crash: ", marks=pytest.mark.slow),
    pytest.param("unloadable.cpp", "crash", "exception: ", marks=pytest.mark.slow),
    pytest.param("flags.cpp", "crash", "compile_error: options", marks=pytest.mark.slow),
    pytest.param("fork.cpp", "crash", "forked: ", marks=pytest.mark.slow),
    pytest.param("flood.cpp", "invalid_output", "output_flood: ", marks=pytest.mark.slow),
    pytest.param("memory.cpp", "oom", "memory: ", marks=pytest.mark.slow),
    pytest.param("hang.cpp", "timeout", "timeout: no answer within", marks=pytest.mark.slow),
])
def test_a_hostile_kernel_is_a_labelled_failure(home: Path, name: str, label: str, says: str) -> None:
    found = scored(home, LAB_TESTS / "hostile" / name, "softmax", "--fidelity", "smoke")
    assert (found["ok"], found["label"], found["value"]) == (False, label, None), found["error"]
    assert found["error"].startswith(says)


def test_a_scoring_that_is_ended_says_so_and_leaves_nothing_running(home: Path) -> None:
    process = start(home, LAB_TESTS / "hostile" / "hang.cpp", "softmax", "--fidelity", "smoke")
    ends = time.monotonic() + 60
    while len(children := psutil.Process(process.pid).children(recursive=True)) < 2 and time.monotonic() < ends:
        time.sleep(0.1)  # until the lab has a candidate
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert json.loads((home / "score.json").read_text(encoding="utf-8"))["label"] == "timeout"
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_a_kernel_that_failed_is_not_repaired_into_another_one() -> None:
    from alphalab_nb.agents.offline.worker import repair
    from alphalab_nb.agents.tasks import FixTask
    from alphalab_nb.storage.experiment import Experiment, State

    recipe = next(recipe for recipe in load_builtin("cuda_kernel").recipes() if recipe.family == "swish")
    files = recipe.render(recipe.default({}), {})
    experiment = Experiment(id=1, name="wrong", family="swish", hypothesis="", config={}, state=State.TO_IMPLEMENT, author="offline")
    task = FixTask(experiment=experiment, folder=Path(), files=files, playbook="", label="invalid_output", error="wrong_values",
                   recipe=recipe, facts={})
    assert repair(task)[1] == files
    assert json.loads(files["kernel.json"]) == {"problem": "swish", "backend": "cpp"}


# -- the harness and what attacks it ---------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", ["not real_lab", pytest.param("real_lab", marks=pytest.mark.slow)])
def test_the_tests_that_travel_with_it_pass_without_the_package(home: Path, chosen: str) -> None:
    options = ["-q", "-k", chosen, "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", "."]
    argv = [sys.executable, "-m", "pytest", *options, "harness/tests"]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(argv, cwd=home, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name == "verdicts.py" else ()) for name in PROBES])
def test_the_clean_harness_survives_every_check(name: str, home: Path) -> None:
    found = probe(home, name)
    assert len(found) >= 5
    assert [finding for finding in found if not finding["ok"]] == []


@pytest.mark.parametrize("bug", [
    pytest.param(bug, marks=pytest.mark.slow if "real" in bug else (), id=f"{bug['check']}-{bug['file']}") for bug in BUGS if bug["check"]])
def test_a_planted_bug_is_found(bug: dict[str, str], home: Path) -> None:
    plant(bug, home / "harness")
    [name] = [name for name, path in PROBES.items() if f'"{bug["check"]}":' in path.read_text(encoding="utf-8")]
    [found] = probe(home, name, bug["check"])
    assert not found["ok"]
    assert found["severity"] == "blocking"
    assert found["line"] in range(1, 1 + len((home / found["file"]).read_text(encoding="utf-8").splitlines()))


def attack(harness: Path, home: Path, *names: str) -> dict[str, dict[str, Any]]:
    """Plant cheats in a harness and return what was said of each."""
    (home / "shown").mkdir(parents=True)
    argv = [sys.executable, str(ADAPTER / "cheats" / "attack.py"), str(home), str(harness), *names]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}


def test_no_cheat_that_a_scripted_lab_shows_lives(home: Path) -> None:
    names = [name for name, row in PLANTED.items() if row["of"] in SCRIPTED]
    found = attack(home / "harness", home / "attack", *names)
    assert {name: line["message"] for name, line in found.items() if not line["killed"]} == {}
    assert [*found] == names


@pytest.mark.parametrize("bug", [bug for bug in BUGS if "cheat" in bug], ids=lambda bug: f"{bug['cheat']}-{bug['file']}")
def test_a_bug_of_the_harness_lets_a_cheat_live(bug: dict[str, str], home: Path) -> None:
    plant(bug, home / "harness")
    [found] = attack(home / "harness", home / "attack", bug["cheat"]).values()
    assert not found["killed"]
    assert found["message"]


@pytest.fixture(scope="module")
def matrix() -> dict[str, Row]:
    return {row.cheat: row for row in kill_matrix(ADAPTER / "harness", ADAPTER / "cheats", kind="source") if row.cheat in PLANTED}


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_our_harness_stops_it_and_does_not_stop_what_is_honest(name: str, matrix: dict[str, Row]) -> None:
    assert (matrix[name].applies, matrix[name].killed) == (True, True), matrix[name].message


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PLANTED if name not in HONEST])
def test_it_works_on_the_naive_evaluation(name: str, matrix: dict[str, Row]) -> None:
    assert (matrix[name].naive_gain or 0) > 0.03


def test_what_applies_to_sources_and_must_be_stopped_here_is_planted() -> None:
    attacked = {row["cheat"] for row in PLANTED.values()}
    elsewhere = {"judge", "identity", "partitions", "evaluator", "board", "leaderboard"}
    assert {cheat.id for cheat in cheats().values() if "source" in cheat.kinds and cheat.by not in elsewhere} <= attacked
    assert attacked <= cheats().keys()
    assert len(HONEST) == 2
