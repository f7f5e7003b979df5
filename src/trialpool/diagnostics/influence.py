"""What one study does to a pooled effect: deletion diagnostics, Baujat and GOSH coordinates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.pooling.batch import PooledMany, pool_many
from trialpool.pooling.inference import chi2_tail
from trialpool.pooling.inputs import as_studies
from trialpool.pooling.model import pool
from trialpool.pooling.subsets import MAX_ALL, Mask, all_subsets, leave_one_out
from trialpool.results import NAN, Array, Pooled, TrialpoolError

NOTHING_LEFT = "k = 1: nothing is left without the study"
ONE_LEFT = "k = 2: one study is left, which has no tau2"
NOT_CONVERGED = "not converged"
NO_ERROR = "what it is divided by is 0"

_BY_DELETION = (
    "resid_del",
    "resid_del_se",
    "rstudent",
    "dffits",
    "cook_d",
    "cov_r",
    "tau2_del",
    "qe_del",
    "dfbetas",
)
# What holds a tau2 of the studies that are left.
_BY_TAU2 = ("resid_del_se", "rstudent", "dffits", "cov_r", "tau2_del", "dfbetas")
_PIECE = 2**14  # subsets whose full results are held at a time
_BITS = 62  # studies whose subsets a 64-bit integer can number


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """Deletion diagnostics of the k studies, arrays (k,), in metafor's vocabulary.

    `resid` is the distance from the pooled effect, `rstandard` the same over its standard error
    `resid_se`; `resid_del`, `resid_del_se` and `rstudent` are those from the pooled effect of the
    other studies. `dffits` and `dfbetas` count standard errors by which the pooled effect moves
    when the study is left out, `cook_d` its squared move; `cov_r` is the ratio of the squared
    standard errors, below 1 where the effect is more precise without the study. `tau2_del` and
    `qe_del` are tau2 and Cochran's Q without it. `hat` adds up to 1, `weight` is in percent.

    `without` holds the k refits, in the order of the studies; None for k = 1. `reasons` maps the
    name of a field with a NaN to why it is NaN.
    """

    resid: Array
    resid_se: Array
    rstandard: Array
    resid_del: Array
    resid_del_se: Array
    rstudent: Array
    dffits: Array
    cook_d: Array
    cov_r: Array
    tau2_del: Array
    qe_del: Array
    hat: Array
    weight: Array
    dfbetas: Array
    influential: NDArray[np.bool_]
    without: PooledMany | None
    reasons: dict[str, str] = field(default_factory=dict)


class Baujat(NamedTuple):
    """Coordinates of the k studies: `x` contribution to Q, `y` influence on the pooled effect."""

    x: Array
    y: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Gosh:
    """Pooled effects of B subsets of k studies: `beta`, `tau2`, `i2` and size `k` as (B,).

    `mask` (B, k) says which studies a subset holds. `sampled` is False where these are all
    subsets; else they were drawn with `seed`. `reasons` says why a number is NaN.
    """

    beta: Array
    tau2: Array
    i2: Array
    k: NDArray[np.int64]
    mask: Mask
    sampled: bool
    seed: int
    reasons: dict[str, str] = field(default_factory=dict)


def influence(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    tau2: str = "REML",
    test: str = "z",
    level: float = 0.95,
) -> Influence:
    """How the pooled effect would change without each of the k studies.

    A study is called influential if at least one of these holds, with p = 1 coefficient:
    |dffits| > 3 sqrt(p / (k - p)); cook_d beyond the median of chi-squared with p degrees of
    freedom; hat > 3 p / k; |dfbetas| > 1. These are conventions, not tests.

    Parameters
    ----------
    yi, vi, tau2 : as for `pool`
    test
        as for `pool`; under "knha" and "hksj" the squared standard errors carry their factor
    level : of the intervals of `without`

    Returns
    -------
    Influence. k = 1 leaves nothing to compare with, and k = 2 leaves one study, which has no tau2:
    what needs it is NaN, and no study is called influential by it. Under EE tau2 is 0 throughout

    Raises
    ------
    TrialpoolError
        as for `pool`

    References
    ----------
    Viechtbauer & Cheung 2010, Res Synth Methods 1:112
    """
    y, v = as_studies(yi, vi)
    k = len(y)
    full = pool(y, v, tau2=tau2, test=test, level=level)
    rest = _refits(y, v, tau2, test, level)
    with np.errstate(all="ignore"):
        own = _own(y, v, full)
        deleted = dict.fromkeys(_BY_DELETION, np.full(k, NAN))
        if rest is not None:
            deleted = _deleted(y, v, full, rest)
        numbers = {**own, **deleted}
        influential = _by_convention(numbers, k)
    return Influence(
        **{name: np.where(np.isfinite(x), x, NAN) for name, x in numbers.items()},
        influential=influential,
        without=rest,
        reasons=_reasons(numbers, k, tau2, rest),
    )


def baujat(yi: ArrayLike, vi: ArrayLike, *, tau2: str = "EE") -> Baujat:
    """Where the studies lie in a Baujat plot.

    Parameters
    ----------
    yi, vi, tau2
        as for `pool`. Baujat's plot is that of the common-effect model, "EE"; with any other
        estimator both axes are those of the random-effects model

    Returns
    -------
    Baujat: `x` the squared standardised distance from the pooled effect, which adds up to Q (its
    generalised form for random effects); `y` the squared move of the pooled effect without the
    study over the squared standard error without it. `y` is NaN for k = 1, and for k = 2 under
    random effects, as the study that is left has no tau2

    Raises
    ------
    TrialpoolError
        as for `pool`

    References
    ----------
    Baujat et al. 2002, Stat Med 21:2641
    """
    y, v = as_studies(yi, vi)
    full, rest = pool(y, v, tau2=tau2, test="z"), _refits(y, v, tau2, "z", 0.95)
    x = (y - full.beta) ** 2 / (v + _tau2(full))
    if rest is None:
        return Baujat(x, np.full(len(y), NAN))
    known = np.isfinite(_tau2_without(rest))
    return Baujat(x, np.where(known, (full.beta - rest.beta) ** 2 / rest.se**2, NAN))


def gosh(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    tau2: str = "REML",
    limit: int = 2**15,
    seed: int = 1,
) -> Gosh:
    """Pooled effect and heterogeneity of every subset of the studies.

    Parameters
    ----------
    yi, vi, tau2 : as for `pool`
    limit
        subsets to pool, at most 2^20. If there are no more than this all are, in the order of
        `all_subsets`; else a random sample in which every subset is equally likely, none twice
        (past 62 studies a subset could come twice, in principle)
    seed : of the sample; the same seed gives the same subsets

    Returns
    -------
    Gosh. A subset of one study has its effect, but no tau2 and no I2

    Raises
    ------
    TrialpoolError
        as for `pool`; a limit outside 1 to 2^20

    References
    ----------
    Olkin, Dahabreh & Trikalinos 2012, Res Synth Methods 3:214
    """
    y, v = as_studies(yi, vi)
    if not 1 <= limit <= 2**MAX_ALL:
        raise TrialpoolError(f"limit = {limit}: must lie between 1 and 2^{MAX_ALL}")
    k = len(y)
    sampled = 2**k - 1 > limit
    mask = _some_subsets(k, limit, seed) if sampled else all_subsets(k)
    out: dict[str, Any] = {name: np.empty(len(mask)) for name in ("beta", "tau2", "i2")}
    for start in range(0, len(mask), _PIECE):
        part = slice(start, start + _PIECE)
        fits = pool_many(y, v, mask[part], tau2=tau2)
        for name, values in out.items():
            values[part] = getattr(fits, name)
    size = mask.sum(axis=1)
    return Gosh(
        **out,
        k=size,
        mask=mask,
        sampled=sampled,
        seed=seed,
        reasons=_reasons_of_subsets(out, size),
    )


# --- of the fits ---------------------------------------------------------------------------------


def _refits(y: Array, v: Array, tau2: str, test: str, level: float) -> PooledMany | None:
    """All fits without one study, at once; None where nothing is left."""
    if len(y) == 1:
        return None
    return pool_many(y, v, leave_one_out(len(y)), tau2=tau2, test=test, level=level)


def _tau2(full: Pooled) -> float:
    return 0.0 if full.k == 1 else full.tau2


def _tau2_without(rest: PooledMany) -> Array:
    """tau2 without each study; 0 under EE even where one study is left."""
    return np.zeros(len(rest)) if rest.method == "EE" else rest.tau2


def _own(y: Array, v: Array, full: Pooled) -> dict[str, Array]:
    """What needs no refit; for one mean the hat value is the weight."""
    hat, resid = full.weights, y - full.beta
    se = np.sqrt((v + _tau2(full)) * (1 - hat))
    return {
        "resid": resid,
        "resid_se": se,
        "rstandard": resid / se,
        "hat": hat,
        "weight": 100 * hat,
    }


def _deleted(y: Array, v: Array, full: Pooled, rest: PooledMany) -> dict[str, Array]:
    t, square = _tau2_without(rest), rest.se**2
    # All studies weighted by the tau2 of the others; row i belongs to the fit without study i.
    weights = 1 / (v + t[:, np.newaxis])
    whole = weights.sum(axis=1)
    # What Knapp and Hartung multiply the variance of the fit by.
    inflated = rest.test in ("knha", "hksj")
    factor = square * (whole - weights.diagonal()) if inflated else 1.0
    moved, resid = full.beta - rest.beta, y - rest.beta
    resid_se = np.sqrt(v + t + square)
    return {
        "resid_del": resid,
        "resid_del_se": resid_se,
        "rstudent": resid / resid_se,
        "dffits": moved / np.sqrt(factor * full.weights * (v + t)),
        "cook_d": moved**2 / full.se**2,
        "cov_r": np.where(np.isfinite(t), square / full.se**2, NAN),
        "tau2_del": t,
        "qe_del": rest.q,
        "dfbetas": moved * np.sqrt(whole / factor),
    }


def _by_convention(x: dict[str, Array], k: int, p: int = 1) -> NDArray[np.bool_]:
    """Whether a study passes one of the usual marks; NaN passes none."""
    found: NDArray[np.bool_] = (
        (np.abs(x["dffits"]) > 3 * np.sqrt(p / np.float64(k - p)))
        | (chi2_tail(x["cook_d"], np.full(k, p)) < 0.5)
        | (x["hat"] > 3 * p / k)
        | (np.abs(x["dfbetas"]) > 1)
    )
    return found


def _reasons(x: dict[str, Array], k: int, tau2: str, rest: PooledMany | None) -> dict[str, str]:
    """Why each field with a NaN has it."""
    if rest is None:
        return dict.fromkeys(("rstandard", *_BY_DELETION), NOTHING_LEFT)
    out = {}
    for name, values in x.items():
        if not np.isfinite(values).all():
            out[name] = NO_ERROR if rest.converged.all() else NOT_CONVERGED
    return out | (dict.fromkeys(_BY_TAU2, ONE_LEFT) if k == 2 and tau2 != "EE" else {})


# --- of subsets ----------------------------------------------------------------------------------


def _some_subsets(k: int, n: int, seed: int) -> Mask:
    """Random subsets that hold a study, (n, k), each as likely as any other."""
    rng = np.random.default_rng(seed)
    if k <= _BITS:
        number = 1 + rng.choice(2**k - 1, n, replace=False)
        return np.asarray((number[:, np.newaxis] >> np.arange(k)) & 1, dtype=np.bool_)
    return np.asarray(rng.integers(0, 2, (n, k)), dtype=np.bool_)


def _reasons_of_subsets(x: dict[str, Array], size: NDArray[np.int64]) -> dict[str, str]:
    out = {}
    for name, values in x.items():
        missing = np.isnan(values)
        if missing.any():
            out[name] = NOT_CONVERGED if missing[size > 1].any() else "k < 2"
    return out
