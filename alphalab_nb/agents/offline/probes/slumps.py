"""Are there slumps or booms against the same weeks a year before?"""
weekly = pd.DataFrame(alive(), index=clock, columns=items)
if step_s < 604800:
    weekly = weekly.resample("W-MON", label="left", closed="left").mean()  # a row is a week that begins on Monday
per = 52 if step_s <= 604800 else max(1, year)
change = (weekly / weekly.shift(per) - 1).where(weekly.shift(per) > 0)
overall = 100 * change.median(axis=1).dropna()
LIMIT = 15  # percent
if len(overall) < 4:
    fact("no_year_before", days=days(T))
else:
    fact("year_change", median=f"{num(overall.median(), 3):+} %", least=f"{num(overall.min(), 3):+} %",
         least_week=str(overall.idxmin().date()), most=f"{num(overall.max(), 3):+} %", most_week=str(overall.idxmax().date()),
         weeks=len(overall))
    usual = overall.median()
    seen = 0
    for sign, name in ((-1, "slump"), (1, "boom")):
        off = (sign * (overall - usual) > LIMIT).to_numpy(copy=True)
        off[1:-1] |= off[:-2] & off[2:]  # one holiday week that moved within the year does not end a slump
        for start, length in sorted(runs(off), key=lambda run: -run[1])[:3]:
            if length >= 2:
                seen += 1
                part = overall.iloc[start : start + length]
                fact(name, start=str(part.index[0].date()), end=str(part.index[-1].date()), weeks=length, mean=f"{num(part.mean(), 3):+} %",
                     worst=f"{num(part.min() if sign < 0 else part.max(), 3):+} %")
    fact("slumps", total=seen, limit=LIMIT)
    fig, ax = plt.subplots(figsize=(9, 3))
    ax.plot(overall.index, overall, "o-", ms=2)
    ax.axhline(0, color="k", lw=0.5)
    ax.set(title="change against the same week a year before, median of the items, %")
    save(fig, "year_before")
