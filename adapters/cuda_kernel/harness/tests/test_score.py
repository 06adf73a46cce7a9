"""The score of a kernel: what it is the mean of, what it is paired with, what it refuses, and what it never tells."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.cores import mine, one_core
from harness.kernels import ANOTHER_TIME
from harness.lab import Lab
from harness.stream import HarnessFault, Task, load_stream
from harness.tests.scripted import KERNEL, Scored, Script, noisy, verdict

RIGHT = """#include <cmath>
#include <cstdint>
extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double*) {
  const float* x = (const float*)in[0];
  for (int64_t i = 0; i < sizes[0] * sizes[1]; i++) ((float*)out)[i] = x[i] / (1 + std::exp(-x[i]));
}
"""


def test_a_score_is_the_geometric_mean_over_its_draws_against_the_fastest_baseline(scored: Scored, script: Script):
    script.verdicts = [verdict(2.0), verdict(8.0)]
    found = scored()
    assert (found["ok"], found["label"], found["metric"]) == (True, "ok", "speedup")
    assert found["value"] == pytest.approx(4.0)
    assert [unit["value"] for unit in found["units"]] == pytest.approx([-math.log(2), -math.log(8)])
    assert found["secondary"]["speedup"] == pytest.approx({"eager": 8.0, "library": 4.0})
    assert found["secondary"]["baseline"] == "library"


def test_its_interval_is_that_of_the_mean_and_never_narrower_than_what_another_time_would_find(scored: Scored, script: Script):
    script.verdicts = [verdict(2.0), verdict(8.0)]
    half = math.hypot(math.log(1.05) / math.sqrt(2), ANOTHER_TIME)
    assert scored()["secondary"]["interval"] == pytest.approx([4 * math.exp(-half), 4 * math.exp(half)])
    script.trials = [{"value": 1.02, "low": 1.02 / 1.05, "high": 1.02 * 1.05, "noisy": False}]
    about = scored(baselines=True)["secondary"]["swish"]
    assert about["interval"] == pytest.approx([1.02 * math.exp(-half), 1.02 * math.exp(half)])


def test_a_full_score_asks_for_all_baselines_and_the_tasks_seconds(scored: Scored, script: Script):
    scored(timing_s=0.75)
    for question in script.asked:
        assert question[:2] == ("evaluate", "swish")
        assert question[-4:] == ("--baselines", "all", "--budget", "0.75")


def test_the_lab_gets_the_source_as_it_is_and_by_its_backend(scored: Scored, script: Script):
    scored({**KERNEL, "kernel.json": '{"problem": "softmax", "backend": "torch"}', "kernel.py": "# torch\n"}, draws=1)
    assert script.sources == ["# torch\n"]
    assert script.asked[0][3:5] == ("--backend", "torch")
    assert Path(script.asked[0][2]).name == "kernel.py"


def test_a_kernel_and_its_reference_are_paired_and_nothing_else_is(scored: Scored, script: Script):
    ids = [unit["id"] for unit in scored()["units"]]
    assert ids == [unit["id"] for unit in scored(baselines=True)["units"]["swish"]]
    assert len({*ids}) == len(ids) == 2
    for other in (scored(seed=1), scored(partition="confirm"), scored(KERNEL, "--fidelity", "smoke"),
                  scored({**KERNEL, "kernel.json": '{"problem": "softmax", "backend": "cpp"}'})):
        assert not {*ids} & {unit["id"] for unit in other["units"]}


def test_no_two_draws_seeds_and_partitions_have_a_seed_of_the_lab_in_common_and_one_run_repeats_itself(scored: Scored, script: Script):
    runs: list[Callable[[], Any]] = [
        scored, lambda: scored(seed=1), lambda: scored(partition="confirm"), lambda: scored(KERNEL, "--fidelity", "smoke")]
    for run in runs:
        run()
    first = script.seeds()
    assert len({*first}) == len(first) == 7
    for run in runs:
        run()
    assert script.seeds() == first + first


def test_the_baselines_are_asked_under_the_same_seeds_for_every_problem(scored: Scored, script: Script):
    scored(baselines=True, draws=1)
    assert len({*script.seeds()}) == 1


def test_no_score_tells_a_seed_or_the_secret(scored: Scored, script: Script):
    secret = 123456789123
    script.verdicts = [verdict(seed=4711), verdict(ok=False, label="crash", check="crash", message="SIGSEGV", seed=4711)]
    for found in (scored(secret=secret, draws=1), scored(secret=secret), scored(secret=secret, baselines=True)):
        assert not [number for number in (*script.seeds(), "4711", str(secret)) if number in json.dumps(found)]


@pytest.mark.parametrize("label", ["crash", "timeout", "oom", "invalid_output", "gate_missed"])
def test_a_failure_has_the_labs_label_and_its_words(scored: Scored, script: Script, label: str):
    script.verdicts = [verdict(ok=False, label=label, check="wrong_values", message="small/large: off", headline=None, timing=None)]
    found = scored()
    assert (found["ok"], found["label"], found["value"], found["units"]) == (False, label, None, [])
    assert found["error"] == "wrong_values: small/large: off"


def test_one_wrong_draw_is_one_too_many(scored: Scored, script: Script):
    script.verdicts = [verdict(), verdict(ok=False, label="invalid_output", check="wrong_values", message="off")]
    assert (scored()["label"], len(script.asked)) == ("invalid_output", 2)


def test_a_fault_of_the_lab_is_not_the_kernels(scored: Scored, script: Script):
    script.verdicts = [verdict(ok=False, label="infrastructure", check="worker", message="gone")]
    assert scored()["label"] == "infrastructure"
    script.verdicts = [verdict(headline=None, timing=None)]
    assert scored()["label"] == "infrastructure"
    script.verdicts = [verdict(0.0)]
    assert scored()["label"] == "infrastructure"


# -- what is measured again ------------------------------------------------------------------------------------


def test_a_noisy_draw_is_measured_again_under_another_seed(scored: Scored, script: Script):
    script.verdicts = [noisy(9.0), noisy(0.1), verdict(3.0), verdict(3.0)]
    found = scored()
    assert found["value"] == pytest.approx(3.0)
    assert len({*script.seeds()}) == len(script.asked) == 4


def test_a_machine_that_stays_noisy_is_not_the_kernels_fault(scored: Scored, script: Script):
    script.verdicts = [noisy()]
    found = scored()
    assert (found["label"], len(script.asked)) == ("infrastructure", 3)
    assert found["error"].startswith("too noisy to rank")


def test_what_is_too_good_and_does_not_come_back_misses_a_gate(scored: Scored, script: Script):
    script.verdicts = [verdict(9.0, ranks=False, quarantine={"reason": "9 times faster", "reproduced": False, "value": 1.1})]
    found = scored()
    assert (found["ok"], found["label"], found["value"], len(script.asked)) == (False, "gate_missed", None, 1)
    assert [row["slack"] < 0 for row in found["gates"]] == [False, False, True]
    assert found["gates"][-1]["name"] == "reproduced"
    assert found["error"] == "quarantine: 9 times faster, and a second pair of processes found 1.1"


def test_what_is_too_good_and_comes_back_is_believed(scored: Scored, script: Script):
    script.verdicts = [verdict(9.0, quarantine={"reason": "9 times faster", "reproduced": True, "value": 8.5})]
    found = scored()
    assert found["value"] == pytest.approx(9.0)
    assert [row["name"] for row in found["gates"]] == ["error", "floor", "reproduced"]


def test_gates_are_the_tightest_of_all_draws(scored: Scored, script: Script):
    close = verdict()
    close["correctness"], close["timing"] = {**close["correctness"], "worst": 0.9}, {**close["timing"], "candidate_us": 41.0}
    script.verdicts = [verdict(), close]
    assert [(row["name"], row["value"], row["limit"], pytest.approx(row["slack"])) for row in scored()["gates"]] == [
        ("error", 0.9, 1.0, 0.1), ("floor", 41.0, 40.0, 1.0)]


def test_a_time_below_the_floor_shows_by_how_much(scored: Scored, script: Script):
    fast = verdict(ok=False, label="gate_missed", check="below_floor", message="4 us", headline=None)
    script.verdicts = [{**fast, "timing": {**fast["timing"], "candidate_us": 4.0}}]
    found = scored()
    assert [(row["name"], row["slack"]) for row in found["gates"]] == [("error", 0.75), ("floor", -36.0)]


def test_a_measurement_keeps_to_one_core_and_gives_the_others_back():
    before = mine()
    with one_core():
        assert len(mine()) == 1
    assert mine() == before


# -- smoke -----------------------------------------------------------------------------------------------------


def test_a_smoke_score_is_one_short_look_against_eager_and_says_so(scored: Scored, script: Script):
    eager = verdict(ranks=False)
    script.verdicts = [{**eager, "headline": {"baseline": "eager", "value": 4.0, "low": 3.0, "high": 5.0}, "timing": noisy()["timing"]}]
    found = scored(KERNEL, "--fidelity", "smoke")
    assert (found["fidelity"], found["value"], found["secondary"]["baseline"]) == ("smoke", pytest.approx(4.0), "eager")
    assert [question[-4:] for question in script.asked] == [("--baselines", "eager", "--budget", "0")]


# -- artefacts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "label"), [
    ("", "invalid_output"), ("[]", "invalid_output"), ("NaN", "invalid_output"), ("{", "invalid_output"), ("[" * 3000, "invalid_output"),
    ('{"problem": "swish"}', "invalid_output"), ('{"problem": "swish", "backend": "fortran"}', "invalid_output"),
    ('{"problem": "swish", "backend": ["cpp"]}', "invalid_output"), ('{"problem": null, "backend": "cpp"}', "invalid_output"),
    ('{"problem": "unheard_of", "backend": "cpp"}', "invalid_output"), ('{"problem": "--seed", "backend": "cpp"}', "invalid_output"),
    ('{"problem": "/tmp/mine.py", "backend": "cpp"}', "invalid_output"), ('{"problem": "mine.py", "backend": "cpp"}', "invalid_output"),
    ('{"problem": "swish", "backend": "cpp", "value": 100.0}', "invalid_output"),
    ('{"problem": "swish", "backend": "cpp"}' + " " * 5000, "invalid_output"), ('{"problem": "swish", "backend": "torch"}', "crash"),
])
def test_what_is_no_kernel_is_refused(scored: Scored, script: Script, text: str, label: str):
    found = scored({**KERNEL, "kernel.json": text})
    assert (found["ok"], found["label"], found["value"]) == (False, label, None)


def test_a_kernel_for_another_problem_than_its_family_has_no_score(scored: Scored, script: Script):
    """Else it would stand on the other problem's leaderboard."""
    note = {"experiment.json": json.dumps({"name": "x", "family": "rms_norm"})}
    found = scored({**KERNEL, **note})
    assert (found["label"], found["value"]) == ("invalid_output", None)
    assert "family rms_norm" in found["error"]
    assert scored({**KERNEL, "experiment.json": json.dumps({"family": "swish"})})["label"] == "ok"


