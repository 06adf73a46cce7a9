"""A model of all search runs of a simulated campaign: a Gaussian process over points whose likeness falls with each differing choice.

Averaging over points that share levels, it sees effects that drown in the noise of one run. It knows search runs only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Levels = NDArray[np.int64]

_REACHES = (2.0, 4.0, 8.0, 16.0)
"""Differing choices over which likeness falls by a factor e; long: effects add up, short: they interact."""
_SIGNALS = (0.25, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0)
"""Variance between points in units of the variance of one run's noise."""


@dataclass(frozen=True)
class Fit:
    """Hyperparameters of the process."""

    reach: float
    signal: float
    """Variance, in units of the noise variance of one run."""


class Surrogate:
    """Posterior over the gains of all points, given noisy gains of some. Everything is in units of the noise of one run."""

    def __init__(self, points: Levels, gains: Array, sizes: list[int], fit: Fit | None = None) -> None:
        """Condition on what was measured.

        Args:
            points: level of each choice, a row per run.
            gains: what each run gained, in units of its noise.
            sizes: number of levels of each choice.
            fit: hyperparameters; None: those of the greatest marginal likelihood.
        """
        self._sizes = sizes
        self._onehot = self._encode(points)
        self._distances = self._apart(self._onehot, self._onehot)
        self._gains = gains
        self.fit = fit or max((Fit(reach, signal) for reach in _REACHES for signal in _SIGNALS), key=self._likelihood)
        self._lower, self._centre, self._solved = self._conditioned(self.fit)

    def mean(self, points: Levels) -> Array:
        """Return the posterior mean gain of points."""
        from scipy.linalg import solve_triangular

        likeness = self._likeness(self.fit, self._apart(self._encode(points), self._onehot))
        return self._centre + likeness @ solve_triangular(self._lower, self._solved, lower=True, trans=1)

    def drawn(self, points: Levels, rng: np.random.Generator) -> Array:
        """Return one draw of the gains of points from the posterior (Thompson sampling)."""
        mean, covariance = self._posterior(points)
        jitter = 1e-8 * self.fit.signal * np.eye(len(points))
        return mean + np.linalg.cholesky(covariance + jitter) @ rng.standard_normal(len(points))

    def beside(self, points: Levels) -> tuple[Array, Array]:
        """Return the posterior mean gain of points, and the standard deviation of how each differs from the average of them all."""
        mean, covariance = self._posterior(points)
        centring = np.eye(len(points)) - 1 / len(points)
        return mean, np.sqrt(np.maximum(np.diag(centring @ covariance @ centring), 0.0))

    # -- parts ---------------------------------------------------------------------------------------------

    def _posterior(self, points: Levels) -> tuple[Array, Array]:
        """Return mean and covariance of the gains of points, given the mean of the process."""
        from scipy.linalg import solve_triangular

        coded = self._encode(points)
        half = solve_triangular(self._lower, self._likeness(self.fit, self._apart(coded, self._onehot)).T, lower=True)
        covariance = self._likeness(self.fit, self._apart(coded, coded)) - half.T @ half
        return self._centre + half.T @ self._solved, covariance

    def _likelihood(self, fit: Fit) -> float:
        lower, _, solved = self._conditioned(fit)
        return -0.5 * float(solved @ solved) - float(np.log(np.diag(lower)).sum())

    def _conditioned(self, fit: Fit) -> tuple[Array, float, Array]:
        """Return the Cholesky factor of the covariance, the mean of the process (by least squares), and the whitened residuals."""
        from scipy.linalg import solve_triangular

        count = len(self._gains)
        lower = np.asarray(np.linalg.cholesky(self._likeness(fit, self._distances) + np.eye(count)), np.float64)
        white = solve_triangular(lower, np.column_stack([self._gains, np.ones(count)]), lower=True)
        centre = float(white[:, 1] @ white[:, 0] / (white[:, 1] @ white[:, 1]))
        return lower, centre, white[:, 0] - centre * white[:, 1]

    def _likeness(self, fit: Fit, distances: Array) -> Array:
        return fit.signal * np.exp(-distances / fit.reach)

    def _encode(self, points: Levels) -> Array:
        return np.concatenate([np.eye(size)[points[:, n]] for n, size in enumerate(self._sizes)], axis=1)

    def _apart(self, first: Array, second: Array) -> Array:
        """Return the number of differing choices of each pair."""
        return len(self._sizes) - first @ second.T


def around(bases: Levels, sizes: list[int], rng: np.random.Generator, *, jumps: int = 24) -> Levels:
    """Return all points that differ from one of the bases by one choice, and for each some that differ by two or three on average."""
    found: list[Levels] = []
    for base in bases:
        for choice, size in enumerate(sizes):
            block = np.repeat(base[None], size, axis=0)
            block[:, choice] = np.arange(size)
            found.append(block)
        far = np.where(rng.random((jumps, len(sizes))) < 2.5 / len(sizes), rng.integers(0, sizes, (jumps, len(sizes))), base)
        found.append(far)
    points = np.concatenate(found)
    _, first = np.unique(codes(points, sizes), return_index=True)
    return points[first]


def codes(points: Levels, sizes: list[int]) -> Levels:
    """Return one number for each point."""
    return points @ np.cumprod([1, *sizes[:0:-1]])[::-1]
