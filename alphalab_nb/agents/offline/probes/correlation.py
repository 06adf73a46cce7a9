"""How alike are the items?"""
if N == 1:
    changes = np.diff(Y[:, 0])
    known = np.isfinite(changes[1:]) & np.isfinite(changes[:-1])
    fact("change_correlation", correlation=num(np.corrcoef(changes[1:][known], changes[:-1][known])[0, 1], 3), pairs=int(known.sum()))
else:
    clean = alive()
    matrix = pd.DataFrame(clean, columns=items).corr(min_periods=3 * season).to_numpy()
    pairs = matrix[np.triu_indices(N, 1)]
    mean = (np.nansum(matrix, axis=1) - 1) / (N - 1)
    a, b = np.unravel_index(np.nanargmin(np.where(np.eye(N, dtype=bool), np.nan, matrix)), matrix.shape)
    fact("correlation", mean=num(np.nanmean(pairs), 3), least=num(np.nanmin(pairs), 3), most=num(np.nanmax(pairs), 3),
         pairs=int(np.isfinite(pairs).sum()))
    fact("least_alike", first=items[a], second=items[b], correlation=num(matrix[a, b], 3))
    fact("outsider", item=items[int(np.nanargmin(mean))], mean=num(np.nanmin(mean), 3))
    values = np.linalg.eigvalsh(np.nan_to_num(matrix, nan=0.0))
    fact("component", share_percent=num(100 * values[-1] / values.sum(), 3))
    fig, ax = plt.subplots(figsize=(5, 4))
    fig.colorbar(ax.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r"))
    if N <= 20:
        ax.set_xticks(range(N), items, rotation=90, fontsize=6)
        ax.set_yticks(range(N), items, fontsize=6)
    ax.set(title="correlation of the items")
    save(fig, "correlation")
