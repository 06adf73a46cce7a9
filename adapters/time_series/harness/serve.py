"""The child's side: loads `Forecaster` from the artefact's serve.py and answers over the pipe it was started with.

Runs inside the sandbox and sees the artefact and this folder, nothing else of the campaign.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent


def private_pipes() -> tuple[int, int]:
    """Take stdin and stdout for the protocol; what candidate code prints goes to stderr, what it reads is empty."""
    requests, answers = os.dup(0), os.dup(1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    return requests, answers


def load(name: str, path: Path) -> ModuleType:
    """Import one file under a name of our own."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def exact_reader(fd: int) -> Any:
    """Return a function that reads exactly n bytes and ends the process when the harness has gone."""

    def read(size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            part = os.read(fd, min(size, 1 << 20))
            if not part:
                sys.exit(0)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    return read


def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def answer_requests(protocol: ModuleType, artefact: Path, requests: int, answers: int) -> None:
    """Serve hello and steps until the harness closes the pipe."""
    import numpy as np

    read = exact_reader(requests)
    forecaster = load("serve_candidate", artefact / "serve.py").Forecaster(str(artefact))
    while True:
        header = protocol.read_header(read)
        arrays = protocol.read_arrays(read, header)
        if header["op"] == "hello":
            forecaster.hello(header["meta"])
            write_all(answers, protocol.pack("ready", {}, {}))
            continue
        context = {"t": header["t"], "start": header["start"], **arrays}
        answer = np.asarray(forecaster.step(context), dtype=np.float64)
        write_all(answers, protocol.pack("answer", {}, {"answer": answer}))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--artefact", type=Path, required=True)
    artefact = parser.parse_args().artefact.resolve()
    requests, answers = private_pipes()
    protocol = load("_harness_protocol", HERE / "protocol.py")
    # the script's own folder must not shadow modules of the candidate (config, metrics, ...)
    sys.path[:] = [str(artefact), *(entry for entry in sys.path if Path(entry or ".").resolve() != HERE)]
    answer_requests(protocol, artefact, requests, answers)


if __name__ == "__main__":
    main()
