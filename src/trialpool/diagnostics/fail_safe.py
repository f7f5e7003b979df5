"""Fail-safe N: how many null results would undo a result. Kept for completeness."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from trialpool.diagnostics.asymmetry import TOO_FEW, between_studies, missing
from trialpool.pooling.inputs import as_studies
from trialpool.results import NAN, Array, TrialpoolError, check_choice
from trialpool.same_rows import same_rows

KINDS = ("Rosenthal", "Orwin", "Rosenberg", "General")
WARNING = (
    "A fail-safe N is not evidence against publication bias: it takes the missing studies to"
    " average zero, leaves heterogeneity out, and different formulas give very different numbers"
    " (Becker 2005)."
)
# A whole number that rounding lifts by less than this is that number.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class FailSafeN:
    """Number of null results `fsnum`, a whole number, and what it is computed from.

    `pval` is that of the observed studies, one-sided for Rosenthal, else two-sided; `est` their
    common-effect mean, or pooled effect for General, of which `est_after` and `pval_after` are
    what is left with the null results. `reasons` maps the name of a NaN field to why it is NaN;
    `warning` belongs beside the number wherever it is shown.
    """

    k: int
    fsnum: float = NAN
    pval: float = NAN
    est: float = NAN
    target: float = NAN
    alpha: float = NAN
    est_after: float = NAN
    pval_after: float = NAN
    kind: str
    reasons: dict[str, str] = field(default_factory=dict)
    warning: str = WARNING


@same_rows
def fail_safe_n(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    kind: str = "Rosenthal",
    target: float | None = None,
    alpha: float = 0.05,
    tau2: str | float = "REML",
) -> FailSafeN:
    """Number of studies without an effect that would take a result away.

    Parameters
    ----------
    yi, vi : (k,) effects (ratios on the log scale) and sampling variances, vi > 0
    kind
        "Rosenthal": until the combined z of Stouffer has a one-sided p of alpha; "Rosenberg":
        until the common effect has a two-sided p of alpha, new studies having the mean weight;
        "Orwin": until the common-effect mean is at the target, new studies having the mean weight;
        "General": until the random-effects mean has a two-sided p of alpha or, if there is one,
        is at the target; new studies have the harmonic mean of the variances and spread about 0
        as the observed ones about their mean, which adds to tau2
    target : of Orwin, where None is half the observed mean, and General; other than 0
    alpha : of the others, between 0 and 1
    tau2 : of General, the estimator, or its value

    Returns
    -------
    FailSafeN, rounded up; 0 where the result is not beyond alpha or target to begin with. NaN,
    with the reason, where k < 3

    Raises
    ------
    TrialpoolError
        as for `pool`; an unknown kind; alpha outside (0, 1); a target that is 0 or not finite

    References
    ----------
    Rosenthal 1979, Psychol Bull 86:638; Orwin 1983, J Educ Stat 8:157; Rosenberg 2005, Evolution
    59:464; Viechtbauer 2010, J Stat Softw 36(3), metafor's manual of fsn (General); Becker 2005,
    in Publication Bias in Meta-Analysis, 111 (why not to rely on it)
    """
    check_choice("kind", kind, KINDS)
    if not 0 < alpha < 1:
        raise TrialpoolError(f"alpha = {alpha!r}: must lie between 0 and 1, such as 0.05")
    if target is not None and (not math.isfinite(target) or target == 0):
        raise TrialpoolError(f"target = {target!r}: must be a number other than 0")
    y, v = as_studies(yi, vi)
    k, no_alpha = len(y), kind == "Orwin" or (kind == "General" and target is not None)
    level, aim = NAN if no_alpha else alpha, NAN if target is None else float(target)
    reasons = {} if kind == "General" else missing(("est_after", "pval_after"), kind)
    reasons |= {"alpha": "by the target"} if no_alpha else {"target": "by alpha"}
    numbers: dict[str, float] = {}
    if k < 3:
        reasons |= missing(_NUMBERS, TOO_FEW)
    elif kind == "General":
        numbers = _general(y, v, tau2, alpha, aim)
    elif kind == "Orwin":
        numbers = _orwin(y, v, aim)
        reasons["pval"] = kind
        if math.isnan(numbers["fsnum"]):
            reasons |= missing(("fsnum", "target"), "the mean effect is 0")
    else:
        numbers = _by_p(y, v, 1 if kind == "Rosenthal" else 2, alpha)
    return FailSafeN(k=k, kind=kind, alpha=level, reasons=reasons, **numbers)  # type: ignore[arg-type]


_NUMBERS = ("fsnum", "pval", "est", "target", "est_after", "pval_after")


def _whole(more: float, k: int) -> float:
    """Rounded up, at least 0."""
    return NAN if math.isnan(more) else float(max(0, math.ceil(more - _ROUNDING * (k + more))))


def _orwin(y: Array, v: Array, target: float) -> dict[str, float]:
    est = float((y / v).sum() / (1 / v).sum())
    aim = est / 2 if math.isnan(target) else target
    if aim == 0:
        return {"est": est, "fsnum": NAN}
    return {"est": est, "target": aim, "fsnum": _whole(len(y) * (est / aim - 1), len(y))}


def _by_p(y: Array, v: Array, sides: int, alpha: float) -> dict[str, float]:
    """Rosenthal's with one side, Rosenberg's with two."""
    k, weight = len(y), float((1 / v).sum())
    est = float((y / v).sum()) / weight
    z = abs(float((y / v**0.5).sum()) / math.sqrt(k) if sides == 1 else est * math.sqrt(weight))
    pval = sides * float(ndtr(-z))
    more = k * ((z / float(ndtri(alpha / sides))) ** 2 - 1) if pval < alpha else 0.0
    return {"est": est, "pval": pval, "fsnum": _whole(more, k)}


def _general(
    y: Array, v: Array, tau2: str | float, alpha: float, target: float
) -> dict[str, float]:
    """The fewest null results that do it, by doubling and halving."""
    common, spread = tau2 == "EE", between_studies(y, v, tau2)

    def done(n: int) -> bool:
        est, pval = with_null_results(y, v, spread, n, common=common)
        return pval >= alpha if math.isnan(target) else est / target <= 1

    few, many = -1, 0
    while not done(many):
        few, many = many, max(1, 2 * many)
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if done(middle) else (middle, many)
    now, then = (with_null_results(y, v, spread, n, common=common) for n in (0, many))
    numbers = {"est": now[0], "pval": now[1], "target": target, "fsnum": float(many)}
    return numbers | {"est_after": then[0], "pval_after": then[1]}


def with_null_results(
    y: Array, v: Array, tau2: float, n: int, *, common: bool = False
) -> tuple[float, float]:
    """Mean and two-sided p of studies and n null results.

    These have the harmonic mean of the variances, and tau2 about 0 as the studies have about their
    mean: the variance about the mean of all is that of two groups apart. With `common` there is
    none.
    """
    k, between = len(y), tau2
    if n and not common:
        w = 1 / (v + tau2)
        apart = (float(w @ y) / float(w.sum())) ** 2 * (k / (k + n)) * n
        between = ((k + n - 2) * tau2 + apart) / (k + n - 1)
    w = 1 / (v + between)
    whole = float(w.sum()) + n / (k / float((1 / v).sum()) + between)
    est = float(w @ y) / whole
    return est, 2 * float(ndtr(-abs(est) * math.sqrt(whole)))
