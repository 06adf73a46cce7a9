"""Do bad kernels lose? By the real lab, at fidelity smoke: each of these must be refused by its own label, and an honest one must not."""

from __future__ import annotations

import json

from _lab import HEAD, RIGHT, SIGNATURE, SWISH, Lab, attack, kernel

WRONG = {
    "computes nothing": f"{HEAD}{SIGNATURE} {{}}\n",
    "is off by a thousandth": RIGHT.replace("(1 + std", "1.001f * (1 / 1.001f + std"),
    "has no tail": RIGHT.replace("sizes[0] * sizes[1]", "sizes[0] * sizes[1] / 8 * 8"),
    "knows the sizes of the file": RIGHT.replace("  const", "  if (sizes[0] != 1024) return;\n  const"),
}


def _label(lab: Lab, files: dict[str, str], expected: str, name: str) -> str | None:
    score = lab.score(files, "--fidelity", "smoke")
    if score["label"] != expected or score["ok"] != (expected == "ok"):
        found = f"labelled {score['label']} (value {score['value']}), expected {expected}"
        return f"a kernel that {name} is {found}: {score.get('error', '')[:200]}"
    return None


def honest(lab: Lab) -> str | None:
    """A right kernel has a score, with its gates."""
    score = lab.score(kernel(), "--fidelity", "smoke")
    if not score["ok"] or not score["value"] > 0:
        return f"a right kernel is labelled {score['label']}: {score.get('error', '')[:300]}"
    names = [row["name"] for row in score["gates"] if row["slack"] >= 0]
    return None if {"error", "floor"} <= {*names} else f"a right kernel shows the gates {', '.join(names)} only"


def wrong(lab: Lab) -> str | None:
    """What computes something else is invalid, or died of it."""
    for name, source in WRONG.items():
        score = lab.score(kernel(source), "--fidelity", "smoke")
        if score["ok"] or score["label"] not in ("invalid_output", "crash"):
            return f"a kernel that {name} is labelled {score['label']} (value {score['value']})"
    return None


def broken(lab: Lab) -> str | None:
    """A source that does not compile is a crash with the compiler's words."""
    score = lab.score(kernel("int launch( {\n"), "--fidelity", "smoke")
    said = score.get("error", "")
    heard = score["label"] == "crash" and "kernel.cpp:1" in said
    return None if heard else f"what does not compile is labelled {score['label']}, without the compiler's words: {said[:200]}"


def other_problem(lab: Lab) -> str | None:
    """The kernel of one problem is no kernel of another."""
    return _label(lab, kernel(description='{"problem": "gelu_tanh", "backend": "cpp"}'), "invalid_output", "is one of another problem")


def own_problem(lab: Lab) -> str | None:
    """A candidate cannot bring its problem along."""
    for name in ("mine.py", "./mine.py", "/tmp/mine.py", "../mine", "--help", "unheard_of", ""):
        files = {**kernel(description=json.dumps({"problem": name, "backend": "cpp"})), "mine.py": "class Model: ..."}
        if found := _label(lab, files, "invalid_output", f"names the problem {name!r}"):
            return found
    return None


def unusable(lab: Lab) -> str | None:
    """What describes no kernel is invalid, never read as the default; a missing file is a crash."""
    texts = ["[]", "NaN", "{", SWISH.replace('"cpp"', '"fortran"'), SWISH.replace("}", ', "value": 1000.0}'), '{"problem": "swish"}']
    found = next((found for text in texts if (found := _label(lab, kernel(description=text), "invalid_output", f"says {text}"))), None)
    return found or _label(lab, {"kernel.json": SWISH}, "crash", "has no source") or _label(lab, {}, "crash", "is not there")


if __name__ == "__main__":
    attack({
        "honest_kernel_is_scored": ("blocking", "def _score(", honest),
        "wrong_kernels_are_invalid": ("blocking", "def _refuse(", wrong),
        "the_compiler_is_heard": ("blocking", "def _refuse(", broken),
        "another_problem_is_another_problem": ("blocking", "def verdict(", other_problem),
        "a_kernel_brings_no_problem": ("blocking", "_NAME = ", own_problem),
        "unusable_artefacts_are_refused": ("blocking", "def read_kernel(", unusable),
    })
