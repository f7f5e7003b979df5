"""What a fitted model says of the groups in it, of a new one, and of where the spread lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from trialpool.multilevel.model import MultilevelFit
from trialpool.multilevel.terms import Part
from trialpool.pooling.inference import half_width
from trialpool.pooling.inputs import Covariates, as_rows
from trialpool.pooling.regression import Predictions
from trialpool.results import NAN, Array, TrialpoolError


@dataclass(frozen=True, kw_only=True)
class RandomEffects:
    """Predicted random effects of one part: of group `groups[i]` at level `levels[i]`.

    `levels` are "" for random intercepts. `se` is the standard error of prediction, with the
    variances taken as known; the interval has the degrees of freedom of the first coefficient.
    """

    groups: tuple[str, ...]
    levels: tuple[str, ...]
    ranef: Array
    se: Array
    pi_lb: Array
    pi_ub: Array


def ranef(fit: MultilevelFit) -> dict[str, RandomEffects]:
    """Best linear unbiased predictions of the random effects, by the name of the random factor.

    References
    ----------
    Robinson 1991, Stat Sci 6:15; Henderson 1975, Biometrics 31:423 (standard errors)
    """
    out = {}
    problem, point = fit.problem, fit.point
    for number, part in enumerate(problem.parts):
        m, n = part.structure.m, len(part.groups)
        t = part.structure.covariance(point.theta[problem.likelihood.slices[number]])
        score = np.zeros((n, m))
        spread = np.zeros((n, m, m))
        for batch, e, p in zip(
            problem.likelihood.batches, point.scores(), point.projections(), strict=True
        ):
            inner, outer = (
                np.append(part.inner, 0)[batch.rows],
                np.append(part.outer, -1)[batch.rows],
            )
            used = outer >= 0
            np.add.at(score, (outer[used], inner[used]), e[used])
            pairs = np.nonzero((outer[:, :, None] == outer[:, None, :]) & used[:, :, None])
            b, i, j = pairs
            np.add.at(spread, (outer[b, i], inner[b, i], inner[b, j]), p[pairs])
        seen = np.zeros((n, m), dtype=bool)
        seen[part.outer, part.inner] = True
        u = score @ t
        error = np.diag(t) - np.einsum("ab,gbc,ca->ga", t, spread, t)
        out[part.name] = _random_effects(
            fit, part, seen, u * problem.unit, np.sqrt(np.maximum(error, 0)) * problem.unit
        )
    return out


def _random_effects(
    fit: MultilevelFit, part: Part, seen: Array, u: Array, se: Array
) -> RandomEffects:
    group, level = np.nonzero(seen)
    half = float(half_width(fit.level, float(fit.ddf[0]))) * se[group, level]
    return RandomEffects(
        groups=tuple(part.groups[g] for g in group),
        levels=tuple(part.levels[i] for i in level),
        ranef=u[group, level],
        se=se[group, level],
        pi_lb=u[group, level] - half,
        pi_ub=u[group, level] + half,
    )


def predict(
    fit: MultilevelFit, X: Covariates | None = None, *, at: Mapping[str, object] | None = None
) -> Predictions:
    """Mean effects, and where the true effect of a new row in new groups would lie.

    Parameters
    ----------
    X : as for `Regression.predict`; None for the mean of a model without moderators
    at
        the level of each inner factor whose levels have variances of their own, such as
        `{"outcome": "AL"}`

    Returns
    -------
    Predictions; its prediction interval is NaN without random effects. Degrees of freedom are the
    smallest of the coefficients that take part

    Raises
    ------
    TrialpoolError
        X of another shape or not finite; an inner factor or level that `at` does not name
    """
    if X is None and fit.p > 1:
        raise TrialpoolError(f"X: give values of the {fit.p} columns ({', '.join(fit.names)})")
    x = np.ones((1, 1)) if X is None else as_rows(X, fit.names)
    ddf = np.array([float(fit.ddf[row != 0].min()) if row.any() else NAN for row in x])
    pred, variance = x @ fit.beta, np.einsum("ij,jk,ik->i", x, fit.vb, x)
    se = np.sqrt(np.maximum(variance, 0.0))
    width = np.array([float(half_width(fit.level, df)) for df in ddf])
    new = width * np.sqrt(_between(fit, at or {}) + variance) if fit.components else np.nan * se
    half = width * se
    return Predictions(
        pred=pred, se=se, ci_lb=pred - half, ci_ub=pred + half, pi_lb=pred - new, pi_ub=pred + new
    )


def _between(fit: MultilevelFit, at: Mapping[str, object]) -> float:
    """Sum of the variances of a new row's random effects."""
    total = 0.0
    for part in fit.problem.parts:
        names = part.variance_names
        if len(names) == 1:
            total += fit.components[names[0]]
            continue
        inner = part.name.split(" | ")[0]
        level = str(at.get(inner))
        if level not in part.levels:
            raise TrialpoolError(
                f"at: the variance of {part.name} depends on {inner}; name one of"
                f" {', '.join(part.levels)}"
            )
        total += fit.components[names[part.levels.index(level)]]
    return total


@dataclass(frozen=True, kw_only=True)
class Heterogeneity:
    """I2 in percent: of all levels together, and by the name of the random factor."""

    total: float
    parts: dict[str, float] = field(default_factory=dict)
    reason: str = ""


def i_squared(fit: MultilevelFit) -> Heterogeneity:
    """Share of the variance of a typical effect that lies at each level, in percent.

    A variance component over the sum of all and of the typical sampling variance (k - p) / tr(P),
    P = V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1. NaN, with the reason, where the variances depend on the
    level of an inner factor, for then rows have no common share.

    References
    ----------
    Nakagawa & Santos 2012, Evol Ecol 26:1253; Higgins & Thompson 2002, Stat Med 21:1539
    """
    problem = fit.problem
    if problem.common is None:
        return Heterogeneity(total=NAN, reason="V is singular: no typical sampling variance")
    if any(len(part.variance_names) > 1 for part in problem.parts):
        return Heterogeneity(total=NAN, reason="variances differ between levels: no common share")
    stacks = zip(problem.likelihood.batches, problem.common.projections(), strict=True)
    trace = sum(
        float((np.diagonal(p, axis1=1, axis2=2) * (b.rows < fit.k)).sum()) for b, p in stacks
    )
    typical = (fit.k - fit.p) / trace * problem.unit**2
    each = {part.name: fit.components[part.variance_names[0]] for part in problem.parts}
    everything = sum(each.values()) + typical
    shares = {name: 100 * value / everything for name, value in each.items()}
    return Heterogeneity(total=sum(shares.values()), parts=shares)
