"""The honest forecaster itself: what every cheat is compared with."""

from honest import Honest


class Forecaster(Honest):
    pass
