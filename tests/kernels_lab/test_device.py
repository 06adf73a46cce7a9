"""The lab's way to a device and back, and the CUDA sources, on a machine without a GPU: see elsewhere.py."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from kernels_lab import baselines, process
from kernels_lab.cores import NoGpu, device_held
from kernels_lab.correctness import check
from kernels_lab.failure import Failure, Label
from kernels_lab.problem import Problem, load
from kernels_lab.process import Setup
from kernels_lab.timing import compare
from kernels_lab.worker.mirror import GUARD_BYTES, Mirror
from tests.kernels_lab.elsewhere import DEVICE, emulated, module

SOURCES = sorted((Path(__file__).parent / "cuda").glob("*.cu"))
HACKS = Path(__file__).parents[1] / "gpu" / "hacks"
FAST = ("softmax", "linear_sum")


def larger(name: str) -> Problem:
    """The problem at small odd sizes, of which one is longer than a block of threads."""
    problem = load(name)
    last = problem.facts.vary[-1]
    return problem.at(problem.facts.small | {last: 20 * problem.facts.small[last] + 1})


def refused(setup: Setup, problem: str = "swish") -> Failure:
    with pytest.raises(Failure) as caught:
        check(larger(problem), setup, seed=3)
    return caught.value


@pytest.mark.parametrize("source", [pytest.param(s, marks=() if s.stem in FAST else pytest.mark.slow, id=s.stem) for s in SOURCES])
def test_cuda_source_computes_what_it_should(source: Path, tmp_path: Path) -> None:
    found = check(larger(source.stem), emulated(source, tmp_path), seed=3)
    assert found.worst <= 1
    assert found.deterministic
    assert len(found.cases) >= 10


def test_emulated_threads_that_do_not_wait_for_each_other_are_found_out(tmp_path: Path) -> None:
    source = tmp_path / "softmax.cu"
    text = next(s for s in SOURCES if s.stem == "softmax").read_text()
    source.write_text(text.replace("  }\n  __syncthreads();\n  Seen all;", "  }\n  Seen all;"))
    assert source.read_text() != text
    assert refused(emulated(source, tmp_path), "softmax").check == "wrong_values"


@pytest.mark.parametrize(("name", "check"), yaml.safe_load((HACKS / "hacks.yaml").read_text()).items())
def test_hack_on_a_device_is_caught_by_name(name: str, check: str, tmp_path: Path) -> None:
    failure = refused(emulated(HACKS / f"{name}.cu", tmp_path))
    assert failure.check == check, failure.message


def test_candidate_on_a_device_sees_inputs_that_are_not_contiguous(tmp_path: Path) -> None:
    """It adds 1 where its input is spread, which shows that the one case with such inputs reaches it so."""
    text = "from torch import nn\n\n\nclass ModelNew(nn.Module):\n    def forward(self, x):\n"
    text += "        return nn.functional.silu(x) + (not x.is_contiguous())\n"
    with pytest.raises(Failure) as caught:
        check(load("swish").small(), module(text, tmp_path), seed=3, strided=True)
    assert "small/strided" in caught.value.message


def test_output_on_another_device_than_the_references_is_refused(tmp_path: Path) -> None:
    text = "import torch\nfrom torch import nn\n\n\nclass ModelNew(nn.Module):\n    def forward(self, x):\n"
    text += "        return torch.empty(x.shape, device='meta')\n"
    failure = refused(module(text, tmp_path))
    assert (failure.check, failure.message) == ("output_layout", "the output is on meta; the reference's is on cpu")


def test_candidate_that_sleeps_on_a_device_is_slow_though_it_uses_no_processor(tmp_path: Path) -> None:
    """As one does that waits for a GPU without spinning: by the processor's clock it would be the faster one."""
    text = "import time\nfrom torch import nn\n\n\nclass ModelNew(nn.Module):\n    def forward(self, x):\n"
    text += "        time.sleep(0.02)\n        return nn.functional.silu(x)\n"
    found = compare(load("swish").small(), module(text, tmp_path), baselines.setup("eager", DEVICE), seed=3, budget_s=0)
    assert found.clock == "wall"
    assert found.candidate_us > 10_000
    assert found.speedup.value < 0.1


def test_device_that_does_not_start_is_no_failure_of_the_candidate(tmp_path: Path) -> None:
    setup = module("from torch import nn\n\n\nclass ModelNew(nn.Module):\n    pass\n", tmp_path)
    failure = refused(Setup(setup.program, setup.load | {"device": "fpga"}, setup.view, memory_mib=0))
    assert (failure.label, failure.check) == (Label.INFRASTRUCTURE, "worker")
    assert "fpga does not start" in failure.message


@pytest.mark.parametrize("place", [-1, 5])
def test_mirror_keeps_strides_and_sees_what_is_written_around_it(place: int) -> None:
    host = torch.arange(10, dtype=torch.float32)[::2]
    mirror = Mirror(host, "cpu")
    mirror.upload()
    assert mirror.tensor.stride() == (2,)
    assert torch.equal(mirror.tensor, host)
    assert mirror.guarded()
    mirror.tensor.as_strided((1,), (1,), GUARD_BYTES // 4 + 2 * place - (place > 0)).fill_(0)
    assert not mirror.guarded()


def test_mirror_of_an_output_sees_a_nan_that_was_read_beyond_an_input_and_written_behind_it() -> None:
    given, written = Mirror(torch.ones(4), "cpu"), Mirror(torch.ones(4), "cpu", output=True)
    place = GUARD_BYTES // 4 + 4
    written.tensor.as_strided((1,), (1,), place).copy_(given.tensor.as_strided((1,), (1,), place))
    assert given.guarded()
    assert not written.guarded()


def test_evaluations_take_turns_on_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERNELS_LAB_CORES", str(tmp_path / "locks"))
    with device_held("cuda"):
        with pytest.raises(NoGpu), device_held("cuda", timeout_s=0.1):
            pass
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
        with device_held("cuda", timeout_s=0.1), device_held("cpu"):
            pass


def test_worker_on_a_gpu_sees_one_of_them_and_finds_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work on a second one would not be waited for."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/usr/local/nvidia/lib64")
    assert process._of_gpu("cuda") == {"CUDA_VISIBLE_DEVICES": "2", "LD_LIBRARY_PATH": "/usr/local/nvidia/lib64"}
    assert process._of_gpu("cpu") == {}


def test_mirror_of_nothing_has_guards_only() -> None:
    mirror = Mirror(torch.empty(0, 37), "cpu")
    mirror.upload()
    mirror.download()
    assert mirror.tensor.shape == (0, 37)
    assert mirror.guarded()
