"""How alike do the currencies move, and how many independent bets are they?"""
import numpy as np

panel = np.load("../data/explore/panel.npz", allow_pickle=False)
items = [str(name) for name in panel["items"]]
returns = np.diff(np.log(panel["target"]), axis=0)
returns = returns[np.isfinite(returns).all(axis=1)]
matrix = np.corrcoef(returns.T)
size = np.abs(np.triu(matrix, 1))
first, second = np.unravel_index(size.argmax(), size.shape)
half = len(returns) // 2
shares = np.linalg.eigvalsh(np.cov(returns.T))[::-1]
print(f"{len(returns)} daily log returns of {len(items)} items")
print(f"maximum absolute correlation {size[first, second]:.3f}, between items {items[first]} and {items[second]}")
for name, rows in (("first", returns[:half]), ("second", returns[half:])):
    print(f"{name} half: {np.corrcoef(rows.T)[first, second]:.3f} between the same items")
print(f"mean absolute correlation of all pairs {size[np.triu_indices(len(items), 1)].mean():.3f}")
print("principal components of the returns, percent of the variance:", *(f"{100 * share:.1f}" for share in shares / shares.sum()))
