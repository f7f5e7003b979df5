"""The maximum of the likelihood: Newton's method with exact derivatives, from several starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from trialpool.multilevel.likelihood import Likelihood, Point
from trialpool.results import Array

MAX_STEPS = 200
_HALVINGS = 40
# Gain of the log likelihood that a step promises: below it the step, whose error is its square,
# is the last one.
_ENOUGH = 1e-10
# Longest step of an angle, and of a standard deviation in units of the typical one.
_STRIDE = 1.0
# Shares of the typical standard deviation to start from, and sines of the angles.
_SHARES = (0.7, 0.2, 1.5)
_SINES = (0.3, 0.9, -0.6)
# How many starts are climbed from: more where levels with variances of their own are correlated.
_TRIED = {False: 3, True: 9}
# Peaks closer than this are one.
_SAME = 1e-6
# A standard deviation below this share of the typical one is tried as 0, an angle as near to the
# end of its range as one.
_TINY = 1e-4


@dataclass(frozen=True)
class Peak:
    """The highest maximum found; `maxima` counts the different ones."""

    point: Point
    converged: bool
    maxima: int = 1


def maximise(model: Likelihood, typical: float, start: Array | None = None) -> Peak | None:
    """The highest maximum of the likelihood over the parameters that are not fixed.

    Parameters
    ----------
    typical : a standard deviation of about the size to expect
    start : begin there, and only there

    Returns
    -------
    Peak, or None where the likelihood has no value at any start
    """
    if start is not None:
        return _top(model, start, typical)
    starts = [p for p in (model.at(t) for t in _starts(model, typical)) if p is not None]
    starts.sort(key=lambda p: -p.value)
    if not starts:
        return None
    tried = [_top(model, starts[0].theta, typical, starts[0])]
    # A maximum at the end of a range, or a correlation, is where others may be higher.
    if not model.is_deviation.all() or tried[0] is None or ends(model, tried[0].point.theta).any():
        tried += [
            _top(model, point.theta, typical)
            for point in starts[1 : _TRIED[bool(model.is_bounded.any())]]
        ]
    peaks = [peak for peak in tried if peak is not None]
    if not peaks:
        return None
    values = sorted((peak.point.value for peak in peaks if peak.converged), reverse=True)
    maxima = sum(a - b > _SAME for a, b in pairwise(values)) + 1
    high = max(peak.point.value for peak in peaks)
    top = [peak for peak in peaks if peak.point.value > high - _SAME]
    best = max(top, key=lambda peak: (peak.converged, peak.point.value))
    return replace(best, maxima=maxima)


def _top(
    model: Likelihood, start: Array, typical: float, known: Point | None = None
) -> Peak | None:
    """The maximum uphill of a start that is not at an end of a range where it is higher inside."""
    peak = climb(model, _inside(model, start, typical), typical, known)
    for _ in range(len(model.fixed)):
        if peak is None:
            return None
        at_end = ends(model, peak.point.theta)
        if not at_end.any():
            return peak
        gradient, hessian, _ = peak.point.derivatives
        # The slope is 0 at most ends: whether they are a maximum is for the curvature to say.
        uphill = np.where(model.is_bounded, gradient, np.diag(hessian)) > 0
        if not (at_end & uphill).any():
            return peak
        peak = climb(model, _inside(model, peak.point.theta, typical), typical)
    return peak


def climb(
    model: Likelihood, theta: Array, typical: float, known: Point | None = None
) -> Peak | None:
    """The maximum that lies uphill of a start; `known` is its point, where it was looked at."""
    start = _with_fixed(model, theta)
    point = known if known and np.array_equal(known.theta, start) else model.at(start)
    if point is None:
        return None
    free = np.isnan(model.fixed)
    longest = np.where(model.is_deviation, typical, 1.0) * _STRIDE
    converged = not free.any()
    for _ in range(MAX_STEPS if free.any() else 0):
        gradient, hessian, _ = point.derivatives
        step = np.zeros(len(theta))
        use = free & ~(model.is_bounded & (point.theta <= 0) & (gradient <= 0))
        step[use], gain = _newton(gradient[use], hessian[np.ix_(use, use)])
        if gain < _ENOUGH:
            point, converged = _last(model, point, step), True
            break
        reach = np.maximum(longest, np.abs(point.theta) * model.is_deviation)
        ratio = float((np.abs(step) / reach).max())
        further = _along(model, point, step / max(1.0, ratio), gain / max(1.0, ratio))
        if further is None:  # rounding hides what is left to gain
            converged = gain < _SAME
            point = _last(model, point, step) if converged else point
            break
        point = further
    return Peak(_at_the_ends(model, point, typical), converged)


def _last(model: Likelihood, point: Point, step: Array) -> Point:
    """The point on the last step, whether or not the likelihood can tell that it is higher.

    Values of the likelihood place its top to half of their digits; where they decided, the other
    half would be the processor's.
    """
    return model.at(_moved(model, point, step)) or point


def _newton(gradient: Array, hessian: Array) -> tuple[Array, float]:
    """A step uphill, and the gain it promises.

    Where the likelihood curves upwards the step goes on, away from the saddle (Dauphin et al.
    2014, arXiv:1406.2572).
    """
    scale = np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-30))
    curve, axes = np.linalg.eigh(hessian / np.outer(scale, scale))
    along = axes.T @ (gradient / scale)
    size = np.maximum(np.abs(curve), 1e-8)
    return axes @ (along / size) / scale, float((along * along / size).sum())


def _moved(model: Likelihood, point: Point, step: Array) -> Array:
    new = point.theta + step
    return np.asarray(np.where(model.is_bounded, np.maximum(new, 0.0), new))


def _along(model: Likelihood, point: Point, step: Array, gain: float) -> Point | None:
    """The first point on the step, halved and halved again, that is high enough."""
    share = 1.0
    for _ in range(_HALVINGS):
        new = model.at(_moved(model, point, share * step))
        if new is not None and new.value > point.value + 1e-4 * share * gain:
            return new
        share /= 2
    return None


def _starts(model: Likelihood, typical: float) -> list[Array]:
    """All parts alike, small and large, then each part above the others."""
    deviation = model.is_deviation
    parts = max(1, len(model.parts))
    sizes = [np.full(len(deviation), share / np.sqrt(parts)) for share in _SHARES]
    for here in model.slices if parts > 1 else ():
        one = np.full(len(deviation), 0.2)
        one[here] = 0.9
        sizes.append(one)
    sines = _SINES if not deviation.all() else _SINES[:1]
    return [
        _with_fixed(model, np.where(deviation, size * typical, np.arcsin(sine)))
        for sine in sines
        for size in sizes
    ]


def _with_fixed(model: Likelihood, theta: Array) -> Array:
    return np.asarray(np.where(np.isnan(model.fixed), theta, model.fixed))


def _inside(model: Likelihood, theta: Array, typical: float) -> Array:
    """A little away from the ends of the ranges, where the slope is 0 whatever the data say."""
    least = 0.05 * typical
    small = model.is_deviation & (np.abs(theta) < least)
    edge = ~model.is_deviation & (np.abs(np.sin(theta)) > 0.999)
    moved = np.where(small, least, np.where(edge, np.arcsin(0.97 * np.sin(theta)), theta))
    return _with_fixed(model, moved)


def ends(model: Likelihood, theta: Array) -> NDArray[np.bool_]:
    """Which parameters are at an end of their range: a variance of 0, a correlation's bound."""
    at_bound = np.abs(np.cos(theta)) < 1e-12
    return np.asarray(np.where(model.is_deviation, theta == 0, at_bound) & np.isnan(model.fixed))


def _at_the_ends(model: Likelihood, point: Point, typical: float) -> Point:
    """Set to the very end of its range what the search brought next to it, if nothing is lost."""
    theta = point.theta
    close = np.where(
        model.is_deviation, np.abs(theta) < _TINY * typical, np.abs(np.cos(theta)) < _TINY
    ) & np.isnan(model.fixed)
    for i in np.flatnonzero(close):
        moved = point.theta.copy()
        moved[i] = 0.0 if model.is_deviation[i] else np.sign(np.sin(moved[i])) * np.pi / 2
        new = model.at(moved)
        if new is not None and new.value >= point.value - 1e-12 * (1 + abs(point.value)):
            point = new
    return point
