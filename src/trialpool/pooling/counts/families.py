"""Distributions of counts in exponential-family form: log likelihood y eta - b(eta) + constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import expit, gammaln, xlogy

from trialpool.results import Array

# exp(700) is the last power of e a double holds.
_LARGEST = 700.0
# Numbers held at once by the sums over a support; larger problems are done in pieces.
_PIECE = 4_000_000


class Cumulant(NamedTuple):
    """b(eta) and its first two derivatives, the mean and the variance of y; shape of eta."""

    b: Array
    mean: Array
    var: Array


class Family(Protocol):
    """A distribution of k studies' counts, one study per row of eta."""

    def __call__(self, eta: Array) -> Cumulant:
        """Cumulant function at eta, shape (k, m)."""

    def near(self, eta: Array, delta: Array) -> Cumulant:
        """Rise of b from eta (k, m) to eta + delta (k, m, nodes), and its derivatives there.

        Sums of 1e5 events leave b with an error that small differences of it would not survive.
        """

    def rows(self, index: np.ndarray) -> Family:
        """Some of the studies."""


@dataclass(frozen=True, slots=True)
class Binomial:
    """Events among n, shape (k, m); eta is the log odds."""

    n: Array

    def __call__(self, eta: Array) -> Cumulant:
        """Cumulant function at eta, shape (k, m)."""
        p = expit(eta)
        return Cumulant(self.n * np.logaddexp(0.0, eta), self.n * p, self.n * p * expit(-eta))

    def near(self, eta: Array, delta: Array) -> Cumulant:
        """Rise of b from eta (k, m) to eta + delta (k, m, nodes), and its derivatives there."""
        n = self.n[:, :, np.newaxis]
        p, q = expit(eta)[:, :, np.newaxis], expit(-eta)[:, :, np.newaxis]
        # q + p exp(delta), taken out of the larger of its two parts so that nothing cancels.
        up, growth = delta > 0, np.expm1(np.minimum(np.abs(delta), _LARGEST))
        more = np.where(up, p, q) * growth
        total = 1 + more
        p, q = p * np.where(up, 1 + growth, 1.0) / total, q * np.where(up, 1.0, 1 + growth) / total
        return Cumulant(n * (np.log1p(more) + np.minimum(delta, 0.0)), n * p, n * p * q)

    def rows(self, index: np.ndarray) -> Binomial:
        """Some of the studies."""
        return Binomial(self.n[index])


@dataclass(frozen=True, slots=True)
class Poisson:
    """Events; eta is the log of their expected number."""

    def __call__(self, eta: Array) -> Cumulant:
        """Cumulant function at eta, shape (k, m)."""
        mean = np.exp(np.minimum(eta, _LARGEST))
        return Cumulant(mean, mean, mean)

    def near(self, eta: Array, delta: Array) -> Cumulant:
        """Rise of b from eta (k, m) to eta + delta (k, m, nodes), and its derivatives there."""
        eta = eta[:, :, np.newaxis]
        here = np.exp(np.minimum(eta, _LARGEST))
        most = np.minimum(_LARGEST - eta, _LARGEST)
        rise = here * np.expm1(np.minimum(delta, most))
        return Cumulant(rise, here + rise, here + rise)

    def rows(self, index: np.ndarray) -> Poisson:
        """Some of the studies."""
        return self


@dataclass(frozen=True, slots=True)
class Hypergeometric:
    """Events of arm 1 given both margins; eta is the log odds ratio, shape (k, 1).

    `weight`, `value` hold the log number of ways and the count for every point of every study's
    support in one flat row, `start` where each study's begins, `study` whose each point is.
    """

    weight: Array
    value: Array
    start: np.ndarray
    study: np.ndarray

    def rows(self, index: np.ndarray) -> Hypergeometric:
        """Some of the studies, `index` in ascending order."""
        kept = np.isin(self.study, index)
        study = np.searchsorted(index, self.study[kept])
        start = np.searchsorted(study, np.arange(len(index)))
        return Hypergeometric(self.weight[kept], self.value[kept], start, study)

    def __call__(self, eta: Array) -> Cumulant:
        """Cumulant function at eta, shape (k, 1)."""
        parts = self._sums(self.weight, eta)
        return Cumulant(*parts)

    def near(self, eta: Array, delta: Array) -> Cumulant:
        """Rise of b from eta (k, 1) to eta + delta (k, 1, nodes), and its derivatives there."""
        # From the distribution at eta: a rise of b is a cumulant generating function of it.
        log_p = (
            self.weight
            + self.value * eta[self.study, 0]
            - self._sums(self.weight, eta)[0][self.study, 0]
        )
        size = max(1, _PIECE // len(self.value))
        pieces = [
            self._sums(log_p, delta[:, 0, i : i + size]) for i in range(0, delta.shape[2], size)
        ]
        b, mean, var = (np.concatenate(part, axis=1) for part in zip(*pieces, strict=True))
        return Cumulant(b[:, np.newaxis], mean[:, np.newaxis], var[:, np.newaxis])

    def _sums(self, weight: Array, eta: Array) -> tuple[Array, Array, Array]:
        log_p = weight[:, np.newaxis] + self.value[:, np.newaxis] * eta[self.study]
        top = np.maximum.reduceat(log_p, self.start, axis=0)
        p = np.exp(log_p - top[self.study])
        total = np.add.reduceat(p, self.start, axis=0)
        mean = np.add.reduceat(p * self.value[:, np.newaxis], self.start, axis=0) / total
        # Around the mean: the difference of raw moments would lose the variance of a large count.
        off = (self.value[:, np.newaxis] - mean[self.study]) ** 2
        var = np.add.reduceat(p * off, self.start, axis=0) / total
        return top + np.log(total), mean, var


def log_choose(n: Array, x: Array) -> Array:
    """Log of the binomial coefficient; counts need not be whole."""
    return np.asarray(gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1))


def support(n1: Array, n2: Array, events: Array) -> tuple[Array, Array]:
    """Fewest and most events arm 1 can have, given the total of both arms; shapes (k,)."""
    return np.maximum(0.0, events - n2), np.minimum(events, n1)


def hypergeometric(n1: Array, n2: Array, events: Array) -> Hypergeometric:
    """Noncentral hypergeometric distributions with these margins, shapes (k,), whole numbers.

    References
    ----------
    Liao & Rosen 2001, Am Stat 55:366; Stijnen, Hamza & Ozdemir 2010, Stat Med 29:3046
    """
    low, high = support(n1, n2, events)
    sizes = (high - low).astype(int) + 1
    study = np.repeat(np.arange(len(sizes)), sizes)
    start = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    value = low[study] + np.arange(sizes.sum()) - start[study]
    weight = log_choose(n1[study], value) + log_choose(n2[study], events[study] - value)
    return Hypergeometric(weight, value, start, study)


def saturated_binomial(y: Array, n: Array) -> Array:
    """Log likelihood without its constant where each proportion is its own: y log p + ..."""
    return np.asarray(xlogy(y, y) + xlogy(n - y, n - y) - xlogy(n, n))


def saturated_poisson(y: Array) -> Array:
    """Log likelihood without its constant where each mean is the count itself."""
    return np.asarray(xlogy(y, y) - y)
