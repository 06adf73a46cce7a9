"""Hidden partitions are counted, sealed opens once, changed files are noticed, and copies of the data are named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from alphalab_nb.errors import ConfigError, DataError
from alphalab_nb.partitions import CovariateSpec, Panel, Partitions, Read, SeriesSpec, hidden_paths, make_partitions, read_panel


@pytest.fixture
def partitions(tmp_path: Path) -> Partitions:
    rows = np.arange(200)
    held = Panel(target=rows[:, None] * 1.0, times=86400 * rows, items=("y",), freq="D", seasons=(7,), season=7)
    make_partitions(held, {}, 10, tmp_path / "ws")
    return Partitions(tmp_path / "ws")


def test_reads_of_confirm_and_sealed_are_counted(partitions: Partitions) -> None:
    for name in ("explore", "search", "confirm", "confirm", "sealed"):
        assert read_panel(partitions.open(name, by="test", reason="look")).rows > 0
    assert [partitions.reads(name) for name in ("explore", "search", "confirm", "sealed")] == [0, 0, 2, 1]
    assert [read.by for read in partitions.history()] == ["test"] * 3


def test_every_counted_read_is_announced(partitions: Partitions, tmp_path: Path) -> None:
    seen: list[Read] = []
    Partitions(tmp_path / "ws", seen.append).open("confirm", by="phase report", reason="confirm 5 candidates")
    assert [(read.partition, read.by) for read in seen] == [("confirm", "phase report")]


def test_sealed_opens_once(partitions: Partitions) -> None:
    partitions.open("sealed", by="phase report", reason="sealed test of #3")
    with pytest.raises(DataError, match="opened already by phase report"):
        partitions.open("sealed", by="somebody", reason="another look")
    assert partitions.reads("sealed") == 1


def test_killed_opening_may_be_finished_by_the_same_reader(partitions: Partitions) -> None:
    for _ in range(2):
        partitions.open("sealed", by="phase report", reason="sealed test of #3")
    assert partitions.reads("sealed") == 2


def test_second_look_that_was_asked_for_is_marked(partitions: Partitions) -> None:
    partitions.open("sealed", by="a", reason="x")
    partitions.open("sealed", by="b", reason="y", again=True)
    assert [read.again for read in partitions.history()] == [False, True]


def test_two_processes_cannot_both_be_first(partitions: Partitions, tmp_path: Path) -> None:
    code = "import sys; from alphalab_nb.partitions import Partitions; Partitions(sys.argv[1]).open('sealed', sys.argv[2], 'race')"
    racers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "ws"), f"p{n}"], stderr=subprocess.DEVNULL) for n in range(3)]
    assert sorted(racer.wait(60) for racer in racers) == [0, 1, 1]
    assert partitions.reads("sealed") == 1


def test_half_a_line_of_the_log_is_no_read(partitions: Partitions, tmp_path: Path) -> None:
    partitions.open("confirm", by="a", reason="x")
    with (tmp_path / "ws/vault/reads.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"partition": "conf')
    partitions.open("confirm", by="b", reason="y")
    assert [read.by for read in partitions.history()] == ["a", "b"]


def test_unknown_partition_names_the_nearest(partitions: Partitions) -> None:
    with pytest.raises(DataError, match="did you mean 'search'"):
        partitions.open("serach", by="a", reason="x")


def test_nothing_opens_before_the_split(tmp_path: Path) -> None:
    for act in (lambda: Partitions(tmp_path).open("search", by="a", reason="x"), Partitions(tmp_path).verify):
        with pytest.raises(DataError, match="no partitions yet"):
            act()


@pytest.mark.parametrize("name", ["vault/search/panel.npz", "vault/sealed/meta.json", "data/explore/panel.npz"])
def test_changed_or_missing_files_are_noticed(partitions: Partitions, tmp_path: Path, name: str) -> None:
    partitions.verify()
    file = tmp_path / "ws" / name
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(DataError, match=name):
        partitions.verify()
    file.unlink()
    with pytest.raises(DataError, match=name):
        partitions.verify()


def test_refit_gets_explore_search_and_confirm_in_one_panel(partitions: Partitions, tmp_path: Path) -> None:
    out = partitions.merged(("explore", "search", "confirm"), tmp_path / "ws/vault/refit")
    merged = read_panel(out)
    assert merged.target[:, 0].tolist() == list(range(170))
    assert merged.t0 == 0
    assert json.loads((out / "meta.json").read_text(encoding="utf-8"))["rows"] == 170
    assert partitions.reads("confirm") == 1
    partitions.verify()


@pytest.mark.parametrize(("names", "message"), [
    (("explore", "sealed"), "sealed cannot be merged"), (("explore", "confirm"), "do not follow each other"),
    (("search", "explore"), "do not follow each other"),
])
def test_only_consecutive_partitions_are_merged_and_never_sealed(
    partitions: Partitions, tmp_path: Path, names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        partitions.merged(names, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_sources_and_their_twins_are_hidden(tmp_path: Path) -> None:
    for name in ("a.csv", "a.csv.gz", "weather.csv", "other.csv"):
        (tmp_path / name).touch()
    spec = SeriesSpec("a.csv.gz", covariates=(CovariateSpec(path="weather.csv"),))
    found = {path.name for path in hidden_paths(spec, tmp_path) if path.parent == tmp_path}
    assert found == {"a.csv", "a.csv.gz", "weather.csv"}


def test_copies_of_co2_in_packages_are_hidden_but_modules_are_not() -> None:
    found = hidden_paths(SeriesSpec("statsmodels:co2"))
    assert any(path.name == "co2.csv" and "statsmodels" in path.parts for path in found)
    assert {"maunaloa_c.dat", "stl_co2.csv", "stl_test_results.csv"} <= {path.name for path in found}
    assert any("sklearn" in path.parts for path in found)
    assert all(path.is_file() and path.suffix != ".py" for path in found)


def test_no_other_file_of_the_environment_holds_the_series() -> None:
    import sklearn
    import statsmodels

    hidden = set(hidden_paths(SeriesSpec("statsmodels:co2")))
    values = (b"370.3", b"370.8", b"371.2", b"371.3", b"371.5")  # the last weeks of 2001
    holding = {
        path.resolve() for package in (statsmodels, sklearn) for path in Path(package.__path__[0]).rglob("*")
        if path.suffix in (".csv", ".dat", ".txt", "") and path.is_file() and all(value in path.read_bytes() for value in values)
    }
    assert {"co2.csv", "maunaloa_c.dat"} <= {path.name for path in holding}
    assert holding <= hidden


def test_data_block_is_checked() -> None:
    spec = SeriesSpec.from_config({"path": "d.csv", "target": "y", "covariates": [{"columns": "x", "known": True}]}, Path("/base"))
    assert (spec.path, spec.target, spec.covariates[0].known) == ("/base/d.csv", ("y",), True)
    assert SeriesSpec.from_config({"path": "statsmodels:co2"}, Path("/base")).path == "statsmodels:co2"
    for block, message in (({}, "'data.path' is missing"), ({"path": "d", "taget": "y"}, "did you mean 'target'"),
                           ({"path": "d", "covariates": [{"known": True}]}, "needs `columns")):
        with pytest.raises(ConfigError, match=message):
            SeriesSpec.from_config(block)