@pytest.mark.parametrize(("device", "backend", "label"), [
    ("cpu", "cpp", "ok"), ("cpu", "cuda", "invalid_output"), ("cpu", "triton", "invalid_output"),
    ("cuda", "cuda", "ok"), ("cuda", "triton", "ok"), ("cuda", "torch_cuda", "ok"), ("cuda", "cpp", "invalid_output"),
])
def test_kernels_of_one_device_compete_and_no_others(scored: Scored, script: Script, device: str, backend: str, label: str):
    kernel = {"kernel.json": json.dumps({"problem": "swish", "backend": backend}), "kernel.cpp": "//", "kernel.cu": "//", "kernel.py": "#"}
    assert scored(kernel, device=device)["label"] == label


def test_the_references_are_measured_where_the_kernels_run(scored: Scored, script: Script):
    scored(baselines=True, device="cuda")
    told = [question for question in script.asked if question[0] in ("aa", "baselines")]
    assert told
    assert all(question[question.index("--device") + 1] == "cuda" for question in told)


def test_a_missing_file_is_a_crash(scored: Scored, script: Script):
    assert scored({})["label"] == "crash"
    assert scored({"kernel.json": KERNEL["kernel.json"]})["error"] == "the artefact holds no kernel.cpp that can be read"
    assert script.asked == []


