"""What one study does to a pooled effect: deletion diagnostics, Baujat and GOSH coordinates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.diagnostics.deletion import (
    NOT_CONVERGED,
    Rest,
    Whole,
    of_one_mean,
    of_regression,
)
from trialpool.pooling.batch import PooledMany, pool_many
from trialpool.pooling.inference import chi2_tail
from trialpool.pooling.inputs import as_studies
from trialpool.pooling.subsets import MAX_ALL, Mask, all_subsets
from trialpool.results import NAN, Array, TrialpoolError
from trialpool.same_rows import same_rows

NO_ERROR = "what it is divided by is 0"

# What holds a tau2 of the studies that are left; the other numbers of a refit do not.
_BY_TAU2 = ("resid_del_se", "rstudent", "dffits", "cov_r", "tau2_del", "dfbetas")
_BY_DELETION = ("resid_del", "cook_d", "qe_del", *_BY_TAU2)
_ROUNDING = 1e-12
_PIECE = 2**14  # subsets whose full results are held at a time
_BITS = 62  # studies whose subsets a 64-bit integer can number


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """Deletion diagnostics of the k studies, arrays (k,), in metafor's vocabulary.

    `resid` is the distance from the model, `rstandard` the same over its standard error
    `resid_se`; `resid_del`, `resid_del_se` and `rstudent` are those from the model of the other
    studies. `dffits` and `dfbetas` count standard errors by which the fitted effect and the
    coefficients move when the study is left out, `cook_d` is the squared move of all of them;
    `cov_r` is the ratio of the determinants of their covariance, below 1 where they are more
    precise without the study. `tau2_del` and `qe_del` are tau2 and Cochran's Q without it. `hat`
    adds up to the number of coefficients, `weight` is in percent. Of a regression `dfbetas` has
    shape (k, p).

    `without` holds the k refits, in the order of the studies; None for k = 1 and for a
    regression. `reasons` maps the name of a field with a NaN to why it is NaN.
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


@same_rows
def influence(
    yi: ArrayLike,
    vi: ArrayLike,
    X: ArrayLike | None = None,
    *,
    tau2: str = "REML",
    test: str = "z",
    level: float = 0.95,
) -> Influence:
    """How the pooled effect, or a meta-regression, would change without each of the k studies.

    A study is called influential if at least one of these holds, with p coefficients, one for a
    pooled effect: |dffits| > 3 sqrt(p / (k - p)); cook_d beyond the median of chi-squared with p
    degrees of freedom; hat > 3 p / k; any |dfbetas| > 1. These are conventions, not tests.

    Parameters
    ----------
    yi, vi, tau2 : as for `pool`
    X : (k, p) design matrix as for `regress`; None for a common mean
    test
        as for `pool`; under "knha" and "hksj" the squared standard errors carry their factor
    level : of the intervals of `without`

    Returns
    -------
    Influence. k = 1 leaves nothing to compare with, and k = 2 leaves one study, which has no tau2:
    what needs it is NaN, and no study is called influential by it; under EE tau2 is 0 throughout.
    A regression of k = p + 1 studies leaves no degrees of freedom, and a study that alone carries
    a coefficient cannot be left out

    Raises
    ------
    TrialpoolError
        as for `pool` and `regress`

    References
    ----------
    Viechtbauer & Cheung 2010, Res Synth Methods 1:112
    """
    y, v = as_studies(yi, vi)
    refits = None
    if X is None:
        x = np.ones((len(y), 1))
        whole, rest, refits = of_one_mean(y, v, tau2, test, level)
    with np.errstate(all="ignore"):
        if X is not None:
            x, whole, rest = of_regression(y, v, X, tau2, test, level)
        numbers = {**_from_whole_fit(y, v, x, whole), **_deleted(y, v, x, whole, rest)}
        numbers = {name: np.where(np.isfinite(z), z, NAN) for name, z in numbers.items()}
        influential = by_convention(numbers, *x.shape)
    if X is None:
        numbers["dfbetas"] = numbers["dfbetas"][:, 0]
    return Influence(
        **numbers,
        influential=influential,
        without=refits,
        reasons=_reasons(numbers, whole, rest),
    )


