"""Generalised linear mixed models: normal effects of studies, exact distributions of counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialpool.pooling.counts import models
from trialpool.pooling.counts.columns import as_columns, reject
from trialpool.pooling.counts.marginal import Rule, adaptive, exact
from trialpool.pooling.counts.models import EFFECT, TAU, GlmmProblem
from trialpool.pooling.counts.newton import Maximum, fit_model
from trialpool.pooling.counts.result import finish
from trialpool.pooling.inference import (
    check_level,
    chi_squared,
    half_width,
    likelihood_ratio,
    p_value,
)
from trialpool.pooling.tau2 import estimators_of
from trialpool.results import NAN, Array, PooledCounts, TrialpoolError
from trialpool.same_rows import same_rows

MODELS = {"OR": ("UM.FS", "UM.RS", "CM.EL", "CM.AL"), "IRR": ("UM.FS", "UM.RS", "CM.EL")}
TESTS = ("z", "t")

_COMMON = "common-effect model"
# A variance below this share of the studies' typical one leaves no mark on the likelihood.
_ZERO = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class GlmmOptions:
    """How a GLMM is fitted; `check_options` makes them. `model` is "" for single arms."""

    model: str
    tau2: str
    test: str
    level: float
    rule: Rule

    @property
    def random(self) -> bool:
        return self.tau2 != "EE"


def check_options(
    measure: str,
    model: str | None,
    tau2: str | None,
    test: str,
    level: float,
    quadrature_points: int | None,
) -> GlmmOptions:
    """The options with their defaults and the rule of integration; raises on an unknown one."""
    known = MODELS.get(measure, ("",))
    model, tau2 = known[0] if model is None else model, tau2 or "ML"
    for name, value, allowed in (
        ("model", model, known),
        ("tau2", tau2, estimators_of("counts")),
        ("test", test, TESTS),
    ):
        if value not in allowed:
            raise TrialpoolError(
                f"{name} = {value!r}: a GLMM of {measure} knows {', '.join(allowed)}"
            )
    check_level(level)
    points = quadrature_points
    if points is not None and points not in range(1, 101):
        raise TrialpoolError(
            f"quadrature_points = {points!r}: must be a whole number from 1 (Laplace) to 100, "
            "or None for as many as it takes"
        )
    rule = exact if points is None else adaptive(int(points))
    return GlmmOptions(model=model, tau2=tau2, test=test, level=level, rule=rule)


@same_rows
def pool_one_arm(
    xi: ArrayLike,
    *,
    ni: ArrayLike | None = None,
    ti: ArrayLike | None = None,
    tau2: str = "ML",
    test: str = "z",
    level: float = 0.95,
    quadrature_points: int | None = None,
) -> PooledCounts:
    """Proportion or incidence rate of k single arms, by a binomial or Poisson model.

    Parameters
    ----------
    xi : (k,) events
    ni, ti
        (k,) participants, for the log odds ("PLO"), or person-time, for the log rate ("IRLN");
        one of the two
    tau2, test, level, quadrature_points : as for `pool_counts` with method "GLMM"

    Returns
    -------
    PooledCounts; `beta` is the mean of the studies' log odds or log rates

    Raises
    ------
    TrialpoolError
        neither or both of ni and ti; no study, different lengths, counts that are missing or
        negative, more events than participants, no person-time; an unknown option

    References
    ----------
    Hamza, van Houwelingen & Stijnen 2008, J Clin Epidemiol 61:41; Stijnen, Hamza & Ozdemir 2010,
    Stat Med 29:3046
    """
    if (ni is None) == (ti is None):
        raise TrialpoolError("give participants in ni, or person-time in ti: one of the two")
    name, size, measure = ("ni", ni, "PLO") if ti is None else ("ti", ti, "IRLN")
    options = check_options(measure, None, tau2, test, level, quadrature_points)
    x, n = as_columns({"xi": xi, name: np.asarray(size)})
    reject(x < 0, "xi", x, "a count cannot be negative")
    reject(n <= 0, name, n, f"an arm needs {'participants' if ti is None else 'person-time'}")
    if ti is None:
        reject(x > n, "xi", x, "more events than participants in ni")
    why = "" if x.any() else "no events in any study"
    if ti is None and (x == n).all():
        why = "events in every participant of all studies"
    if why:
        return nothing(len(x), len(x), measure, options, why)
    build = models.proportions if ti is None else models.incidences
    return fit(build(x, n), len(x), measure, options)


def fit(
    problem: GlmmProblem,
    given: int,
    measure: str,
    options: GlmmOptions,
    cautions: tuple[str, ...] = (),
) -> PooledCounts:
    """Fit one model to its studies, of `given` that were there."""
    k, rule = len(problem.start), options.rule
    top = common = _common(problem, rule)
    if options.random and k > 1 and not common.problem:
        top = _random(problem, common, rule)
    if top.problem:
        return nothing(k, given, measure, options, top.problem, converged=False)
    free = top.information.shape[0] + (k if problem.per_study is not None else 0)
    # At tau2 = 0 it is a parameter all the same, estimated at the end of its range.
    free += options.random and k > 1 and top is common
    saturated = problem.saturated(rule)
    lrt = likelihood_ratio(saturated.loglik, common.value, k - 1, saturated.reason)
    infinite = saturated.reason or "no study has a finite effect of its own"
    numbers = _numbers(problem, options, top, random=top is not common)
    return finish(
        _reasons(k, options, saturated.reason),
        "not computed for a GLMM",
        k=k,
        **numbers,
        pi_method="k-1" if math.isfinite(numbers["pi_lb"]) else "",
        q=lrt.stat,
        q_df=lrt.df,
        q_pval=lrt.pval,
        loglik=top.value,
        deviance=float(2 * np.maximum(0.0, saturated.loglik - top.value)),
        **_criteria(top.value, free, problem.rows),
        converged=True,
        measure=measure,
        method="GLMM",
        model=options.model,
        test=options.test,
        level=options.level,
        weights=np.full(given, NAN),
        tests={"lrt": lrt, "wald": chi_squared(saturated.wald, k - 1, infinite)},
        cautions=(*_few(k, options), *cautions),
    )


def _numbers(
    problem: GlmmProblem, options: GlmmOptions, top: Maximum, *, random: bool
) -> dict[str, float]:
    """Effect and variances at the maximum, `random` where tau is one of its parameters."""
    k = len(problem.start)
    covariance = np.linalg.inv(top.information)
    beta, se = float(top.phi[0, EFFECT]), math.sqrt(covariance[0, 0])
    t2, se_t2 = 0.0, NAN
    if random:
        t2 = float(top.phi[0, TAU]) ** 2
        se_t2 = 2 * math.sqrt(t2 * covariance[TAU, TAU])
    sigma2 = float(top.phi[0, -1]) ** 2 if options.model == "UM.RS" else NAN
    if sigma2 <= _negligible(problem):
        sigma2 = 0.0
    i2, h2 = _heterogeneity(t2, problem.effects.vi) if k > 1 else (NAN, NAN)
    ddf = float(k - 1) if options.test == "t" and k > 1 else NAN
    half = float(half_width(options.level, ddf)) * se
    pi_half = NAN
    if options.random and k > 2:
        pi_half = float(half_width(options.level, k - 1)) * math.sqrt(t2 + se**2)
    return {
        "beta": beta,
        "se": se,
        "zval": beta / se,
        "ddf": ddf,
        "pval": float(p_value(beta / se, ddf)),
        "ci_lb": beta - half,
        "ci_ub": beta + half,
        "pi_lb": beta - pi_half,
        "pi_ub": beta + pi_half,
        "tau2": NAN if options.random and k < 2 else t2,
        "se_tau2": se_t2,
        "sigma2": sigma2,
        "i2": i2,
        "h2": h2,
    }


def _reasons(k: int, options: GlmmOptions, no_saturated: str) -> dict[str, str]:
    """Why a number may be NaN."""
    out = {
        "i2_q": "a GLMM has no inverse-variance Q",
        "weights": "a GLMM gives studies no weights",
        "sigma2": "no random study levels in this model",
        "ddf": "z test: normal distribution" if options.test == "z" else "k < 2",
        "aicc": "too few observations for so many parameters",
        "se_tau2": "tau2 is 0, the end of its range",
        **dict.fromkeys(("deviance", "q", "q_pval"), no_saturated),
    }
    if not options.random:
        out |= dict.fromkeys(("pi_lb", "pi_ub", "se_tau2"), _COMMON)
    elif k < 3:
        out |= dict.fromkeys(("pi_lb", "pi_ub"), "k < 3")
    if k < 2:
        out |= dict.fromkeys(("tau2", "se_tau2", "i2", "h2"), "k < 2")
    return out


def _few(k: int, options: GlmmOptions) -> tuple[str, ...]:
    if k < 2:
        return ("k = 1: the study itself; nothing was pooled.",)
    if k == 2 and options.random:
        return ("k = 2: tau2 cannot be estimated usefully from two studies.",)
    return ()


def nothing(
    k: int, given: int, measure: str, options: GlmmOptions, why: str, *, converged: bool = True
) -> PooledCounts:
    """A result without an estimate, and why there is none.

    `converged` says whether that follows from the data or the fit has failed.
    """
    df = max(0, k - 1)
    none = chi_squared(NAN, df, why)
    return finish(
        {"sigma2": why if options.model == "UM.RS" else "no random study levels in this model"},
        why,
        k=k,
        q_df=df,
        converged=converged,
        measure=measure,
        method="GLMM",
        model=options.model,
        test=options.test,
        level=options.level,
        weights=np.full(given, NAN),
        tests={"lrt": none, "wald": none},
    )


def _common(problem: GlmmProblem, rule: Rule) -> Maximum:
    """The model without random effects of the treatment."""
    per_study = None if problem.per_study is None else problem.per_study - 1
    start = np.delete(problem.start, TAU, axis=1)
    return fit_model(problem.model.without(TAU), start, per_study, rule)


def _random(problem: GlmmProblem, common: Maximum, rule: Rule) -> Maximum:
    """The global maximum over tau: `common` itself where tau is 0."""
    # The likelihood may have two peaks; one start from each side of where they would be.
    spread = problem.start[0, TAU]
    starts = [np.insert(common.phi, TAU, tau, axis=1) for tau in (spread, 1 + 2 * spread)]
    peaks = [fit_model(problem.model, start, problem.per_study, exact) for start in starts]
    top = max(peaks, key=lambda m: m.value)
    good = [m for m in peaks if not m.problem]
    if top.problem and good and top.value <= common.value:
        top = max(good, key=lambda m: m.value)
    if top.problem:
        return top
    if rule is not exact:
        top = fit_model(problem.model, top.phi, problem.per_study, rule)
    tiny = top.phi[0, TAU] ** 2 <= _negligible(problem)
    return common if not top.problem and (tiny or top.value <= common.value) else top


def _negligible(problem: GlmmProblem) -> float:
    return _ZERO * float(np.median(problem.effects.vi))


def _heterogeneity(t2: float, vi: Array) -> tuple[float, float]:
    """I2 in percent and H2, from tau2 and the typical variance of Higgins & Thompson 2002."""
    w = 1 / vi
    typical = (len(w) - 1) / float(w.sum() - (w**2).sum() / w.sum())
    return 100 * t2 / (t2 + typical), 1 + t2 / typical


def _criteria(loglik: float, free: int, rows: int) -> dict[str, float]:
    left = rows - free - 1
    aic = -2 * loglik + 2 * free
    return {
        "aic": aic,
        "bic": -2 * loglik + free * math.log(rows),
        "aicc": aic + 2 * free * (free + 1) / left if left > 0 else NAN,
    }
