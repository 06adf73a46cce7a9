"""Are numbers those that a hand computes from what the lab says, and is what cannot be ranked not ranked? By a scripted lab."""

from __future__ import annotations

import math

from _lab import Lab, attack, kernel, noisy, script, verdict

FAILED = {"ok": False, "headline": None, "timing": None}


def geometric(lab: Lab) -> str | None:
    """Speedups of 2 and 8 make 4; each unit is a negative logarithm."""
    score = lab.score(kernel(), answers=script(verdict(2.0), verdict(8.0)))
    losses = [unit["value"] for unit in score["units"]]
    if score["value"] is None or not math.isclose(score["value"], 4.0):
        return f"speedups of 2 and 8 make a score of {score['value']}, expected 4"
    right = len(losses) == 2 and all(math.isclose(loss, -math.log(ratio)) for loss, ratio in zip(losses, (2, 8)))
    return None if right else f"the units of speedups 2 and 8 are {losses}"


def fastest(lab: Lab) -> str | None:
    """A full score is over the fastest baseline, with the seconds of the task, and names it."""
    score = lab.score(kernel(), answers=script(verdict(3.0)), draws=1, timing_s=0.25)
    asked = lab.asked[-1]
    if asked[asked.index("--baselines") + 1] != "all" or float(asked[asked.index("--budget") + 1]) != 0.25:
        return f"the lab was asked {' '.join(asked[3:])}: not for all baselines, or not with the seconds of the task"
    named = score["secondary"].get("baseline")
    return None if math.isclose(score["value"], 3.0) and named == "library" else f"the score is {score['value']} over {named}, expected 3"


def labels(lab: Lab) -> str | None:
    """The lab's labels arrive as they are; a fault of the lab's own is nobody's."""
    for label in ("crash", "timeout", "oom", "invalid_output", "gate_missed", "infrastructure"):
        score = lab.score(kernel(), answers=script(verdict(**FAILED, label=label, check="some_check", message="some words")))
        if score["ok"] or score["label"] != label or score["value"] is not None or "some_check: some words" not in score["error"]:
            return f"what the lab labels {label} is labelled {score['label']} (value {score['value']}): {score.get('error', '')[:100]}"
    return None


def second_draw(lab: Lab) -> str | None:
    """A kernel that fails one draw has failed."""
    score = lab.score(kernel(), answers=script(verdict(), verdict(**FAILED, label="invalid_output", check="wrong_values", message="off")))
    return None if score["label"] == "invalid_output" else f"wrong under one of two draws, labelled {score['label']} ({score['value']})"


def noise(lab: Lab) -> str | None:
    """What is noisy is measured again under another seed; what stays so is nobody's fault."""
    score = lab.score(kernel(), answers=script(noisy(50.0), noisy(0.1), verdict(3.0)), draws=1)
    if score["value"] is None or not math.isclose(score["value"], 3.0) or len({*lab.seeds()}) != 3:
        return f"after two noisy evaluations and a calm one of 3 the score is {score['value']}, from {len({*lab.seeds()})} seeds"
    score = lab.score(kernel(), answers=script(noisy(50.0)), draws=1)
    return None if score["label"] == "infrastructure" else f"what stays noisy is labelled {score['label']} (value {score['value']})"


def quarantine(lab: Lab) -> str | None:
    """What was too good and did not come back is not ranked."""
    doubt = {"reason": "9 times faster: more than 2", "reproduced": False, "value": 1.1}
    score = lab.score(kernel(), answers=script(verdict(9.0, ranks=False, quarantine=doubt)), draws=1)
    gates = [row["name"] for row in score["gates"] if row["slack"] < 0]
    missed = (score["label"], gates) == ("gate_missed", ["reproduced"])
    return None if missed else f"what does not come back is labelled {score['label']} (value {score['value']}), missed gates: {gates}"


def silent(lab: Lab) -> str | None:
    """A lab that says nothing of use is no verdict on a kernel."""
    for said in ({}, verdict(0.0), verdict(headline=None, timing=None)):
        answers = script(said)
        score = lab.score(kernel(), answers=answers, draws=1)
        if score["ok"] or score["label"] != "infrastructure":
            return f"after no verdict of use a kernel is labelled {score['label']} (value {score['value']})"
    return None


def baselines(lab: Lab) -> str | None:
    """The baseline of a problem is the reference next to itself."""
    score = lab.score(None, answers=script(trials=(0.5, 2.0)), draws=2)
    if {*score["baselines"]} != {"swish", "softmax"} or any(not math.isclose(value, 1.0) for value in score["baselines"].values()):
        return f"two references that stray by 0.5 and by 2 make the baselines {score['baselines']}, expected 1 for both"
    losses = [[round(unit["value"], 9) for unit in units] for units in score["units"].values()]
    return None if losses == [[round(math.log(2), 9), -round(math.log(2), 9)]] * 2 else f"and have the units {losses}"


if __name__ == "__main__":
    attack({
        "draws_make_a_geometric_mean": ("blocking", "def value_of(", geometric),
        "the_fastest_baseline_counts": ("blocking", 'baselines="all"', fastest),
        "labels_arrive": ("blocking", "def _refuse(", labels),
        "each_draw_counts": ("blocking", "def full(", second_draw),
        "noise_is_measured_again": ("blocking", "def _ranked(", noise),
        "what_does_not_come_back_misses_a_gate": ("blocking", '"reproduced"', quarantine),
        "no_verdict_is_no_score": ("blocking", "def _asked(", silent),
        "baselines_by_hand": ("blocking", "def _problems(", baselines),
    })
