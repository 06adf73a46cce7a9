"""How large, how spread, how skewed is each item?"""
table = pd.DataFrame(Y, columns=items).describe().T
table["zeros"] = (Y == 0).sum(axis=0)
table["skew"] = pd.DataFrame(Y, columns=items).skew()
with pd.option_context("display.width", 160, "display.max_columns", 20):
    print(table.head(40).round(3).to_string())
for i in shown():
    row = table.iloc[i]
    fact("item", item=items[i], count=int(row["count"]), mean=num(row["mean"]), sd=num(row["std"]), low=num(row["min"]),
         median=num(row["50%"]), high=num(row["max"]), skew=num(row["skew"], 3))
if N > 1:
    sd = table["std"]
    largest = np.sort(sd.to_numpy() ** 2)[::-1]
    fact("scales", largest=items[int(np.nanargmax(sd))], largest_sd=num(sd.max()), smallest=items[int(np.nanargmin(sd))],
         smallest_sd=num(sd.min()), share_percent=num(100 * largest[0] / np.nansum(largest), 3))
fact("negative", cells=int((Y < 0).sum()), items=int((Y < 0).any(axis=0).sum()))
fig, ax = plt.subplots(figsize=(9, 3.5))
for i in shown():
    ax.hist(Y[np.isfinite(Y[:, i]), i], bins=60, histtype="step", density=True, label=items[i])
ax.set(title="distribution of the target")
ax.legend(fontsize=7)
save(fig, "distribution")
