"""Which covariates are there, and do they go with the target?"""
names = [str(name) for name in panel["covariate_names"]]
if not names:
    fact("no_covariates", count=0)
else:
    X, known = panel["covariates"], panel["known"]
    mean = np.nanmean((Y - np.nanmean(Y, axis=0)) / np.nanstd(Y, axis=0), axis=1)
    fact("covariates", count=len(names), known=int(known.sum()))
    rows = []
    for c, name in enumerate(names):
        x = np.nanmean(X[:, :, c], axis=1)
        both = np.isfinite(x) & np.isfinite(mean)
        value = np.corrcoef(x[both], mean[both])[0, 1] if both.sum() > 10 and x[both].std() > 0 else np.nan
        state = "known in advance" if known[c] else "not known in advance"
        rows.append((name, state, num(100 * (~np.isfinite(x)).mean(), 3), num(value, 3)))
    rows.sort(key=lambda row: -abs(row[3] or 0))
    for name, state, lost, value in rows[:TOP]:
        fact("covariate", name=name, state=state, missing_percent=lost, correlation=value)