@pytest.mark.parametrize("name", ["kernel.json", "kernel.cpp"])
def test_a_link_a_folder_a_pipe_and_a_flood_are_refused(scored: Scored, script: Script, tmp_path: Path, name: str):
    place = tmp_path / "artefact" / name
    scored()

    def as_link() -> None:
        (tmp_path / "elsewhere").write_text(KERNEL[name], encoding="utf-8")
        place.symlink_to(tmp_path / "elsewhere")

    flood, no_text = b" " * (2 << 20), b"\xff"
    for put in (as_link, place.mkdir, lambda: os.mkfifo(place), lambda: place.write_bytes(flood), lambda: place.write_bytes(no_text)):
        place.rmdir() if place.is_dir() else place.unlink()
        put()
        assert scored({})["label"] == "invalid_output", put
    assert len(script.asked) == 2


# -- further problems, tasks and vaults --------------------------------------------------------------------------


def test_a_further_problem_is_named_by_its_file(scored: Scored, script: Script, tmp_path: Path):
    (tmp_path / "23_Softmax.py").touch()
    found = scored({**KERNEL, "kernel.json": '{"problem": "23_Softmax", "backend": "cpp"}'}, problems=[str(tmp_path / "23_Softmax.py")])
    assert found["units"][0]["id"] == "23_Softmax/default/natural/search.0.0"
    assert script.asked[0][1] == str(tmp_path / "23_Softmax.py")
    assert [*scored(baselines=True, problems=[str(tmp_path / "23_Softmax.py")])["baselines"]] == ["swish", "rms_norm", "23_Softmax"]


