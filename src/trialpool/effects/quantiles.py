"""One study's quantiles to mean and SD: formulas for normal data, and fitted distributions.

Each function takes the quantiles of one scenario in ascending order along the last axis:
S1 minimum, median, maximum; S2 the quartiles; S3 all five. `medians.mean_sd` chooses the scenario,
refuses what cannot be converted and says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, gammaincinv, gammaln, log_ndtr, ndtr, ndtri

from trialpool.results import Array

# Ratio of SD to mean, roughly, over which QE looks for a shape: beyond it no scale of a trial lies.
_LOG_SPREAD = np.linspace(math.log(1e-4), math.log(10), 120)
# Box-Cox powers that MLN tries; a negative power would have no finite mean and SD.
_POWERS = np.linspace(0, 10, 101)
_POWER_DIGITS = 4
# Of the logarithm of a shape: the step of a numerical slope, and the most that a search by values
# can miss the place where the slope is 0.
_STEP, _NEAR = 1e-3, 1e-3
_NODES = 400  # of the integrals over a fitted distribution
_REACH = 10.0  # standard deviations


class FittedQuantiles(NamedTuple):
    """Mean and SD of a fitted distribution, and its name."""

    mean: float
    sd: float
    name: str


def normal_mean_sd(scenario: str, n: Array, x: Array) -> tuple[Array, Array]:
    """Mean and SD from quantiles of normal data, shapes (k,) from n (k,) and x (k, m).

    References
    ----------
    Mean: Luo et al. 2018, Stat Methods Med Res 27:1785, eq. 7 (S1), 11 (S2), 15 (S3);
    SD: Wan et al. 2014, BMC Med Res Methodol 14:135, eq. 9 (S1), 16 (S2);
    Shi et al. 2020, Res Synth Methods 11:641, eq. 10 (S3)
    """
    middle = x[..., x.shape[-1] // 2]
    range_sd = (x[..., -1] - x[..., 0]) / (2 * ndtri((n - 0.375) / (n + 0.25)))
    quartile_divisor = 2 * ndtri((0.75 * n - 0.125) / (n + 0.25))
    if scenario == "S1":
        w = 4 / (4 + n**0.75)
        return w * (x[..., 0] + x[..., 2]) / 2 + (1 - w) * middle, range_sd
    if scenario == "S2":
        w = 0.7 + 0.39 / n
        mean = w * (x[..., 0] + x[..., 2]) / 2 + (1 - w) * middle
        return mean, (x[..., 2] - x[..., 0]) / quartile_divisor
    w1, w2 = 2.2 / (2.2 + n**0.75), 0.7 - 0.72 / n**0.55
    ends, quarters = (x[..., 0] + x[..., 4]) / 2, (x[..., 1] + x[..., 3]) / 2
    share = 1 / (1 + 0.07 * n**0.6)
    sd = share * range_sd + (1 - share) * (x[..., 3] - x[..., 1]) / quartile_divisor
    return w1 * ends + w2 * quarters + (1 - w1 - w2) * middle, sd


def skewness_test(scenario: str, n: Array, x: Array) -> tuple[Array, Array]:
    """Statistic and critical value, at 5 %, of the test that the data are symmetric; shapes (k,).

    References
    ----------
    Shi et al. 2023, Stat Methods Med Res 32:1338
    """
    middle = x[..., x.shape[-1] // 2]
    ends = np.abs(x[..., 0] + x[..., -1] - 2 * middle) / (x[..., -1] - x[..., 0])
    if scenario == "S1":
        return ends, 1 / np.log(n + 9) + 2.5 / (n + 1)
    if scenario == "S2":
        return ends, 2.65 / np.sqrt(n) - 6 / n**2
    quarters = np.abs(x[..., 1] + x[..., 3] - 2 * middle) / (x[..., 3] - x[..., 1])
    scaled = 2.65 * np.log(0.6 * n) / np.sqrt(n) * ends
    return np.maximum(scaled, quarters), 3 / np.sqrt(n) - 40 / n**3


def _probabilities(scenario: str, n: float) -> Array:
    """Where in the distribution the quantiles of a scenario lie."""
    five = np.array([1 / n, 0.25, 0.5, 0.75, 1 - 1 / n])
    return {"S1": five[[0, 2, 4]], "S2": five[1:4], "S3": five}[scenario]


def _log_normal(spread: float, p: Array) -> tuple[Array, float, float]:
    """Quantiles, mean and SD of exp(spread Z)."""
    mean = math.exp(spread**2 / 2)
    return np.exp(spread * ndtri(p)), mean, mean * math.sqrt(math.expm1(spread**2))


def _gamma(spread: float, p: Array) -> tuple[Array, float, float]:
    """Quantiles, mean and SD of a gamma variable whose SD is `spread` times its mean of 1."""
    shape = spread**-2
    return np.asarray(gammaincinv(shape, p) / shape), 1.0, spread


def _weibull(spread: float, p: Array) -> tuple[Array, float, float]:
    """Quantiles, mean and SD of a Weibull variable of scale 1 and shape 1/spread."""
    mean = math.exp(gammaln(1 + spread))
    # The ratio of moments keeps its digits where spread is small and the SD is near 0.
    variance = mean**2 * math.expm1(gammaln(1 + 2 * spread) - 2 * gammaln(1 + spread))
    return (-np.log1p(-p)) ** spread, mean, math.sqrt(max(variance, 0.0))


_POSITIVE: dict[str, Callable[[float, Array], tuple[Array, float, float]]] = {
    "log-normal": _log_normal,
    "gamma": _gamma,
    "Weibull": _weibull,
}


def _fit_normal(x: Array, p: Array) -> tuple[float, FittedQuantiles]:
    """Least squares of the quantiles on the normal ones, which is a straight line."""
    z = ndtri(p)
    sd = float((z - z.mean()) @ x / ((z - z.mean()) @ z))
    mean = float(x.mean() - sd * z.mean())
    return float(((mean + sd * z - x) ** 2).sum()), FittedQuantiles(mean, sd, "normal")


def _fit_positive(name: str, x: Array, p: Array) -> tuple[float, FittedQuantiles]:
    """Least squares over shape and scale; for a given shape the best scale has a closed form."""
    # Half of scipy comes with it, and few data need it.
    from scipy.optimize import brentq

    family = _POSITIVE[name]

    def quantiles(log_spread: float) -> Array:
        return family(math.exp(log_spread), p)[0]

    def scaled(log_spread: float) -> tuple[float, Array]:
        h = quantiles(log_spread)
        scale = float(h @ x / (h @ h))
        return scale, scale * h - x

    def slope(log_spread: float) -> float:
        # At the best scale the loss does not change with the scale.
        scale, away = scaled(log_spread)
        return scale * float(away @ _derivative(quantiles, log_spread))

    losses = [float((scaled(t)[1] ** 2).sum()) for t in _LOG_SPREAD]
    at = int(np.argmin(losses))
    low, high = _LOG_SPREAD[max(at - 1, 0)], _LOG_SPREAD[min(at + 1, len(losses) - 1)]
    # At an end of the range the loss has no slope of 0 beside it.
    inside = slope(low) < 0 < slope(high)
    best = float(brentq(slope, low, high, xtol=1e-14) if inside else _LOG_SPREAD[at])
    scale, away = scaled(best)
    _, mean, sd = family(math.exp(best), p)
    return float((away**2).sum()), FittedQuantiles(scale * mean, scale * sd, name)


def _derivative(f: Callable[[float], Array], t: float) -> Array:
    """Slope of f (m,) at t, by five points: good to some twelve digits."""
    near, far = f(t + _STEP) - f(t - _STEP), f(t + 2 * _STEP) - f(t - 2 * _STEP)
    return np.asarray((8 * near - far) / (12 * _STEP))


def _fit_beta(x: Array, p: Array, start: FittedQuantiles) -> tuple[float, FittedQuantiles]:
    """Least squares over both shapes, from the moments of the normal fit."""
    # Half of scipy comes with it, and few data need it.
    from scipy.optimize import least_squares, root

    mean = min(max(start.mean, 0.01), 0.99)
    total = max(mean * (1 - mean) / start.sd**2 - 1, 0.1)

    def distances(logs: Array) -> Array:
        a, b = np.exp(logs)
        return np.asarray(betaincinv(a, b, p) - x)

    def slope(logs: Array) -> Array:
        def along(axis: Array) -> Array:
            return _derivative(lambda t: distances(logs + t * axis), 0.0)

        return np.array([along(axis) for axis in np.eye(2)]) @ distances(logs)

    fit = least_squares(distances, np.log([mean * total, (1 - mean) * total]), bounds=(-5, 15))
    there = root(slope, fit.x, tol=1e-14).x
    # At an end of the range the slope is 0 elsewhere, if at all.
    best = there if np.abs(there - fit.x).max() < _NEAR else fit.x
    a, b = np.exp(best)
    sd = math.sqrt(a * b / (a + b + 1)) / (a + b)
    loss = float((distances(best) ** 2).sum())
    return loss, FittedQuantiles(float(a / (a + b)), sd, "beta")


def quantile_estimation(scenario: str, n: float, x: Array) -> FittedQuantiles:
    """Mean and SD of the distribution whose quantiles come closest to those of one study.

    Parameters
    ----------
    scenario, n : S1, S2 or S3, and the number of people
    x : (m,) quantiles; with a negative one only the normal distribution is tried, with all
        between 0 and 1 the beta distribution too

    References
    ----------
    McGrath et al. 2020, Stat Methods Med Res 29:2520 (quantile estimation)
    """
    p = _probabilities(scenario, n)
    normal = _fit_normal(x, p)
    fits = [normal]
    if x[0] >= 0:
        fits += [_fit_positive(name, x, p) for name in _POSITIVE]
    if x[0] > 0 and x[-1] < 1:
        fits.append(_fit_beta(x, p, normal[1]))
    return min(fits, key=lambda fit: fit[0])[1]


def _box_cox(x: Array, power: float) -> Array:
    """Box & Cox 1964: (x^power - 1)/power, the logarithm at 0."""
    logs = np.log(x)
    return logs if power == 0 else np.expm1(power * logs) / power


def _between(scenario: str, n: float) -> Array:
    """How many people lie below, between and above the quantiles of a sample of n = 4 Q + 1."""
    outer, inner, half = (n - 1) / 4, (n - 5) / 4, (n - 3) / 2
    return np.array(
        {
            "S1": [0, half, half, 0],
            "S2": [outer, inner, inner, outer],
            "S3": [0, inner, inner, inner, inner, 0],
        }[scenario]
    )


def _log_likelihood(y: Array, mean: float, sd: float, counts: Array) -> float:
    """Normal log-likelihood of order statistics, with `counts` people between them."""
    z = (y - mean) / sd
    # Both ends on the side of small tails, and in logarithms: nothing is lost far from 0.
    flip = z[1:] + z[:-1] > 0
    upper = log_ndtr(np.where(flip, -z[:-1], z[1:]))
    lower = log_ndtr(np.where(flip, -z[1:], z[:-1]))
    # Two values that a power has made equal leave no room for the people between them.
    with np.errstate(divide="ignore"):
        between = upper + np.log(-np.expm1(np.minimum(lower - upper, 0)))
    parts = np.concatenate([[log_ndtr(z[0])], between, [log_ndtr(-z[-1])]])
    used = counts > 0
    return float(counts[used] @ parts[used] - (z**2 / 2).sum() - len(z) * math.log(sd))


def _score(centre_and_log_sd: Array, y: Array, counts: Array) -> Array:
    """Slope of `_log_likelihood` by the mean and by the logarithm of the SD."""
    mean, sd = float(centre_and_log_sd[0]), math.exp(float(centre_and_log_sd[1]))
    z = (y - mean) / sd
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    shares = np.diff(ndtr(z), prepend=0, append=1)
    used = counts > 0
    by_z = [
        np.diff(each, prepend=0, append=0)[used] / shares[used] for each in (density, z * density)
    ]
    people = counts[used]
    by_mean = (z.sum() - people @ by_z[0]) / sd
    by_log_sd = (z**2).sum() - len(z) - people @ by_z[1]
    return np.array([by_mean, by_log_sd])


@cache
def _legendre() -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(_NODES)
    return x, w


def _inverse_moments(mean: float, sd: float, power: float) -> tuple[float, float]:
    """Mean and SD of a positive variable whose Box-Cox transform is normal, power >= 0."""
    # Where the transform has no inverse the normal is cut off: the variable is positive.
    low = -_REACH if power == 0 else max(-_REACH, (-1 / power - mean) / sd)
    nodes, weights = _legendre()
    z = low + (_REACH - low) * (nodes + 1) / 2
    w = weights * np.exp(-(z**2) / 2)
    y = mean + sd * z
    x = np.exp(y) if power == 0 else np.exp(np.log1p(power * y) / power)
    centre = float(w @ x / w.sum())
    return centre, math.sqrt(float(w @ (x - centre) ** 2 / w.sum()))


def unknown_non_normal(scenario: str, n: float, x: Array) -> FittedQuantiles:
    """Mean and SD of one study's data, taken as normal after a Box-Cox transformation.

    The power has the greatest likelihood with the mean and SD of `normal_mean_sd`; then mean and
    SD of the transformed data by maximum likelihood; then both back on the scale of the data, by
    integration.

    Parameters
    ----------
    scenario, n : S1, S2 or S3, and the number of people
    x : (m,) quantiles > 0, no two equal

    References
    ----------
    Cai, Zhou & Pan 2021, Stat Methods Med Res 30:2701 (MLN). Powers below 0 are not tried
    """
    # Half of scipy comes with it, and few data need it.
    from scipy.optimize import minimize, minimize_scalar, root

    unit = float(np.median(x))
    scaled, counts = x / unit, _between(scenario, n)
    log_sum = float(np.log(scaled).sum())

    def start(power: float) -> tuple[Array, float, float]:
        y = _box_cox(scaled, power)
        mean, sd = normal_mean_sd(scenario, np.array(n), y)
        return y, float(mean), float(sd)

    def loss(power: float) -> float:
        return -_log_likelihood(*start(power), counts) - (power - 1) * log_sum

    at = int(np.argmin([loss(power) for power in _POWERS]))
    low, high = _POWERS[max(at - 1, 0)], _POWERS[min(at + 1, len(_POWERS) - 1)]
    best = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-9})
    # Values of a function place its lowest point to some eight digits, the rest is the machine's.
    power = round(float(best.x), _POWER_DIGITS)
    if loss(0.0) <= loss(power):
        power = 0.0
    y, mean, sd = start(power)
    z = (y - mean) / sd

    def loss_at(centre_and_log_sd: Array) -> float:
        return -_log_likelihood(
            z, float(centre_and_log_sd[0]), math.exp(centre_and_log_sd[1]), counts
        )

    near = minimize(
        loss_at, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9}
    )
    there = root(_score, near.x, args=(z, counts), tol=1e-14).x
    mean, sd = mean + sd * float(there[0]), sd * math.exp(float(there[1]))
    centre, spread = _inverse_moments(mean, sd, power)
    return FittedQuantiles(unit * centre, unit * spread, f"Box-Cox power {power:.2f}")
