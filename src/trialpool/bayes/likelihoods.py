"""What one two-by-two table says of its log ratio: exact likelihoods, read off polynomials."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, loggamma

from trialpool.bayes.panels import Panels
from trialpool.results import Array

COARSEST = 0.25  # step that shows a likelihood however little it bends
_NOTHING = 75.0  # on the log scale, below the highest: no part of a likelihood
_SMALL = 45.0  # on the log scale, below the highest: no part of a sum
_PER_PANEL, _WIDEST = 5.0, 2.5  # SDs in a panel, and its most: within pi no odds ratio has a pole
_EVEN, _GROWTH = 3, 1.5  # so many panels alike on each side of the centre, then each longer
_CLOSE = (-0.75, -0.25, 0.0, 0.25, 0.75)  # SDs about equal risks, where risk ratios bend most
_PER_SD, _SHARPEST = 2.0, 48.0  # points in an SD: at least, and at most, for a kink
_LEFT = -18.0  # log of what a step may leave of a spectrum
_STEP = 0.5  # of the trapezoidal rule over the risk, in its curvature's SD at the mode


class TwoArms(NamedTuple):
    """Events and people of the experimental and the control arm."""

    a: float
    n1: float
    c: float
    n2: float


class RatioLikelihood:
    """A study's log likelihood over its height, as polynomials of panels.

    `centre` and `error` say roughly where it is and how wide; `endless`, that it does not fall to
    nothing on both sides. `step` is of an even grid on which sums are integrals of it to rounding,
    or nearly so where it has a kink.
    """

    def __init__(self, measure: str, table: TwoArms, ends: tuple[float, float]) -> None:
        self.centre, self.error = rough(measure, table)
        self._log, self.step = LIKELIHOODS[measure], _step(measure, table, self.error)
        edges = self._edges(ends)
        if measure == "RR":
            close = self.error * np.array(_CLOSE)
            edges = np.union1d(edges, close[(close > edges[0]) & (close < edges[-1])])
        heights = self._log(edges, *table)
        some = np.flatnonzero(heights > heights.max() - _NOTHING)
        self._open = (some[0] == 0, some[-1] == len(edges) - 1)
        self.endless = any(self._open)
        self._panels = Panels(edges[max(some[0] - 1, 0) : some[-1] + 2])
        logs = self._log(self._panels.x.ravel(), *table)
        self._logs = (logs - logs.max()).reshape(self._panels.x.shape)

    def at(self, theta: Array) -> Array:
        """Log likelihood at theta (m,); level beyond an end that it has not fallen at."""
        low, high = self._panels.edges[[0, -1]]
        inside = (self._open[0] | (theta >= low)) & (self._open[1] | (theta <= high))
        return np.where(inside, self._panels.at(self._logs, theta), -np.inf)

    def nodes(self, tau: float) -> Panels:
        """Panels so narrow that a normal density of SD tau times the likelihood is integrated."""
        edges = self._panels.edges
        parts = np.ceil(np.diff(edges) / (_PER_PANEL * tau)).astype(int)
        if (parts == 1).all():
            return self._panels
        rows = [
            np.linspace(left, right, n, endpoint=False)
            for left, right, n in zip(edges[:-1], edges[1:], parts, strict=True)
        ]
        return Panels(np.concatenate([*rows, edges[-1:]]))

    def spread(self, theta: Array, tau: float) -> Array:
        """The likelihood with a random effect of SD tau on top, at theta (m,)."""
        panels = self.nodes(tau)
        x = panels.x.ravel()
        log = self.at(x)
        some = log > -_SMALL
        away = (theta[:, np.newaxis] - x[some]) / tau
        mass = panels.w.ravel()[some] * np.exp(log[some])
        return np.asarray(np.exp(-(away**2) / 2) @ mass) / (tau * math.sqrt(2 * math.pi))

    def _edges(self, ends: tuple[float, float]) -> Array:
        """Even panels about the centre, longer ones beyond, where a log likelihood is straight."""
        width = min(_PER_PANEL * self.error, _WIDEST)
        away = [0.0]
        while away[-1] < max(ends[1] - self.centre, self.centre - ends[0]):
            away.append(away[-1] + width)
            if len(away) > _EVEN:
                width *= _GROWTH
        offsets = np.array(away)
        edges = self.centre + np.concatenate([-offsets[:0:-1], offsets])
        inside = (edges > ends[0]) & (edges < ends[1])
        return np.concatenate([[ends[0]], edges[inside], [ends[1]]])


def slopes(measure: str, table: TwoArms) -> tuple[float, float]:
    """How steep the log likelihood falls in the end, below and above; 0 where it does not."""
    a, n1, c, n2 = table
    return (min(a, n2 - c), min(c, n1 - a)) if measure == "OR" else (a, c)


def rough(measure: str, table: TwoArms) -> tuple[float, float]:
    """A log ratio and its standard error, with half an event in every cell."""
    a, b, c, d = (x + 0.5 for x in (table.a, table.n1 - table.a, table.c, table.n2 - table.c))
    if measure == "OR":
        return math.log(a * d / (b * c)), math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    return math.log(a * (c + d) / (c * (a + b))), math.sqrt(b / a / (a + b) + d / c / (c + d))


def _step(measure: str, table: TwoArms, error: float) -> float:
    """The step of a grid; of risk ratios by their spectrum, which is two beta functions.

    The likelihood of a log risk ratio is that of one log risk, convolved with that of the other.
    """
    smooth = min(error / _PER_SD, COARSEST)
    if measure == "OR":
        return smooth
    steps = np.geomspace(smooth, min(error / _SHARPEST, smooth), 24)
    # A grid so fine is for small tau alone, the less of the posterior the finer it is.
    left = 2 * np.log(steps / error)
    for events, people in ((table.a, table.n1), (table.c, table.n2)):
        start = max(events, 0.5)
        for sign, x in ((1, start), (-1, start + people - events + 1)):
            left += sign * (loggamma(x + 1j * np.pi / steps).real - gammaln(x))
    enough = np.flatnonzero(left < _LEFT)
    return float(steps[enough[0] if len(enough) else -1])


def _conditional(theta: Array, a: float, n1: float, c: float, n2: float) -> Array:
    """Log likelihood of a log odds ratio, given the events of both arms together."""
    events = a + c
    x = np.arange(max(0.0, events - n2), min(n1, events) + 1)
    if len(x) == 1:
        return np.zeros_like(theta)
    ways = -gammaln(x + 1) - gammaln(n1 - x + 1) - gammaln(events - x + 1)
    ways -= gammaln(n2 - events + x + 1)
    ways -= ways[x == a]
    # The terms that matter move up with the effect.
    low, high = (ways + end * (x - a) for end in (theta.min(), theta.max()))
    first = np.flatnonzero(low > low.max() - _SMALL)[0]
    some = slice(first, np.flatnonzero(high > high.max() - _SMALL)[-1] + 1)
    terms = ways[some] + np.multiply.outer(theta, x[some] - a)
    top = terms.max(axis=1)
    return np.asarray(-top - np.log(np.exp(terms - top[:, np.newaxis]).sum(axis=1)))


def _integrated(theta: Array, *counts: float) -> Array:
    """Log likelihood of a log risk ratio, the risks' common level integrated out.

    The higher risk s runs from 0 to 1, its log evenly distributed; the lower is r s. The integrand
    s^(A - 1) (1 - s)^B (1 - r s)^C has one peak, where a quadratic equation is 0, and decays
    exponentially in logit(s) on both sides: the trapezoidal rule is exact to rounding.
    """
    row = TwoArms(*counts)
    if row.a + row.c == 0:
        return np.zeros_like(theta)
    r = np.exp(-np.abs(theta))
    arms = (row.n1 - row.a, row.n2 - row.c)
    power = row.a + row.c
    b, c = (np.where(theta > 0, x, y) for x, y in (arms, arms[::-1]))
    # ds = s (1 - s) d logit(s): one more factor (1 - s).
    b = b + 1
    linear = power * (1 + r) + b + c * r
    root = np.sqrt(linear**2 - 4 * r * (power + b + c) * power)
    mode = 2 * power / (linear + root)
    curvature = power * (1 - mode) ** 2 + b * mode**2
    curvature += c * (r * mode * (1 - mode) / (1 - r * mode)) ** 2
    sd = 1 / np.sqrt(curvature)
    # A factor to the power of q decays as exp(-q x) in the end, near the mode as a normal.
    left, right = (9 + 31 / math.sqrt(q) for q in (power, float(b.min())))
    v = (np.log(mode) - np.log1p(-mode))[:, np.newaxis]
    v = v + sd[:, np.newaxis] * np.arange(-left, right + _STEP, _STEP)
    small = np.exp(-np.abs(v))
    s_part, rest = np.where(v > 0, 1.0, small), np.where(v > 0, small, 1.0)
    # 1 - r s = (1 - s) + s (1 - r), without cancellation
    apart = -np.expm1(-np.abs(theta))[:, np.newaxis]
    height = power * np.minimum(v, 0.0) + b[:, np.newaxis] * np.minimum(-v, 0.0)
    height += c[:, np.newaxis] * np.log(rest + s_part * apart)
    height -= (power + (b + c)[:, np.newaxis]) * np.log1p(small)
    top = height.max(axis=1)
    mass = np.exp(height - top[:, np.newaxis]).sum(axis=1) * sd
    # s is the risk of the control arm where theta < 0, and exp(theta) times it above.
    tilt = np.where(theta > 0, -row.c * theta, row.a * theta)
    return np.asarray(top + np.log(mass) + tilt)


LIKELIHOODS: Mapping[str, Callable[..., Array]] = {"OR": _conditional, "RR": _integrated}
