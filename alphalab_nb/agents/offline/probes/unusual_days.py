"""Which days (or rows) lie far from the usual ones around them: holidays, closures, events?"""
clean = alive()
if step_s < 604800:
    days_of = pd.DataFrame(clean / np.nanmean(clean, axis=0), index=clock).resample("D")
    total = days_of.mean().where(days_of.count() >= 0.9 * day).mean(axis=1)  # half a day is no day
    table = pd.concat([total.shift(7 * s) for s in (-4, -3, -2, -1, 1, 2, 3, 4)], axis=1)
    usual = table.median(axis=1)
else:
    total = pd.Series(np.nanmean(clean / np.nanmean(clean, axis=0), axis=1), index=clock)
    usual = pd.concat([total.shift(s) for s in (-2, -1, 1, 2)], axis=1).mean(axis=1, skipna=False)
off = 100 * (total / usual - 1)
off = off[np.isfinite(off)]
limit = 6 * robust_sd(off.to_numpy())
strange = off[np.abs(off) > limit].sort_values(key=np.abs, ascending=False)
fact("unusual_days", total=len(strange), limit_percent=num(limit, 3), of=len(off))
for stamp, value in strange.head(TOP).items():
    fact("unusual_day", date=str(stamp.date()), weekday=stamp.day_name(), change=f"{num(value, 3):+} %")
same = {(s.month, s.day) for s in strange.index if sum((t.month, t.day) == (s.month, s.day) for t in strange.index) > 1}
fact("repeated_days", total=len(same), dates=", ".join(f"{m:02d}-{d:02d}" for m, d in sorted(same)[:10]) or "none")
fig, ax = plt.subplots(figsize=(9, 3))
ax.plot(off.index, off, lw=0.6)
ax.plot(strange.index, strange, "rx", ms=4)
ax.set(title="against the usual neighbours, %")
save(fig, "unusual_days")
