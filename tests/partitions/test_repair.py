"""What is wrong with a file is mended where that is safe, and every repair is listed; values are never invented."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphalab_nb.errors import DataError
from alphalab_nb.partitions import Panel, Repair, SeriesSpec, load_series

DAYS = pd.date_range("2021-01-01", periods=40, freq="D").strftime("%Y-%m-%d").tolist()


def load(tmp_path: Path, rows: list[tuple[object, ...]], header: str = "date,y", **spec: object) -> Panel:
    path = tmp_path / "data.csv"
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return load_series(SeriesSpec(path.name, **spec), tmp_path)  # pyright: ignore[reportArgumentType]


def clean() -> list[tuple[object, ...]]:
    return [(day, float(i)) for i, day in enumerate(DAYS)]


def one(panel: Panel) -> Repair:
    [repair] = panel.repairs
    return repair


def test_clean_data_needs_no_repair(tmp_path: Path) -> None:
    panel = load(tmp_path, clean())
    assert panel.repairs == ()
    assert panel.target[:, 0].tolist() == list(range(40))


def test_duplicate_stamp_keeps_the_first_row(tmp_path: Path) -> None:
    rows = clean()
    panel = load(tmp_path, [*rows[:11], (DAYS[10], 999), *rows[11:]])
    assert panel.target[10, 0] == 10
    repair = one(panel)
    assert (repair["kind"], repair["t"], repair["timestamp"]) == ("duplicate", 10, "2021-01-11T00:00:00")
    assert "different values" in repair["detail"]


def test_rows_out_of_order_are_sorted(tmp_path: Path) -> None:
    rows = clean()
    rows[5], rows[6] = rows[6], rows[5]
    panel = load(tmp_path, rows)
    assert panel.target[:, 0].tolist() == list(range(40))
    assert (one(panel)["kind"], one(panel)["t"]) == ("unsorted", 5)


def test_descending_file_is_one_repair(tmp_path: Path) -> None:
    panel = load(tmp_path, clean()[::-1])
    assert panel.target[:, 0].tolist() == list(range(40))
    assert (one(panel)["kind"], one(panel)["rows"]) == ("unsorted", 40)


def test_gap_becomes_missing_rows(tmp_path: Path) -> None:
    rows = clean()
    panel = load(tmp_path, rows[:20] + rows[23:])
    assert panel.rows == 40
    assert np.flatnonzero(np.isnan(panel.target[:, 0])).tolist() == [20, 21, 22]
    repair = one(panel)
    assert (repair["kind"], repair["t"], repair["rows"]) == ("gap", 20, 3)
    assert "3 days" in repair["detail"]


def test_missing_target_stays_missing(tmp_path: Path) -> None:
    rows = clean()
    for row in (4, 5):
        rows[row] = (DAYS[row], "")
    panel = load(tmp_path, rows)
    assert np.flatnonzero(np.isnan(panel.target[:, 0])).tolist() == [4, 5]
    assert panel.repairs == ()


@pytest.mark.parametrize("cell", ["error", "#REF!", "n/a", "?"])
def test_text_among_numbers_is_missing_and_listed(tmp_path: Path, cell: str) -> None:
    rows = clean()
    rows[7] = (DAYS[7], cell)
    panel = load(tmp_path, rows)
    assert np.isnan(panel.target[7, 0])
    assert (one(panel)["kind"], one(panel)["t"], one(panel)["item"]) == ("type", 7, "y")


def test_numbers_with_commas_are_parsed(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [(day, f'"1,{i:03d}"') for i, day in enumerate(DAYS)]
    panel = load(tmp_path, rows)
    assert panel.target[:3, 0].tolist() == [1000, 1001, 1002]
    assert (one(panel)["kind"], one(panel)["rows"]) == ("type", 40)


def test_infinite_values_are_missing(tmp_path: Path) -> None:
    rows = clean()
    rows[3] = (DAYS[3], "inf")
    panel = load(tmp_path, rows)
    assert np.isnan(panel.target[3, 0])
    assert one(panel)["kind"] == "type"


def test_leading_and_trailing_blank_rows_are_left_out(tmp_path: Path) -> None:
    rows = clean()
    rows[0], rows[-1] = (DAYS[0], ""), (DAYS[-1], "")
    panel = load(tmp_path, rows)
    assert panel.rows == 38
    assert one(panel)["kind"] == "dropped"


def test_repair_of_one_series_names_it(tmp_path: Path) -> None:
    long = [(day, site, i) for site in "ab" for i, day in enumerate(DAYS) if (site, i) != ("b", 12)]
    panel = load(tmp_path, long, header="date,site,y", item_id="site", target="y")
    assert np.isnan(panel.target[12, 1])
    assert (one(panel)["kind"], one(panel)["item"], one(panel)["t"]) == ("gap", "b", 12)


def test_stamps_off_the_grid_are_moved(tmp_path: Path) -> None:
    stamps = pd.date_range("2021-01-01", periods=40, freq="h").to_list()
    stamps[9] += pd.Timedelta(seconds=30)
    panel = load(tmp_path, [(stamp, i) for i, stamp in enumerate(stamps)])
    assert np.isfinite(panel.target).all()
    assert (one(panel)["kind"], one(panel)["t"]) == ("off_grid", 9)


def test_zone_is_turned_into_utc(tmp_path: Path) -> None:
    stamps = pd.date_range("2021-01-01", periods=40, freq="h").strftime("%Y-%m-%dT%H:%M:%S+02:00")
    panel = load(tmp_path, [(stamp, i) for i, stamp in enumerate(stamps)])
    assert panel.span()[0] == "2020-12-31T22:00:00"
    assert one(panel)["kind"] == "timezone"


@pytest.mark.parametrize(("rows", "message"), [
    ([(day, "") for day in DAYS], "every value of 'y' is missing"),
    ([(day, 1) for day in DAYS[:2]], "too few different stamps"),
    ([(f"2021-01-01 {h:02d}:{m:02d}", 1) for h, m in zip(range(20), [0, 7, 13, 29, 31, 38, 44, 51, 58, 3] * 2)], "no regular step"),
    ([("soon", i) for i in range(10)] + [(day, 1) for day in DAYS], "no time stamps"),
])
def test_data_that_cannot_be_mended_is_refused(tmp_path: Path, rows: list[tuple[object, ...]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(tmp_path, rows)


def test_the_same_data_read_again_has_the_same_fingerprint(tmp_path: Path) -> None:
    first, again = load(tmp_path, clean()), load(tmp_path, clean()[::-1])
    assert first.fingerprint() == again.fingerprint()
    changed = clean()
    changed[30] = (DAYS[30], 30.001)
    assert load(tmp_path, changed).fingerprint() != first.fingerprint()
