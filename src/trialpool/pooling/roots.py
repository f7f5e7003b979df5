"""Where the generalised Q takes a given value."""

from __future__ import annotations

import numpy as np

from trialpool.pooling.studies import Numbers, Studies, every, pick
from trialpool.results import NAN

MAX_STEPS = 100
FEW_LEFT = 3  # step after which most sets of a batch are done, and the others go on alone
ENOUGH = 1e-7  # relative step after which the next is lost in rounding: errors shrink squared


def solve_q(s: Studies, target: Numbers) -> Numbers:
    """tau2 at which the generalised Q equals `target`; 0 where it starts below.

    1/Q is concave in tau2, so each of Newton's steps ends left of the root, and from there they
    climb without overshoot; a fixed-point iteration can stop early when tau2 is small against the
    variances.
    """
    # Exact where all variances are equal.
    return _climb(s, np.maximum(0.0, s.ss / np.maximum(target, 1e-300) - s.mean_v), target)


def _climb(s: Studies, t: Numbers, target: Numbers, steps: int = MAX_STEPS) -> Numbers:
    done = t < 0
    for step in range(steps):
        q, slope = s.q_and_slope(t)
        new = t + q * (q / target - 1) / slope
        new = pick(new > 0, new, 0.0)  # 0 also where there is no slope: all effects are equal
        done = abs(new - t) <= ENOUGH * new
        t = new
        if every(done):
            return t
        if step == FEW_LEFT and np.ndim(done):
            left = np.flatnonzero(~done)
            t[left] = _climb(s.take(left), t[left], (target + s.zero)[left], steps - step - 1)
            return t
    return pick(done, t, NAN)
