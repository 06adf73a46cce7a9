"""The deterministic loop that moves the board and the jobs, and the workers it sends out."""

from alphalab_nb.dispatch.dispatcher import Dispatcher
from alphalab_nb.dispatch.triggers import StopReason

__all__ = ["Dispatcher", "StopReason"]
