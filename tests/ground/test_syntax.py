"""Several Workers parse programs at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import alphalab_nb.adapter
from alphalab_nb.storage.snapshots import ast_hash


def test_programs_are_hashed_in_several_threads_at_once():
    folder = Path(alphalab_nb.adapter.__file__).parent / "dispatch"
    with ThreadPoolExecutor(8) as pool:
        hashes = set(pool.map(lambda _: ast_hash(folder), range(100)))
    assert len(hashes) == 1
