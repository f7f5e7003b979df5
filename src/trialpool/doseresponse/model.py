"""Dose-response meta-analysis in one stage or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from trialpool.doseresponse.curves import Shape, shape
from trialpool.doseresponse.likelihood import CurveFit, Mixed, TrialBlock
from trialpool.doseresponse.trials import DoseTrial
from trialpool.pooling.inference import (
    TESTS,
    check_level,
    chi2_tail,
    half_width,
    i_squared,
    knapp_hartung,
    p_value,
)
from trialpool.pooling.tau2 import ESTIMATORS, check_estimator, is_restricted
from trialpool.results import NAN, Array, ChiSquared, TrialpoolError, check_choice

FEW = 5  # trials, below which the covariance between trials is hardly known


class Curve(NamedTuple):
    """The curve at doses (n,): difference from the reference dose, with its intervals.

    `pi_lb`, `pi_ub` are for a new trial's curve; NaN for a common-effect model.
    """

    dose: Array
    pred: Array
    se: Array
    ci_lb: Array
    ci_ub: Array
    pi_lb: Array
    pi_ub: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseResponse:
    """A dose-response curve pooled over `k` trials with `n` contrasts.

    `beta`, `se`, `zval`, `pval`, `ci_lb`, `ci_ub` have shape (p,); `vcov`, `psi` (p, p). `slopes`
    and `slope_covariances` are each trial's own coefficients, in two stages only; `q_each` their
    Q one by one. `dropped` maps the name of a trial to why it is not in the fit. `nonlinear` tests
    all terms but the first.
    """

    k: int
    n: int
    shape: Shape
    beta: Array
    vcov: Array
    se: Array
    zval: Array
    pval: Array
    ci_lb: Array
    ci_ub: Array
    ddf: float
    psi: Array
    loglik: float
    q: float
    q_df: int
    q_pval: float
    q_each: Array
    i2: float
    nonlinear: ChiSquared
    slopes: Array
    slope_covariances: Array
    trials: tuple[str, ...]
    stages: int
    method: str
    test: str
    level: float
    dropped: dict[str, str] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()

    def predict(self, dose: ArrayLike, reference: float = 0.0) -> Curve:
        """The curve at any doses, as the difference from the reference dose.

        Parameters
        ----------
        dose : (n,) in the units of the trials
        reference : dose at which the difference is 0
        """
        x = np.atleast_1d(np.asarray(dose, dtype=np.float64))
        terms = self.shape.basis(x) - self.shape.basis([reference])
        pred = terms @ self.beta
        wide = half_width(self.level, self.ddf)
        variance = np.einsum("ij,jk,ik->i", terms, self.vcov, terms)
        whole = np.einsum("ij,jk,ik->i", terms, self.vcov + self.psi, terms)
        se, spread = np.sqrt(variance), np.sqrt(whole)
        if self.method == "EE":
            spread = np.full(x.shape, NAN)
        ends = (pred - wide * se, pred + wide * se, pred - wide * spread, pred + wide * spread)
        return Curve(x, pred, se, *ends)


def dose_response(
    trials: Sequence[DoseTrial],
    *,
    shape_name: str = "linear",
    knots: Sequence[float] | None = None,
    percentiles: Sequence[float] | None = None,
    stages: int = 1,
    method: str = "REML",
    test: str = "z",
    level: float = 0.95,
) -> DoseResponse:
    """Pool the dose-response curves of trials.

    Parameters
    ----------
    trials : from `from_ratios`, `from_means` or `from_counts`
    shape_name, knots, percentiles : see `curves.shape`
    stages
        1: all contrasts in one model, so that a trial with few levels counts; 2: a curve per
        trial, then a multivariate mean. Alike where every trial has enough levels
    method
        between-trial covariance: "EE" (none), "ML", "REML", or "MM" (moments, two stages only)
    test
        "z"; "t"; "knha" and "hksj" widen by the generalised Q per degree of freedom and use t (of
        one coefficient in two stages this is Hartung and Knapp's method)
    level : of intervals

    Raises
    ------
    TrialpoolError
        for an unknown option; for trials that cannot tell the coefficients apart

    References
    ----------
    Orsini, Bellocco & Greenland 2006, Stata J 6:40; Gasparrini, Armstrong & Kenward 2012, Stat
    Med 31:3821; Crippa et al. 2019, Stat Methods Med Res 28:1579 (one stage); Jackson & Riley
    2014, Stat Med 33:4203 (test)
    """
    check_choice("stages", stages, (1, 2))
    check_estimator("method", method, "dose-response" + " in two stages" * (stages == 2))
    check_choice("test", test, TESTS)
    check_level(level)
    if not trials:
        raise TrialpoolError("there is no trial. Give at least one")
    doses = np.concatenate([np.append(t.reference, t.dose) for t in trials])
    form = shape(shape_name, doses, knots, percentiles)
    blocks, used, dropped = _blocks(trials, form, stages)
    _check_rank(blocks, form, dropped)
    mixed = Mixed(blocks)
    common = mixed.fit(np.zeros((form.p, form.p)), restricted=False)
    method, cautions = _feasible(method, len(blocks))
    psi = _between(mixed, blocks, method)
    fit = mixed.fit(psi, restricted=is_restricted(method))
    df = mixed.n - form.p
    slopes, spreads = np.empty((0, form.p)), np.empty((0, form.p, form.p))
    if stages == 2:
        slopes, spreads = np.array([b.y for b in blocks]), np.array([b.S for b in blocks])
    return DoseResponse(
        k=len(blocks),
        n=mixed.n,
        shape=form,
        **_coefficients(fit, df, test, level),
        psi=psi,
        loglik=fit.loglik if ESTIMATORS[method].likelihood else NAN,
        q=common.rss,
        q_df=df,
        q_pval=float(chi2_tail(common.rss, df)),
        q_each=_q_each(slopes, spreads, common.beta),
        i2=float(i_squared(common.rss, df)),
        slopes=slopes,
        slope_covariances=spreads,
        trials=tuple(used),
        stages=stages,
        method=method,
        test=test,
        level=level,
        dropped=dropped,
        cautions=cautions,
    )


def _coefficients(fit: CurveFit, df: int, test: str, level: float) -> dict[str, Any]:
    """Coefficients with their intervals and tests, by the names of `DoseResponse`."""
    factor = float(knapp_hartung(fit.rss / df, test)) if df else 1.0
    beta, vcov, ddf = fit.beta, fit.vcov * factor, NAN if test == "z" else float(df)
    se, wide = np.sqrt(np.diag(vcov)), half_width(level, ddf)
    return {
        "beta": beta,
        "vcov": vcov,
        "se": se,
        "zval": beta / se,
        "pval": np.asarray(p_value(beta / se, np.full(len(beta), ddf))),
        "ci_lb": beta - wide * se,
        "ci_ub": beta + wide * se,
        "ddf": ddf,
        "nonlinear": _nonlinear(beta, vcov),
    }


def _blocks(
    trials: Sequence[DoseTrial], form: Shape, stages: int
) -> tuple[list[TrialBlock], list[str], dict[str, str]]:
    """What enters the fit; in two stages each trial's own coefficients, if it has them."""
    blocks, used, dropped = [], [], {}
    for trial in trials:
        x = form.basis(trial.dose) - form.basis([trial.reference])
        block = TrialBlock(trial.yi, x, trial.V)
        if stages == 2:
            if _rank(x) < form.p:
                levels = len(set(trial.dose) - {trial.reference})
                dropped[trial.name] = (
                    f"{levels} dose {'level' if levels == 1 else 'levels'} beside the reference, "
                    f"fewer than needed for {form.p} coefficients"
                )
                continue
            weighted = np.linalg.solve(trial.V, x).T
            s = np.linalg.inv(weighted @ x)
            block = TrialBlock(s @ weighted @ trial.yi, np.eye(form.p), (s + s.T) / 2)
        blocks.append(block)
        used.append(trial.name)
    return blocks, used, dropped


def _rank(x: Array) -> int:
    size = np.linalg.norm(x, axis=0)
    return int(np.linalg.matrix_rank(x / np.where(size > 0, size, 1.0)))


def _check_rank(blocks: list[TrialBlock], form: Shape, dropped: dict[str, str]) -> None:
    if blocks and _rank(np.concatenate([b.X for b in blocks])) == form.p:
        return
    reasons = "".join(f"; {name}: {why}" for name, why in dropped.items())
    raise TrialpoolError(
        f"shape = {form.name}: the trials have too few dose levels for {form.p} "
        f"coefficient{'s' if form.p > 1 else ''}. Use a simpler curve or one stage{reasons}"
    )


def _feasible(method: str, k: int) -> tuple[str, tuple[str, ...]]:
    """The method that this many trials allow, and what a reader should know."""
    if method == "EE":
        return method, ()
    if k == 1:
        return "EE", ("one trial: heterogeneity is not estimable, its own curve is shown",)
    if k < FEW:
        return method, (f"{k} trials: the heterogeneity between them is hardly known",)
    return method, ()


def _between(mixed: Mixed, blocks: list[TrialBlock], method: str) -> Array:
    if method == "EE":
        return np.zeros((mixed.p, mixed.p))
    estimator = ESTIMATORS[method]
    if estimator.likelihood or estimator.covariance is None:
        return mixed.maximum(restricted=is_restricted(method))
    return estimator.covariance(np.array([b.y for b in blocks]), np.array([b.S for b in blocks]))


def _q_each(slopes: Array, covariances: Array, beta: Array) -> Array:
    """Q of each coefficient about the common-effect curve; empty in one stage."""
    if not len(slopes):
        return np.empty(0)
    return np.asarray(((slopes - beta) ** 2 / np.einsum("ijj->ij", covariances)).sum(axis=0))


def _nonlinear(beta: Array, vcov: Array) -> ChiSquared:
    """Wald test of all terms but the first."""
    df = len(beta) - 1
    if df == 0:
        return ChiSquared(stat=NAN, df=0, pval=NAN, reason="the curve is linear")
    stat = float(beta[1:] @ np.linalg.solve(vcov[1:, 1:], beta[1:]))
    return ChiSquared(stat=stat, df=df, pval=float(chi2_tail(stat, df)))