def test_tasks_that_cannot_be_used_are_faults_of_ours(scored: Scored, script: Script, tmp_path: Path):
    (tmp_path / "swish.py").touch()
    bad: list[dict[str, Any]] = [
        {"timing_s": -1}, {"timing_s": "long"}, {"device": "tpu"}, {"device": ["cpu"]},
        {"problems": "swish.py"}, {"problems": ["swish.py"]},
        {"problems": [str(tmp_path / "no.py")]}, {"problems": [str(tmp_path / "swish.py")] * 2}]
    assert {scored(**task)["label"] for task in bad} == {"infrastructure"}
    assert scored(baselines=True, problems=[str(tmp_path / "swish.py")])["label"] == "infrastructure"


@pytest.mark.parametrize("held", ["", "[]", "{}", '{"stream": "one", "draws": 1}'])
def test_a_vault_that_holds_no_stream_is_a_fault_of_ours(tmp_path: Path, held: str):
    (tmp_path / "search").mkdir()
    with pytest.raises(HarnessFault, match="search"):
        load_stream("search", tmp_path)
    (tmp_path / "search" / "stream.json").write_text(held, encoding="utf-8")
    with pytest.raises(HarnessFault, match="search"):
        load_stream("search", tmp_path)


def test_an_unknown_partition_is_a_fault_of_ours(scored: Scored, script: Script):
    assert scored(partition="explore")["label"] == "infrastructure"


# -- baselines -------------------------------------------------------------------------------------------------


def test_baselines_are_the_references_next_to_themselves_for_each_problem_of_the_campaign(scored: Scored, script: Script):
    found = scored(baselines=True, families=("swish", "rms_norm", "not_of_the_lab"))
    assert found["baselines"] == pytest.approx({"swish": 1.02, "rms_norm": 1.02})
    for name, units in found["units"].items():
        assert found["baselines"][name] == pytest.approx(math.exp(-sum(unit["value"] for unit in units) / len(units)))
    told = found["secondary"]["swish"]
    assert (told["baseline"], told["graph_breaks"], told["gains"]) == ("compile", 2, {"eager": 1.0, "compile": 1.5})
    assert told["failed"] == {"library": "it does not run"}


def test_each_of_many_references_gets_the_comparison_that_is_its_own(script: Script):
    script.trials = [{"value": 1.1}, {"value": 0.9}]
    found = Lab(Task({}, 0.5, "cpu")).references(["swish", "softmax"], seed=1, budget_s=1.0)
    assert found == {"swish": {"value": 1.1}, "softmax": {"value": 0.9}}


def test_of_noisy_references_the_narrowest_counts_and_says_so(scored: Scored, script: Script):
    wide, narrow = ({"value": value, "low": value / by, "high": value * by, "noisy": True} for value, by in ((1.0, 1.5), (1.2, 1.3)))
    script.trials = [wide, narrow, wide]
    found = scored(baselines=True, families=("swish",), draws=1)
    assert found["baselines"]["swish"] == pytest.approx(1.2)
    assert found["secondary"]["swish"]["noisy"] is True
    assert len({*script.seeds()}) == 3


def test_a_campaign_without_a_problem_of_the_lab_has_no_baselines(scored: Scored, script: Script):
    assert scored(baselines=True, families=("point",))["label"] == "infrastructure"


# -- the real lab ------------------------------------------------------------------------------------------------


def test_real_lab_scores_a_right_kernel(scored: Scored):
    found = scored({**KERNEL, "kernel.cpp": RIGHT}, "--fidelity", "smoke")
    assert found["ok"], found["error"]
    assert found["value"] == pytest.approx(found["secondary"]["speedup"]["eager"])
    assert all(row["slack"] >= 0 for row in found["gates"])
    assert found["resources"]["cpu_s"] > 0.5  # of the lab's processes, too


def test_real_lab_and_its_compiler_are_heard(scored: Scored):
    found = scored({**KERNEL, "kernel.cpp": "int launch( {\n"}, "--fidelity", "smoke")
    assert found["label"] == "crash"
    assert found["error"].startswith("compile_error: kernel.cpp:1")


def test_real_lab_knows_no_other_problems(scored: Scored):
    found = scored({**KERNEL, "kernel.json": '{"problem": "unheard_of", "backend": "cpp"}'}, "--fidelity", "smoke")
    assert (found["label"], "no problem 'unheard_of'" in found["error"]) == ("invalid_output", True)
