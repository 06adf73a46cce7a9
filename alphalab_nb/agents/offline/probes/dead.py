"""Are there dead or stuck sensors, closures, long runs of one value?"""
long = 3 * day if step_s < 86400 else (7 if step_s < 604800 else 4)  # rows
found = [(i, start, length) for i in range(N) for start, length in constant_runs(Y[:, i])]
stuck = sorted((f for f in found if f[2] >= long), key=lambda f: -f[2])
for i, start, length in stuck[:TOP]:
    fact("dead_sensor", item=items[i], value=num(Y[start, i], 6), rows=length, days=days(length), start=when(start, i),
         end=when(start + length - 1, i))
fact("dead_sensors", runs=len(stuck), items=len({f[0] for f in stuck}), least=long)
short = [f for f in found if f[2] < long]
for i in sorted({f[0] for f in short}, key=lambda i: -sum(f[2] for f in short if f[0] == i))[:TOP]:
    mine = [f for f in short if f[0] == i]
    _, start, length = max(mine, key=lambda f: f[2])
    fact("closure", item=items[i], runs=len(mine), rows=sum(f[2] for f in mine), longest=length, start=when(start, i),
         value=num(Y[start, i], 6))
zeros = (Y == 0).sum(axis=0)
for i in [i for i in np.argsort(-zeros) if zeros[i]][:TOP]:
    fact("zeros", item=items[i], rows=int(zeros[i]), share_percent=num(100 * zeros[i] / max(1, np.isfinite(Y[:, i]).sum()), 3))
fact("zero_items", items=int((zeros > 0).sum()), of=N)
fig, ax = plt.subplots(figsize=(9, 3))
for i in range(N):
    for start, length in constant_runs(Y[:, i]):
        ax.plot(clock[[start, start + length - 1]], [i, i], lw=6, color="tab:red" if length >= long else "tab:orange")
ax.set(title="constant runs (red: long)", ylim=(-1, N), xlim=(clock[0], clock[-1]))
if N <= 30:
    ax.set_yticks(range(N), items, fontsize=7)
save(fig, "constant_runs")
