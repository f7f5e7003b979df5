"""Bayesian random effects by quadrature: two parameters need no simulation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from trialpool.bayes.posterior import Question
from trialpool.bayes.priors import HalfNormal, Prior, Reach, check_positive, named
from trialpool.bayes.quadrature import Mixture, PosteriorGrid
from trialpool.pooling.inputs import as_studies
from trialpool.results import Array, Posterior, TrialpoolError
from trialpool.same_rows import same_rows

TAU_SCALE = 0.5


@same_rows
def normal_normal(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    prior: Prior | str | None = None,
    tau_scale: float | None = None,
    mu_sd: float | None = None,
    level: float = 0.95,
    mid: float | None = None,
    better: str = "lower",
    each: bool = True,
) -> Posterior:
    """Posterior of the mean effect, the heterogeneity, a new study and each study's true effect.

    Parameters
    ----------
    yi, vi : (k,) effects and sampling variances, vi > 0; k >= 2, or k >= 1 with `mu_sd`
    prior : of tau, an object or the name of one in `EMPIRICAL`; None: half-normal
    tau_scale : scale of the half-normal prior of tau, units of yi; None: 0.5, which suits an SMD
    mu_sd : SD of the normal prior of mu around 0, units of yi; None: flat
    level : of the equal-tailed intervals, between 0 and 1
    mid : smallest difference that matters, > 0, units of yi; None: not asked
    better : "lower" or "higher" effects are the benefit
    each : with the true effect of each study, which takes longer than all the rest

    Returns
    -------
    Posterior: medians and equal-tailed intervals of mu, tau and each study's true effect, the
    interval of a new study's true effect, and the probabilities that mu and a new study's true
    effect lie beyond 0 and beyond `mid`. Deterministic, exact to about 1e-9

    Raises
    ------
    TrialpoolError
        bad studies (the index is named), a prior that is not known, or given together with
        tau_scale; tau_scale, mu_sd or mid not > 0; level outside (0, 1); better unknown; one study
        with a flat prior of mu; too few studies for a uniform prior of tau

    References
    ----------
    Roever 2020, J Stat Softw 93(6); Roever et al. 2021, Res Synth Methods 12:448
    """
    y, v = as_studies(yi, vi)
    question = Question(level=level, better=better, mid=mid)
    for name, value in (("tau_scale", tau_scale), ("mu_sd", mu_sd)):
        if value is not None:
            check_positive(name, value)
    chosen = _prior(prior, tau_scale)
    if len(y) == 1 and mu_sd is None:
        raise TrialpoolError("k = 1 with a flat prior of mu: needs 2 studies, or mu_sd")

    axis = chosen.axis(_reach(y, v, mu_sd))
    grid = PosteriorGrid(lambda tau: _conditional(y, v, tau, mu_sd)[2], axis)
    mean, var, _ = _conditional(y, v, grid.tau, mu_sd)
    prior_mu = "flat" if mu_sd is None else f"normal(0, {mu_sd:g})"
    return question.answer(
        Mixture(grid.weight, mean, np.sqrt(var)),
        Mixture(grid.weight, mean, np.sqrt(var + grid.tau**2)),
        grid,
        _true_effects(y, v, grid, mean, var) if each else (),
        f"mu {prior_mu}",
        chosen,
    )


@same_rows
def sweep(
    yi: ArrayLike,
    vi: ArrayLike,
    priors: Sequence[Prior | str],
    *,
    mu_sd: float | None = None,
    level: float = 0.95,
    mid: float | None = None,
    better: str = "lower",
    each: bool = True,
) -> list[Posterior]:
    """The same studies under several priors of tau, in their order.

    Parameters
    ----------
    priors : objects or names, such as `[*WEAK, "rhodes_mental_health_placebo"]` for SMDs; WEAK
        holds the half-normal priors of scale 0.25, 0.5 and 1
    yi, vi, mu_sd, level, mid, better, each : as for `normal_normal`

    Raises
    ------
    TrialpoolError
        as for `normal_normal`; an empty list of priors
    """
    chosen = [named(prior) for prior in priors]
    if not chosen:
        raise TrialpoolError("priors is empty: name at least one prior of tau")
    shared: dict[str, Any] = {"mu_sd": mu_sd, "level": level, "mid": mid, "better": better}
    return [normal_normal(yi, vi, prior=prior, each=each, **shared) for prior in chosen]


def _prior(prior: Prior | str | None, tau_scale: float | None) -> Prior:
    if prior is None:
        return HalfNormal(TAU_SCALE if tau_scale is None else tau_scale)
    if tau_scale is not None:
        raise TrialpoolError(f"tau_scale = {tau_scale} beside prior = {prior}: give one of the two")
    return named(prior)


def _conditional(y: Array, v: Array, tau: Array, mu_sd: float | None) -> tuple[Array, Array, Array]:
    """Mean and variance of mu given tau, and the log marginal likelihood of tau; each (m,).

    A normal prior of mu acts as one more observation of 0, one without heterogeneity.
    """
    w = 1 / (v + tau[:, np.newaxis] ** 2)
    log_w = np.log(w).sum(axis=1)
    if mu_sd is not None:
        y = np.append(y, 0.0)
        w = np.column_stack([w, np.full(len(tau), mu_sd**-2)])
    total = w.sum(axis=1)
    origin = y[np.argmin(v)]
    mean = origin + (w * (y - origin)).sum(axis=1) / total
    misfit = (w * (y - mean[:, np.newaxis]) ** 2).sum(axis=1)
    return mean, 1 / total, (log_w - np.log(total) - misfit) / 2


def _true_effects(
    y: Array, v: Array, grid: PosteriorGrid, mean: Array, var: Array
) -> list[Mixture]:
    """Each study's true effect.

    Given tau it is normal: the effect and mu, weighted by tau^2 and the sampling variance.
    """
    out = []
    for effect, variance in zip(y, v, strict=True):
        weight = grid.tau**2 / (grid.tau**2 + variance)
        shared = variance / (grid.tau**2 + variance)
        centre = weight * effect + shared * mean
        out.append(Mixture(grid.weight, centre, np.sqrt(weight * variance + shared**2 * var)))
    return out


def _reach(y: Array, v: Array, mu_sd: float | None) -> Reach:
    """The smallest tau at which anything changes, and one from which the likelihood falls."""
    centre = 0.0 if mu_sd is not None else float(y.mean())
    spread = float(((y - centre) ** 2).sum())
    # Past tau^2 = 3 max(v), and twice the sum of squares, the score of the likelihood is negative.
    settled = max(3 * float(v.max()), 2 * spread)
    order = len(y) - (mu_sd is None)
    return Reach(math.sqrt(float(v.min())), settled, order)
