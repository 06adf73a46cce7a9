"""`python -m kernels_lab`: one JSON object on standard output, whatever happens."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from kernels_lab.cli import main
from kernels_lab.problem import names

CANDIDATES = Path(__file__).parent / "candidates"


def answer(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    monkeypatch.setattr(sys, "argv", ["kernels_lab", *arguments])
    main()
    return json.loads(capfd.readouterr().out)


def test_verdict_is_one_json_object(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = answer(capfd, monkeypatch, "evaluate", "row_min", str(CANDIDATES / "row_min.cpp"), "--no-time", "--seed", "4")
    assert (verdict["ok"], verdict["label"], verdict["stage"], verdict["seed"]) == (True, None, "done", 4)
    assert all(case["error"] <= 1 for case in verdict["correctness"]["cases"])
    assert verdict["resources"]["wall_s"] > 0
    assert verdict["ranks"] is False  # it was not timed


def test_failed_candidate_is_an_answer_and_not_an_error(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = tmp_path / "wrong.cpp"
    source.write_text("int launch(")
    verdict = answer(capfd, monkeypatch, "evaluate", "row_min", str(source))
    assert (verdict["ok"], verdict["label"], verdict["check"]) == (False, "crash", "compile_error")


def test_file_in_kernelbench_form_is_a_problem(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    problem = tmp_path / "own.py"
    problem.write_text(
        "import torch\nfrom torch import nn\n\nn = 1000\n\n\nclass Model(nn.Module):\n    def forward(self, x):\n        return 2 * x\n\n\n"
        "def get_inputs():\n    return [torch.randn(n)]\n\n\ndef get_init_inputs():\n    return []\n"
    )
    source = tmp_path / "own.cpp"
    source.write_text(
        '#include <cstdint>\nextern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double*) {\n'
        "  for (int64_t i = 0; i < sizes[0]; i++) ((float*)out)[i] = 2 * ((const float*)in[0])[i];\n}\n"
    )
    verdict = answer(capfd, monkeypatch, "evaluate", str(problem), str(source), "--no-time")
    assert (verdict["ok"], verdict["check"]) == (True, None), verdict["message"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["lint", "no_such_problem"], "no_such_problem"), (["evaluate", "softmax", "/no/such.cpp"], "does not exist"), (["fly"], "fly")],
)
def test_bad_input_is_json_with_exit_code_2(
    arguments: list[str], says: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["kernels_lab", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert says in json.loads(capfd.readouterr().out)["message"]


@pytest.mark.parametrize("command", ["aa", "baselines"])
def test_a_gpu_that_is_not_there_is_said_before_anything_is_measured(
    command: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["kernels_lab", command, "swish", "--device", "cuda"])
    with pytest.raises(SystemExit):
        main()
    assert "no GPU" in json.loads(capfd.readouterr().out)["message"]


def test_list_and_doctor_say_what_there_is(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERNELS_LAB_CACHE", str(tmp_path))
    assert [row["name"] for row in answer(capfd, monkeypatch, "list")["problems"]] == list(names())
    found = answer(capfd, monkeypatch, "doctor")
    assert set(found["backends"]) == {"cpp", "torch", "torch_cuda", "cuda", "triton"}
    assert found["backends"]["torch"]["runs"] is True
    assert found["cache"] == str(tmp_path)
