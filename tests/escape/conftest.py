"""Every test here runs at each level that promises anything on this machine; what is missing is said loudly."""

import warnings

import pytest

from alphalab_nb.sandbox import confine
from alphalab_nb.sandbox.bwrap import Bubblewrap

MISSING = {"bwrap": Bubblewrap.refusal(), "rlimits": "" if confine.landlock_abi() else "no Landlock here: it hides nothing, and says so"}
LEVELS = [level for level, reason in MISSING.items() if not reason]


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> str:
    for missing in set(MISSING) - set(LEVELS):
        warnings.warn(f"level {missing} is not attacked: {MISSING[missing]}", stacklevel=1)
    return str(request.param)
