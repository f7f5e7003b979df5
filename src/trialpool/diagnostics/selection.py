"""Selection models: a pooled effect that allows for studies missing because of their p value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from trialpool.diagnostics.selection_search import (
    KINDS,
    MAX_DELTA,
    SelectionProblem,
    Top,
    maximise,
    set_up,
)
from trialpool.pooling.inference import check_level, half_width, likelihood_ratio, p_value
from trialpool.pooling.inputs import as_numbers, as_studies
from trialpool.pooling.model import pool
from trialpool.pooling.tau2 import check_estimator
from trialpool.results import NAN, Array, ChiSquared, TrialpoolError, check_choice
from trialpool.same_rows import same_rows

ALTERNATIVES = ("greater", "less", "two.sided")
_MIN_K = 10  # below it a selection model is a guess (Pustejovsky & Rodgers 2019)
_NONE = 1e-9  # expected studies
_IMPRECISE = 3  # times the median standard error: such a study says nothing of what is far off


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionModel:
    """A pooled effect under selection, on the scale of `yi`, and the parameters of selection.

    `delta` (d,) has one value per interval of p for `kind` "step", the first fixed at 1; `counts`
    says how many studies each interval holds. `selection` is the likelihood-ratio test of no
    selection. `doubt` says why the highest point is no estimate, although it is there (a weight at
    the end of its range, a mean or tau that runs away, a flat likelihood); blank where it is one,
    and else among the `cautions`. `reasons` maps a NaN field, or "delta[1]" for one element, to
    why it is NaN.
    """

    k: int
    beta: float
    se: float
    zval: float
    pval: float
    ci_lb: float
    ci_ub: float
    tau2: float
    se_tau2: float
    delta: Array
    se_delta: Array
    delta_ci_lb: Array
    delta_ci_ub: Array
    loglik: float
    selection: ChiSquared
    converged: bool
    kind: str
    alternative: str
    method: str
    level: float
    steps: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()
    doubt: str = ""


@same_rows
def selection_model(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    kind: str = "step",
    steps: Sequence[float] = (0.025,),
    alternative: str = "greater",
    tau2: str = "ML",
    level: float = 0.95,
) -> SelectionModel:
    """Pooled effect by maximum likelihood where the chance of being seen depends on p.

    Parameters
    ----------
    yi, vi : (k,) effects and sampling variances, vi > 0
    kind
        relative chance w(p) of a study to be seen: "step" constant between `steps`; "beta"
        p^(d1 - 1) (1 - p)^(d2 - 1); "halfnorm" exp(-d p^2); "negexp" exp(-d p); "logistic"
        2/(1 + exp(d p)); "power" (1 - p)^d. For beta and power p is censored at 1e-5 and 1 - 1e-5
    steps : increasing cut points of p between 0 and 1, for "step" only
    alternative
        p of which test: "greater" and "less" are one-sided and say which effects are favoured,
        "two.sided" favours large effects of either sign
    tau2 : "ML", or "EE" for a model without heterogeneity
    level : of every interval, between 0 and 1

    Returns
    -------
    SelectionModel. Standard errors come from the second derivatives of the log likelihood in
    closed form, at what is not at its bound: tau2 and delta >= 0 and delta <= 100. Intervals are
    Wald's; that of delta does not go below 0. An interval of p without a study is a caution:
    its delta is 0 (NaN where the model expects none there either), or 100 for the others where
    the first is empty. With fewer studies than parameters, or where the likelihood rises without
    end, all is NaN, with the reason

    Raises
    ------
    TrialpoolError
        as for `pool`; an unknown kind, alternative or tau2; steps that do not increase between
        0 and 1

    References
    ----------
    Vevea & Hedges 1995, Psychometrika 60:419 (step); Citkowicz & Vevea 2017, Psychol Methods
    22:28 (beta, censoring); Preston, Ashby & Smyth 2004, J Eval Clin Pract 10:313 (half-normal,
    exponential, logistic)
    """
    check_choice("kind", kind, KINDS)
    check_choice("alternative", alternative, ALTERNATIVES)
    check_estimator("tau2", tau2, "selection")
    check_level(level)
    cuts = _cuts(steps) if kind == "step" else np.empty(0)
    y, v = as_studies(yi, vi)
    with np.errstate(all="ignore"):
        problem, counts, delta = set_up(y, v, kind, cuts, alternative, random=tau2 != "EE")
        top, why = None, ""
        parameters = 1 + problem.random + len(problem.names)
        if len(y) < parameters:
            why = f"k = {len(y)}: fewer studies than the {parameters} parameters"
        else:
            top = maximise(problem)
            if not top.converged:
                top, why = None, "no maximum was found: the likelihood rises without end"
        baseline = float(pool(y, v, tau2=tau2, test="z").loglik)
        estimate = _estimate(problem, top, why, delta, counts)
        doubt = "" if top is None else _doubt(problem, estimate, counts)
        cautions = _cautions(len(y), estimate.delta, counts, cuts)
        return SelectionModel(
            k=len(y),
            **_numbers(problem, estimate, level),
            selection=_test(estimate, baseline, len(delta) - bool(counts)),
            converged=top is not None,
            kind=kind,
            alternative=alternative,
            method=tau2,
            level=level,
            steps=tuple(float(x) for x in cuts),
            counts=counts,
            reasons=estimate.reasons,
            cautions=(*cautions, *([doubt] if doubt else [])),
            doubt=doubt,
        )


def _cuts(steps: Sequence[float]) -> Array:
    cuts = np.atleast_1d(as_numbers("steps", steps))
    inner = cuts[:-1] if cuts.size > 1 and cuts[-1] == 1 else cuts
    if inner.ndim != 1 or not inner.size or not (np.diff([0.0, *inner, 1.0]) > 0).all():
        raise TrialpoolError(
            f"steps = {steps!r}: must increase and lie between 0 and 1, such as (0.025, 0.5)"
        )
    return inner


class _Estimate(NamedTuple):
    """Mean, tau2 and free weights in units of the problem with their SEs, and all weights."""

    theta: Array
    se: Array
    delta: Array
    se_delta: Array
    loglik: float
    reasons: dict[str, str]


def _estimate(
    p: SelectionProblem, top: Top | None, missing: str, delta: Array, counts: tuple[int, ...]
) -> _Estimate:
    """What the maximum says, with what is undefined and why; `missing` where there is none."""
    places = list(p.names)
    reasons: dict[str, str] = {}
    theta, se = np.full(2 + len(places), NAN), np.full(2 + len(places), NAN)
    loglik = NAN
    if top is None:
        delta = np.full(len(delta), NAN)
        reasons = dict.fromkeys(("beta", "se", "tau2", "se_tau2", "delta", "loglik"), missing)
    else:
        theta, loglik = top.theta, top.value - len(p.y) * np.log(abs(p.unit))
        se, why = _standard_errors(top, p)
        reasons |= why
        delta[places] = theta[2:]
        reasons |= _undetermined(p, theta, delta)
    se_delta = np.full(len(delta), NAN)
    se_delta[places] = se[2:]
    reasons |= _without_se(delta, p, counts, top)
    return _Estimate(theta, se, delta, se_delta, loglik, reasons)


def _numbers(p: SelectionProblem, e: _Estimate, level: float) -> dict[str, Any]:
    """Back on the scale of the effects, by the names of `SelectionModel`."""
    beta, se = p.unit * e.theta[0], abs(p.unit) * e.se[0]
    wide = half_width(level, NAN)
    return {
        "beta": float(beta),
        "se": float(se),
        "zval": float(beta / se),
        "pval": float(p_value(beta / se, NAN)),
        "ci_lb": float(beta - wide * se),
        "ci_ub": float(beta + wide * se),
        "tau2": float(p.unit**2 * e.theta[1]),
        "se_tau2": float(p.unit**2 * e.se[1]),
        "delta": e.delta,
        "se_delta": e.se_delta,
        "delta_ci_lb": np.maximum(0.0, e.delta - wide * e.se_delta),
        "delta_ci_ub": e.delta + wide * e.se_delta,
        "loglik": float(e.loglik),
    }


def _test(e: _Estimate, baseline: float, df: int) -> ChiSquared:
    """Likelihood ratio against the model without selection."""
    return likelihood_ratio(e.loglik, baseline, df, e.reasons.get("loglik", ""))


def _standard_errors(top: Top, p: SelectionProblem) -> tuple[Array, dict[str, str]]:
    """From the information of what is not at its lower bound; reasons of what has none."""
    # The upper bound of delta is the end of the search, not of what delta can be.
    fixed = top.at_bound & (top.theta <= p.least * (1 + 1e-9))
    fixed[0], fixed[1] = False, top.at_bound[1]
    reasons = {}
    if fixed[1]:
        reasons["se_tau2"] = "tau2 = 0, at its bound" if p.random else "common-effect model"
    se, free = np.full(len(fixed), NAN), ~fixed
    information = -top.hessian[np.ix_(free, free)]
    if np.isfinite(information).all() and (np.linalg.eigvalsh(information) > 0).all():
        se[free] = np.sqrt(np.diag(np.linalg.inv(information)))
    else:
        flat = "the likelihood has no peak: the data do not determine all parameters"
        reasons |= dict.fromkeys(("se", "se_delta"), flat) | {"se_tau2": flat} | reasons
    return se, reasons


def _undetermined(p: SelectionProblem, theta: Array, delta: Array) -> dict[str, str]:
    """Blank the weights of intervals where no study is and none is expected."""
    if p.every is None:
        return {}
    moments, _ = p.every.integrals(float(theta[0]), p.v + theta[1], np.ones(len(delta) - 1))
    expected = (moments[0, :, 1 : len(delta)] / moments[0, :, :1]).sum(axis=0)
    blank = [int(j) for j in 1 + np.flatnonzero(expected < _NONE) if j not in p.names]
    delta[blank] = NAN
    return {f"delta[{j}]": "no study has its p value here, nor is any expected" for j in blank}


def _without_se(
    delta: Array, p: SelectionProblem, counts: tuple[int, ...], top: Top | None
) -> dict[str, str]:
    """Why single elements of delta have no standard error."""
    out = {}
    if counts and top is not None:
        out["se_delta[0]"] = "fixed at 1: the others are relative to it"
        empty = "no study has its p value in this interval"
        out |= {f"se_delta[{j}]": empty for j, n in enumerate(counts) if j and not n}
    if top is not None:
        at_bound = f"at its bound, {p.least:g}"
        out |= {f"se_delta[{j}]": at_bound for j in p.names if delta[j] <= p.least * (1 + 1e-9)}
    return out


def _doubt(p: SelectionProblem, e: _Estimate, counts: tuple[int, ...]) -> str:
    """Why the highest point is no estimate; blank where it is one.

    At the end of the range of a weight the maximum is where the search stops, not where the data
    say. A mean farther outside of all trials' 95 % intervals than half of what these span, or a
    tau that is wider than that, is of trials that nobody has seen: the model has put nearly all
    of its weight there. With a standard error as wide, nothing was found out. The intervals are
    those of trials with up to three times the median standard error: one that is wider would let
    any mean pass.
    """
    reach = 2 * np.sqrt(p.v)
    seen = reach <= _IMPRECISE * np.median(reach)
    low, high = float((p.y - reach)[seen].min()), float((p.y + reach)[seen].max())
    span = high - low
    free = e.theta[2:]
    if (free >= MAX_DELTA * (1 - 1e-9)).any() or (p.least > 0 and (free <= p.least * 1.001).any()):
        return "no estimate: a weight is at the end of its range, and the likelihood rises beyond"
    if 0 in counts:
        return "no estimate: the weight of an interval of p without a study is at its bound"
    if not low - span / 2 <= e.theta[0] <= high + span / 2 or np.sqrt(e.theta[1]) > span:
        return "no estimate: the model runs away, far outside of every trial's interval"
    if not e.se[0] <= span:
        return "no estimate: the likelihood is flat, and the data do not determine the mean"
    return ""


def _cautions(k: int, delta: Array, counts: tuple[int, ...], cuts: Array) -> list[str]:
    """What a reader should know before trusting the model."""
    out = []
    if k < _MIN_K:
        out.append(f"k = {k}: a selection model of fewer than {_MIN_K} studies is a guess")
    edges = [0.0, *cuts, 1.0]
    for j, n in enumerate(counts):
        if n == 0:
            out.append(
                f"no study has p between {edges[j]:g} and {edges[j + 1]:g}: the weights drift to"
                " their bounds; join intervals"
            )
    if (delta >= MAX_DELTA * (1 - 1e-9)).any():
        out.append(f"a weight is at {MAX_DELTA:g}, the end of the search: it has no maximum below")
    return out
