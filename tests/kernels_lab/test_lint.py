"""Every check of the lint finds the degenerate task that it is for, and nothing in a sound one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kernels_lab.lint import lint
from kernels_lab.problem import Problem, load_file

PLANTED: dict[str, str] = yaml.safe_load((Path(__file__).parent / "degenerate.yaml").read_text())


def written(folder: Path, text: str) -> Problem:
    file = folder / "planted.py"
    file.write_text("import torch\nfrom torch import nn\n\n\n" + text)
    return load_file(file)


@pytest.mark.parametrize("check", [name for name in PLANTED if name != "sound"])
def test_check_finds_its_planted_task(check, tmp_path):
    report = lint(written(tmp_path, PLANTED[check]))
    assert not report.ok
    assert check in {finding.check for finding in report.findings}


def test_sound_task_of_the_same_form_passes(tmp_path):
    report = lint(written(tmp_path, PLANTED["sound"]))
    assert report.ok
    assert report.messages == ()
