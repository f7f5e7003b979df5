"""k studies, alone or in many sets side by side, and the quantities that pooling is made of.

One set is a pair of arrays of shape (k,), with results of shape (); B sets are arrays of shape
(k, B), with results of shape (B,). Every formula is written once for both.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from trialpool.results import Array

Numbers = Any  # a float for one set of studies, an array (B,) for B sets


total = np.add.reduce  # sum over the studies, which are the first axis


def dot(x: Array, y: Array) -> Numbers:
    """Sum of products over the studies."""
    return x @ y if x.ndim == 1 else np.einsum("ij,ij->j", x, y)


def every(x: Any) -> bool:
    """Whether something holds for all study sets."""
    return bool(x.all()) if isinstance(x, np.ndarray) else bool(x)


def any_of(x: Any) -> bool:
    """Whether something holds for any study set."""
    return bool(x.any()) if isinstance(x, np.ndarray) else bool(x)


def pick(condition: Any, yes: Any, no: Any) -> Any:
    """`yes` where the condition holds, else `no`; a plain choice for one set of studies."""
    if isinstance(condition, np.ndarray):
        return np.where(condition, yes, no)
    return yes if condition else no


class Score(NamedTuple):
    """The score of the likelihood at tau2 = t, as the difference of two tame functions.

    Twice the score is A - B with A = y'PPy and B = trace(P), for ML B = trace(W). Then
    a = A^(-1/2) and b = 1/B both rise with t, concave; `da` and `db` are their slopes.
    """

    t: Numbers
    a: Numbers
    da: Numbers
    b: Numbers
    db: Numbers

    @property
    def rising(self) -> Any:
        """Whether the likelihood rises at t: A > B."""
        return self.a * self.a < self.b


class Studies:
    """Effects and variances in units that suit floating point, with a common mean.

    The unit is a power of two near the smallest standard error, so that scaling is exact. The
    origin is the most precise study, which moves to row 0. It has the largest weight whatever
    tau2 is, and could drown the others: sums run over the other rows, and row 0 joins in terms
    that do not cancel. Places of a set that hold no study have an infinite variance, hence no
    weight.

    Attributes
    ----------
    y, v : (k,) or (k, B) effects and variances, in units of the class
    k : number of studies, an int or (B,)
    p : number of coefficients
    df : k - p
    origin, unit : what `y` = 0 and 1 are in the units given; tau2 is in units squared
    """

    p = 1

    y: Array
    v: Array
    k: Any
    origin: Numbers
    unit: Numbers

    def __init__(self, yi: Array, vi: Array, mask: NDArray[np.bool_] | None = None) -> None:
        """Copy checked arrays (k,) or (k, B); `mask` (k, B) says which places hold a study."""
        # Sets side by side in memory: sums over studies then run over whole rows at once.
        y, v = (np.array(x, dtype=np.float64, order="C") for x in (yi, vi))
        self.k = np.int64(len(y))
        if mask is not None:
            v[~mask] = np.inf
            y[~mask] = 0.0
            self.k = mask.sum(axis=0)
        first = v.argmin(axis=0)
        at = (first,) if y.ndim == 1 else (first, np.arange(y.shape[1]))
        self.origin, least = y[at], v[at]
        self.unit = np.exp2(np.frexp(least)[1] // 2)
        y -= self.origin
        y[at], v[at] = y[0], v[0]
        y[0], v[0] = 0.0, least
        y /= self.unit
        v /= self.unit * self.unit
        self.y, self.v = y, v

    def take(self, sets: NDArray[np.int64]) -> Self:
        """Some of B sets, side by side."""
        part = object.__new__(type(self))
        part.y, part.v = self.y[:, sets], self.v[:, sets]
        part.k = self.k[sets] if isinstance(self.k, np.ndarray) else self.k
        part.origin, part.unit = self.origin[sets], self.unit[sets]
        return part

    def as_sets(self) -> Self:
        """One study set as B = 1 sets."""
        part = object.__new__(type(self))
        part.y, part.v = self.y[:, np.newaxis], self.v[:, np.newaxis]
        part.k, part.origin, part.unit = self.k, *np.atleast_1d(self.origin, self.unit)
        return part

    @property
    def df(self) -> Any:
        return self.k - self.p

    @property
    def zero(self) -> Numbers:
        """tau2 = 0 in the shape of a result."""
        return np.zeros(self.y.shape[1]) if self.y.ndim == 2 else np.float64(0)

    @property
    def least(self) -> Numbers:
        """Smallest variance."""
        return self.v[0]

    @cached_property
    def largest(self) -> Numbers:
        """Largest variance."""
        return self._used(self.v).max(axis=0)

    @cached_property
    def mean_v(self) -> Numbers:
        """Mean variance."""
        return total(self._used(self.v)) / self.k

    @cached_property
    def ss(self) -> Numbers:
        """Residual sum of squares without weights."""
        return self._about_mean()

    @cached_property
    def crude_variance(self) -> Numbers:
        """Variance of the effects about their mean, with divisor k."""
        return self._about_mean() / self.k

    @property
    def equal_weights(self) -> Array:
        """Weight 1 for every study."""
        return self._used(np.ones_like(self.v))

    def _about_mean(self) -> Numbers:
        away = self._used(self.y - total(self._used(self.y)) / self.k)
        return total(away * away)

    def _used(self, x: Array, blank: float = 0.0) -> Array:
        """`x`, blank where a set holds no study."""
        return np.where(np.isfinite(self.v), x, blank) if isinstance(self.k, np.ndarray) else x

    @cached_property
    def common(self) -> tuple[Array, Numbers, Numbers]:
        """Of the common-effect model: weights 1/v, Cochran's Q, trace of P."""
        w = self.weights(0.0)
        return w, self.rss(w), self.trace(w)

    # --- what depends on weights -----------------------------------------------------------------

    def mean(self, w: Array) -> Numbers:
        """Weighted mean."""
        return dot(w, self.y) / total(w)

    def rss(self, w: Array) -> Numbers:
        """Weighted sum of squares about the weighted mean."""
        r = self.y - self.mean(w)
        return dot(w * r, r)

    def trace(self, w: Array) -> Numbers:
        """Trace of P = W - W1(1'W1)^-1 1'W, from positive terms only; row 0 has most weight."""
        rest = total(w[1:])
        return rest + (w[0] * rest - dot(w[1:], w[1:])) / (w[0] + rest)

    def traces(self, w: Array) -> tuple[Numbers, Numbers]:
        """Traces of P and of PP, likewise."""
        most, rest = w[0], w[1:]
        square = rest * rest
        w1, w2, w3 = total(rest), total(square), dot(square, rest)
        whole = most + w1
        double = (most * most * (w1 * w1 + 2 * w2) + w2 * w2) / (whole * whole)
        return w1 + (most * w1 - w2) / whole, double + w2 - 2 * w3 / whole

    def trace_square(self, a: Array, s: Array) -> Numbers:
        """Trace of (P S)^2, with P made of fixed weights a and S = diag(s).

        Twice this is the variance of the quadratic form y'Py for independent normal y with
        variances s.
        """
        b = self._used(a * a * s)
        cross = total(b * _others(b))
        return (total(b * _others(a) ** 2 * self._used(s)) + cross) / total(a) ** 2

    # --- what depends on tau2 --------------------------------------------------------------------

    def weights(self, t: Numbers) -> Array:
        """Inverse-variance weights 1/(v + t)."""
        w: Array = 1 / (self.v + t)
        return w

    def q(self, t: Numbers) -> Numbers:
        """Generalised Q; falls from Cochran's Q at t = 0, strictly unless all effects are equal."""
        return self.rss(self.weights(t))

    def q_and_slope(self, t: Numbers) -> tuple[Numbers, Numbers]:
        """Generalised Q and minus its derivative, y'PPy."""
        w = self.weights(t)
        r = self.y - self.mean(w)
        u = w * r
        return dot(u, r), dot(u, u)

    def log_likelihood(self, t: Numbers, *, restricted: bool) -> Numbers:
        """(Restricted) log-likelihood with the mean profiled out, constants included.

        For effects in the units given. Harville 1977, J Am Stat Assoc 72:320, with the term
        log|X'X|/2, here log(k)/2.
        """
        w = self.weights(t)
        n = self.k - self.p if restricted else self.k
        value = total(np.log(self._used(w, blank=1.0))) - self.rss(w)
        value -= n * (math.log(2 * math.pi) + 2 * np.log(self.unit))
        if restricted:
            value += self._log_determinants(w)
        return value / 2

    def _log_determinants(self, w: Array) -> Numbers:
        """log|X'X| - log|X'WX|."""
        return np.log(self.k) - np.log(total(w))

    def point(self, t: Numbers, *, restricted: bool) -> Score:
        """The score at t, in halves."""
        w = self.weights(t)
        fit, slope = self._fit_and_slope(w)
        trace, trace2 = self.traces(w) if restricted else (total(w), dot(w, w))
        a = 1 / np.sqrt(fit)
        return Score(t, a, a * slope / fit, 1 / trace, trace2 / (trace * trace))

    def _fit_and_slope(self, w: Array) -> tuple[Numbers, Numbers]:
        """Y'PPy and y'PPPy."""
        # Row 0 by the others: its effect is 0 here, and the weighted residuals add up to 0.
        most, others, y = w[0], w[1:], self.y[1:]
        rest = total(others)
        whole = most + rest
        u = others * (y - dot(others, y) / whole)
        first, wu = total(u), others * u
        cross = total(wu)
        joint = (most * first * (first * rest + 2 * cross) - cross * cross) / whole
        return first * first + dot(u, u), dot(wu, u) + joint


def _others(x: Array) -> Array:
    """Sum over all other studies, without loss when one study dominates."""
    rest = total(x) - x
    top = x.argmax(axis=0)
    at = (top,) if x.ndim == 1 else (top, np.arange(x.shape[1]))
    without = x.copy()
    without[at] = 0.0
    rest[at] = total(without)
    return np.asarray(rest)
