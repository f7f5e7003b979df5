"""Bayesian random effects of counts by their exact likelihood: no zero cell is corrected.

Densities stand on an even grid of the effect. There a random effect is a convolution with a
normal density, which Fourier transforms do exactly however small tau is, and sums over the grid
are integrals to rounding, since all that is summed is smooth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, logsumexp

from trialpool.bayes.priors import HalfNormal, check_positive
from trialpool.bayes.quadrature import NEGLIGIBLE, value_at
from trialpool.pooling.counts.columns import as_tables, reject
from trialpool.pooling.inference import check_level
from trialpool.results import Array, Posterior, TrialpoolError, check_choice

_FAR = 25.0  # log ratios beyond hold nothing: e^25 is seven billion
_SIGMAS = 6.5  # of the normal density that a random effect spreads by
_PER_ERROR = 3.0  # points of the grid for each standard error of the most precise study
_SHARPEST = 1.45  # steps of the grid in the standard error of all studies together
_COARSE = 16  # points of the grid from one to the next of a first look
_FINER = 16  # times finer, where quantiles are looked for
_RISKS, _RISKS_PER_ROOT = 24, 5  # nodes of a risk: more where many people make it sharp
_ROUNDING = 1e-15  # of a density's height: below it transforms leave noise


def binomial_normal(
    ai: ArrayLike,
    n1i: ArrayLike,
    ci: ArrayLike,
    n2i: ArrayLike,
    *,
    measure: str,
    tau_scale: float = 0.5,
    level: float = 0.95,
    mid: float | None = None,
    better: str = "lower",
    each: bool = True,
) -> Posterior:
    """Posterior of a log odds ratio or log risk ratio from counts, with random effects.

    Parameters
    ----------
    ai, n1i : (k,) events and people of the experimental arms, whole numbers
    ci, n2i : (k,) the same of the control arms
    measure
        "OR": each study's likelihood is conditional on its events in all (noncentral
        hypergeometric), so that its control risk drops out. "RR": binomial in both arms, their
        common level integrated out with an even prior of the log risk, which for rare events is
        the likelihood conditional on the events in all
    tau_scale : of the half-normal prior of tau, > 0, log scale
    level, mid, better, each : as for `normal_normal`

    Returns
    -------
    Posterior, log scale: flat prior of the mean, true effects normal about it. Deterministic, exact
    to about 1e-6, tau to 1e-4. A study without events tells nothing

    Raises
    ------
    TrialpoolError
        counts that cannot be; level, tau_scale or mid out of range; studies that leave the mean
        without a bound on one side, as where no study has an event in an arm

    References
    ----------
    Stijnen, Hamza & Ozdemir 2010, Stat Med 29:3046 (conditional likelihood); Guenhan, Roever &
    Friede 2020, Res Synth Methods 11:74 (few studies of rare events, half-normal tau)
    """
    check_choice("measure", measure, tuple(LIKELIHOODS))
    check_choice("better", better, ("lower", "higher"))
    check_level(level)
    for name, value in (("tau_scale", tau_scale), ("mid", mid)):
        if value is not None:
            check_positive(name, value)
    counts = as_tables(ai, n1i, ci, n2i, whole=False)
    for name, column in zip(("ai", "n1i", "ci", "n2i"), counts, strict=True):
        reject(column != np.floor(column), name, column, "a count of people is a whole number")
    if why := unbounded(*counts, measure=measure):
        raise TrialpoolError(why)
    if too_sharp(*counts, measure=measure):
        raise TrialpoolError(
            "too many people for the grid: normal_normal of the log ratios says it"
        )
    return _Densities(counts, LIKELIHOODS[measure], tau_scale).posterior(
        level=level, mid=mid, better=better, each=each
    )


def unbounded(ai: ArrayLike, n1i: ArrayLike, ci: ArrayLike, n2i: ArrayLike, *, measure: str) -> str:
    """Why the counts leave the mean effect without a bound; "" where they bound it."""
    a, n1, c, n2 = (np.asarray(x, dtype=float) for x in (ai, n1i, ci, n2i))
    # As the effect rises, a study without events in its controls fits ever better; as it falls,
    # one without events in the other arm. All people with an event are the same the other way.
    rises, falls = (c > 0) & (a < n1), (a > 0) & (c < n2)
    if measure == "RR":
        rises, falls = c > 0, a > 0
    if not rises.any():
        return "no study bounds the effect from above: no events in any control arm"
    if not falls.any():
        return "no study bounds the effect from below: no events in any experimental arm"
    return ""


def too_sharp(
    ai: ArrayLike, n1i: ArrayLike, ci: ArrayLike, n2i: ArrayLike, *, measure: str
) -> bool:
    """Whether all studies together are sharper than the grid, whose step each alone decides.

    So it is with many studies, or with risk ratios of high risks. There the normal model is right.
    """
    a, n1, c, n2 = (np.asarray(x, dtype=float) + 0.5 for x in (ai, n1i, ci, n2i))
    odds = 1 / a + 1 / (n1 - a + 0.5) + 1 / c + 1 / (n2 - c + 0.5)
    variance = odds if measure == "OR" else 1 / a - 1 / (n1 + 0.5) + 1 / c - 1 / (n2 + 0.5)
    step = min(float(np.sqrt(odds.min())), 0.5) / _PER_ERROR
    return bool((1 / variance).sum() ** -0.5 < _SHARPEST * step)


class _Densities:
    """Likelihoods of the studies on a grid of the effect, and what tau makes of them."""

    def __init__(
        self, counts: tuple[Array, ...], likelihood: Callable[..., Array], tau_scale: float
    ) -> None:
        a, n1, c, n2 = counts
        self.scale = tau_scale
        cells = np.stack([a, n1 - a, c, n2 - c]) + 0.5
        error = float(np.sqrt((1 / cells).sum(axis=0)).min())
        most = math.sqrt(2 * NEGLIGIBLE) * tau_scale
        reach = _FAR + _SIGMAS * most
        step = min(error, 0.5) / _PER_ERROR
        self.n = 2 ** math.ceil(math.log2(2 * reach / step))
        self.step = 2 * reach / self.n
        self.theta = self.step * (np.arange(self.n) - self.n // 2)
        frequency = 2 * math.pi * np.fft.rfftfreq(self.n, self.step)
        taus = 1 + 2 * math.ceil(most / (min(error, tau_scale) / 3) / 2)
        self.tau = np.linspace(0.0, most, taus)
        self.kernel = np.exp(-((self.tau[:, np.newaxis] * frequency) ** 2) / 2)
        rows = zip(a, n1, c, n2, strict=True)
        self.likelihoods = [self._likelihood(likelihood, *row) for row in rows]
        spread = [self._spread(each[np.newaxis, :]) for each in self.likelihoods]
        with np.errstate(divide="ignore"):
            self.logs = [np.log(each) for each in spread]
        ends = np.ones(taus)
        ends[[0, -1]] = 0.5  # the trapezoid rule
        self.prior = np.log(ends)[:, np.newaxis] - (self.tau[:, np.newaxis] / tau_scale) ** 2 / 2
        self.joint = self._normalised(sum(self.logs) + self.prior)

    def _likelihood(self, likelihood: Callable[..., Array], *row: float) -> Array:
        """A study's likelihood over its height; 0 where a coarse look finds nothing.

        Its log is concave, so that lies outside of one interval.
        """
        coarse = likelihood(self.theta[::_COARSE], *row)
        some = np.flatnonzero(coarse > coarse.max() - 2 * NEGLIGIBLE) * _COARSE
        part = slice(max(int(some[0]) - _COARSE, 0), int(some[-1]) + _COARSE)
        log = np.full(self.n, -np.inf)
        log[part] = likelihood(self.theta[part], *row)
        return np.asarray(np.exp(log - log.max()))

    def _spread(self, density: Array) -> Array:
        """A density with a random effect on top, a row for each tau; without rounding's noise."""
        out = np.fft.irfft(np.fft.rfft(density, axis=1) * self.kernel, self.n, axis=1)
        return np.where(out > _ROUNDING * out.max(axis=1, keepdims=True), out, 0.0)

    def _normalised(self, log_joint: Array) -> Array:
        far = np.abs(self.theta) > _FAR  # beyond, the ends of the grid touch
        log_joint = np.where(far, -np.inf, log_joint)
        mass = np.exp(log_joint - log_joint.max())
        return np.asarray(mass / mass.sum())

    def posterior(self, *, level: float, mid: float | None, better: str, each: bool) -> Posterior:
        """What the grid says."""
        tail, sign = (1 - level) / 2, -1 if better == "lower" else 1
        probs = (tail, 0.5, 1 - tail)
        at, mu = self._distribution(self.joint.sum(axis=0))
        _, new = self._distribution(self._spread(self.joint).sum(axis=0))
        low, middle, high = (value_at(p, mu, at) for p in probs)
        tau = self._tau(probs)
        theta = [self._effect(i, probs) for i in range(len(self.logs))] if each else []
        columns = list(zip(*theta, strict=True)) if theta else [(), (), ()]

        def beyond(bound: float, distribution: Array, side: int = sign) -> float:
            below = value_at(side * bound, at, distribution)
            return below if side < 0 else 1 - below

        return Posterior(
            mu=middle,
            mu_lb=low,
            mu_ub=high,
            tau=tau[1],
            tau_lb=tau[0],
            tau_ub=tau[2],
            new_lb=value_at(tail, new, at),
            new_ub=value_at(1 - tail, new, at),
            p_below_zero=value_at(0.0, at, mu),
            prior=f"mu flat, {HalfNormal(self.scale)}",
            level=level,
            prior_reference=HalfNormal(self.scale).reference,
            new=value_at(0.5, new, at),
            better=better,
            mid=mid,
            p_benefit=beyond(0.0, mu),
            p_new_benefit=beyond(0.0, new),
            p_mid=None if mid is None else beyond(mid, mu),
            p_new_mid=None if mid is None else beyond(mid, new),
            p_harm_mid=None if mid is None else beyond(mid, mu, -sign),
            theta_lb=columns[0],
            theta=columns[1],
            theta_ub=columns[2],
        )

    def _distribution(self, density: Array) -> tuple[Array, Array]:
        return _finer(density, float(self.theta[0]), self.step)

    def _tau(self, probs: tuple[float, ...]) -> list[float]:
        # As the density of a tau of either sign, which is smooth at 0.
        mass = self.joint.sum(axis=1)
        mass[[0, -1]] *= 2
        both = np.concatenate([mass[:0:-1], mass])
        at, below = _finer(both, -self.tau[-1], self.tau[1])
        return [value_at((1 + p) / 2, below, at) for p in probs]

    def _effect(self, i: int, probs: tuple[float, ...]) -> tuple[float, ...]:
        """Quantiles of a study's true effect, given all."""
        others = sum(each for j, each in enumerate(self.logs) if j != i) + self.prior
        others = np.broadcast_to(others, self.joint.shape)
        mass = self._spread(np.exp(others - others.max())).sum(axis=0) * self.likelihoods[i]
        mass = np.where(np.abs(self.theta) > _FAR, 0.0, mass)
        at, below = self._distribution(mass / mass.sum())
        return tuple(value_at(p, below, at) for p in probs)


