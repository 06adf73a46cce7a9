"""What a command may see and touch: every kernel, RUN and served child starts through a Sandbox."""

from alphalab_nb.sandbox.base import Sandbox

__all__ = ["Sandbox"]
