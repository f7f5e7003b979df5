"""The problem of a selection model, and where its likelihood is highest.

Newton's method within bounds, from several starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialpool.diagnostics.selection_likelihood import (
    Log,
    Smooth,
    Steps,
    Weight,
    beta_weight,
    exponential_weight,
    halfnormal_weight,
    log_likelihood,
    logistic_weight,
    power_weight,
)
from trialpool.pooling.model import pool
from trialpool.results import NAN, Array

_SMOOTH = {
    "beta": beta_weight,
    "halfnorm": halfnormal_weight,
    "negexp": exponential_weight,
    "logistic": logistic_weight,
    "power": power_weight,
}
KINDS = ("step", *_SMOOTH)
_CENSORED = ("beta", "power")
_MIN_BETA_DELTA = 1e-5
MAX_DELTA = 100.0
_STEPS, _HALVINGS = 200, 40
_DECREMENT, _FLOOR = 1e-18, 1e-10  # squared distance still to go, in standard errors
_FARTHEST = 50.0  # of log(1 + tau2)
# Exponents of the beta model from which a search begins: less, more, and mixed selection.
_EXPONENTS = ((0.6, 3.0), (1.0, 2.0), (1.8, 2.0), (2.5, 1.0), (1.0, 0.7), (1.0, 5.0))


class SelectionProblem(NamedTuple):
    """Effects in units of `unit`, turned so that large ones are favoured, and the weight."""

    y: Array
    v: Array
    unit: float
    weight: Weight
    names: tuple[int, ...]  # place in delta of each free parameter
    neutral: float  # delta without selection
    least: float
    logs: bool  # parameters are moved on the log scale
    random: bool
    every: Steps | None = None  # with all intervals, those without a study too


class Top(NamedTuple):
    theta: Array
    value: float
    hessian: Array
    at_bound: NDArray[np.bool_]
    converged: bool


def set_up(
    y: Array, v: Array, kind: str, cuts: Array, alternative: str, *, random: bool
) -> tuple[SelectionProblem, tuple[int, ...], Array]:
    """The problem in units of the typical standard error; counts per interval; delta to fill."""
    unit = float(np.sqrt(np.median(v)))
    sign, two_sided = (-1.0 if alternative == "less" else 1.0), alternative == "two.sided"
    y, v = sign * y / unit, v / unit**2
    se = np.sqrt(v)
    if kind != "step":
        censored = kind in _CENSORED
        smooth = Smooth(y / se, se, _SMOOTH[kind], censored=censored, two_sided=two_sided)
        beta = kind == "beta"
        names, bound = tuple(range(1 + beta)), _MIN_BETA_DELTA if beta else 0.0
        problem = SelectionProblem(
            y, v, sign * unit, smooth, names, float(beta), bound, beta, random
        )
        return problem, (), np.full(len(names), NAN)
    every = Steps(y / se, se, cuts, np.ones(len(cuts), dtype=bool), two_sided=two_sided)
    counts = np.bincount(every.interval, minlength=len(cuts) + 1)
    # An interval without a study is seen best with a weight of 0: no need to search for it.
    kept = counts[1:] > 0
    weight = Steps(y / se, se, cuts, kept, two_sided=two_sided)
    names = tuple(int(j) + 1 for j in np.flatnonzero(kept))
    problem = SelectionProblem(y, v, sign * unit, weight, names, 1.0, 0.0, True, random, every)
    return problem, tuple(int(n) for n in counts), np.concatenate([[1.0], np.zeros(len(cuts))])


def maximise(p: SelectionProblem) -> Top:
    """The highest maximum that the starts lead to; that there is no higher one is not proven."""
    return max((_climb(p, start) for start in _starts(p)), key=lambda top: top.value)


def _starts(p: SelectionProblem) -> list[Array]:
    """Without selection, and with more or less of it where the mean is nearer to 0."""
    fit = pool(p.y, p.v, tau2="ML" if p.random else "EE", test="z")
    tau2 = fit.tau2 if p.random else 0.0
    common = pool(p.y, p.v, tau2="EE", test="z").beta
    some = 0.3 if p.logs else 2.0
    out = [(fit.beta, tau2, p.neutral), (fit.beta / 2, 1.5 * tau2 + 0.1, some)]
    out += [(common, 0.0, some), (0.0, 3 * tau2 + 1.0, 0.05 if p.logs else 8.0)]
    starts = [np.array([b, t * p.random, *[d] * len(p.names)]) for b, t, d in out]
    if p.least == _MIN_BETA_DELTA:
        starts += _beta_starts(p, tau2)
    return [_moved(p, start) for start in starts]


def _beta_starts(p: SelectionProblem, tau2: float) -> Iterator[Array]:
    """Where the beta model may have its other maxima: the best points of a grid, one for each mean.

    Its two exponents together can suppose that most trials at either end of p are not seen. Then
    the likelihood has a second maximum with more heterogeneity and a mean beside the effects seen.
    That the grid leads to the highest one rests on simulation (benchmarks/selection_maxima.py), not
    on proof.
    """
    low, high = float(p.y.min()), float(p.y.max())
    span = high - low
    means = (low - span / 2, low - span / 4, *np.quantile(p.y, (0, 0.25, 0.5, 0.75, 1)))
    for mean in means:
        points = [
            np.array([mean, spread * p.random, *exponents])
            for spread in (0.1, 0.5 + tau2, 2 + 2 * tau2, 8 + 4 * tau2)
            for exponents in _EXPONENTS
        ]
        values = [float(log_likelihood(p.y, p.v, p.weight, each).value) for each in points]
        yield points[int(np.argmax(np.where(np.isfinite(values), values, -np.inf)))]


def _moved(p: SelectionProblem, theta: Array) -> Array:
    """From natural parameters to those that are moved; inverse of `_natural`."""
    rest = np.log(theta[2:]) if p.logs else theta[2:]
    return np.array([theta[0], np.log1p(theta[1]), *rest])


def _natural(p: SelectionProblem, x: Array) -> tuple[Array, Array, Array]:
    """Natural parameters, with their first and second derivatives by those that are moved."""
    theta, first, second = x.copy(), np.ones_like(x), np.zeros_like(x)
    theta[1], first[1], second[1] = np.expm1(x[1]), np.exp(x[1]), np.exp(x[1])
    if p.logs:
        theta[2:] = first[2:] = second[2:] = np.exp(x[2:])
    return theta, first, second


def _at(p: SelectionProblem, x: Array) -> Log:
    theta, first, second = _natural(p, x)
    log = log_likelihood(p.y, p.v, p.weight, theta)
    score = first * log.gradient
    hessian = first[:, None] * log.hessian * first + np.diag(second * log.gradient)
    return Log(log.value, score, hessian)


def _climb(p: SelectionProblem, start: Array) -> Top:
    """Newton's method within bounds, uphill also where the likelihood is not concave."""
    d = len(p.names)
    least, most = (np.log(p.least), np.log(MAX_DELTA)) if p.logs else (p.least, MAX_DELTA)
    low = np.array([-np.inf, 0.0, *[least] * d])
    high = np.array([np.inf, _FARTHEST if p.random else 0.0, *[most] * d])
    x, converged = start, False
    here = _at(p, x)
    for _ in range(_STEPS):
        at_bound = ((x <= low) & (here.gradient <= 0)) | ((x >= high) & (here.gradient >= 0))
        at_bound[1] |= not p.random
        step, decrement = _direction(here, ~at_bound)
        if decrement < _DECREMENT:
            converged = True
            break
        moved = _uphill(p, x, here, step, low, high)
        if moved is None:
            # Rounding hides what is left to climb.
            converged = decrement < _FLOOR
            break
        x, here = moved
    if converged:
        # The likelihood cannot tell this last step, but it brings the digits that it hides: where
        # the search ends would else depend on the machine from the ninth digit on.
        x = np.clip(x + step, low, high)
    theta = _natural(p, x)[0]
    hessian = log_likelihood(p.y, p.v, p.weight, theta).hessian
    # Far out the integral is 0 in floats, and the logarithm says nothing.
    value = float(here.value) if np.isfinite(here.value) else -np.inf
    return Top(theta, value, hessian, at_bound, converged)