def _finer(density: Array, start: float, step: float) -> tuple[Array, Array]:
    """Points of a finer grid, and the share of a density below each.

    Sums have the first correction of Euler and Maclaurin.
    """
    n = len(density) * _FINER
    fine = np.maximum(np.fft.irfft(np.fft.rfft(density), n), 0.0)
    below = np.cumsum(fine) - fine / 2 - np.gradient(fine) / 12
    at = start + step / _FINER * np.arange(n)
    return np.asarray(at, dtype=np.float64), np.asarray(below / fine.sum())


def _conditional(theta: Array, a: float, n1: float, c: float, n2: float) -> Array:
    """Log likelihood of a log odds ratio, given the events of both arms together."""
    events = a + c
    x = np.arange(max(0.0, events - n2), min(n1, events) + 1)
    ways = -gammaln(x + 1) - gammaln(n1 - x + 1) - gammaln(events - x + 1)
    ways -= gammaln(n2 - events + x + 1)
    if len(x) == 1:
        return np.zeros_like(theta)
    return np.asarray(a * theta - logsumexp(ways + theta[:, np.newaxis] * x, axis=1))


def _integrated(theta: Array, a: float, n1: float, c: float, n2: float) -> Array:
    """Log likelihood of a log risk ratio, the risks' common level integrated out.

    The risk that is the higher one at an effect runs from 0 to 1, its log evenly distributed.
    """
    if a + c == 0:
        return np.zeros_like(theta)
    x, w = np.polynomial.legendre.leggauss(_RISKS + math.ceil(_RISKS_PER_ROOT * math.sqrt(n1 + n2)))
    angle = math.pi * (x + 1) / 4
    risk = np.sin(angle) ** 2
    even = np.log(w / np.tan(angle))  # of the risk's log
    out = np.empty_like(theta)
    for at, (events, people), (fewer, others) in (
        (theta <= 0, (c, n2), (a, n1)),
        (theta > 0, (a, n1), (c, n2)),
    ):
        lower = -np.abs(theta[at])[:, np.newaxis]
        higher = (a + c) * np.log(risk) + (people - events) * np.log1p(-risk) + even
        out[at] = logsumexp(
            higher + fewer * lower + (others - fewer) * np.log1p(-risk * np.exp(lower)), axis=1
        )
    return out


LIKELIHOODS: Mapping[str, Callable[..., Array]] = {"OR": _conditional, "RR": _integrated}
