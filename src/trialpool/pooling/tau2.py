"""Estimators of the between-study variance, in one registry.

An estimator is one function of `Studies` that returns tau2 in units of that class: a number for
one study set, (B,) for B sets side by side, or a `Maximum` where it can say whether it
converged. Written with the quantities of `Studies`, it serves `pool`, `pool_many` and `regress`,
the review's configuration and its sensitivity table; a missing golden case fails a test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from trialpool.pooling.likelihood import Maximum, maximise
from trialpool.pooling.roots import solve_q
from trialpool.pooling.studies import Numbers, Studies, pick, total
from trialpool.results import NAN

Estimate = Callable[[Studies], Numbers | Maximum]
StandardError = Callable[[Studies, Numbers], Numbers]


class Estimator(NamedTuple):
    """A function of the studies that gives tau2, one of (studies, tau2) for its SE, and a name."""

    estimate: Estimate
    se: StandardError | None
    name: str


ESTIMATORS: dict[str, Estimator] = {}


def register(
    code: str, *, se: StandardError | None = None, name: str = ""
) -> Callable[[Estimate], Estimate]:
    """Put an estimator of tau2 into the registry under its code; `name` is what tables call it."""

    def add(estimate: Estimate) -> Estimate:
        ESTIMATORS[code] = Estimator(estimate, se, name or code)
        return estimate

    return add


def estimate_tau2(code: str, s: Studies) -> Maximum:
    """tau2 by the estimator of that code, 0 for a single study; NaN where it did not converge."""
    found = ESTIMATORS[code].estimate(s)
    if not isinstance(found, Maximum):
        found = Maximum(found, (s.zero + 1).astype(np.int64), np.isfinite(found))
    alone = s.df < 1
    converged = found.converged | alone
    tau2 = pick(alone, 0.0, pick(converged, found.tau2, NAN)) + s.zero
    return Maximum(tau2, found.maxima, converged)


def se_tau2(code: str, s: Studies, tau2: Numbers) -> Numbers:
    """Asymptotic standard error of tau2 for the estimator of that code; NaN if it has none."""
    formula = ESTIMATORS[code].se
    return s.zero + NAN if formula is None else formula(s, tau2)


# --- estimators ----------------------------------------------------------------------------------


def _se_dl(s: Studies, tau2: Numbers) -> Numbers:
    w, _, trace = s.common
    return np.sqrt(2 * s.trace_square(w, s.v + tau2)) / trace


def _se_hs(s: Studies, tau2: Numbers) -> Numbers:
    w, _, _ = s.common
    return np.sqrt(2 * s.trace_square(w, s.v + tau2)) / total(w)


def _se_he(s: Studies, tau2: Numbers) -> Numbers:
    return np.sqrt(2 * s.trace_square(s.equal_weights, s.v + tau2)) / s.df


def _se_sj(s: Studies, tau2: Numbers) -> Numbers:
    crude = s.crude_variance
    return crude * np.sqrt(2 * s.trace_square(s.weights(crude), s.v + tau2)) / s.df


def _se_ml(s: Studies, tau2: Numbers) -> Numbers:
    w = s.weights(tau2)
    return np.sqrt(2 / total(w * w))


def _se_reml(s: Studies, tau2: Numbers) -> Numbers:
    return np.sqrt(2 / s.traces(s.weights(tau2))[1])


def _se_pm(s: Studies, tau2: Numbers) -> Numbers:
    return s.k * np.sqrt(2 / s.df) / total(s.weights(tau2))


@register("EE", name="common effect")
def common_effect(s: Studies) -> Numbers:
    """No between-study variance: every study estimates the same effect."""
    return s.zero


@register("DL", se=_se_dl, name="DerSimonian-Laird")
def dersimonian_laird(s: Studies) -> Numbers:
    """Moment estimator on common-effect weights (DerSimonian & Laird 1986)."""
    _, q, trace = s.common
    return np.maximum(0.0, (q - s.df) / trace)


@register("HE", se=_se_he, name="Hedges")
def hedges(s: Studies) -> Numbers:
    """Residual variance less the mean sampling variance (Hedges & Olkin 1985)."""
    return np.maximum(0.0, s.ss / s.df - s.mean_v)


@register("HS", se=_se_hs, name="Hunter-Schmidt")
def hunter_schmidt(s: Studies) -> Numbers:
    """Weighted variance less its sampling part (Hunter & Schmidt 1990; Viechtbauer 2005)."""
    w, q, _ = s.common
    return np.maximum(0.0, (q - s.k) / total(w))


@register("SJ", se=_se_sj, name="Sidik-Jonkman")
def sidik_jonkman(s: Studies) -> Numbers:
    """Model-error estimator with the crude variance as its start (Sidik & Jonkman 2005).

    Positive unless all effects are equal, where it is 0.
    """
    crude = s.crude_variance
    return crude * s.q(crude) / s.df


@register("ML", se=_se_ml)
def maximum_likelihood(s: Studies) -> Maximum:
    """Global maximum of the profile likelihood (Hardy & Thompson 1996)."""
    return maximise(s, restricted=False)


@register("REML", se=_se_reml)
def restricted_maximum_likelihood(s: Studies) -> Maximum:
    """Global maximum of the restricted likelihood (Viechtbauer 2005)."""
    return maximise(s, restricted=True)


@register("PM", se=_se_pm, name="Paule-Mandel")
def paule_mandel(s: Studies) -> Numbers:
    """Value at which the generalised Q equals its expectation (Paule & Mandel 1982, eq. 4)."""
    return solve_q(s, s.df)


@register("EB", se=_se_pm, name="empirical Bayes")
def empirical_bayes(s: Studies) -> Numbers:
    """Morris' estimator (1983), the solution of the same equation as Paule-Mandel."""
    return paule_mandel(s)
