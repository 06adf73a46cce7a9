"""How the campaign's alpha is spent over an unknown number of confirm tests, and over the looks within one test.

Each test spends the same share of what is left, so all of them together spend less than alpha whatever their number; after
alpha * 6 / (pi j)^2 the tenth would have next to nothing. A keep gives its own share back (online fallback; Tian and Ramdas 2021,
Statistical Methods in Medical Research 30): before the first false keep every keep was right, and only tests of wrong candidates
use alpha up, hence P(any false keep) <= sum of what they used <= alpha.
"""

from __future__ import annotations

from alphalab_nb.judge.rules import Rules


def schedule(first: int, most: int) -> tuple[int, ...]:
    """Return after how many confirm runs a test looks at its data: the first number, then doubled until the most."""
    looks = [min(max(1, first), most)]
    while looks[-1] < most:
        looks.append(min(2 * looks[-1], most))
    return tuple(looks)


def level(rules: Rules, alpha_left: float, looks: int) -> float:
    """Return the level of one look of a test: equal parts of the test's share (Bonferroni over its looks)."""
    return rules.spending * max(0.0, alpha_left) / looks
