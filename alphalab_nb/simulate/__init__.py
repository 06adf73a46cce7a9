"""The known-truth simulator in one process: it measures our own rules. See `alphalab_nb.simulate.lab`."""

from alphalab_nb.simulate.arms import BEST_OF_N, GREEDY, JUDGED, ours
from alphalab_nb.simulate.lab import Arm, Campaign, Certified, Trial, campaign, certified, worlds

__all__ = ["BEST_OF_N", "GREEDY", "JUDGED", "Arm", "Campaign", "Certified", "Trial", "campaign", "certified", "ours", "worlds"]
