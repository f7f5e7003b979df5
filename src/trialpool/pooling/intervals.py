"""Confidence intervals of the between-study variance."""

from __future__ import annotations

import numpy as np

from trialpool.pooling.inference import chi2_quantile
from trialpool.pooling.roots import ENOUGH, MAX_STEPS, solve_q
from trialpool.pooling.studies import Numbers, Studies, every, pick
from trialpool.results import NAN

METHODS = ("QP", "PL")


def heterogeneity_interval(
    s: Studies, tau2: Numbers, level: float, method: str, *, restricted: bool
) -> tuple[Numbers, Numbers]:
    """Bounds of tau2 by the method of that name."""
    if method == "PL":
        return profile_likelihood(s, tau2, level, restricted=restricted)
    return q_profile(s, level)


def q_profile(s: Studies, level: float) -> tuple[Numbers, Numbers]:
    """Exact interval from the distribution of the generalised Q, the same for every estimator.

    Both bounds are 0 where even tau2 = 0 leaves more homogeneity than the level allows: the
    interval is empty then, and 0 its nearest value. Viechtbauer 2007, Stat Med 26:37.
    """
    return (
        solve_q(s, chi2_quantile((1 + level) / 2, s.df)),
        solve_q(s, chi2_quantile((1 - level) / 2, s.df)),
    )


def profile_likelihood(
    s: Studies, tau2: Numbers, level: float, *, restricted: bool
) -> tuple[Numbers, Numbers]:
    """Every tau2 about the maximum that a likelihood-ratio test does not reject.

    Hardy & Thompson 1996, Stat Med 15:619.
    """
    floor = s.log_likelihood(tau2, restricted=restricted) - chi2_quantile(level, 1.0) / 2

    def above(t: Numbers) -> Numbers:
        return s.log_likelihood(t, restricted=restricted) - floor

    def crossing(outside: Numbers) -> Numbers:
        """Newton's steps between a point below the floor and the maximum, kept in between."""
        inside, t = tau2, (outside + tau2) / 2
        for _ in range(MAX_STEPS):
            value = above(t)
            inside, outside = pick(value >= 0, t, inside), pick(value >= 0, outside, t)
            p = s.point(t, restricted=restricted)
            new = t - 2 * value / (1 / (p.a * p.a) - 1 / p.b)
            kept = (new - inside) * (new - outside) <= 0
            new = pick(kept, new, (inside + outside) / 2)
            done = np.abs(new - t) <= ENOUGH * new
            t = new
            if every(done):
                break
        return t

    high, down = 2 * tau2 + s.least, False
    for _ in range(MAX_STEPS):
        down = above(high) < 0
        if every(down):
            break
        high = pick(down, high, 4 * high)
    low = pick(above(s.zero) >= 0, 0.0, crossing(s.zero))
    # The likelihood of a single study is flat: nothing is rejected.
    return pick(down, low, NAN), pick(down, crossing(high), NAN)
