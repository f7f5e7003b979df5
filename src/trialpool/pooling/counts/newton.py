"""Newton's method for log likelihoods of many studies that share a few parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from trialpool.pooling.counts.marginal import CountModel, Likelihoods, Rule, exact
from trialpool.results import Array

Objective = Callable[[Array], Likelihoods]

_ITERATIONS = 100
# Squared distance to the maximum in standard errors, as the quadratic model sees it.
_DECREMENT, _FLOOR = 1e-16, 1e-10
_LONGEST_STEP, _FARTHEST = 3.0, 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Maximum:
    """Where the likelihood of all studies is highest.

    `phi` (k, p) holds the shared parameters, equal in all rows, and the study's own one;
    `hessian` (k, p, p) belongs to it. `information` (s, s) is that of the shared parameters with
    the own ones profiled out. `decrement` is the squared distance still to go, in standard
    errors; `problem` is "" when the maximum was found.
    """

    phi: Array
    value: float
    information: Array
    hessian: Array
    decrement: float
    problem: str = ""


def fit_model(model: CountModel, start: Array, per_study: int | None, rule: Rule) -> Maximum:
    """Maximise the likelihood of a model as the rule integrates it, by way of the exact one."""
    top = maximise(partial(exact, model), start, per_study)
    if rule is exact or top.problem:
        return top
    return maximise(partial(rule, model), top.phi, per_study)


def maximise(objective: Objective, start: Array, per_study: int | None = None) -> Maximum:
    """Maximise the sum of the studies' log likelihoods.

    Parameters
    ----------
    objective : gives value (k,), score (k, p) and Hessian (k, p, p) at parameters (k, p)
    start : (k, p) first values; shared parameters are equal in all rows
    per_study : column of the parameter every study has for itself, if there is one

    Returns
    -------
    Maximum, at which the information is positive definite: a saddle is left again. Own parameters
    cost no more than shared ones, as their block of the Hessian is diagonal
    """
    phi, at = start, objective(start)
    shared = [j for j in range(start.shape[1]) if j != per_study]
    problem = f"not converged after {_ITERATIONS} iterations"
    before = np.inf
    for _ in range(_ITERATIONS):
        step, decrement, saddle = _direction(at, shared, per_study)
        # Rounding sets a floor to the decrement where counts are very large.
        arrived = decrement < _DECREMENT or (decrement < _FLOOR and decrement > before / 4)
        before = decrement
        if arrived and saddle is None:
            # Its squared length says that this step is the last; untaken it would cost digits.
            phi, at, problem = *_stepped(objective, phi, at, step), ""
            break
        if arrived and saddle is not None:
            step = np.zeros_like(phi)
            step[:, shared] = 0.3 * saddle
        moved = _climb(objective, phi, at, step, decrement)
        if moved is None:
            # Rounding hides what is left to climb; true failures are much farther from the top.
            problem = "" if decrement < _FLOOR and saddle is None else "no step climbs any further"
            break
        phi, at = moved
        if np.abs(phi - start).max() > _FARTHEST:
            problem = "the likelihood rises without end: an effect or a variance is infinite"
            break
    information = _schur(at, shared, per_study)[0]
    if not problem and not at.exact:
        problem = "the integral over the random effects is not accurate"
    if not problem and not (np.diag(np.linalg.pinv(information)) > 0).all():
        problem = "the likelihood is flat: the data do not determine all parameters"
    return Maximum(
        phi=phi,
        value=float(at.value.sum()),
        information=information,
        hessian=at.hessian,
        decrement=decrement,
        problem=problem,
    )


def _stepped(
    objective: Objective, phi: Array, at: Likelihoods, step: Array
) -> tuple[Array, Likelihoods]:
    """After the step, if the likelihood has a value there."""
    new = objective(phi + step)
    return (phi + step, new) if np.isfinite(new.value).all() else (phi, at)


def _climb(
    objective: Objective, phi: Array, at: Likelihoods, step: Array, decrement: float
) -> tuple[Array, Likelihoods] | None:
    """Go along the step, halved until the likelihood rises enough; None where it never does."""
    here = float(at.value.sum())
    slack = 1e-11 * max(1.0, abs(here))
    scale = min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
    for _ in range(40):
        new = objective(phi + scale * step)
        rise = float(new.value.sum()) - here
        if np.isfinite(rise) and rise >= 1e-4 * scale * decrement - slack:
            return phi + scale * step, new
        scale /= 2
    return None


def _direction(
    at: Likelihoods, shared: list[int], per_study: int | None
) -> tuple[Array, float, Array | None]:
    """Newton step (k, p), its decrement, and a direction of ascent where the Hessian has one."""
    information, coupling, curvature = _schur(at, shared, per_study)
    score = at.score[:, shared].sum(axis=0)
    if per_study is not None:
        score = score + coupling.T @ (at.score[:, per_study] / curvature)
    values, vectors = np.linalg.eigh(information)
    saddle = vectors[:, 0] if values[0] < -1e-9 * np.abs(values).max() else None
    # Uphill even where the likelihood is not concave.
    size = np.maximum(np.abs(values), 1e-10 * np.abs(values).max() + 1e-300)
    delta = vectors @ ((vectors.T @ score) / size)
    step = np.zeros_like(at.score)
    step[:, shared] = delta
    decrement = float(score @ delta)
    if per_study is not None:
        step[:, per_study] = (at.score[:, per_study] + coupling @ delta) / curvature
        decrement += float((at.score[:, per_study] ** 2 / curvature).sum())
    return step, decrement, saddle


def _schur(at: Likelihoods, shared: list[int], per_study: int | None) -> tuple[Array, Array, Array]:
    """Information of the shared parameters, their Hessian with those per study, and theirs."""
    block = at.hessian[:, shared][:, :, shared].sum(axis=0)
    if per_study is None:
        return -block, np.empty((0, len(shared))), np.empty(0)
    coupling = at.hessian[:, per_study][:, shared]
    # Where a study says nothing on its parameter (or not yet), a step of its score's size.
    raw = -at.hessian[:, per_study, per_study]
    curvature = np.where(np.abs(raw) > 1e-12, np.abs(raw), 1.0)
    return -block - (coupling.T / curvature) @ coupling, coupling, curvature
