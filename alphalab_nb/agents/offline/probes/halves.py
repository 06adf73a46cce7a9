"""Does the first part differ from the last?"""
third = T // 3
first, last = Y[:third], Y[-third:]
for i in shown():
    a, b = first[np.isfinite(first[:, i]), i], last[np.isfinite(last[:, i]), i]
    if len(a) > 10 and len(b) > 10:
        fact("part", item=items[i], first_mean=num(a.mean()), last_mean=num(b.mean()), first_sd=num(a.std()), last_sd=num(b.std()))
shape = []
for i in range(N):
    for s in [min(seasons, key=lambda s: abs(s - week)) if step_s < 86400 else season]:
        profiles = [pd.Series(part[:, i] - np.nanmean(part[:, i])).groupby(np.arange(at, at + third) % s).mean()
                    for part, at in ((first, 0), (last, T - third))]
        both = pd.concat(profiles, axis=1).dropna()
        if len(both) > 3:
            shape.append(np.corrcoef(both[0], both[1])[0, 1])
if shape:
    fact("profile_kept", season=s, correlation=num(np.nanmean(shape), 3), least=num(np.nanmin(shape), 3))
noise = [robust_sd(np.diff(part, axis=0).ravel()) for part in (first, last)]
fact("noise", first=num(noise[0]), last=num(noise[1]), ratio=num(noise[1] / noise[0], 3) if noise[0] else None)
