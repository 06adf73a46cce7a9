"""How well do the seasonal naive forecasts do, by season and by step?"""
metric = str(TASK.get("metric") or "rmse")
scale = np.nanstd(Y, axis=0) if TASK.get("scale") == "zscore" else np.ones(N)
stride = max(1, int(TASK.get("stride") or 1))
begin = max(T - max(4 * season, T // 4), 3 * season, 1)
origins = np.arange(begin, T - horizon + 1, stride)[-2000:]
steps = np.arange(horizon)
truth = Y[origins[:, None] + steps] / scale  # (O, H, N)


def loss(forecast, axis=None):
    error = forecast / scale - truth
    if metric == "mae":
        return np.nanmean(np.abs(error), axis=axis)
    mean = np.nanmean(error**2, axis=axis)
    return np.sqrt(mean) if metric == "rmse" else mean


def lagged(rows):
    """Forecast by the value a whole number of periods before, known at the origin."""
    back = rows * (steps // rows + 1)
    at = origins[:, None] + steps - back
    return np.where((at >= 0)[..., None], Y[np.maximum(at, 0)], np.nan)


filled = pd.DataFrame(Y).ffill().to_numpy()
forecasts = {"naive": np.repeat(filled[origins - 1][:, None], horizon, axis=1)}
forecasts |= {f"seasonal naive ({s})": lagged(s) for s in seasons if s < begin}
if len(origins) and 3 * season <= begin:
    whole = season * (horizon // season + 1)
    forecasts[f"mean of the last 3 seasons ({season})"] = np.nanmean(
        [Y[np.maximum(origins[:, None] + steps - (season * (steps // season + 1 + n)), 0)] for n in range(3)], axis=0)
    growth = np.nanmean(Y[season:begin] - Y[: begin - season], axis=0)
    forecasts[f"seasonal naive with drift ({season})"] = lagged(season) + growth * (steps // season + 1)[None, :, None]
if len(origins):
    values = {name: loss(forecast) for name, forecast in forecasts.items()}
    print(pd.Series(values).sort_values().to_string())
    for name, value in sorted(values.items(), key=lambda pair: pair[1]):
        fact("naive_error", method=name, metric=metric, value=num(value), origins=len(origins))
    best = min(values, key=values.get)
    profile = loss(forecasts[best], axis=(0, 2))
    fact("best_naive", method=best, metric=metric, value=num(values[best]), against=num(values["naive"]),
         gain_percent=num(100 * (1 - values[best] / values["naive"]), 3))
    fact("error_by_step", method=best, first=num(profile[0]), last=num(profile[-1]), last_step=horizon)
    if N > 1:
        by_item = loss(forecasts[best], axis=(0, 1))
        fact("hardest", item=items[int(np.nanargmax(by_item))], value=num(np.nanmax(by_item)), easiest=items[int(np.nanargmin(by_item))],
             least=num(np.nanmin(by_item)), method=best)
    fig, ax = plt.subplots(figsize=(9, 3.5))
    for name, forecast in forecasts.items():
        ax.plot(steps + 1, loss(forecast, axis=(0, 2)), lw=1, label=name)
    ax.set(title=f"{metric} by step, last {len(origins)} origins of explore", xlabel="step")
    ax.legend(fontsize=7)
    save(fig, "seasonal_naive")
else:
    fact("too_short", rows=T, horizon=horizon)
