"""Every supported format and shape of data is read into the same kind of panel."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphalab_nb.errors import DataError
from alphalab_nb.partitions import CovariateSpec, Panel, SeriesSpec, load_series

HOURS = [(datetime(2020, 3, 1) + timedelta(hours=h)).isoformat(sep=" ") for h in range(60)]
FIRST = 1583020800
"""2020-03-01T00:00:00Z."""


def read(path: Path, **spec: object) -> Panel:
    return load_series(SeriesSpec(path.name, **spec), path.parent)  # pyright: ignore[reportArgumentType]


def wide(rows: int = 60) -> pd.DataFrame:
    return pd.DataFrame({"time": HOURS[:rows], "a": np.arange(rows, dtype=float), "b": 10.0 * np.arange(rows)})


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def check_wide(panel: Panel) -> None:
    assert panel.items == ("a", "b")
    assert panel.freq == "h"
    assert panel.seasons == (24, 168)
    assert panel.times.tolist() == [FIRST + 3600 * h for h in range(60)]
    assert panel.target[:, 1].tolist() == [10.0 * h for h in range(60)]
    assert panel.repairs == ()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_with_any_separator(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "wide.csv"
    wide().to_csv(path, index=False, sep=separator)
    check_wide(read(path))


def test_gzipped_csv(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv.gz"
    path.write_bytes(gzip.compress(wide().to_csv(index=False).encode()))
    check_wide(read(path))


@pytest.mark.parametrize("as_index", [False, True])
def test_parquet_with_the_time_as_column_or_index(tmp_path: Path, as_index: bool) -> None:
    frame = wide()
    frame["time"] = pd.to_datetime(frame["time"])
    path = tmp_path / "wide.parquet"
    (frame.set_index("time") if as_index else frame).to_parquet(path)
    check_wide(read(path))


def test_long_table_is_a_panel(tmp_path: Path) -> None:
    long = wide().melt(id_vars="time", var_name="site", value_name="load")
    path = tmp_path / "long.csv"
    long.to_csv(path, index=False)
    check_wide(read(path, item_id="site", target="load"))


def test_one_series_by_name(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    wide().to_csv(path, index=False)
    assert read(path, target="b").items == ("b",)


@pytest.mark.parametrize("name", ["train.jsonl", "train.json", "train.json.gz"])
def test_gluonts_lines_are_aligned_by_their_end(tmp_path: Path, name: str) -> None:
    lines = [
        {"item_id": "x", "start": "2020-03-01 00:00:00", "target": list(range(40)), "feat_dynamic_real": [list(range(44))]},
        {"item_id": "y", "start": "2020-03-01 10:00:00", "target": [None, *range(29)], "feat_dynamic_real": [list(range(34))]},
    ]
    text = "\n".join(json.dumps(line) for line in lines)
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    panel = read(path, freq="h")
    assert panel.items == ("x", "y")
    assert panel.rows == 40
    assert panel.target[-1].tolist() == [39, 28]
    assert np.isnan(panel.target[:11, 1]).all()
    assert panel.covariate_names == ("feat_dynamic_real_0",)
    assert panel.known == (True,)
    assert panel.lengths.tolist() == [40, 29]


def test_gluonts_frequency_from_metadata(tmp_path: Path) -> None:
    write(tmp_path / "metadata.json", '{"freq": "D"}')
    (tmp_path / "train").mkdir()
    path = write(tmp_path / "train" / "data.json", json.dumps({"start": "2020-01-01", "target": list(range(30))}))
    assert read(path).freq == "D"


def test_monash_tsf(tmp_path: Path) -> None:
    path = write(tmp_path / "m.tsf", "# comment\n@relation m\n@attribute series_name string\n@attribute start_timestamp date\n"
                 "@frequency monthly\n@missing true\n@data\nT1:2000-01-01 00-00-00:" + ",".join(map(str, range(36)))
                 + "\nT2:2001-01-01 00-00-00:" + ",".join(["?", *map(str, range(23))]) + "\n")
    panel = read(path)
    assert (panel.items, panel.freq, panel.season, panel.rows) == (("T1", "T2"), "MS", 12, 36)
    assert np.isnan(panel.target[:13, 1]).all()
    assert panel.target[-1].tolist() == [35, 22]


def test_builtin_co2_is_the_weekly_series_of_statsmodels() -> None:
    panel = load_series(SeriesSpec("statsmodels:co2"), Path())
    assert (panel.items, panel.freq, panel.season, panel.rows) == (("co2",), "W", 52, 2284)
    assert panel.target[0, 0] == pytest.approx(316.1)
    assert np.isnan(panel.target).sum() == 59


def test_headless_numbers_are_counted_from_a_nominal_date(tmp_path: Path) -> None:
    path = write(tmp_path / "bare.txt", "\n".join(f"{i},{2 * i}" for i in range(30)))
    panel = read(path, freq="D")
    assert panel.target.shape == (30, 2)
    assert [repair["kind"] for repair in panel.repairs] == ["no_timestamps"]


def test_covariates_of_the_same_file(tmp_path: Path) -> None:
    frame = wide().assign(temp=np.arange(60) / 2, holiday=[h % 2 for h in range(60)])
    path = tmp_path / "wide.csv"
    frame.to_csv(path, index=False)
    panel = read(path, covariates=(CovariateSpec(("temp",)), CovariateSpec(("holiday",), known=True)))
    assert panel.items == ("a", "b")
    assert (panel.covariate_names, panel.known) == (("temp", "holiday"), (False, True))
    assert panel.covariates.shape == (60, 1, 2)
    assert panel.covariates[3, 0].tolist() == [1.5, 1.0]


def test_covariates_of_a_second_file_are_merged_on_the_stamp(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    wide().to_csv(path, index=False)
    weather = pd.DataFrame({"date": HOURS[10:], "wind": np.arange(50.0)}).iloc[::-1]
    weather.to_csv(tmp_path / "weather.csv", index=False)
    panel = read(path, covariates=(CovariateSpec(path="weather.csv", known=False),))
    assert panel.covariate_names == ("wind",)
    assert np.isnan(panel.covariates[:10, 0, 0]).all()
    assert panel.covariates[10:, 0, 0].tolist() == list(range(50))
    assert [repair["kind"] for repair in panel.repairs] == ["covariate"]


@pytest.mark.parametrize(("step", "freq", "seasons"), [
    ("15min", "15min", (96, 672)), ("h", "h", (24, 168)), ("D", "D", (7, 365)), ("W-SUN", "W", (52,)), ("B", "B", (5, 260)),
    ("MS", "MS", (12,)), ("ME", "MS", (12,)), ("QS", "QS", (4,)), ("YS", "YS", (1,)),
])
def test_frequency_is_inferred(tmp_path: Path, step: str, freq: str, seasons: tuple[int, ...]) -> None:
    stamps = pd.date_range("2015-01-01", periods=700 if freq != "YS" else 40, freq=step)
    path = tmp_path / "f.csv"
    pd.DataFrame({"date": stamps, "y": np.random.default_rng(0).normal(size=len(stamps))}).to_csv(path, index=False)
    panel = read(path)
    assert (panel.freq, panel.seasons) == (freq, seasons)
    assert np.isfinite(panel.target).all()
    assert len(panel.target) == len(stamps)


@pytest.mark.parametrize(("shape", "first"), [
    ("%d.%m.%Y %H:%M", FIRST), ("%m/%d/%Y %H:%M", FIRST), ("%Y-%m-%dT%H:%M:%SZ", FIRST), ("%Y/%m/%d %H:%M", FIRST),
])
def test_usual_spellings_of_time(tmp_path: Path, shape: str, first: int) -> None:
    stamps = [(datetime(2020, 3, 1) + timedelta(hours=h)).strftime(shape) for h in range(24 * 20)]
    path = tmp_path / "s.csv"
    pd.DataFrame({"when": stamps, "y": range(len(stamps))}).to_csv(path, index=False)
    panel = read(path)
    assert panel.times[0] == first
    assert panel.rows == 24 * 20


@pytest.mark.parametrize("unit", [1, 1000])
def test_unix_stamps(tmp_path: Path, unit: int) -> None:
    path = tmp_path / "u.csv"
    pd.DataFrame({"timestamp": [(FIRST + 3600 * h) * unit for h in range(60)], "y": range(60)}).to_csv(path, index=False)
    assert read(path).times[-1] == FIRST + 59 * 3600


REFUSED = {
    "no such file": ("absent.csv", None, {}, "no data file.*"),
    "unknown kind": ("data.xlsx", "x", {}, "convert to one of"),
    "empty": ("data.csv", "", {}, "empty"),
    "no time column": ("data.csv", "a,b\n" + "1,2\n" * 20, {}, "data: {timestamp: ...}"),
    "text as target": ("data.csv", "time,a,name\n" + "\n".join(f"{h},1,x" for h in HOURS), {}, "column 'name' holds text"),
    "missing target": ("data.csv", wide().to_csv(index=False), {"target": "c"}, "no column 'c' .*its columns: time, a, b"),
    "misspelt target": ("data.csv", wide().rename(columns={"a": "load"}).to_csv(index=False), {"target": "laod"}, "did you mean 'load'"),
    "no frequency": ("data.jsonl", '{"start": "2020-01-01", "target": [1, 2, 3]}', {}, "data: {freq: h}"),
    "no JSON": ("data.jsonl", '{"start": "2020-01-01", "target": [1, 2,', {}, "line 1 is no JSON"),
    "no target": ("data.jsonl", '{"start": "2020-01-01", "targets": [1]}', {"freq": "h"}, "did you mean 'targets'"),
    "cut off": ("data.tsf", "@frequency monthly\n", {}, "no line @data"),
    "bad value": ("data.tsf", "@frequency monthly\n@data\n1,2,x\n", {}, "number or \\? for missing"),
    "long table without item_id": (
        "data.csv", wide().melt(id_vars="time").drop(columns="variable").to_csv(index=False), {}, "item_id"),
    "wrong frequency": ("data.csv", wide().to_csv(index=False), {"freq": "fortnight"}, "no frequency known"),
    "too fine a frequency": ("data.csv", wide().to_csv(index=False), {"freq": "s"}, "name the right frequency"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_unusable_data_is_refused_with_the_remedy(tmp_path: Path, case: str) -> None:
    name, text, spec, message = REFUSED[case]
    if text is not None:
        write(tmp_path / name, text)
    with pytest.raises(DataError, match=message):
        read(tmp_path / name, **spec)


@pytest.mark.parametrize(("path", "items", "freq"), [
    ("trondheim_traffic/traffic.csv.gz", 8, "h"), ("ett/ETTh1.csv.gz", 7, "h"), ("monash_small/tourism_monthly_dataset.tsf.gz", 366, "MS"),
    ("monash_small/us_births_dataset.tsf.gz", 1, "D"), ("exchange_rate/exchange_rate.txt.gz", 8, "D"),
    ("ili/national_illness.csv.gz", 7, "W"),
])
def test_real_data_sets(shared_data: Path, path: str, items: int, freq: str) -> None:
    spec = {"freq": "D"} if "exchange" in path else {}
    panel = load_series(SeriesSpec(path, **spec), shared_data)
    assert (len(panel.items), panel.freq) == (items, freq)
