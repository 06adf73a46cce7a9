"""The honest forecaster, 70 ms slower at every step: a verdict must not turn on that."""

from __future__ import annotations

import time
from typing import Any

from honest import Honest


class Forecaster(Honest):
    def answer(self, context: dict[str, Any]) -> Any:
        time.sleep(0.07)
        return self.honest()
