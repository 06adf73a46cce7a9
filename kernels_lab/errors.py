"""Errors of the kernel lab, in one tree of its own: the lab imports nothing of alphalab_nb.

LabError
└── ProblemError          a problem file that cannot be used
    └── UnknownProblem    no problem of that name
"""

from __future__ import annotations


class LabError(Exception):
    """Base of all errors of the kernel lab. Its message names the remedy."""


class ProblemError(LabError):
    """A problem file lacks what the KernelBench form asks for, or does not run."""


class UnknownProblem(ProblemError):
    """There is no problem of that name."""
