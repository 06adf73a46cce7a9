"""What is the usual day, week and year?"""
clean = pd.DataFrame(alive(), columns=items)
total = clean / clean.mean()  # each item counts alike
panels = []
if step_s < 86400:
    hours = total.groupby(clock.hour).mean().mean(axis=1)
    panels.append(("hour", hours))
    fact("hours", peak=int(hours.idxmax()), peak_ratio=num(hours.max(), 3), low=int(hours.idxmin()), low_ratio=num(hours.min(), 3))
if step_s < 604800 and T * step_s >= 28 * 86400:  # a weekday or a month seen once is no profile
    names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    weekdays = total.groupby(clock.dayofweek).mean().mean(axis=1)
    panels.append(("weekday", weekdays))
    fact("weekdays", peak=names[int(weekdays.idxmax())], peak_ratio=num(weekdays.max(), 3), low=names[int(weekdays.idxmin())],
         low_ratio=num(weekdays.min(), 3))
    if step_s < 86400:
        weekend = clock.dayofweek >= 5
        working, free = (total[part].groupby(clock.hour[part]).mean().mean(axis=1) for part in (~weekend, weekend))
        fact("weekend", correlation=num(np.corrcoef(working, free)[0, 1], 3), working_peak=int(working.idxmax()),
             weekend_peak=int(free.idxmax()))
if T * step_s >= 2 * 365 * 86400:
    slow = total - total.rolling(year, center=True, min_periods=year // 2).mean() if 2 * year < T else total
    months = slow.groupby(clock.month).mean().mean(axis=1)
    panels.append(("month", months))
    spread = clean.mean(axis=0).mean() * (months.max() - months.min())
    fact("months", peak=int(months.idxmax()), low=int(months.idxmin()), amplitude=num(spread), years=num(T / year, 3))
fig, axes = plt.subplots(1, max(1, len(panels)), figsize=(9, 3), squeeze=False)
for ax, (name, profile) in zip(axes[0], panels):
    ax.plot(profile.index, profile.to_numpy(), "o-", ms=3)
    ax.set(title=f"mean by {name}, relative")
save(fig, "profiles")