@same_rows
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
    whole, rest, _ = of_one_mean(y, v, tau2, "z", 0.95)
    moved, square = whole.beta[0] - rest.beta[:, 0], rest.vb[:, 0, 0]
    return Baujat(
        x=(y - whole.beta[0]) ** 2 / (v + whole.tau2),
        y=np.where(np.isfinite(rest.tau2), moved**2 / square, NAN),
    )


@same_rows
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


def _from_whole_fit(y: Array, v: Array, x: Array, whole: Whole) -> dict[str, Array]:
    """What needs no refit."""
    resid, left = y - x @ whole.beta, 1 - whole.hat
    # Where the fit goes through a study, what is left of it is rounding.
    se = np.sqrt((v + whole.tau2) * np.where(left > _ROUNDING, left, 0.0))
    return {
        "resid": resid,
        "resid_se": se,
        "rstandard": resid / se,
        "hat": whole.hat,
        "weight": 100 * whole.weights,
    }


def _deleted(y: Array, v: Array, x: Array, whole: Whole, rest: Rest) -> dict[str, Array]:
    t, moved = rest.tau2, whole.beta - rest.beta
    fitted = (x * rest.beta).sum(axis=1)
    resid_se: Array = np.sqrt(v + t + np.einsum("ij,ijl,il->i", x, rest.vb, x))
    # All studies weighted by the tau2 of the others; row i belongs to the fit without study i.
    root = 1 / np.sqrt(v + t[:, np.newaxis])
    inverse = np.linalg.inv(np.linalg.qr(root[:, :, np.newaxis] * x, mode="r"))
    steps = np.sqrt(rest.factor[:, np.newaxis] * (inverse * inverse).sum(axis=2))
    # X'WX without inverting the covariance, which has the square of the condition of X.
    shift = (moved @ x.T) / np.sqrt(whole.factor * (v + whole.tau2))
    cov_r = np.linalg.det(rest.vb) / np.linalg.det(whole.vb)
    return {
        "resid_del": y - fitted,
        "resid_del_se": resid_se,
        "rstudent": (y - fitted) / resid_se,
        "dffits": (x @ whole.beta - fitted) / np.sqrt(rest.factor * whole.hat * (v + t)),
        "cook_d": (shift * shift).sum(axis=1),
        "cov_r": np.where(np.isfinite(t), cov_r, NAN),
        "tau2_del": t,
        "qe_del": rest.q,
        "dfbetas": moved / steps,
    }


def by_convention(x: dict[str, Array], k: int, p: int) -> NDArray[np.bool_]:
    """Whether a study, or what else is left out at once, passes one of the usual marks.

    Parameters
    ----------
    x : "dffits", "cook_d", "hat" (n,) and "dfbetas" (n, p); NaN passes none
    k, p : studies and coefficients of the fit
    """
    marked: NDArray[np.bool_] = (
        (np.abs(x["dffits"]) > 3 * np.sqrt(p / np.float64(k - p)))
        | (chi2_tail(x["cook_d"], np.full(len(x["cook_d"]), p)) < 0.5)
        | (x["hat"] > 3 * p / k)
        | (np.abs(x["dfbetas"]) > 1).any(axis=1)
    )
    return marked


def _reasons(x: dict[str, Array], whole: Whole, rest: Rest) -> dict[str, str]:
    """Why each field with a NaN has it."""
    missing = [name for name, values in x.items() if np.isnan(values).any()]
    if np.isnan(whole.tau2):
        return dict.fromkeys(missing, NOT_CONVERGED)
    out = dict.fromkeys(missing, NO_ERROR)
    for names, why in ((_BY_TAU2, rest.why.get("tau2")), (_BY_DELETION, rest.why.get("all"))):
        if why is not None:
            out |= dict.fromkeys([name for name in missing if name in names], why)
    return out


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
