"""Is there a trend, and how does the level differ from year to year?"""
per_year = pd.DataFrame(Y, columns=items).groupby(clock.year).mean()
covered = pd.Series(1, index=clock).groupby(clock.year).sum() / year
full = per_year[covered >= 0.9]
print(per_year.iloc[:, :8].round(3).tail(12).to_string())
clean = alive()
if 2 * year + 1 > T:  # a change over a year that is known for part of the year only is no trend
    fact("no_trend", days=days(T))
for i in shown() if 2 * year < T else []:
    gains = clean[year:, i] - clean[:-year, i]
    gains = gains[np.isfinite(gains)]
    if len(gains):
        fact("yearly_change", item=items[i], median=num(np.median(gains)), rising_percent=num(100 * (gains > 0).mean(), 3), rows=len(gains))
if len(full) >= 4:
    gain = full.mean(axis=1).diff().dropna()
    half = len(gain) // 2
    fact("trend_speed", years=len(full), early=num(gain.iloc[:half].mean(), 3), late=num(gain.iloc[half:].mean(), 3))
fig, ax = plt.subplots(figsize=(9, 3.5))
smooth = pd.DataFrame(Y, index=clock).rolling(max(week, min(season, T // 10)), min_periods=max(1, min(season, T // 10) // 2)).mean()
for i in shown():
    ax.plot(clock, smooth.iloc[:, i], lw=1, label=items[i])
ax.set(title=f"mean over {max(week, min(season, T // 10))} rows")
ax.legend(fontsize=7)
save(fig, "trend")
