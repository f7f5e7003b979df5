"""Estimators of the between-study variance, in one registry.

An estimator is one function of `Studies` that returns tau2 in units of that class: a number for
one study set, (B,) for B sets side by side, or a `Tau2Estimate` where it can say whether it
converged. Written with the quantities of `Studies`, it serves `pool`, `pool_many`, `regress` and
`network`; what else it can do it declares, and each entry point, the review's configuration and
every error message offer what fits (`estimators_of`). A missing golden case fails a test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialpool.pooling.likelihood import Tau2Estimate, maximise
from trialpool.pooling.moments import covariance_by_moments
from trialpool.pooling.roots import solve_q
from trialpool.pooling.studies import Numbers, Studies, pick, total
from trialpool.results import NAN, Array, check_choice

Tau2Function = Callable[[Studies], Numbers | Tau2Estimate]
StandardError = Callable[[Studies, Numbers], Numbers]
Covariance = Callable[[Array, Array], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """An estimator of the variance between studies, and what it can do.

    `estimate` gives tau2 of studies about a mean or a regression, `se` its standard error of
    (studies, tau2), None if it has none. `needs_mean` says that it looks at the studies about a
    mean of their own, which a network has not. `likelihood` is what it makes greatest in a model
    with a likelihood of its own; "common" leaves no variance there. `covariance` gives the
    covariance (p, p) between trials of p coefficients from each trial's own, (k, p), and their
    sampling covariances (k, p, p).
    """

    name: str
    estimate: Tau2Function | None = None
    se: StandardError | None = None
    needs_mean: bool = False
    likelihood: Literal["", "common", "full", "restricted"] = ""
    covariance: Covariance | None = None


# What a kind of model asks of an estimator.
FITS: dict[str, Callable[[Estimator], bool]] = {
    "effects": lambda e: e.estimate is not None,
    "network": lambda e: e.estimate is not None and not e.needs_mean,
    "dose-response": lambda e: e.likelihood != "",
    "dose-response in two stages": lambda e: e.likelihood != "" or e.covariance is not None,
    "multilevel": lambda e: e.likelihood in ("restricted", "full"),
    "profile likelihood": lambda e: e.likelihood in ("restricted", "full"),
    "counts": lambda e: e.likelihood in ("common", "full"),
    "selection": lambda e: e.likelihood in ("common", "full"),
}

ESTIMATORS: dict[str, Estimator] = {}


def register(
    code: str,
    *,
    se: StandardError | None = None,
    name: str = "",
    needs_mean: bool = False,
    likelihood: Literal["", "common", "full", "restricted"] = "",
) -> Callable[[Tau2Function], Tau2Function]:
    """Put an estimator of tau2 into the registry under its code; `name` is what tables call it.

    The other arguments declare what it can do, see `Estimator`.
    """

    def add(estimate: Tau2Function) -> Tau2Function:
        ESTIMATORS[code] = Estimator(
            name=name or code,
            estimate=estimate,
            se=se,
            needs_mean=needs_mean,
            likelihood=likelihood,
        )
        return estimate

    return add


def estimators_of(model: str) -> tuple[str, ...]:
    """Codes of the estimators that fit a kind of model of `FITS`, in the order of registration."""
    return tuple(code for code, estimator in ESTIMATORS.items() if FITS[model](estimator))


def is_restricted(code: str) -> bool:
    """Whether the estimator of that code makes the restricted likelihood greatest."""
    return ESTIMATORS[code].likelihood == "restricted"


def check_estimator(option: str, code: object, model: str) -> None:
    """Raise unless an option names an estimator that fits the model; the error lists those."""
    check_choice(option, code, estimators_of(model))


def estimate_tau2(code: str, s: Studies) -> Tau2Estimate:
    """tau2 by the estimator of that code, 0 for a single study; NaN where it did not converge."""
    estimate = ESTIMATORS[code].estimate
    if estimate is None:
        raise ValueError(f"{code} gives no tau2 of single effects")
    top = estimate(s)
    if not isinstance(top, Tau2Estimate):
        top = Tau2Estimate(top, (s.zero + 1).astype(np.int64), np.isfinite(top))
    alone = s.df < 1
    converged = top.converged | alone
    tau2 = pick(alone, 0.0, pick(converged, top.tau2, NAN)) + s.zero
    return Tau2Estimate(tau2, top.maxima, converged)


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


@register("EE", name="common effect", likelihood="common")
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


@register("SJ", se=_se_sj, name="Sidik-Jonkman", needs_mean=True)
def sidik_jonkman(s: Studies) -> Numbers:
    """Model-error estimator with the crude variance as its start (Sidik & Jonkman 2005).

    Positive unless all effects are equal, where it is 0.
    """
    crude = s.crude_variance
    return crude * s.q(crude) / s.df


@register("ML", se=_se_ml, likelihood="full")
def maximum_likelihood(s: Studies) -> Tau2Estimate:
    """Global maximum of the profile likelihood (Hardy & Thompson 1996)."""
    return maximise(s, restricted=False)


@register("REML", se=_se_reml, likelihood="restricted")
def restricted_maximum_likelihood(s: Studies) -> Tau2Estimate:
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


ESTIMATORS["MM"] = Estimator(name="moments", covariance=covariance_by_moments)
