"""Fail-safe N: how many null results would undo a result. Kept for completeness."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from trialpool.diagnostics.asymmetry import TOO_FEW, missing
from trialpool.pooling.inputs import as_studies
from trialpool.results import NAN, TrialpoolError, check_choice

KINDS = ("Rosenthal", "Orwin", "Rosenberg")
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

    `pval` is that of the observed studies, one-sided for Rosenthal and two-sided for Rosenberg;
    `est` their common-effect mean. `reasons` maps the name of a NaN field to why it is NaN;
    `warning` belongs beside the number wherever it is shown.
    """

    k: int
    fsnum: float = NAN
    pval: float = NAN
    est: float = NAN
    target: float = NAN
    alpha: float = NAN
    kind: str
    reasons: dict[str, str] = field(default_factory=dict)
    warning: str = WARNING


def fail_safe_n(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    kind: str = "Rosenthal",
    target: float | None = None,
    alpha: float = 0.05,
) -> FailSafeN:
    """Number of studies without an effect that would take a result away.

    Parameters
    ----------
    yi, vi : (k,) effects (ratios on the log scale) and sampling variances, vi > 0
    kind
        "Rosenthal": until the combined z of Stouffer has a one-sided p of alpha; "Rosenberg":
        until the common effect has a two-sided p of alpha, new studies having the mean weight;
        "Orwin": until the common-effect mean is at the target, new studies having the mean weight
    target : of Orwin, other than 0; None is half the observed mean
    alpha : of the two others, between 0 and 1

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
    59:464; Becker 2005, in Publication Bias in Meta-Analysis, 111 (why not to rely on it)
    """
    check_choice("kind", kind, KINDS)
    if not 0 < alpha < 1:
        raise TrialpoolError(f"alpha = {alpha!r}: must lie between 0 and 1, such as 0.05")
    if target is not None and (not math.isfinite(target) or target == 0):
        raise TrialpoolError(f"target = {target!r}: must be a number other than 0")
    y, v = as_studies(yi, vi)
    k, orwin = len(y), kind == "Orwin"
    level = NAN if orwin else alpha
    reasons = {"alpha": "Orwin"} if orwin else {"target": kind}
    if k < 3:
        reasons |= missing(("fsnum", "pval", "est", "target"), TOO_FEW)
        return FailSafeN(k=k, kind=kind, alpha=level, reasons=reasons)
    w = 1 / v
    est = float((w @ y) / w.sum())
    aim, pval = NAN, NAN
    if orwin:
        aim = est / 2 if target is None else float(target)
        more = k * (est / aim - 1) if aim != 0 else NAN
        reasons["pval"] = "Orwin"
        if aim == 0:
            reasons |= missing(("fsnum", "target"), "the mean effect is 0")
    else:
        sides = 1 if kind == "Rosenthal" else 2
        ratio = (y / v**0.5).sum() / math.sqrt(k) if sides == 1 else est * math.sqrt(w.sum())
        z = abs(float(ratio))
        pval = sides * float(ndtr(-z))
        more = k * ((z / float(ndtri(alpha / sides))) ** 2 - 1) if pval < alpha else 0.0
    fsnum = NAN if math.isnan(more) else float(max(0, math.ceil(more - _ROUNDING * (k + more))))
    return FailSafeN(
        k=k,
        fsnum=fsnum,
        pval=pval,
        est=est,
        target=aim,
        alpha=level,
        kind=kind,
        reasons=reasons,
    )
