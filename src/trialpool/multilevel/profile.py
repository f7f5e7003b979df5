"""Profile-likelihood intervals of variance components and correlations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from trialpool.multilevel.likelihood import Likelihood
from trialpool.multilevel.model import MultilevelFit
from trialpool.multilevel.search import maximise
from trialpool.multilevel.terms import Part
from trialpool.pooling.inference import check_level, chi2_quantile
from trialpool.results import NAN, Array, TrialpoolError

# How far above the estimate, in typical standard deviations, an upper bound is looked for.
_FARTHEST = 1e3
_GROWTH = 1.5
_XTOL = 1e-11


@dataclass(frozen=True, kw_only=True)
class ProfileInterval:
    """A component's estimate and interval; `reasons` says why a bound is NaN."""

    component: str
    estimate: float
    ci_lb: float
    ci_ub: float
    reasons: dict[str, str]


def profile_ci(
    fit: MultilevelFit, component: str, *, level: float | None = None
) -> ProfileInterval:
    """Values of a component that a likelihood-ratio test does not reject.

    The (restricted) likelihood is maximised over all other parameters at each value.

    Parameters
    ----------
    component : a name in `fit.components`
    level : that of the fit unless given

    Returns
    -------
    ProfileInterval. A bound is at the end of the component's range (0; a correlation's bound)
    where the test rejects nothing on that side; an upper bound of a variance is NaN, with the
    reason, where the likelihood never falls far enough

    Raises
    ------
    TrialpoolError
        a name that is no estimated component

    References
    ----------
    Hardy & Thompson 1996, Stat Med 15:619; Viechtbauer 2007, Stat Med 26:37
    """
    if component not in fit.components:
        listed = ", ".join(fit.components) or "none"
        raise TrialpoolError(f"component = {component!r}: the model has {listed}")
    check_level(fit.level if level is None else level)
    with np.errstate(all="ignore"):
        return _profile(fit, component, fit.level if level is None else level)


def _profile(fit: MultilevelFit, component: str, level: float) -> ProfileInterval:
    model, theta, i = _addressed(fit, component)
    if not np.isnan(model.fixed[i]):
        raise TrialpoolError(f"component = {component!r} is fixed, not estimated")
    top = model.at(theta)
    assert top is not None  # the fit's own point
    allowed = top.value - float(chi2_quantile(level, 1.0)) / 2
    typical = fit.problem.typical
    estimate = abs(theta[i]) if model.is_deviation[i] else np.arcsin(np.sin(theta[i]))

    def above(x: float) -> float:
        constrained = _hold(model, i, x)
        start = theta.copy()
        start[i] = x
        peak = maximise(constrained, typical, start)
        return -np.inf if peak is None else peak.point.value - allowed

    reasons: dict[str, str] = {}
    if model.is_deviation[i]:
        low = _root(above, 0.0, estimate)
        far = _far(above, estimate, typical)
        high = NAN if far is None else _root(above, far, estimate)
        if far is None:
            reasons["ci_ub"] = "the likelihood does not fall far enough as the variance grows"
        unit = fit.problem.unit
        bounds = ((low * unit) ** 2, (high * unit) ** 2)
    else:
        end = np.pi / 2
        part, _ = _part_of(model, i)
        ends = (_root(above, -end, estimate), _root(above, end, estimate))
        lowest, highest = part.structure.rho_bounds
        half = (highest - lowest) / 2
        bounds = (lowest + half * (1 + np.sin(ends[0])), lowest + half * (1 + np.sin(ends[1])))
    return ProfileInterval(
        component=component,
        estimate=fit.components[component],
        ci_lb=float(bounds[0]),
        ci_ub=float(bounds[1]),
        reasons=reasons,
    )


def _addressed(fit: MultilevelFit, component: str) -> tuple[Likelihood, Array, int]:
    """The likelihood with the component as one of its parameters, the fit's point, its place.

    Of UN only the correlations with the first level are parameters, so another one leads where
    needed.
    """
    model, theta = fit.problem.likelihood, fit.point.theta.copy()
    parts = list(model.parts)
    for number, (part, here) in enumerate(zip(parts, model.slices, strict=True)):
        names = (*part.variance_names, *part.correlation_names)
        if component not in names:
            continue
        i = names.index(component)
        if part.structure.code == "UN" and i >= part.structure.n_variances:
            pairs = np.triu_indices(part.structure.m, 1)
            a, b = (int(x[i - part.structure.n_variances]) for x in pairs)
            parts[number] = part.led_by(a)
            theta[here] = _turned(part, theta[here], a)
            # The others keep their order behind the new first level.
            i = part.structure.n_variances + (b if b < a else b - 1)
        return replace(model, parts=tuple(parts)), theta, here.start + i
    raise KeyError(component)


def _turned(part: Part, theta: Array, first: int) -> Array:
    """Parameters of UN with another level in front: the same covariance."""
    m = part.structure.m
    order = [first, *(i for i in range(m) if i != first)]
    variances, correlations = part.structure.natural(theta)
    r = np.eye(m)
    r[np.triu_indices(m, 1)] = correlations
    r = (r + r.T - np.eye(m))[np.ix_(order, order)]
    angles = np.zeros((m, m))
    root = np.linalg.cholesky(r + 1e-12 * np.eye(m))
    for i in range(1, m):
        left = 1.0
        for j in range(i):
            sine = float(np.clip(root[i, j] / left, -1, 1)) if left > 0 else 0.0
            angles[j, i] = np.arcsin(sine)
            left *= float(np.sqrt(1 - sine**2))
    return np.concatenate([np.sqrt(variances[order]), angles[np.triu_indices(m, 1)]])


def _part_of(model: Likelihood, i: int) -> tuple[Part, int]:
    number = int(model.part_of[i])
    return model.parts[number], i - model.slices[number].start


def _hold(model: Likelihood, i: int, value: float) -> Likelihood:
    """The same likelihood with one more parameter that is not estimated."""
    part, place = _part_of(model, i)
    fixed = part.fixed.copy()
    fixed[place] = value
    parts = [replace(part, fixed=fixed) if p is part else p for p in model.parts]
    return replace(model, parts=tuple(parts))


def _far(above: Callable[[float], float], estimate: float, typical: float) -> float | None:
    """A value beyond the estimate at which the test rejects."""
    x = max(estimate, 0.1 * typical)
    while x < _FARTHEST * max(typical, estimate):
        x *= _GROWTH
        if above(x) < 0:
            return x
    return None


def _root(above: Callable[[float], float], end: float, estimate: float) -> float:
    """Where the test begins to reject between the estimate and an end; the end if nowhere."""
    from scipy.optimize import brentq

    if end == estimate or above(end) >= 0:
        return end
    return float(brentq(above, min(end, estimate), max(end, estimate), xtol=_XTOL))
