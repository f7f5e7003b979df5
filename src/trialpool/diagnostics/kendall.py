"""Kendall's rank correlation and its test; scipy.stats takes longer to import than to pool."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kendall:
    """tau-b of two rankings and its two-sided p value."""

    tau: float
    pval: float


def kendall(x: Places, y: Places, *, exact: bool) -> Kendall:
    """Kendall's tau-b of two rankings.

    Parameters
    ----------
    x, y : (k,) places, k >= 3, ties sharing one; neither all the same
    exact : count all orders of k, which needs rankings without ties; else p is from the normal
        distribution, its variance corrected for ties, without continuity correction

    References
    ----------
    Kendall 1970, Rank Correlation Methods, 4th edition, chapters 3 to 5
    """
    k = len(x)
    pairs = k * (k - 1) // 2
    # One row of pairs at a time: memory stays linear in k.
    score = sum(int(np.sign(x[i] - x[:i]) @ np.sign(y[i] - y[:i])) for i in range(1, k))
    ties = [np.unique(places, return_counts=True)[1].astype(float) for places in (x, y)]
    tied = [float((t * (t - 1)).sum()) / 2 for t in ties]
    tau = score / math.sqrt(pairs - tied[0]) / math.sqrt(pairs - tied[1])
    if exact:
        pval = 2 * _at_most((pairs - abs(score)) // 2, k)
    else:
        pval = 2 * float(ndtr(-abs(score) / math.sqrt(_variance(k, *ties))))
    return Kendall(tau=max(-1.0, min(1.0, tau)), pval=min(1.0, pval))


def _at_most(inversions: int, k: int) -> float:
    """Share of the orders of k things that have no more than so many pairs out of order."""
    share = np.zeros(inversions + 1)
    share[0] = 1.0
    for j in range(2, k + 1):
        # The j-th thing goes before 0 to j - 1 of those there are, each as likely.
        below = np.cumsum(share)
        below[j:] -= below[:-j].copy()
        share = below / j
    return float(share.sum())


def _variance(k: int, t: NDArray[np.float64], u: NDArray[np.float64]) -> float:
    """Variance of the score where `t` and `u` are how many things share each place."""

    def untied(n: NDArray[np.float64] | float) -> float:
        return float(np.sum(n * (n - 1) * (2 * n + 5)))

    pairs = float((t * (t - 1)).sum() * (u * (u - 1)).sum()) / (2 * k * (k - 1))
    triples = float((t * (t - 1) * (t - 2)).sum() * (u * (u - 1) * (u - 2)).sum())
    alone = (untied(float(k)) - untied(t) - untied(u)) / 18
    return alone + pairs + triples / (9 * k * (k - 1) * (k - 2))
