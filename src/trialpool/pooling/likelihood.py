"""The highest maximum of the (restricted) likelihood of tau2, with a proof that none is higher.

The likelihood can have several local maxima, and iterations that climb from one start can end
on the wrong one, or stop early. Here the score is compared as two concave functions of tau2
(see `Score`): concave functions lie above their chords and below their tangents, so a handful of
points proves where the score keeps its sign. Study sets without such a proof are searched
interval by interval until there is one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from trialpool.pooling.roots import ENOUGH, FEW_LEFT, MAX_STEPS
from trialpool.pooling.studies import Numbers, Score, Studies, every, pick

_NARROW = 1e-13
_STEPS = 2  # intervals to start with on each side of a known maximum: most need no more


class Tau2Estimate(NamedTuple):
    """Where the likelihood is highest, how many local maxima it has, and whether all is proven."""

    tau2: Numbers
    maxima: Any
    converged: Any


def maximise(s: Studies, *, restricted: bool) -> Tau2Estimate:
    """tau2 at the highest of all maxima; the smallest one if several are equally high."""
    start = s.point(s.zero, restricted=restricted)
    ss = s.ss
    # Without spread the likelihood falls everywhere; `a` is infinite then.
    rising = start.rising & (ss > 0)
    # Two guesses, tangents at 0 and DerSimonian-Laird; mostly the larger one is nearer.
    _, q, trace = s.common
    model, moments = _model_step(start), (q - s.df) / trace
    first = pick(rising, pick(model > moments, model, moments), 0.0)
    peak, done = _climb(s, first, s.zero, s.zero + np.inf, rising, restricted=restricted)
    t = pick(rising, peak.t, 0.0)
    # Left of the peak the chord of sqrt(b) and the tangent of a meet at the peak only; right of
    # it a is never flatter than 1/sqrt(SS), and b stays below its tangent.
    left = peak.da * t > np.sqrt(peak.b) - np.sqrt(start.b)
    right = 2 * peak.a >= peak.db * np.sqrt(ss)
    proven = pick(rising, done & left & right, _falls_on(start, ss)) | (ss <= 0)
    maxima, converged = (s.zero + 1).astype(np.int64), proven | True
    if not every(proven):
        if s.y.ndim == 1:
            searched = _search(s.as_sets(), s.zero[np.newaxis] + t, restricted=restricted)
            return Tau2Estimate(*(x[0] for x in searched))
        doubt = np.flatnonzero(~proven)
        searched = _search(s.take(doubt), t[doubt], restricted=restricted)
        t[doubt], maxima[doubt], converged[doubt] = searched
    return Tau2Estimate(t, maxima, converged)


def _model_step(p: Score) -> Numbers:
    """Step to where the tangents of a and b say that the score crosses 0 downwards.

    Solves (a + a'u)^2 = b + b'u for its upper root; exact when all variances are equal. NaN
    where the model has no root.
    """
    half = p.a * p.da - p.db / 2
    gap = p.a * p.a - p.b
    root = np.sqrt(half * half - p.da * p.da * gap)
    if every(half > 0):
        return -gap / (half + root)
    return pick(half > 0, -gap / (half + root), (root - half) / (p.da * p.da))


def _climb(
    s: Studies,
    t: Numbers,
    low: Numbers,
    high: Numbers,
    wanted: Any,
    *,
    restricted: bool,
    steps: int = MAX_STEPS,
) -> tuple[Score, Any]:
    """A maximum between `low`, where the likelihood rises, and `high`, where it falls.

    Returns the last point, moved to the maximum, and whether the steps have converged.
    """
    tiny = 1e-17 * s.least
    for step in range(steps):
        p = s.point(t, restricted=restricted)
        rising = p.rising
        low, high = pick(rising, t, low), pick(rising, high, t)
        new = t + _model_step(p)
        inside = (new >= low) & (new <= high) & (new < np.inf)
        if not every(inside | ~wanted):
            middle = pick(high < np.inf, (low + high) / 2, 4 * (t + s.least))
            new = pick(inside, new, middle)
        done = abs(new - t) <= ENOUGH * new + tiny
        t = new
        if every(done | ~wanted):
            break
        if step == FEW_LEFT < steps - 1 and np.ndim(done):
            left, more = np.flatnonzero(wanted & ~done), steps - step - 1
            bounds = t[left], low[left], high[left], wanted[left]
            rest, done[left] = _climb(s.take(left), *bounds, restricted=restricted, steps=more)
            p = p._replace(t=t)
            for all_sets, of_left in zip(p, rest, strict=True):
                all_sets[left] = of_left
            return p, done
    return p._replace(t=t), done


def _falls_on(p: Score, ss: Numbers) -> Any:
    """Proof that the likelihood falls at p and ever after.

    The slope of a is never below its limit 1/sqrt(SS), and b lies below its tangent: it remains
    to see that a quadratic in t has no root.
    """
    gap = p.a * p.a - p.b
    half = p.a / np.sqrt(ss) - p.db / 2
    return (gap > 0) & ((half >= 0) | (half * half * ss < gap))


def _below(p: Score, q: Score, low: Any, high: Any) -> Any:
    """Proof that one concave function stays below another between p and q.

    `low` and `high` are ((value, slope) at p, (value, slope) at q). The lower one is bounded by
    its tangents, which meet in between, the upper one by its chord.
    """
    (f0, d0), (f1, d1) = low
    (g0, _), (g1, _) = high
    width = q.t - p.t
    bend = d0 - d1
    x = pick(bend > 0, (f1 - f0 - d1 * width) / pick(bend > 0, bend, 1.0), 0.0)
    x = np.clip(x, 0.0, width)
    chord = g0 + (g1 - g0) * x / pick(width > 0, width, 1.0)
    return (f0 < g0) & (f1 < g1) & (f0 + d0 * x < chord)


def _halves(p: Score) -> tuple[tuple[Numbers, Numbers], tuple[Numbers, Numbers]]:
    """A and sqrt(b), which is concave too, each with its slope."""
    root = np.sqrt(p.b)
    return (p.a, p.da), (root, p.db / (2 * root))


def _keeps_sign(p: Score, q: Score, rising: Any) -> Any:
    """Proof that the likelihood rises, or that it falls, all the way from p to q."""
    (ap, bp), (aq, bq) = _halves(p), _halves(q)
    return pick(rising, _below(p, q, (ap, aq), (bp, bq)), _below(p, q, (bp, bq), (ap, aq)))


def _search(s: Studies, t: Numbers, *, restricted: bool) -> Tau2Estimate:
    """All maxima of B study sets: intervals are halved until each one is proven.

    `t` is a known maximum, where there is one: the search starts around it.
    """

    def at(sets: Any, x: Numbers) -> Score:
        return s.take(sets).point(x, restricted=restricted)

    t = np.where(t < np.inf, t, 0.0)
    everyone, ss = np.arange(len(t)), s.ss
    start, far = at(everyone, s.zero), np.maximum(3 * s.largest, 2 * ss)
    for _ in range(MAX_STEPS):
        end = at(everyone, far)
        falls = _falls_on(end, ss)
        if every(falls):
            break
        far = np.where(falls, far, 4 * far)
    usable = np.isfinite(start.a) & falls
    # Around a known maximum the score crosses 0; further out it should keep its sign.
    left, right = _ladder(s, s.zero, 0.9 * t), _ladder(s, np.minimum(1.1 * t, far), far)
    grid, rows = np.array([*left[1:], *right[:-1]])[:, usable], everyone[usable]
    inner = at(np.tile(rows, len(grid)), grid.ravel())
    points = _join(_some(start, usable), inner, _some(end, usable))
    sets = np.tile(rows, len(grid) + 1)
    p, q = _some(points, np.s_[: -len(rows)]), _some(points, np.s_[len(rows) :])
    at_zero = everyone[usable & ~start.rising]
    peaks = [(at_zero, np.zeros(len(at_zero)), np.zeros(len(at_zero)))]
    least = s.least
    for _ in range(MAX_STEPS):
        if not sets.size:
            break
        (_, dap), (_, dbp) = (x for x in _halves(p))
        (_, daq), (_, dbq) = (x for x in _halves(q))
        up, down = p.rising, q.rising
        # a - sqrt(b) is monotone between p and q: it crosses 0 once at most.
        once = (daq > dbp) | (dap < dbq)
        narrow = ~(q.t - p.t > _NARROW * (q.t + least[sets]))
        peak = up & ~down & (once | narrow)
        peaks.append((sets[peak], p.t[peak], q.t[peak]))
        open_ = ~(once | narrow | ((up == down) & _keeps_sign(p, q, up)))
        sets, p, q = sets[open_], _some(p, open_), _some(q, open_)
        middle = at(sets, np.sqrt((p.t + least[sets]) * (q.t + least[sets])) - least[sets])
        sets, p, q = np.concatenate([sets, sets]), _join(p, middle), _join(middle, q)
    best = _best(s, *(np.concatenate(x) for x in zip(*peaks, strict=True)), restricted=restricted)
    return best._replace(converged=best.converged & ~np.isin(everyone, sets))


def _ladder(s: Studies, low: Numbers, high: Numbers) -> list[Numbers]:
    """Points from low to high, evenly spaced in log(t + smallest variance)."""
    ratio = (high + s.least) / (low + s.least)
    steps = [(low + s.least) * ratio ** (j / _STEPS) - s.least for j in range(1, _STEPS)]
    return [low, *steps, high]


def _best(s: Studies, sets: Any, low: Numbers, high: Numbers, *, restricted: bool) -> Tau2Estimate:
    """Of the maxima between `low` and `high` the highest of each set."""
    candidates = s.take(sets)
    inside = high > 0
    peak, done = _climb(candidates, (low + high) / 2, low, high, inside, restricted=restricted)
    t = np.where(inside, peak.t, 0.0)
    height = candidates.log_likelihood(t, restricted=restricted)
    # The first of equals: the smallest tau2 that explains the data equally well.
    order = np.lexsort((t, -height, sets))
    maxima = np.bincount(sets, minlength=len(s.zero))
    first = order[np.searchsorted(sets[order], np.arange(len(maxima))).clip(max=len(order) - 1)]
    converged = (maxima > 0) & (np.bincount(sets[~done & inside], minlength=len(maxima)) == 0)
    return Tau2Estimate(np.where(maxima > 0, t[first], np.nan), maxima, converged)


def _some(p: Score, sets: Any) -> Score:
    return Score(*(x[sets] for x in p))


def _join(*points: Score) -> Score:
    return Score(*(np.concatenate(x) for x in zip(*points, strict=True)))
