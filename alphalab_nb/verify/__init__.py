"""Verify: prove one result again in a clean copy, or check the record of a whole campaign.

`notebooks/verify.ipynb` calls `claimed`, `check_ground`, `replay`, `conclude` in this order; `audit` checks everything without running
a program. Both leave lines of what was recorded and what was found, and a verdict: HOLDS or FAULT.
"""

from alphalab_nb.verify.audit import audit
from alphalab_nb.verify.claim import Claim, claimed
from alphalab_nb.verify.ground import check_ground
from alphalab_nb.verify.lines import Line, Lines, Verdict
from alphalab_nb.verify.replay import replay
from alphalab_nb.verify.verdicts import conclude, known_verdict

__all__ = ["Claim", "Line", "Lines", "Verdict", "audit", "check_ground", "claimed", "conclude", "known_verdict", "replay"]
