"""What a candidate of the torch backend owes: the class, the names of weights, type and layout of the output; and the same answer twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernels_lab.backends import BACKENDS
from kernels_lab.correctness import check
from kernels_lab.failure import Failure, Label
from kernels_lab.problem import load

HEAD = "import torch\nfrom torch import nn\n\n\n"
FORWARD = "class ModelNew(nn.Module):\n    def forward(self, x):\n        return "


@pytest.mark.parametrize(
    ("problem", "source", "label", "found", "says"),
    [
        ("swish", "class Other(nn.Module): ...", Label.CRASH, "exception", "defines no class ModelNew"),
        ("linear_sum", "class ModelNew(nn.Module):\n    def __init__(self, *a): super().__init__()", Label.CRASH, "exception", "weight"),
        ("swish", FORWARD + "(x * torch.sigmoid(x)).double()", Label.INVALID_OUTPUT, "output_layout", "dtype is float64"),
        ("swish", FORWARD + "nn.functional.silu(x).t().contiguous().t()", Label.INVALID_OUTPUT, "output_layout", "strides"),
        ("swish", FORWARD + "x", Label.INVALID_OUTPUT, "aliased_output", "an input"),
    ],
)
def test_module_that_breaks_its_contract_is_told_what_is_wanted(
    problem: str, source: str, label: Label, found: str, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "module.py"
    file.write_text(HEAD + source + "\n")
    with pytest.raises(Failure) as caught:
        check(load(problem).small(), BACKENDS["torch"].build(file, tmp_path), seed=1)
    assert (caught.value.label, caught.value.check) == (label, found)
    assert says in caught.value.message


def test_kernel_that_is_right_only_sometimes_is_nondeterministic(tmp_path: Path) -> None:
    file = tmp_path / "sometimes.cpp"
    file.write_text(
        "#include <cmath>\n#include <cstdint>\n"
        'extern "C" void launch(const void* const* in, void* out, const int64_t* s, const double*) {\n'
        "  static int calls = 0;\n  const float* x = (const float*)in[0];\n"
        "  for (int64_t i = 0; i < s[0] * s[1]; i++) ((float*)out)[i] = x[i] / (1 + std::exp(-x[i]));\n"
        "  if (++calls == 4) ((float*)out)[5] += 0.01f;\n}\n"
    )
    folder = tmp_path / "build"
    folder.mkdir()
    with pytest.raises(Failure) as caught:
        check(load("swish").small(), BACKENDS["cpp"].build(file, folder), seed=1)
    assert caught.value.check == "nondeterministic"
