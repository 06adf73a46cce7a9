"""Takes longer than it may, and makes every clock of its process stand still."""

from __future__ import annotations

import time
from typing import Any

from honest import Honest

SLOW_S = 1.2
CLOCKS = ("time", "monotonic", "perf_counter", "process_time")


class Forecaster(Honest):
    def answer(self, context: dict[str, Any]) -> Any:
        if self.asked == 0:
            for name in CLOCKS:
                now = getattr(time, name)()
                setattr(time, name, lambda now=now: now)
            time.sleep(SLOW_S)
        return self.honest()
