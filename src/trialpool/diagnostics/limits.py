"""The effect of an infinitely large study: PET-PEESE and limit meta-analysis."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from trialpool.diagnostics.asymmetry import (
    TOO_FEW,
    Egger,
    between_studies,
    constant,
    egger,
    few,
    line,
    missing,
)
from trialpool.digits import SURE
from trialpool.pooling.inference import check_level, half_width, p_value
from trialpool.pooling.inputs import as_studies
from trialpool.pooling.model import pool
from trialpool.results import NAN, TrialpoolError
from trialpool.same_rows import same_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class PetPeese:
    """PET, PEESE and the one of them that the conditional rule takes.

    `chosen` is "PET" or "PEESE", "" where there is neither; `est` to `ci_ub` are its numbers.
    `reasons` maps the name of a NaN field to why it is NaN.
    """

    k: int
    pet: Egger
    peese: Egger
    chosen: str
    est: float
    se: float
    pval: float
    ci_lb: float
    ci_ub: float
    alpha: float
    level: float
    reasons: dict[str, str] = field(default_factory=dict)
    caution: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitMeta:
    """Limit meta-analysis: the effect `beta` that an infinitely large study is expected to have.

    `slope` and `bias` are beta and alpha of the model y = beta + sqrt(v + tau2) (alpha + error).
    Cochran's `q` is the sum of `q_small`, on 1 degree of freedom, which the small-study effect
    explains, and `q_resid`, on k - 2. `g2` is the percentage of the variance of the shrunken
    effects that is left when small-study effects are allowed for. `reasons` maps the name of a
    NaN field to why it is NaN.
    """

    k: int
    beta: float = NAN
    se: float = NAN
    zval: float = NAN
    pval: float = NAN
    ci_lb: float = NAN
    ci_ub: float = NAN
    slope: float = NAN
    bias: float = NAN
    tau2: float = NAN
    q: float = NAN
    q_small: float = NAN
    q_resid: float = NAN
    g2: float = NAN
    method: str
    level: float
    reasons: dict[str, str] = field(default_factory=dict)
    caution: str = ""


@same_rows
def pet_peese(
    yi: ArrayLike, vi: ArrayLike, *, alpha: float = 0.10, level: float = 0.95
) -> PetPeese:
    """Effect at a standard error of 0, by a line in the standard error or in the variance.

    Parameters
    ----------
    yi, vi : (k,) effects (ratios on the log scale) and sampling variances, vi > 0
    alpha
        PEESE is taken where PET's estimate lies beyond 0, on the side of the common effect, with a
        one-sided p below alpha: two-sided below 2 alpha, with that sign. 0.10 is what Stanley
        2017 recommends; a stricter alpha takes PET more often, which is biased downward where
        there is an effect
    level : of the intervals, between 0 and 1

    Returns
    -------
    PetPeese, both by weighted least squares with a multiplicative dispersion and t on k - 2 df.
    NaN, with the reason, where k < 3 or all variances are the same

    Raises
    ------
    TrialpoolError
        as for `pool`; alpha outside (0, 1)

    References
    ----------
    Stanley & Doucouliagos 2014, Res Synth Methods 5:60 (PET, PEESE, the switch); Stanley 2017, Soc
    Psychol Personal Sci 8:581 (one-sided at 10 %)
    """
    if not 0 < alpha < 1:
        raise TrialpoolError(f"alpha = {alpha!r}: must lie between 0 and 1, such as 0.10")
    y, v = as_studies(yi, vi)
    pet, peese = (egger(y, v, model="lm", predictor=x, level=level) for x in ("sei", "vi"))
    same_side = pet.est * float((y / v).sum()) > 0
    effect_seen = same_side and pet.pval_est / 2 < alpha
    taken, chosen = (peese, "PEESE") if effect_seen else (pet, "PET")
    fields = {"est": "est", "se": "se_est", "pval": "pval_est", "ci_lb": "ci_lb", "ci_ub": "ci_ub"}
    numbers = {ours: float(getattr(taken, name)) for ours, name in fields.items()}
    reasons = {ours: taken.reasons[name] for ours, name in fields.items() if name in taken.reasons}
    return PetPeese(
        k=pet.k,
        pet=pet,
        peese=peese,
        chosen="" if math.isnan(taken.est) else chosen,
        **numbers,
        alpha=alpha,
        level=level,
        reasons=reasons,
        caution=pet.caution,
    )


@same_rows
def limit_meta(
    yi: ArrayLike, vi: ArrayLike, *, tau2: str | float = "REML", level: float = 0.95
) -> LimitMeta:
    """Pooled effect freed of a small-study effect, at a study of infinite size.

    Parameters
    ----------
    yi, vi : (k,) effects (ratios on the log scale) and sampling variances, vi > 0
    tau2 : estimator of the random-effects model without a small-study effect, or its value
    level : of the interval, between 0 and 1

    Returns
    -------
    LimitMeta, on the scale of `yi`, with normal intervals that take tau2 as known. NaN, with the
    reason, where k < 3 or all variances are the same

    Raises
    ------
    TrialpoolError
        as for `pool`; a tau2 that is negative or not finite

    References
    ----------
    Ruecker et al. 2011, Biostatistics 12:122
    """
    check_level(level)
    y, v = as_studies(yi, vi)
    k, between = len(y), between_studies(y, v, tau2)
    method = tau2 if isinstance(tau2, str) else "given"
    why = TOO_FEW if k < 3 else ""
    if not why and (constant(np.sqrt(v)) or constant(np.sqrt(v + between))):
        why = "all studies have the same variance, or nearly so beside tau2"
    if why:
        return LimitMeta(
            k=k, method=method, level=level, reasons=missing(_NUMBERS, why), caution=few(k)
        )
    spread = v + between
    fit, top = line(y, spread, np.sqrt(spread), tau2="EE", test="z", level=level)
    at = np.array([1.0, math.sqrt(between) / top])
    beta, se = float(at @ fit.beta), math.sqrt(at @ fit.vb @ at)
    half = float(half_width(level, NAN)) * se
    q = pool(y, v, tau2="EE", test="z").q
    rest, _ = line(y, v, np.sqrt(v), tau2="EE", test="z", level=level)
    # Each effect drawn towards the line's value at 0 by what is not sampling error.
    drawn = np.sqrt(between / spread) * (y - fit.beta[0])
    return LimitMeta(
        k=k,
        beta=beta,
        se=se,
        zval=beta / se,
        pval=float(p_value(beta / se, NAN)),
        ci_lb=beta - half,
        ci_ub=beta + half,
        slope=float(fit.beta[0]),
        bias=float(fit.beta[1]) / top,
        tau2=between,
        q=q,
        q_small=q - rest.qe,
        q_resid=rest.qe,
        g2=_unexplained(fit.beta[0] + drawn, v),
        method=method,
        level=level,
        caution=few(k),
    )


_NUMBERS = (
    *("beta", "se", "zval", "pval", "ci_lb", "ci_ub", "slope", "bias"),
    *("tau2", "q", "q_small", "q_resid", "g2"),
)


def _unexplained(effects: np.ndarray, v: np.ndarray) -> float:
    """100 (1 - r^2) in a radial plot: effects over standard errors against their inverses."""
    u = 1 / np.sqrt(v)
    z = effects * u
    du, dz = u - u.mean(), z - z.mean()
    left = dz - du * (du @ dz) / (du @ du)
    whole = float(dz @ dz)
    return 100 * round(float(left @ left) / whole, SURE) if whole > 0 else 0.0