def _direction(here: Log, free: NDArray[np.bool_]) -> tuple[Array, float]:
    """Newton step of the free parameters, and its squared length in standard errors."""
    step = np.zeros_like(here.gradient)
    if not (free.any() and np.isfinite(here.hessian).all()):
        return step, 0.0 if not free.any() else np.inf
    values, vectors = np.linalg.eigh(-here.hessian[np.ix_(free, free)])
    size = np.maximum(np.abs(values), 1e-9 * np.abs(values).max() + 1e-300)
    along = vectors.T @ here.gradient[free]
    step[free] = vectors @ (along / size)
    return step, float((along**2 / size).sum())


def _uphill(
    p: SelectionProblem, x: Array, here: Log, step: Array, low: Array, high: Array
) -> tuple[Array, Log] | None:
    """Along the step, bent at the bounds and halved until the likelihood rises enough."""
    scale = min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-300))
    slack = 1e-13 * max(1.0, abs(float(here.value)))
    for _ in range(_HALVINGS):
        new = np.clip(x + scale * step, low, high)
        at = _at(p, new)
        rise = float(at.value - here.value)
        expected = max(0.0, float(here.gradient @ (new - x)))
        if np.isfinite(rise) and rise >= 1e-4 * expected - slack and (new != x).any():
            return new, at
        scale /= 2
    return None
