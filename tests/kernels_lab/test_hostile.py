"""A candidate that breaks is a labelled failure within its limit, and the lab goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kernels_lab import correctness, sandbox
from kernels_lab.backends import BACKENDS
from kernels_lab.failure import Failure, Label
from kernels_lab.problem import load

HOSTILE = Path(__file__).parent / "hostile"


def failure(name: str, folder: Path) -> Failure:
    with pytest.raises(Failure) as caught:
        build_and_check(HOSTILE / name, folder, timeout_s=3.0 if name == "hang.cpp" else 60.0)
    return caught.value


def build_and_check(candidate: Path, folder: Path, timeout_s: float) -> None:
    setup = replace(BACKENDS["cpp"].build(candidate, folder), memory_mib=256)
    correctness.check(load("softmax").small(), setup, seed=1, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("name", "label", "check", "says"),
    [
        ("segfault.cpp", Label.CRASH, "crash", "SIGSEGV"),
        ("hang.cpp", Label.TIMEOUT, "timeout", "no answer within 3 s"),
        ("memory.cpp", Label.OOM, "memory", "bad_alloc"),
        ("fork.cpp", Label.CRASH, "forked", "tried to start a process"),
        ("flood.cpp", Label.INVALID_OUTPUT, "output_flood", "more than 8 MiB"),
        ("exits.cpp", Label.CRASH, "exited", "exit code 0"),
        ("throws.cpp", Label.CRASH, "crash", "runtime_error"),
        ("network.cpp", Label.CRASH, "crash", "SIGABRT"),
        ("syntax.cpp", Label.CRASH, "compile_error", "syntax.cpp:2"),
        ("flags.cpp", Label.CRASH, "compile_error", "-o /tmp/elsewhere are not allowed"),
        ("unloadable.cpp", Label.CRASH, "exception", "undefined symbol: launch"),
    ],
)
def test_hostile_candidate_is_a_labelled_failure(name: str, label: Label, check: str, says: str, tmp_path: Path) -> None:
    caught = failure(name, tmp_path)
    assert (caught.label, caught.check) == (label, check)
    assert says in caught.message


def test_compiler_message_is_trimmed_to_what_its_reader_acts_on(tmp_path: Path) -> None:
    message = failure("syntax.cpp", tmp_path).message
    assert "error" in message.splitlines()[0]
    assert str(HOSTILE) not in message


def test_candidate_sees_no_files_of_the_user(tmp_path: Path) -> None:
    """At level bwrap only; at level rlimits the report says so."""
    if sandbox.level() != "bwrap":
        pytest.skip("bubblewrap does not work here")
    secret = tmp_path / "secret"
    secret.write_text("x")
    source = tmp_path / "reader.cpp"
    source.write_text(
        "#include <cstdint>\n#include <cstdlib>\n#include <fstream>\n"
        'extern "C" void launch(const void* const*, void*, const int64_t*, const double*) '
        f'{{ std::ifstream file("{secret}"); if (file.good()) std::_Exit(7); throw "absent"; }}\n'
    )
    folder = tmp_path / "build"
    folder.mkdir()
    with pytest.raises(Failure) as caught:
        build_and_check(source, folder, timeout_s=60.0)
    assert "exit code 7" not in caught.value.message
