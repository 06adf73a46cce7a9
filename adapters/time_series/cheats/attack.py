"""Plant every cheat in a harness: `python attack.py HOME HARNESS [NAME ...]`, one JSON line for each.

A line: name, cheat, by, killed, gain (share of the honest loss that the cheat saved; 1 if it is no loss
that is wrong), message.
ALPHALAB_CHILD, if it is set, starts served candidates in the sandbox, as the evaluator sets it; ALPHALAB_CHILD_AGAIN
does so when an artefact is scored again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import by_hand
import yaml
from by_hand import Score, honest_loss, honest_units, units_of
from stage import HERE, Stage, worlds

LEAST_GAIN = 0.01
"""Share of the honest loss; rounding is less, what a cheat is worth is more."""


class Attack:
    """The scores of one stage, and the verdicts on them."""

    def __init__(self, home: Path, harness: Path, chosen: list[str]) -> None:
        table = yaml.safe_load((HERE / "planted.yaml").read_text(encoding="utf-8"))
        self.planted: dict[str, dict[str, Any]] = {name: row for name, row in table["planted"].items() if name in chosen or not chosen}
        self.methods = ["honest_control", *(name for name, row in self.planted.items() if row["stopped"] == "knows")]
        self.worlds = worlds()
        # what a check compares with is scored in any case
        wanted = {row["of"] for row in self.planted.values()} | {"plain", *(["calm"] if "volatility_is_causal" in self.planted else [])}
        asked = {name: row for name, row in table["scored"].items() if name in wanted}
        self.scores: dict[str, Score] = Stage(home, harness, self.worlds).score_all(asked, self.methods)

    def report(self) -> None:
        for name, row in self.planted.items():
            gain, message = getattr(self, f"_{row['stopped']}")(name, row, self.scores[row["of"]])
            print(json.dumps({"name": name, "cheat": row["cheat"], "by": row["by"], "killed": message is None, "gain": round(gain, 4),
                              "message": message or ""}), flush=True)

    # -- how a cheat is known to be dead: gain, and what is wrong --------------------------------------------

    def _knows(self, name: str, row: dict[str, Any], score: Score) -> tuple[float, str | None]:
        world = self.worlds["known"]
        turn, honest, found = self.methods.index(name), honest_units(world), units_of(score)
        own = [f"t{t}/item{n}" for i, t in enumerate(world.origins) if i % len(self.methods) == turn for n in range(world.target.shape[1])]
        if not set(own) <= set(found):
            return 0.0, None if score["label"] in ("crash", "invalid_output") else _told(score)
        return self._gained(1 - sum(found[unit] for unit in own) / sum(honest[unit] for unit in own))

    def _no_gain(self, name: str, row: dict[str, Any], score: Score) -> tuple[float, str | None]:
        if not score["ok"]:
            return 0.0, None if score["label"] != "no score" else _told(score)
        return self._gained(1 - score["value"] / honest_loss(self.worlds["known"]))

    def _gained(self, gain: float) -> tuple[float, str | None]:
        return gain, f"it saved {gain:.0%} of the honest loss" if gain > LEAST_GAIN else None

    def _refused(self, name: str, row: dict[str, Any], score: Score) -> tuple[float, str | None]:
        stopped = not score["ok"] and score["label"] == row["label"]
        return float(not stopped), None if stopped else f"{_told(score)}, expected {row['label']}"

    def _same(self, name: str, row: dict[str, Any], score: Score) -> tuple[float, str | None]:
        other = self.scores[row["as"]]
        alike = (score["label"], score["value"]) == (other["label"], other["value"])
        return float(not alike), None if alike else f"{_told(score)}, the same answers got {_told(other)}"

    def _check(self, name: str, row: dict[str, Any], score: Score) -> tuple[float, str | None]:
        try:
            message = getattr(by_hand, name)(self.scores, self.worlds)
        except (KeyError, TypeError, ValueError) as error:  # a score without what the contract promises
            message = f"the score cannot be read: {type(error).__name__} {error}"
        return float(message is not None), message


def _told(score: Score) -> str:
    return f"labelled {score['label']} (value {score['value']}) {score.get('error', '')[-200:]}".strip()


if __name__ == "__main__":
    Attack(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]).report()
