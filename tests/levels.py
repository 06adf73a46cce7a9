"""The fixture of tests that run at both levels of the sandbox; without bubblewrap that is said loudly."""

import warnings

import pytest

from alphalab_nb.sandbox.bwrap import Bubblewrap


@pytest.fixture(params=["bwrap", "rlimits"])
def level(request: pytest.FixtureRequest) -> str:
    if request.param == "bwrap" and Bubblewrap.refusal():
        warnings.warn(f"level bwrap is not tested: {Bubblewrap.refusal()}", stacklevel=1)
        pytest.skip(f"level bwrap: {Bubblewrap.refusal()}")
    return str(request.param)
