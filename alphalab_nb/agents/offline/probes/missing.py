"""Where are values missing, for how long?"""
inside = np.arange(T)[:, None] >= lead[None, :]  # padding before a shorter series is not a gap
lost = ~np.isfinite(Y) & inside
share = 100 * lost.sum() / inside.sum()
fact("missing", share_percent=num(share, 3), cells=int(lost.sum()), items_affected=int(lost.any(axis=0).sum()), items=N)
everywhere = runs((lost | ~inside).all(axis=1) & inside.any(axis=1))
gaps = [("all items" if N > 1 else items[0], -1, start, length) for start, length in everywhere]
if N > 1:
    alone = lost & ~(lost | ~inside).all(axis=1)[:, None]
    gaps += [(items[i], i, start, length) for i in range(N) for start, length in runs(alone[:, i])]
gaps.sort(key=lambda gap: -gap[3])
for name, i, start, length in gaps[:TOP]:
    fact("gap", item=name, rows=length, days=days(length), start=when(start, i), end=when(start + length - 1, i))
fact("gaps", total=len(gaps), longest=gaps[0][3] if gaps else 0)
fig, ax = plt.subplots(figsize=(9, 3))
rows = max(1, T // 400)
trimmed = lost[: T // rows * rows].reshape(T // rows, rows, N).mean(axis=1)
ax.imshow(trimmed.T, aspect="auto", vmin=0, vmax=1, cmap="magma_r", interpolation="nearest")
ax.set(title=f"share missing per {rows} row(s)", xlabel=f"{when(0)} to {when(T - 1)}", ylabel="item")
save(fig, "missing")
