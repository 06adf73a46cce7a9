"""Which values stand out from their neighbours in the season?"""
LIMIT = 8  # robust standard deviations
lag = season if season > 1 else 1
found, tested = [], 0
for i in range(N):
    y = Y[:, i]
    around = np.stack([np.roll(y, s) for s in (-lag, lag, -1, 1)])
    around[0, -lag:], around[1, :lag], around[2, -1:], around[3, :1] = np.nan, np.nan, np.nan, np.nan
    rest = y - np.nanmedian(around, axis=0)
    z = rest / max(robust_sd(rest), 1e-9)
    tested += int(np.isfinite(z).sum())
    found += [(abs(z[t]), z[t], i, int(t)) for t in np.flatnonzero(np.abs(z) > LIMIT)]
found.sort(reverse=True)
fact("outliers", total=len(found), limit=LIMIT, share_percent=num(100 * len(found) / max(1, tested), 3), items=len({f[2] for f in found}))
for _, z, i, t in found[:5]:
    fact("outlier", item=items[i], stamp=when(t, i), value=num(Y[t, i]), z=num(z, 3))
fig, ax = plt.subplots(figsize=(9, 3.5))
for i in shown()[:4]:
    ax.plot(clock, Y[:, i], lw=0.4, label=items[i])
for _, _, i, t in found[:50]:
    if i in shown()[:4]:
        ax.plot(clock[t], Y[t, i], "rx", ms=5)
ax.set(title="series, outliers marked")
ax.legend(fontsize=7)
save(fig, "series")
