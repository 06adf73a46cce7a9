"""What a result rests on, compared with the record before anything is run: harness, data, program."""

from __future__ import annotations

from pathlib import Path

from alphalab_nb.errors import AlphaLabError, DataError, HarnessChanged
from alphalab_nb.parts import Parts
from alphalab_nb.storage.harnesses import fingerprint, retired
from alphalab_nb.storage.snapshots import ast_hash, remove
from alphalab_nb.verify.claim import Claim
from alphalab_nb.verify.lines import Line, Lines, equal

_NOTE = "experiment.json"
"""Our own note of what an experiment is, in its snapshot but no part of the program."""


def check_ground(parts: Parts, claim: Claim) -> Lines:
    """Compare harness, data and program with the record, and leave a clean copy of the program."""
    return Lines([*harness_lines(parts), data_line(parts), *_program_lines(parts, claim)])


def harness_lines(parts: Parts) -> list[Line]:
    """Compare the harness with what was frozen, and the board's version with that of the record and that of the files themselves."""
    recorded, found, present = parts.board.fact("harness"), "as frozen", ""
    try:
        parts.evaluator.check()
        present = parts.evaluator.present_version()
    except HarnessChanged as error:
        found = str(error)
    lines = [
        equal("harness files", "as frozen", found, shared=True),
        equal("harness version, as it was frozen", recorded, parts.evaluator.version, shared=True),
    ]
    lines += [equal("harness version, of its files now", recorded, present, shared=True)] if present else []
    return lines + [equal("harness version, retired", each.version, fingerprint(each.files), why=f"replaced by {each.by} at {each.retired}",
                          shared=True) for each in retired(parts.board)]


def data_line(parts: Parts) -> Line:
    """Compare the partitions with what the split wrote."""
    try:
        parts.partitions.verify()
        found = "as split"
    except DataError as error:
        found = str(error)
    return equal("data", "as split", found, shared=True)


def _program_lines(parts: Parts, claim: Claim) -> list[Line]:
    attempt, name = claim.attempt, "snapshot"
    own = parts.workspace.experiment(claim.experiment.id, claim.experiment.name)
    try:
        parts.snapshots.export(attempt.commit, own, claim.copy)
    except AlphaLabError as error:
        if claim.copy.exists():
            remove(claim.copy)
        return [equal(name, attempt.commit[:12], f"cannot be restored: {error}")]
    kept = parts.workspace.attempt(claim.experiment.id, attempt.number)
    return [
        equal(name, attempt.commit[:12], attempt.commit[:12], why="restored into a clean copy"),
        equal("program (hash of its syntax trees)", attempt.ast_hash, ast_hash(claim.copy, ignore=(_NOTE,))),
        equal("attempt's folder beside its snapshot", "the same files", _difference(claim.copy, kept)),
    ]


def _difference(snapshot: Path, kept: Path) -> str:
    """Name the files by which the folder that was run differs from the snapshot."""
    before, now = _contents(snapshot), _contents(kept)
    names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return f"differs: {', '.join(names[:5])}" if names else "the same files"


def _contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
