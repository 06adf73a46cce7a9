"""Does an item stand still: is it pegged, since when, and what would a model make of it?"""
import numpy as np

STILL = 1e-4  # log return of one basis point: less than anybody pays for a trade

panel = np.load("../data/explore/panel.npz", allow_pickle=False)
items = [str(name) for name in panel["items"]]
returns = np.diff(np.log(panel["target"]), axis=0)


def longest(still):
    """Return length and first row of the longest run of True."""
    edge = np.flatnonzero(np.diff(np.concatenate([[0], still.astype(int), [0]])))
    start, length = edge[::2], edge[1::2] - edge[::2]
    return (int(length.max()), int(start[length.argmax()])) if len(length) else (0, 0)


zero = (returns == 0).mean(axis=0)
peg = int(zero.argmax())
print("returns exactly 0, percent, by item:", ", ".join(f"{name} {100 * share:.1f}" for name, share in zip(items, zero)))
exact, at = longest(returns[:, peg] == 0)
print(f"item {items[peg]}: {100 * zero[peg]:.1f} percent of {len(returns)} returns are exactly 0, longest run {exact} from row {at}")
length, row = longest(np.abs(returns[:, peg]) < STILL)
share = 100 * (np.abs(returns[:, peg]) < STILL).mean()
print(f"item {items[peg]}: {share:.1f} percent are below {STILL:g}, longest flat run {length} from row {row}")
worst = int(np.abs(returns[:, peg]).argmax())
print(f"item {items[peg]}: largest log return {returns[worst, peg]:.3f} at row {worst + 1}")
