"""Does the daily profile move by an hour when the clocks change?"""
SPAN = 21  # days on each side


def changes(first, last):
    """Return (date, rule) of the clock changes of Europe and of North America."""
    found = []
    for y in range(first, last + 1):
        sundays = pd.date_range(f"{y}-01-01", f"{y}-12-31", freq="W-SUN")
        march, october, november = (sundays[sundays.month == m] for m in (3, 10, 11))
        found += [(march[-1], "Europe, spring"), (october[-1], "Europe, autumn"), (march[1], "North America, spring"),
                  (november[0], "North America, autumn")]
    return sorted(found)


def profile(start, end):
    """Return the mean working day (rows of a day, N) between two dates."""
    inside = np.asarray((clock >= start) & (clock < end) & (clock.dayofweek < 5))
    table = pd.DataFrame(clean[inside]).groupby(clock[inside].hour * 60 + clock[inside].minute).mean()
    return table.to_numpy() if len(table) == day else None


def moved(stamp, rule):
    """Return what a change of the clock did to the profiles, or None if nothing or not known."""
    before, after = profile(stamp - span, stamp), profile(stamp, stamp + span)
    if before is None or after is None:
        return None
    match = np.array([[np.corrcoef(np.roll(before[:, i], s * hour), after[:, i])[0, 1] for s in (-2, -1, 0, 1, 2)] for i in range(N)])
    best = np.nanargmax(np.nan_to_num(match, nan=-2), axis=1) - 2
    usual = int(np.bincount(best + 2, minlength=5).argmax()) - 2
    votes = int((best == usual).sum())
    print(f"{stamp.date()} {rule}: best shift {usual:+d} h in {votes} of {N} items, correlation {np.nanmean(match[:, usual + 2]):.4f}")
    if not usual or votes <= N / 2:
        return None
    return {"stamp": stamp, "rule": rule, "shift": usual, "votes": votes, "match": float(np.nanmean(match[:, usual + 2])),
            "unshifted": float(np.nanmean(match[:, 2])), "before": before, "after": after}


clean, hour, span = alive(), max(1, day // 24), pd.Timedelta(days=SPAN)
shifts = []
if step_s <= 3600 and shared:
    for stamp, rule in changes(clock[0].year, clock[-1].year):
        if clock[0] <= stamp - span and stamp + span <= clock[-1] and (change := moved(stamp, rule)):
            near = bool(shifts) and stamp - shifts[-1]["stamp"] < span  # two rules a week apart: the better match is the rule
            if not near:
                shifts.append(change)
            elif change["match"] > shifts[-1]["match"]:
                shifts[-1] = change
    for s in shifts:
        fact("clock_shift", date=str(s["stamp"].date()), rule=s["rule"], hours=abs(s["shift"]),
             direction="earlier" if s["shift"] < 0 else "later", items=s["votes"], of=N, correlation=num(s["match"]),
             unshifted=num(s["unshifted"]))
    fact("clock_shifts", total=len(shifts), days=SPAN)
else:
    fact("no_clock", freq=meta["freq"])
if shifts:
    fig, axes = plt.subplots(1, len(shifts[:4]), figsize=(9, 3), squeeze=False)
    for ax, s in zip(axes[0], shifts):
        ax.plot(np.nanmean(s["before"], axis=1), label="before")
        ax.plot(np.nanmean(s["after"], axis=1), label="after")
        ax.set(title=f"{s['stamp'].date()}", xlabel="row of the day")
        ax.legend(fontsize=7)
    save(fig, "summer_time")
