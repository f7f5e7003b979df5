"""One pooled effect: the normal model with common or random effects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from trialpool.pooling.inference import (
    TESTS,
    check_level,
    chi2_tail,
    half_width,
    i_squared,
    knapp_hartung,
    p_value,
)
from trialpool.pooling.inputs import as_studies
from trialpool.pooling.intervals import METHODS as TAU2_CI
from trialpool.pooling.intervals import heterogeneity_interval
from trialpool.pooling.studies import Numbers, Studies, any_of, dot, pick, total
from trialpool.pooling.tau2 import (
    check_estimator,
    estimate_tau2,
    estimators_of,
    is_restricted,
    se_tau2,
)
from trialpool.results import NAN, Pooled, TrialpoolError, check_choice
from trialpool.same_rows import same_rows

# Degrees of freedom of the prediction interval that are lost beside those of the residuals;
# None is the normal distribution.
PI_DF: dict[str, int | None] = {"k-1": 0, "k-2": 1, "z": None}

COMMON = "common-effect model"
_ONE = "k < 2"
TAU2_FIELDS = ("tau2_ci_lb", "tau2_ci_ub", "i2_ci_lb", "i2_ci_ub", "h2_ci_lb", "h2_ci_ub")
# What one study cannot tell.
_NOT_ALONE = ("tau2", "se_tau2", *TAU2_FIELDS, "i2", "i2_q", "h2", "loglik", "aic", "bic", "aicc")


class PoolOptions(NamedTuple):
    """The choices of a fit, by name."""

    tau2: str
    test: str
    level: float
    pi: str
    tau2_ci: str

    def check(self) -> PoolOptions:
        """Raise unless all are known and fit together."""
        check_estimator("tau2", self.tau2, "effects")
        check_choice("test", self.test, TESTS)
        check_level(self.level)
        check_choice("pi", self.pi, tuple(PI_DF))
        check_choice("tau2_ci", self.tau2_ci, TAU2_CI)
        known = estimators_of("profile likelihood")
        if self.tau2_ci == "PL" and self.tau2 not in known:
            raise TrialpoolError(
                f"tau2_ci = 'PL': only {' and '.join(known)} maximise a likelihood, "
                f"tau2 = {self.tau2!r} does not; take 'QP'"
            )
        return self

    @property
    def random(self) -> bool:
        return self.tau2 != "EE"


@same_rows
def pool(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    tau2: str = "REML",
    test: str = "hksj",
    level: float = 0.95,
    pi: str = "k-1",
    tau2_ci: str = "QP",
) -> Pooled:
    """Pooled effect of k independent studies, with its uncertainty and the heterogeneity.

    Parameters
    ----------
    yi, vi : (k,) effects (ratios on the log scale) and sampling variances, vi > 0, k >= 1
    tau2 : EE DL HE HS SJ ML REML EB PM; EE is the common-effect model
    test
        "z" normal; "t" same SE, t with k - 1 df; "knha" Knapp-Hartung SE, t with k - 1 df;
        "hksj" the same, its factor q never below 1, so never narrower than "z"
    level : of every interval, between 0 and 1
    pi
        degrees of freedom of the prediction interval, "k-1" or "k-2", or "z" for the normal
        distribution; "k-1" holds for every test, "z" included: the uncertainty of tau2 does not
        go away with the choice of test
    tau2_ci : interval of tau2, I2 and H2: "QP" Q-profile, "PL" profile likelihood (ML and REML)

    Returns
    -------
    Pooled. `q` is Cochran's Q, `q_pval` its chi-squared p value, `weights` add up to 1, `loglik`
    is restricted for REML and full for every other estimator, `aic`, `bic` and `aicc` belong to
    it. The Q-profile interval of tau2 does not depend on the estimator. `i2` and `h2` come from
    tau2 and the typical variance of Higgins & Thompson; under EE, which has no tau2, from Q. What
    k does not allow is NaN with its reason: k = 1 gives the study with its z interval, k = 2 no
    prediction interval. tau2 of ML and REML is the highest of all maxima, by proof; `maxima`
    says how many there are

    Raises
    ------
    TrialpoolError
        no study, different lengths, a value that is not finite, vi <= 0 (the index is named);
        an unknown estimator, test, pi or tau2_ci; level outside (0, 1)

    References
    ----------
    Viechtbauer 2005, J Educ Behav Stat 30:261 (estimators); Knapp & Hartung 2003, Stat Med
    22:2693; Roever, Knapp & Friede 2015, BMC Med Res Methodol 15:99 (hksj); Higgins & Thompson
    2002, Stat Med 21:1539 (I2); Higgins, Thompson & Spiegelhalter 2009, J R Stat Soc A 172:137,
    and Partlett & Riley 2017, Stat Med 36:301 (prediction interval); Viechtbauer 2007, Stat Med
    26:37 (Q-profile); Hurvich & Tsai 1989, Biometrika 76:297 (AICc)
    """
    options = PoolOptions(tau2, test, level, pi, tau2_ci).check()
    y, v = as_studies(yi, vi)
    with np.errstate(all="ignore"):
        fields = summarise(Studies(y, v), options)
        weights = 1 / (v + (0.0 if len(y) == 1 else fields["tau2"]))
    return as_pooled(fields, weights / total(weights), options)


def summarise(s: Studies, o: PoolOptions) -> dict[str, Numbers]:
    """All numbers of `Pooled` in the units given: of one study set, or (B,) of B sets."""
    k, df, unit2 = s.k, s.df, s.unit * s.unit
    alone = k == 1
    between = estimate_tau2(o.tau2, s)
    t = between.tau2
    w = s.weights(t)
    whole = total(w)
    mu = dot(w, s.y) / whole
    beta = s.origin + mu * s.unit
    ddf = pick(alone, NAN, df) * (NAN if o.test == "z" else 1.0)
    factor = pick(alone, 1.0, knapp_hartung(s.rss(w) / df, o.test))
    variance = factor / whole * unit2
    se = np.sqrt(variance)
    zval = pick(se > 0, beta / se, NAN)
    half = half_width(o.level, ddf) * se

    _, q, _ = s.common
    pi_half = NAN * t
    if o.random:
        lost = PI_DF[o.pi]
        reach = half_width(o.level, NAN if lost is None else df - lost)
        pi_half = pick(k < 3, NAN, reach * np.sqrt(t * unit2 + variance))
    fields = {
        "k": k,
        "beta": beta,
        "se": se,
        "zval": zval,
        "ddf": ddf,
        "pval": p_value(zval, ddf),
        "ci_lb": beta - half,
        "ci_ub": beta + half,
        "pi_lb": beta - pi_half,
        "pi_ub": beta + pi_half,
        **heterogeneity(s, t, o),
        "i2_q": pick(alone, NAN, i_squared(q, df)),
        "q": q,
        "q_df": df,
        "q_pval": chi2_tail(q, df),
        "maxima": between.maxima,
        "converged": between.converged,
    }
    if any_of(alone):
        fields |= {name: pick(alone, NAN, fields[name]) for name in _NOT_ALONE}
    return fields


def heterogeneity(s: Studies, t: Numbers, o: PoolOptions) -> dict[str, Numbers]:
    """tau2, I2 and H2 with their intervals, and the likelihood; with or without covariates.

    `t` is tau2 in the units of `s`; the numbers returned are in those of the effects.
    """
    _, q, trace = s.common
    df, typical, unit2 = s.df, s.df / trace, s.unit * s.unit
    restricted = is_restricted(o.tau2)
    se, low, high = NAN * t, NAN * t, NAN * t
    i2, h2 = pick(df > 0, i_squared(q, df), NAN), pick(df > 0, q / df, NAN)
    if o.random:
        i2, h2 = i2_of(t, typical), 1 + t / typical
        se = se_tau2(o.tau2, s, t)
        low, high = heterogeneity_interval(s, t, o.level, o.tau2_ci, restricted=restricted)
    loglik = s.log_likelihood(t, restricted=restricted)
    return {
        "tau2": t * unit2,
        "se_tau2": se * unit2,
        "tau2_ci_lb": low * unit2,
        "tau2_ci_ub": high * unit2,
        "i2": i2,
        "i2_ci_lb": i2_of(low, typical),
        "i2_ci_ub": i2_of(high, typical),
        "h2": h2,
        "h2_ci_lb": 1 + low / typical,
        "h2_ci_ub": 1 + high / typical,
        "loglik": loglik,
        **information(loglik, s.p + o.random, df if restricted else s.k),
    }


def i2_of(tau2: Numbers, typical: Numbers) -> Numbers:
    """Percentage of the total variance that lies between studies."""
    return 100 * tau2 / (tau2 + typical)


def information(loglik: Numbers, parameters: int, n: Numbers) -> dict[str, Numbers]:
    """AIC, BIC and AICc of a fit to n independent effects (residuals for REML)."""
    least = np.maximum(n, parameters + 2)  # keeps AICc defined
    return {
        "aic": 2 * parameters - 2 * loglik,
        "bic": parameters * np.log(n) - 2 * loglik,
        "aicc": 2 * parameters * least / (least - parameters - 1) - 2 * loglik,
    }


def as_pooled(fields: Mapping[str, Any], weights: Any, o: PoolOptions) -> Pooled:
    """A result from its numbers: plain types, with a reason for each number that is missing."""
    values = {name: float(value) for name, value in fields.items()}
    k, converged = int(values["k"]), bool(fields["converged"])
    whole = {name: int(values[name]) for name in ("k", "q_df", "maxima")}
    pi = o.pi if math.isfinite(values["pi_lb"]) else ""
    ci = o.tau2_ci if math.isfinite(values["tau2_ci_lb"]) else ""
    return Pooled(
        **{**values, **whole, "converged": converged},  # type: ignore[arg-type]
        method=o.tau2,
        test="z" if k == 1 else o.test,
        level=o.level,
        weights=weights,
        pi_method=pi,
        tau2_ci_method=ci,
        reasons=_reasons(values, k, o, converged=converged),
        cautions=_cautions(k, o, whole["maxima"]),
    )


def _reasons(
    values: Mapping[str, float], k: int, o: PoolOptions, *, converged: bool
) -> dict[str, str]:
    out: dict[str, str] = {}
    if not converged:
        out = {name: "not converged" for name, value in values.items() if math.isnan(value)}
    if k == 1:
        out |= dict.fromkeys(_NOT_ALONE, _ONE)
    elif not o.random:
        out |= dict.fromkeys(("se_tau2", *TAU2_FIELDS), COMMON)
    elif converged and math.isnan(values["se_tau2"]):
        out["se_tau2"] = "no formula"
    if k < 3:
        out |= dict.fromkeys(("pi_lb", "pi_ub"), "k < 3")
    elif not o.random:
        out |= dict.fromkeys(("pi_lb", "pi_ub"), COMMON)
    if o.test == "z" or k == 1:
        out["ddf"] = "z test: normal distribution"
    if values["se"] == 0:
        out["zval"] = out["pval"] = "standard error is 0"
    return out


def _cautions(k: int, o: PoolOptions, maxima: int) -> tuple[str, ...]:
    if k == 1:
        return ("k = 1: the study itself, with a normal interval; nothing was pooled.",)
    out = []
    if k == 2 and o.random:
        spread = "" if o.test == "z" else "; with 1 degree of freedom the interval says very little"
        out.append(f"k = 2: tau2 cannot be estimated usefully from two studies{spread}.")
    return (*out, *several_maxima(maxima))


def several_maxima(maxima: int) -> tuple[str, ...]:
    """The caution where the likelihood of tau2 has more than one maximum."""
    if maxima == 1:
        return ()
    return (f"The likelihood of tau2 has {maxima} separate maxima; the highest one is reported.",)
