"""Are the draws apart, repeatable, paired and out of reach, and is a smoke score marked? By a scripted lab."""

from __future__ import annotations

import json

from _lab import STREAMS, Lab, attack, kernel, script, verdict

RUNS = [(partition, seed, fidelity) for partition in STREAMS for seed in ("0", "1", "1000") for fidelity in ("full", "smoke")]


def _ids(score: dict) -> list[str]:
    return [unit["id"] for unit in score["units"]]


def repeatable(lab: Lab) -> str | None:
    """The same run again asks for the same inputs."""
    lab.score(kernel(), answers=script())
    first = lab.seeds()
    lab.score(kernel(), answers=script())
    return None if first == lab.seeds() else "one run, scored twice, drew other inputs"


def apart(lab: Lab) -> str | None:
    """No two partitions, seeds, draws and fidelities share an input or a unit."""
    seen: dict[str, str] = {}
    for partition, seed, fidelity in RUNS:
        name = f"{partition}/{seed}/{fidelity}"
        score = lab.score(kernel(), "--seed", seed, "--fidelity", fidelity, answers=script(), partition=partition)
        for one in (*lab.seeds(), *_ids(score)):
            if one in seen:
                return f"{name} and {seen[one]} share {one}"
            seen[one] = name
    return None


def paired(lab: Lab) -> str | None:
    """Kernels and the reference of one problem are compared on the same units, and those of two problems on none."""
    for partition, seed in (("search", "0"), ("confirm", "2000")):
        place = {"answers": script(), "partition": partition}
        mine, again = (_ids(lab.score(kernel(source), "--seed", seed, **place)) for source in ("// one\n", "// two\n"))
        held = lab.score(None, "--seed", seed, **place)["units"]
        theirs = {name: [unit["id"] for unit in units] for name, units in held.items()}
        if not mine == again == theirs.get("swish"):
            return f"two kernels and the reference of swish have the units {mine}, {again} and {theirs.get('swish')}"
        if {*mine} & {*theirs["softmax"]}:
            return "two problems share a unit"
    return None


def secret(lab: Lab) -> str | None:
    """Neither a secret nor a seed stands in a score: who knew one could write a kernel for its inputs."""
    failed = verdict(ok=False, label="invalid_output", check="wrong_values", message="off")
    for partition, stream in STREAMS.items():
        for files, answers in ((kernel(), script()), (kernel(), script(failed)), (None, script())):
            text = json.dumps(lab.score(files, answers=answers, partition=partition))
            if told := [number for number in (str(stream), *lab.seeds()) if number in text]:
                return f"a score on {partition} tells {told[0]}"
            if small := [number for number in lab.seeds() if int(number) < 1 << 32]:
                return f"a seed of the lab is {small[0]}: small enough to be guessed"
    return None


def smoke(lab: Lab) -> str | None:
    """A smoke score says that it is one, and is over eager."""
    score = lab.score(kernel(), "--fidelity", "smoke", answers=script())
    asked = lab.asked[-1]
    if asked[asked.index("--baselines") + 1] != "eager":
        return "a smoke score is not over eager alone, though a full one is measured for minutes"
    return None if score["fidelity"] == "smoke" and score["label"] == "ok" else f"a smoke score is marked {score['fidelity']}"


if __name__ == "__main__":
    attack({
        "a_run_repeats_its_draws": ("blocking", "def seed(", repeatable),
        "streams_are_apart": ("blocking", "def seed(", apart),
        "units_are_paired": ("blocking", "def unit(", paired),
        "seeds_are_secret": ("blocking", "def _about(", secret),
        "smoke_is_marked": ("blocking", '"fidelity": options.fidelity', smoke),
    })
