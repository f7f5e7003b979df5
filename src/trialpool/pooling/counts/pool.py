"""Pooled effects straight from counts, made for rare events: Mantel-Haenszel, Peto, GLMM."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.effects.binary import one_sided
from trialpool.pooling.counts import glmm, models
from trialpool.pooling.counts.columns import as_rates, as_tables, no_odds_ratio, no_rate_ratio
from trialpool.pooling.counts.families import support
from trialpool.pooling.counts.mantel_haenszel import RATES, TABLES, Closed
from trialpool.pooling.counts.result import finish
from trialpool.pooling.counts.stratified import association_tests, homogeneity_tests, rate_tests
from trialpool.pooling.inference import check_level, chi2_tail, half_width, i_squared, p_value
from trialpool.pooling.model import PI_DF, TAU2_FIELDS
from trialpool.results import NAN, Array, ChiSquared, PooledCounts, TrialpoolError, check_choice
from trialpool.same_rows import same_rows

_COMMON = "common-effect model"
RANDOM = "MH-DL"
_NO_ESTIMATE = ("beta", "se", "zval", "pval", "ci_lb", "ci_ub", "q", "q_pval", "i2_q", "h2")
_OF_RANDOM = ("tau2", "se_tau2", *TAU2_FIELDS, "i2", "pi_lb", "pi_ub")
_LIKELIHOOD = ("loglik", "deviance", "aic", "bic", "aicc")
# Above this share of events the binomial approximation of CM.AL is no longer close.
_RARE = 0.1


@same_rows
def pool_counts(
    ai: ArrayLike,
    n1i: ArrayLike,
    ci: ArrayLike,
    n2i: ArrayLike,
    *,
    measure: str = "OR",
    method: str = "MH",
    model: str | None = None,
    tau2: str | None = None,
    test: str = "z",
    level: float = 0.95,
    drop00: bool = True,
    quadrature_points: int | None = None,
    pi: str | None = None,
    variance: str | None = None,
    corrects: str | None = None,
) -> PooledCounts:
    """Pooled effect of k two-by-two tables, without correcting zero cells.

    Parameters
    ----------
    ai, n1i, ci, n2i : (k,) events and totals of arm 1 and arm 2
    measure : "OR", "RR" (both on the log scale) or "RD"; Peto and GLMM know OR only
    method
        "MH" Mantel-Haenszel and "Peto", for a common effect; for random effects "MH-DL", as RevMan
        has it (tau2 by DerSimonian-Laird with Q about the Mantel-Haenszel mean, weights by inverse
        variance), and "GLMM", a generalised linear mixed model
    model
        of a GLMM: "UM.FS" (default) binomial, study levels free; "UM.RS" binomial, study levels
        normal; "CM.EL" conditional on the events of each study, so that its level drops out
        (noncentral hypergeometric; whole numbers only); "CM.AL" its binomial approximation for
        rare events
    tau2 : of a GLMM: "ML" (default) random effects, or "EE" the common effect
    test : "z"; for a GLMM also "t", with k - 1 degrees of freedom
    level : of the intervals, between 0 and 1
    drop00
        leave out studies without events, or with events in everyone, in both arms. They matter to
        UM.RS only, where they still tell of the spread of levels; to all else they add nothing
    quadrature_points
        of a GLMM: None integrates until the log likelihood is exact to about 1e-10; a number is
        that of the adaptive Gauss-Hermite rule per random effect (1 is Laplace), as other
        programs have it
    pi : of MH-DL: degrees of freedom of the prediction interval, as for `pool`; "k-1" by default
    variance
        of MH RD: "Sato" (default, as metafor) or "Greenland-Robins", as RevMan, with which Q, too,
        is RevMan's: of all tables, also of those without any event
    corrects
        of MH RD: what 0.5 goes into in the study effects of Q, "variance" (default, as RevMan) or
        "both" (as metafor)

    Returns
    -------
    PooledCounts. `k` counts the studies that contribute: for OR those with events in some but not
    all participants, for RR those with any event, for RD all. What cannot be given is NaN with
    its reason: no ratio where no study informs it, or where it is infinite; no estimate where a
    GLMM did not converge (`converged` is then False)

    MH, Peto: `weights` (k given studies, summing to 1) are 0 for studies that say nothing. `q`
    sums inverse-variance squared distances from the estimate over the studies with a defined
    effect of their own (0.5 added where a cell is zero; for Peto the one-step effects). `tests`
    of MH OR: "cmh" and "cochran" (no effect; "_uncorrected" without continuity correction),
    "breslow_day" and "tarone" (same odds ratio)

    MH-DL: the same, where `weights` are those of the study effects, which take 0.5 where a cell is
    zero, and `q` is about the Mantel-Haenszel mean; `i2` is that of Q

    GLMM: `tests` has "lrt" and "wald" (same effect in all studies): the saturated model against
    the common-effect one. Studies with an infinite effect of their own add nothing to "wald".
    `q` is the likelihood ratio. Standard errors come from the observed information of all
    parameters. `i2` and `h2` compare tau2 with the typical variance of the log odds ratios

    Raises
    ------
    TrialpoolError
        no study, different lengths, counts that are missing, negative or above their total
        (column and index are named); unknown measure, method or option

    References
    ----------
    Mantel & Haenszel 1959, J Natl Cancer Inst 22:719; Robins, Breslow & Greenland 1986,
    Biometrics 42:311 (variance of OR); Greenland & Robins 1985, Biometrics 41:55 (RR); Sato,
    Greenland & Robins 1989, Biometrics 45:1323 (RD); Yusuf et al. 1985, Prog Cardiovasc Dis
    27:335 (Peto). GLMM: Turner et al. 2000, Stat Med 19:3417 (UM.FS, UM.RS); van Houwelingen,
    Zwinderman & Stijnen 1993, Stat Med 12:2273, and Stijnen, Hamza & Ozdemir 2010, Stat Med
    29:3046 (CM.EL, CM.AL); Jackson et al. 2018, Stat Med 37:1059 (a comparison). MH-DL: Deeks &
    Higgins 2010, Statistical algorithms in Review Manager 5
    """
    known = [*TABLES, ("GLMM", "OR")]
    _check_choice(method, measure, known, model, tau2, test, quadrature_points)
    of_random = _options_of(RANDOM, method == RANDOM, pi=(pi, tuple(PI_DF)))
    of_rd = _options_of(
        "MH RD",
        (method, measure) == ("MH", "RD"),
        variance=(variance, ("Sato", "Greenland-Robins")),
        corrects=(corrects, ("variance", "both")),
    )
    if method != "GLMM":
        check_level(level)
        columns = as_tables(ai, n1i, ci, n2i, whole=False)
        return _of_tables(columns, measure, method, level, of_rd, of_random)

    options = glmm.check_options(measure, model, tau2, test, level, quadrature_points)
    a, n1, c, n2 = as_tables(ai, n1i, ci, n2i, whole=options.model == "CM.EL")
    none, everyone = one_sided(a, n1, c, n2)
    used = ~(none | everyone)
    why = no_odds_ratio(a, n1, c, n2) if not used.any() else ""
    if options.model == "UM.RS" and not drop00:
        used = np.ones_like(used)
    given, (a, n1, c, n2) = len(a), (x[used] for x in (a, n1, c, n2))
    why = why or _infinite(options.model, a, n1, c, n2)
    if why:
        return glmm.nothing(len(a), given, measure, options, why)
    problem = models.tables(a, n1, c, n2, options.model)
    share = float(((a + c) / (n1 + n2)).max())
    cautions = (
        (
            f"CM.AL is meant for rare events: here up to {100 * share:.0f} % of a study's "
            "participants had one, which pulls the odds ratio towards 1. CM.EL is exact.",
        )
        if options.model == "CM.AL" and share > _RARE
        else ()
    )
    return glmm.fit(problem, given, measure, options, cautions)


@same_rows
def pool_rates(
    x1i: ArrayLike,
    t1i: ArrayLike,
    x2i: ArrayLike,
    t2i: ArrayLike,
    *,
    measure: str = "IRR",
    method: str = "MH",
    model: str | None = None,
    tau2: str | None = None,
    test: str = "z",
    level: float = 0.95,
    quadrature_points: int | None = None,
) -> PooledCounts:
    """Pooled incidence rate ratio or difference of k studies, from events and person-time.

    Parameters
    ----------
    x1i, t1i, x2i, t2i
        (k,) events and person-time of arm 1 and arm 2, the time in one unit throughout
    measure : "IRR" (on the log scale), or "IRD" in events per unit of time; GLMM knows IRR only
    method, model, tau2, test, level, quadrature_points
        as for `pool_counts`. UM.FS and UM.RS are Poisson models; CM.EL, conditional on the events
        of both arms, is binomial and exact, so that CM.AL is not needed

    Returns
    -------
    PooledCounts, as for `pool_counts`. `k` counts the studies with events for IRR, all for IRD.
    `tests` of MH IRR: "mh" and "mh_uncorrected" (equal rates)

    Raises
    ------
    TrialpoolError
        no study, different lengths, events that are missing or negative, person-time that is not
        above 0 (column and index are named); unknown measure, method or option

    References
    ----------
    Greenland & Robins 1985, Biometrics 41:55; Rothman, Greenland & Lash 2008, Modern
    Epidemiology, 3rd ed., ch. 15; Stijnen, Hamza & Ozdemir 2010, Stat Med 29:3046; Bagos &
    Nikolopoulos 2009, Int J Biostat 5(1)
    """
    known = [*RATES, ("GLMM", "IRR")]
    _check_choice(method, measure, known, model, tau2, test, quadrature_points)
    if method != "GLMM":
        check_level(level)
        x1, t1, x2, t2 = as_rates(x1i, t1i, x2i, t2i)
        closed = RATES[(method, measure)](x1, t1, x2, t2)
        informs = x1 + x2 > 0
        counts = informs if measure == "IRR" else np.ones_like(informs)
        tests = rate_tests(x1, t1, x2, t2) if measure == "IRR" else {}
        # Without events the difference is 0 and so is its variance: there is nothing to weigh.
        why = no_rate_ratio(x1, x2)
        return _closed_form(closed, counts, informs, why, measure, method, level, tests)

    options = glmm.check_options(measure, model, tau2, test, level, quadrature_points)
    x1, t1, x2, t2 = as_rates(x1i, t1i, x2i, t2i)
    used = x1 + x2 > 0
    given, (x1, t1, x2, t2) = len(x1), (x[used] for x in (x1, t1, x2, t2))
    if why := no_rate_ratio(x1, x2):
        return glmm.nothing(len(x1), given, measure, options, why)
    problem = models.rates(x1, t1, x2, t2, options.model)
    return glmm.fit(problem, given, measure, options)


def _check_choice(
    method: str,
    measure: str,
    known: list[tuple[str, str]],
    model: str | None,
    tau2: str | None,
    test: str,
    quadrature_points: int | None,
) -> None:
    if (method, measure) not in known:
        names = ", ".join(f"{m} {e}" for m, e in known)
        raise TrialpoolError(f"method {method!r} with measure {measure!r}: known are {names}")
    if method == "GLMM":
        return
    if test != "z":
        raise TrialpoolError(f"test = {test!r}: {method} has the z test only")
    given = {"model": model, "tau2": tau2, "quadrature_points": quadrature_points}
    for name, value in given.items():
        if value is not None:
            raise TrialpoolError(f"{name} = {value!r}: an option of method GLMM, not of {method}")


def _of_tables(
    columns: tuple[Array, Array, Array, Array],
    measure: str,
    method: str,
    level: float,
    of_rd: dict[str, str],
    of_random: dict[str, str],
) -> PooledCounts:
    """The closed form of two-by-two tables, with which of them say something, and its tests."""
    a, n1, c, n2 = columns
    none, everyone = one_sided(a, n1, c, n2)
    # A table with events in everyone has a risk ratio of 1, but no odds ratio; of differences it is
    # left out of Q alone, and not by RevMan.
    informs = ~none if measure == "RR" else ~(none | everyone)
    counts = np.ones_like(informs) if measure == "RD" else informs
    if of_rd.get("variance") == "Greenland-Robins":
        informs = counts
    closed = TABLES[(method, measure)](a, n1, c, n2, **of_rd)
    tests = {}
    if (method, measure) == ("MH", "OR"):
        tests = association_tests(a, n1, c, n2) | homogeneity_tests(a, n1, c, n2, closed.beta)
    why = no_odds_ratio(a, n1, c, n2)
    if method != RANDOM:
        return _closed_form(closed, counts, informs, why, measure, method, level, tests)
    known = np.isfinite(closed.yi)
    pooled = _closed_form(closed, known, known, why, measure, method, level, tests)
    return _random(pooled, closed.tau2, **of_random)


def _infinite(model: str, a: Array, n1: Array, c: Array, n2: Array) -> str:
    """Why the common odds ratio is 0 or infinite, or "" where it is neither."""
    if not a.any() or not c.any() or (a == n1).all() or (c == n2).all():
        return no_odds_ratio(a, n1, c, n2)
    if model == "UM.RS":
        return ""
    low, high = support(n1, n2, a + c)
    if (a == low).all() or (a == high).all():
        few, many = (1, 2) if (a == low).all() else (2, 1)
        return f"every study has no events in arm {few}, or events in everyone in arm {many}"
    return ""


def _closed_form(
    closed: Closed,
    contributes: NDArray[np.bool_],
    informs: NDArray[np.bool_],
    why: str,
    measure: str,
    method: str,
    level: float,
    tests: dict[str, ChiSquared],
) -> PooledCounts:
    """The result of a closed form, with Q over the studies that inform and have an effect."""
    reasons = {"ddf": "z test: normal distribution", "sigma2": _COMMON}
    reasons |= dict.fromkeys(_LIKELIHOOD, "not a likelihood method")
    beta, se = closed.beta, math.sqrt(closed.var) if closed.var > 0 else NAN
    if not (math.isfinite(beta) and math.isfinite(se)):
        beta = se = NAN
        reasons |= dict.fromkeys(_NO_ESTIMATE, why)
    zval, half = beta / se, float(half_width(level, NAN)) * se

    # Tables without any contrast say nothing on heterogeneity: left out of Q, for RD by default.
    used = informs & np.isfinite(closed.yi)
    df = max(0, int(used.sum()) - 1)
    q = NAN
    if math.isfinite(beta):
        centre = beta if closed.centre is None else closed.centre
        q = float(((closed.yi - centre) ** 2 / closed.vi)[used].sum())
        if df == 0:
            reasons |= dict.fromkeys(("i2_q", "h2"), "k < 2")
    total = float(closed.weight.sum())
    return finish(
        reasons,
        _COMMON,
        k=int(contributes.sum()),
        beta=beta,
        se=se,
        zval=zval,
        pval=float(p_value(zval, NAN)),
        ci_lb=beta - half,
        ci_ub=beta + half,
        i2_q=i_squared(q, df) if math.isfinite(q) and df else NAN,
        h2=q / df if df else NAN,
        q=q,
        q_df=df,
        q_pval=chi2_tail(q, df) if math.isfinite(q) else NAN,
        converged=True,
        measure=measure,
        method=method,
        test="z",
        level=level,
        weights=closed.weight / total if total > 0 else np.zeros_like(closed.weight),
        tests=tests,
    )


def _options_of(
    whose: str, here: bool, **given: tuple[str | None, tuple[str, ...]]
) -> dict[str, str]:
    """The options that were given, each checked by name; they belong to one method alone."""
    out = {name: value for name, (value, _) in given.items() if value is not None}
    for name, value in out.items():
        check_choice(name, value, given[name][1])
        if not here:
            raise TrialpoolError(f"{name} = {value!r}: an option of {whose} alone")
    return out


def _random(pooled: PooledCounts, tau2: float, pi: str = "k-1") -> PooledCounts:
    """The closed form of random effects with all that a common effect has not."""
    k, reasons = pooled.k, dict(pooled.reasons)
    if math.isnan(pooled.beta):
        why = reasons["beta"]
        return replace(pooled, reasons=reasons | dict.fromkeys(_OF_RANDOM, why))
    reasons |= {"se_tau2": "no formula", **dict.fromkeys(TAU2_FIELDS, "no formula")}
    reasons |= {"sigma2": "no GLMM", **dict.fromkeys(("tau2", "i2"), "k < 2")}
    reasons |= dict.fromkeys(("pi_lb", "pi_ub"), "k < 3")
    lost = PI_DF[pi]
    ddf = NAN if lost is None else k - 1.0 - lost
    half = half_width(pooled.level, ddf) * math.hypot(math.sqrt(tau2), pooled.se)
    half = float(half) if k >= 3 else NAN
    values: dict[str, Any] = {
        "tau2": tau2 if k > 1 else NAN,
        "i2": pooled.i2_q,
        "pi_lb": pooled.beta - half,
        "pi_ub": pooled.beta + half,
    }
    known = {name for name, value in values.items() if math.isfinite(value)}
    return replace(
        pooled,
        **values,
        pi_method=pi if math.isfinite(half) else "",
        reasons={name: why for name, why in reasons.items() if name not in known},
    )
