"""How strong is each season?"""


def autocorrelation(y, lag):
    """Return the correlation of changes-free values at a lag, on pairs where both are known."""
    a, b = y[lag:], y[:-lag]
    known = np.isfinite(a) & np.isfinite(b)
    return np.corrcoef(a[known], b[known])[0, 1] if known.sum() > 10 else np.nan


clean = alive()
width = max(3, 2 * seasons[-1] + 1)
base = pd.DataFrame(clean).rolling(width, center=True, min_periods=width // 4).mean().to_numpy()
rest = clean - base  # the slow level would make every lag look seasonal
chosen = shown()
for lag in [1, *seasons, *[2 * seasons[-1]]]:
    if lag < T // 2:
        values = [autocorrelation(rest[:, i], lag) for i in chosen]
        fact("autocorrelation", lag=lag, mean=num(np.nanmean(values), 3), least=num(np.nanmin(values), 3), most=num(np.nanmax(values), 3))
for s in seasons:
    shares = []
    for i in chosen:
        phase = phase_of_year(clock) if abs(s - year) <= 1 else np.arange(T) % s
        profile = pd.Series(rest[:, i]).groupby(phase).transform("mean").to_numpy()
        shares.append(100 * (1 - np.nanvar(rest[:, i] - profile) / max(np.nanvar(rest[:, i]), 1e-12)))
    fact("season_share", season=s, share_percent=num(np.nanmean(shares), 3), least=num(np.nanmin(shares), 3),
         most=num(np.nanmax(shares), 3))
lags = np.unique(np.linspace(1, min(T // 3, 3 * seasons[-1]), 150).astype(int))
fig, ax = plt.subplots(figsize=(9, 3.5))
for i in chosen[:4]:
    ax.plot(lags, [autocorrelation(rest[:, i], lag) for lag in lags], lw=1, label=items[i])
for s in seasons:
    ax.axvline(s, color="k", ls=":")
ax.set(title="autocorrelation around the slow level", xlabel="lag in rows")
ax.legend(fontsize=7)
save(fig, "autocorrelation")
