"""What only the executors on this machine promise: disjoint cores, GPUs by slot, a cheap start."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from alphalab_nb.executors import Command, Job, LocalExecutor, make_executor, wrapper
from alphalab_nb.executors.local import divide
from alphalab_nb.executors.slots import Slot, environment
from alphalab_nb.resources import cores

needs_two_cores = pytest.mark.skipif(len(cores()) < 2, reason="needs two cores")


@pytest.mark.parametrize(
    ("slots", "cores_per_slot", "expected"),
    [
        (0, 1, [(0,), (1,), (4,), (5,)]),
        (0, 2, [(0, 1), (4, 5)]),
        (2, 1, [(0,), (1,)]),
        (0, 3, [(0, 1, 4)]),
        (9, 2, [(0, 1), (4, 5)]),
        (1, 9, [(0, 1, 4, 5)]),
    ],
)
def test_slots_are_disjoint_core_sets_that_fit(slots: int, cores_per_slot: int, expected: list[tuple[int, ...]]) -> None:
    assert [slot.cores for slot in divide([0, 1, 4, 5], [], slots=slots, cores_per_slot=cores_per_slot)] == expected


@pytest.mark.parametrize(
    ("gpus", "expected"),
    [
        ([], [(), (), ()]),
        (["0"], [("0",), ("0",), ("0",)]),
        (["0", "1"], [("0",), ("1",), ("0",)]),
        (["0", "1", "2", "3"], [("0", "3"), ("1",), ("2",)]),
    ],
)
def test_gpus_are_dealt_out_or_shared_in_turn(gpus: list[str], expected: list[tuple[str, ...]]) -> None:
    assert [slot.gpus for slot in divide([0, 1, 2], gpus, slots=3, cores_per_slot=1)] == expected


def test_a_slot_shows_its_gpus_only(tmp_path: Path) -> None:
    command = Command(argv=("true",), cwd=tmp_path, folder=tmp_path, env={"CUDA_VISIBLE_DEVICES": "0,1,2"})
    assert environment(command, Slot(0, (0,), ("1", "3")))["CUDA_VISIBLE_DEVICES"] == "1,3"


def test_more_slots_than_cores_are_refused_aloud(caplog: pytest.LogCaptureFixture) -> None:
    with LocalExecutor(slots=1000) as executor:
        assert executor.slots == len(cores())
    assert "do not fit" in caplog.text


def test_inline_runs_one_at_a_time(tmp_path: Path) -> None:
    with make_executor("inline") as executor:
        assert executor.slots == 1
        ends = [job.result(20) for job in sleeps(executor.submit, tmp_path, 3)]
    assert [ends[n].finished <= ends[n + 1].started for n in range(2)] == [True, True]


@needs_two_cores
def test_local_runs_as_many_as_slots_each_on_its_own_core(tmp_path: Path) -> None:
    with make_executor("local", slots=2) as executor:
        ends = [job.result(20) for job in sleeps(executor.submit, tmp_path, 2)]
    assert ends[1].started < ends[0].finished
    used = [json.loads((tmp_path / str(n) / "job.json").read_text())["cores"] for n in range(2)]
    assert sorted(used) == [[core] for core in cores()[:2]]


@needs_two_cores
def test_an_attached_job_occupies_the_slot_of_its_cores(tmp_path: Path) -> None:
    source = Command(argv=("sleep", "1"), cwd=tmp_path, folder=tmp_path / "old")
    with make_executor("local", slots=2) as first:
        first.submit(source)
        while not (tmp_path / "old" / "job.json").exists():
            time.sleep(0.01)
        with make_executor("local", slots=2) as later:
            assert later.attach(tmp_path / "old") is not None
            for job in sleeps(later.submit, tmp_path, 2):
                job.result(20)
    taken = json.loads((tmp_path / "old" / "job.json").read_text())["cores"]
    [free] = [[core] for core in cores()[:2] if [core] != taken]
    assert json.loads((tmp_path / "0" / "job.json").read_text())["cores"] == free


def sleeps(submit, folder: Path, count: int) -> list[Job]:
    return [submit(Command(argv=("sleep", "0.3"), cwd=folder, folder=folder / str(n))) for n in range(count)]


def test_the_record_of_a_job_says_what_ran(tmp_path: Path) -> None:
    with make_executor("inline") as executor:
        executor.submit(Command(argv=("true", "x"), cwd=tmp_path, folder=tmp_path / "job", name="run-7")).result(20)
    record = json.loads((tmp_path / "job" / "job.json").read_text())
    assert (record["name"], record["argv"], record["cwd"]) == ("run-7", ["true", "x"], str(tmp_path))
    assert record["limits"]["wall_s"] == 0
    assert sorted(path.name for path in (tmp_path / "job").iterdir()) == ["exit.json", "job.json", "stderr.log", "stdout.log"]


def test_the_wrapper_starts_fast() -> None:
    """CPU time, because wall time measures the other work on the machine."""
    before = os.times()
    for _ in range(5):
        subprocess.run(wrapper.ARGV, input=b"{}", check=True)
    after = os.times()
    spent = (after.children_user + after.children_system - before.children_user - before.children_system) / 5
    assert spent < 0.08  # 0.02 s on an idle machine; twice that and more when hyper-threads share a core


def test_the_wrapper_loads_no_more_than_it_needs() -> None:
    source = "import sys; sys.path += sys.argv[1:]; import wrapper; print(*sys.modules)"
    loaded = subprocess.run([*wrapper.ARGV[:5], source, *wrapper.ARGV[6:]], capture_output=True, text=True, check=True).stdout.split()
    assert {name for name in loaded if name.startswith("alphalab_nb.")} == {"alphalab_nb.errors", "alphalab_nb.process"}
    assert not {"pathlib", "dataclasses", "subprocess", "logging", "psutil"} & set(loaded)
