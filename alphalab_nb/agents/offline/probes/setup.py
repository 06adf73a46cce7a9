"""Load the explore partition and define what every probe uses."""
import json
import os
import warnings
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Image, display

DATA = Path("@DATA@")
TASK = json.loads(r"""@TASK@""")
TOP = 8  # facts of one kind that a probe prints at most
warnings.filterwarnings("ignore", message="(Mean of empty|All-NaN|Degrees of freedom|invalid value|divide by zero)")

panel = np.load(DATA / "panel.npz", allow_pickle=False)
meta = json.loads((DATA / "meta.json").read_text())
repairs = json.loads((DATA / "repairs.json").read_text()) if (DATA / "repairs.json").is_file() else []
Y = panel["target"].astype(float)  # (T, N), NaN = missing
T, N = Y.shape
items = [str(name) for name in panel["items"]]
shared = panel["times"].ndim == 1
times = panel["times"][:, None] if shared else panel["times"]  # (T, 1) or (T, N), unix seconds
clock = pd.DatetimeIndex(pd.to_datetime(times[:, -1], unit="s"))  # calendar of the last item; that of all if shared
step_s = float(np.median(np.diff(times[:, -1])))
day, year = max(1, round(86400 / step_s)), round(365.25 * 86400 / step_s)  # rows, at least one per day
week = max(1, round(604800 / step_s))
season = int(TASK.get("season") or meta["season"])
seasons = sorted({int(s) for s in meta.get("seasons", [])} | {season})
horizon = int(TASK.get("horizon") or season)
lead = np.array([int(np.argmax(np.isfinite(y))) if np.isfinite(y).any() else T for y in Y.T])  # rows of padding before each series


def num(value, digits=4):
    """Round to significant digits, so that what is printed is what is claimed."""
    value = float(value)
    if not np.isfinite(value):
        return None
    value = float(f"{value:.{digits}g}")
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def when(row, item=-1):
    """Return the stamp of a row; the time of day only where rows are shorter than a day."""
    stamp = pd.Timestamp(int(times[row, item if not shared else 0]), unit="s")
    return stamp.strftime("%Y-%m-%d %H:%M" if step_s < 86400 else "%Y-%m-%d")


def date(row, item=-1):
    return when(row, item)[:10]


def days(rows):
    return num(rows * step_s / 86400, 5)


def fact(kind, **values):
    """Print one finding for programs; missing values are left out."""
    print(json.dumps({"fact": kind, **{k: v.item() if isinstance(v, np.generic) else v for k, v in values.items() if v is not None}}))


def save(fig, name):
    """Keep a figure in plots/ and show it in the notebook."""
    path = Path("plots") / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    fig.tight_layout()
    fig.savefig(path, dpi=80)
    plt.close(fig)
    display(Image(filename=str(path)))
    fact("figure", path=str(path))


def runs(mask):
    """Return (start, length) of each run of True, in order."""
    edge = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return [(int(a), int(b - a)) for a, b in zip(edge[::2], edge[1::2])]


def constant_runs(y):
    """Return (start, length) of runs of one value that are far longer than is usual in this series."""
    same = np.isfinite(y[1:]) & (y[1:] == y[:-1])
    found = [(start, length + 1) for start, length in runs(same)]
    if not found:
        return []
    usual = np.quantile([length for _, length in found], 0.98) if len(found) > 50 else 1
    least = max(6 if step_s < 604800 else 4, 3 * usual)
    return [(start, length) for start, length in found if length >= least]


def alive():
    """Return the target without constant runs."""
    kept = Y.copy()
    for i in range(N):
        for start, length in constant_runs(Y[:, i]):
            kept[start : start + length, i] = np.nan
    return kept


def blocks(values, rows):
    """Return medians (B, N) of consecutive blocks; blocks with less than 60 % of their values are NaN."""
    count = len(values) // rows
    cut = values[len(values) - count * rows :].reshape(count, rows, -1)
    return np.where(np.isfinite(cut).mean(axis=1) >= 0.6, np.nanmedian(cut, axis=1), np.nan)


def robust_sd(x):
    x = x[np.isfinite(x)]
    return 1.4826 * float(np.median(np.abs(x - np.median(x)))) if len(x) else float("nan")


def phase_of_year(stamps):
    """Return the week (or month, for coarser steps) of the year: exact, unlike a row count of 52 weeks."""
    return (stamps.month - 1).to_numpy() if step_s > 604800 else np.minimum((stamps.dayofyear - 1).to_numpy() // 7, 51)


def shown():
    """Return the items that figures show."""
    return list(range(N)) if N <= TOP else sorted(np.argsort(-np.nanmean(np.abs(Y), axis=0))[:TOP].tolist())


print(f"{T} rows x {N} items, step {meta['freq']}, {when(0)} to {when(T - 1)}, seasons {seasons}, horizon {horizon}")
