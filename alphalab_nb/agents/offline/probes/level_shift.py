"""Does the level of an item jump, and when?"""
block = week if step_s < 604800 else 1
k = 6 if block > 1 else max(4, year // 4 if year >= 12 else 4)  # blocks on each side
clean = alive()
level = blocks(clean, block)
first = T - len(level) * block
centre = np.nanmedian(level, axis=0)
ratio = bool((centre > 0).all() and np.nanmin(level) > 0)  # levels of one sign are compared by ratio
scaled = np.log(level) - np.log(centre) if ratio else level - centre
if N >= 3:
    scaled = scaled - np.nanmedian(scaled, axis=1, keepdims=True)  # what all items share is no shift of one
else:
    phase = phase_of_year(clock[first::block][: len(level)])
    if len(level) * block >= 2 * year:
        smooth = pd.DataFrame(scaled).rolling(max(3, year // block), center=True, min_periods=year // block // 2).median().to_numpy()
        for p in np.unique(phase):
            scaled[phase == p] -= np.nanmedian((scaled - smooth)[phase == p], axis=0)


def jumps(x):
    """Return (block, jump, z) of sudden lasting changes, largest first."""
    jump = np.full(len(x), np.nan)
    for b in range(k, len(x) - k + 1):
        before, after = x[b - k : b], x[b : b + k]
        if np.isfinite(before).sum() >= k / 2 and np.isfinite(after).sum() >= k / 2:
            jump[b] = np.nanmedian(after) - np.nanmedian(before)
    z = (jump - np.nanmedian(jump)) / max(robust_sd(jump), 1e-9)
    found = []
    for b in np.argsort(-np.abs(np.nan_to_num(z))):
        far = np.nanmedian(x[b : b + 4 * k]) - np.nanmedian(x[max(0, b - 4 * k) : b]) if b else 0.0
        lasts = abs(far) >= 0.6 * abs(jump[b]) and far * jump[b] > 0
        large = abs(jump[b]) >= (0.14 if ratio and N >= 3 else 0.05 if ratio else np.nanstd(x))
        if abs(z[b]) < 6 or len(found) == 3:
            break
        if lasts and large and all(abs(b - other) > k for other, _, _ in found):
            found.append((int(b), float(jump[b]), float(z[b])))
    return found


def split_day(i, b):
    """Return the row that divides the weeks around a block best, from daily values against those of the others."""
    low, high = max(0, first + (b - k // 2) * block), min(T, first + (b + k // 2) * block)
    low += int(np.argmax(clock[low:].hour == 0)) if step_s < 86400 else 0  # whole calendar days
    count = (high - low) // day
    daily = np.nanmean(clean[low : low + count * day].reshape(count, day, N), axis=1)
    x = daily[:, i] / (np.nanmedian(daily / centre, axis=1) if N >= 3 else 1.0)
    x = pd.Series(x).interpolate(limit_direction="both").to_numpy()
    cost = [((x[:s] - np.median(x[:s])) ** 2).sum() + ((x[s:] - np.median(x[s:])) ** 2).sum() for s in range(3, count - 3)]
    return low + (3 + int(np.argmin(cost))) * day


shifts = [(i, *jump) for i in range(N) for jump in jumps(scaled[:, i])]
shifts.sort(key=lambda s: -abs(s[3]))
for i, b, size, z in shifts[:TOP]:
    row = split_day(i, b) if block > 1 else first + b
    change = num(100 * (np.exp(size) - 1), 3) if ratio else None
    fact("level_shift", item=items[i], start=date(row, i), change=num(size) if change is None else f"{change:+} %", z=num(z, 3),
         against="the other items" if N >= 3 else "its season", blocks=k, step="weeks" if block > 1 else "rows")
fact("level_shifts", total=len(shifts), items=len({s[0] for s in shifts}), of=N)
fig, ax = plt.subplots(figsize=(9, 3.5))
for i in sorted({s[0] for s in shifts[:TOP]}) or shown():
    ax.plot(clock[first::block][: len(level)], scaled[:, i], lw=1, label=items[i])
for _, b, _, _ in shifts[:TOP]:
    ax.axvline(clock[first + b * block], color="k", ls=":")
ax.set(title="level against the other items" if N >= 3 else "level without the season")
ax.legend(fontsize=7)
save(fig, "level_shift")
