"""Does the level of an item jump, and when?"""
block = week if step_s < 604800 else 1  # rows whose median is one point of the level
k = 6 if block > 1 else max(4, year // 4)  # points on each side of a jump
LIMIT = 6 if N >= 3 else 5  # robust standard deviations of such changes in the item
clean = alive()
level = blocks(clean, block)  # (B, N)
first = T - len(level) * block
centre = np.nanmedian(level, axis=0)
ratio = bool((centre > 0).all() and np.nanmin(level) > 0)
with np.errstate(all="ignore"):
    unit = np.ones(N) if ratio else np.array([robust_sd(x) or np.nan for x in level.T])
    x = np.log(level / centre) if ratio else (level - centre) / unit


def without_season(x):
    """Take the usual course of the year away, measured against a slow level."""
    if len(level) * block < 2 * year:
        return x
    points = max(3, year // block)
    slow = pd.DataFrame(x).rolling(points, center=True, min_periods=points // 2).median().to_numpy()
    phase = pd.Series(phase_of_year(clock[first::block][: len(level)]))
    return x - pd.DataFrame(x - slow).groupby(phase).transform("median").to_numpy()


x = without_season(x)
if N >= 3:
    x = x - np.nanmedian(x, axis=1, keepdims=True)  # what all items share is no shift of one


def median(part):
    """Return the medians of the items; NaN where half of the points are missing."""
    return np.where(np.isfinite(part).mean(axis=0) >= 0.5, np.nanmedian(part, axis=0), np.nan)


jump = np.full_like(x, np.nan)
for b in range(k, len(x) - k + 1):
    jump[b] = median(x[b : b + k]) - median(x[b - k : b])
spread = np.array([robust_sd(j) for j in jump.T])
noise = np.array([robust_sd(d) for d in np.diff(x, axis=0).T])
z = np.nan_to_num((jump - np.nanmedian(jump, axis=0)) / np.maximum(spread, 1e-9))


def jumps(i):
    """Return the points at which an item's level changes suddenly and for long, largest first, three at most."""
    found = []
    for b in np.argsort(-np.abs(z[:, i])):
        if abs(z[b, i]) < LIMIT or len(found) == 3:
            break
        size = jump[b, i]
        far = np.nanmedian(x[b : b + 4 * k, i]) - np.nanmedian(x[max(0, b - 4 * k) : b, i])
        lasts = far * size > 0 and abs(far) >= 0.6 * abs(size)
        large = abs(size) >= max(3 * noise[i], 0.14 if ratio and N >= 3 else 0.0)
        if lasts and large and all(abs(b - other) > k for other in found):
            found.append(int(b))
    return found


def split(values):
    """Return where a sequence is best divided into two constants."""
    values = pd.Series(values).interpolate(limit_direction="both").to_numpy()
    halves = [(values[:s], values[s:]) for s in range(2, len(values) - 1)]
    return 2 + int(np.argmin([sum(((half - np.median(half)) ** 2).sum() for half in pair) for pair in halves]))


def begin(i, b):
    """Return the row of a jump: the day for rows shorter than a week, else the row itself."""
    if block == 1:
        low = max(0, b - k // 2)
        return first + low + split(x[low : b + k // 2, i])
    low, high = max(0, first + (b - k // 2) * block), min(T, first + (b + k // 2) * block)
    low += int(np.argmax(clock[low:].hour == 0)) if step_s < 86400 else 0  # whole calendar days
    count = (high - low) // day
    daily = np.nanmean(clean[low : low + count * day].reshape(count, day, N), axis=1)
    shared_level = np.nanmedian(daily / centre, axis=1) if N >= 3 and ratio else 1.0
    return low + split(daily[:, i] / shared_level) * day


shifts = sorted(((i, b) for i in np.flatnonzero(np.abs(z).max(axis=0) >= LIMIT) for b in jumps(i)), key=lambda s: -abs(z[s[1], s[0]]))
for i, b in shifts[:TOP]:
    change = f"{num(100 * (np.exp(jump[b, i]) - 1), 3):+} %" if ratio else f"{num(jump[b, i] * unit[i]):+}"
    fact("level_shift", item=items[i], start=date(begin(i, b), i), change=change, z=num(z[b, i], 3),
         against="the other items" if N >= 3 else "its season", blocks=k, step="weeks" if block > 1 else "rows")
fact("level_shifts", total=len(shifts), items=len({i for i, _ in shifts}), of=N)
fig, ax = plt.subplots(figsize=(9, 3.5))
for i in sorted({i for i, _ in shifts[:TOP]}) or shown():
    ax.plot(clock[first::block][: len(level)], x[:, i], lw=1, label=items[i])
for _, b in shifts[:TOP]:
    ax.axvline(clock[first + b * block], color="k", ls=":")
ax.set(title="level against the other items" if N >= 3 else "level without the season")
ax.legend(fontsize=7)
save(fig, "level_shift")
