"""The multiverse: one question under every combination of defensible choices.

A specification is one level of every factor: which data, which estimator, which test. Factors are
E (equivalent: neither level is better), U (uncertain whether they are equivalent) or N (not
equivalent: each level is its own question, and questions are never averaged).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialpool.bayes.counts import binomial_normal
from trialpool.bayes.likelihoods import LIKELIHOODS
from trialpool.bayes.many import posterior_many
from trialpool.pooling.batch import pool_many
from trialpool.pooling.counts.pool import pool_counts
from trialpool.pooling.inference import half_width, knapp_hartung, p_value
from trialpool.pooling.policy import COMMON_OF_COUNTS, COUNT_METHODS, FROM_HERE_ON
from trialpool.results import NAN, Array, NoPosteriorError, TrialpoolError

NO_TRIAL, NO_COUNTS, NOT_CONVERGED = (
    "no trial",
    "no estimate: Mantel-Haenszel needs counts of every trial, with events",
    "no estimate: tau2 did not converge",
)
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A choice: its kind and its levels, the protocol's own first."""

    name: str
    kind: Literal["E", "U", "N"]
    levels: tuple[str, ...]


class DataSet(NamedTuple):
    """The effects under one combination of the data's factors.

    `at` has the place of the level of each factor; `yi`, `vi` are (rows,); `k` counts trials, of
    which one may have several rows; `counts` (rows, 4) are events and total of either side, NaN
    where there are none.
    """

    at: tuple[int, ...]
    yi: Array
    vi: Array
    k: int
    counts: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiverse:
    """S specifications; numbers are on the scale of `yi`, NaN where `reason` says why.

    `place` (S, factors) is the place of each level, `set` the number of the data set and `fit` the
    number of the fit, (S,): specifications of one number share their data, or are the same fit.
    The last two factors are estimator and test; `protocol` is the row of the protocol's own.
    """

    factors: tuple[Factor, ...]
    place: Ints
    k: Ints
    set: Ints
    fit: Ints
    beta: Array
    ci_lb: Array
    ci_ub: Array
    pval: Array
    tau2: Array
    reason: NDArray[np.str_]
    protocol: int

    def __len__(self) -> int:
        return len(self.beta)

    @property
    def first(self) -> Ints:
        """The first specification of each distinct fit, in their order."""
        return np.sort(np.unique(self.fit, return_index=True)[1])


def multiverse(
    factors: Sequence[Factor],
    sets: Sequence[DataSet],
    *,
    estimator: Factor,
    test: Factor,
    measure: str = "",
    level: float = 0.95,
    tau_scale: float | None = None,
    variance: str | None = None,
) -> Multiverse:
    """Fit every data set by every estimator with every test.

    What few trials allow holds here too, whatever estimator and test say: one trial is shown with
    its normal interval; two to four have the Bayesian one, and where there is no prior of tau, two
    a common effect with the normal quantile; no trial gives no estimate. Equal data are fitted
    once, and one fit serves all tests.

    Parameters
    ----------
    factors : those of the data, in the order of `DataSet.at`
    sets : one per combination of their levels; the first level of each must be among them
    estimator, test
        factors whose levels are codes of `pool`; an estimator may also be one that pools counts,
        "MH", "MH-DL" or "Peto"
    measure : of the counts, "OR", "RR" or "RD", for these
    level : of the intervals
    tau_scale : of the half-normal prior of tau for two to four trials; None where there is none
    variance : of MH RD, as for `pool_counts`

    Raises
    ------
    TrialpoolError
        no data set of the protocol; a combination that is there twice; as `pool_many`

    References
    ----------
    Steegen et al. 2016, Perspect Psychol Sci 11:702; Simonsohn, Simmons & Nelson 2020, Nat Hum
    Behav 4:1208 (specification curve); Del Giudice & Gangestad 2021, Adv Methods Pract Psychol
    Sci 4:1 (kinds of factors); Voracek, Kossmeier & Tran 2019, Z Psychol 227:64 (meta-analysis)
    """
    places = [one.at for one in sets]
    if (0,) * len(factors) not in places or len(set(places)) < len(places):
        raise TrialpoolError(
            "sets: each combination of levels must stand once, that of the protocol among them"
        )
    number, distinct = _distinct(sets)
    fits = _fits(distinct, estimator.levels, test.levels, measure, level, tau_scale, variance)
    sizes = (len(sets), len(estimator.levels), len(test.levels))
    s, e, t = (x.ravel() for x in np.indices(sizes))
    at = np.column_stack([np.array(places, dtype=np.int64).reshape(len(sets), -1)[s], e, t])
    row_set, names = number[s], np.array(["", NO_TRIAL, NO_COUNTS, NOT_CONVERGED])
    _, fit = np.unique(fits.label[row_set, e, t], return_inverse=True)
    return Multiverse(
        factors=(*factors, estimator, test),
        place=at,
        k=np.array([one.k for one in sets], dtype=np.int64)[s],
        set=row_set,
        fit=_by_appearance(fit),
        beta=fits.beta[row_set, e],
        ci_lb=fits.low[row_set, e, t],
        ci_ub=fits.high[row_set, e, t],
        pval=fits.pval[row_set, e, t],
        tau2=fits.tau2[row_set, e],
        reason=names[fits.why[row_set, e]],
        protocol=int(np.flatnonzero((at == 0).all(axis=1))[0]),
    )


def _distinct(sets: Sequence[DataSet]) -> tuple[Ints, list[DataSet]]:
    """The number of each set's data, counted as they appear, and the sets that differ."""
    seen: dict[tuple[int, bytes], int] = {}
    kept: list[DataSet] = []
    number = np.empty(len(sets), dtype=np.int64)
    for i, one in enumerate(sets):
        rows = np.column_stack([one.yi, one.vi, *([] if one.counts is None else one.counts.T)])
        key = (one.k, rows[np.lexsort(rows.T)].tobytes())
        if key not in seen:
            seen[key] = len(kept)
            kept.append(one)
        number[i] = seen[key]
    return number, kept


def _by_appearance(label: Ints) -> Ints:
    """The same groups, numbered in the order in which they appear."""
    _, first, place = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[place])


class _Fits(NamedTuple):
    """D data sets: (D, estimators), or (D, estimators, tests); `label` is equal for equal fits."""

    beta: Array
    tau2: Array
    why: Ints
    low: Array
    high: Array
    pval: Array
    label: Ints


def _fits(
    sets: Sequence[DataSet],
    estimators: Sequence[str],
    tests: Sequence[str],
    measure: str,
    p: float,
    tau_scale: float | None,
    variance: str | None,
) -> _Fits:
    shape = (len(sets), len(estimators))
    beta, tau2, se, q = (np.full(shape, NAN) for _ in range(4))
    k = np.array([one.k for one in sets])
    y, v, mask = _padded(sets)
    # Whether one fit serves every estimator and test; those by a prior of tau follow below.
    alike = (k < 3) if tau_scale is None else (k < FROM_HERE_ON)
    few, many = np.flatnonzero((k > 0) & alike), np.flatnonzero(~alike)
    # Those that work on counts know the z test only.
    counted = np.array([code in COUNT_METHODS for code in estimators])
    for j, code in enumerate(estimators):
        jobs = [(few, "EE"), (many, code)]
        if code in COUNT_METHODS:
            jobs = [(np.flatnonzero(k == 1), "EE")]
            for i in np.flatnonzero(k > 1 if tau_scale is None else ~alike):
                one = _of_counts(sets[int(i)], measure, code, variance)
                beta[i, j], se[i, j], tau2[i, j] = one
        for rows, name in jobs:
            if not len(rows):
                continue
            pooled = pool_many(y[rows], v[rows], mask[rows], tau2=name, test="z", level=p)
            beta[rows, j], se[rows, j] = pooled.beta, pooled.se
            tau2[rows, j] = np.where(k[rows] > 1, pooled.tau2, NAN)
            # Generalised Q over its degrees of freedom, from which all tests are had at once.
            away = np.where(mask[rows], y[rows] - pooled.beta[:, np.newaxis], 0.0)
            w = pooled.weights / pooled.se[:, np.newaxis] ** 2
            df = np.maximum(pooled.q_df, 1)
            q[rows, j] = (w * away * away).sum(axis=1) / df
    rows_df = mask.sum(axis=1) - 1
    half, pval = np.full((*shape, len(tests)), NAN), np.full((*shape, len(tests)), NAN)
    label = np.empty((*shape, len(tests)), dtype=np.int64)
    plain = alike[:, np.newaxis] | counted
    for t, test in enumerate(tests):
        factor = np.where(plain, 1.0, knapp_hartung(q, test))
        df = np.where(plain | (test == "z"), NAN, rows_df[:, np.newaxis])
        error = se * np.sqrt(factor)
        half[:, :, t] = half_width(p, df.ravel()).reshape(shape) * error
        with np.errstate(divide="ignore", invalid="ignore"):
            pval[:, :, t] = p_value(np.where(error > 0, beta / error, NAN), df)
        # A few trials have one fit; Mantel-Haenszel has one test.
        label[:, :, t] = np.where(plain, 0, t + 1)
    low, high = beta[:, :, np.newaxis] - half, beta[:, :, np.newaxis] + half
    led = np.flatnonzero((k > 1) & alike)
    if tau_scale is not None and len(led):
        limits = _led([sets[int(i)] for i in led], y[led], v[led], mask[led], measure, p, tau_scale)
        beta[led], tau2[led], pval[led] = limits[:, 0, np.newaxis], NAN, NAN
        low[led], high[led] = (limits[:, i, np.newaxis, np.newaxis] for i in (1, 2))
    one_fit = alike if tau_scale is not None else k < 2
    same = one_fit[:, np.newaxis] | (alike[:, np.newaxis] & ~counted)
    which = np.where(same, 0, np.arange(1, shape[1] + 1))
    label += (len(tests) + 1) * which[:, :, np.newaxis]
    label += (len(tests) + 1) * (shape[1] + 1) * np.arange(shape[0])[:, np.newaxis, np.newaxis]
    lost = np.where(counted, 2, 3)
    why = np.where(np.isfinite(beta), 0, np.where((k == 0)[:, np.newaxis], 1, lost))
    return _Fits(beta, tau2, why, low, high, pval, label)


def _led(
    sets: Sequence[DataSet],
    y: Array,
    v: Array,
    mask: NDArray[np.bool_],
    measure: str,
    level: float,
    tau_scale: float,
) -> Array:
    """Median and limits of each set's posterior, of counts by their likelihood; (sets, 3)."""
    many = posterior_many(y, v, mask, tau_scale=tau_scale, level=level)
    out = np.column_stack([many.beta, many.ci_lb, many.ci_ub])
    for row, one in zip(out, sets, strict=True):
        if measure not in LIKELIHOODS or one.counts is None or len(one.yi) > one.k:
            continue
        if not (one.counts == np.floor(one.counts)).all():  # NaN is not either
            continue
        try:
            exact = binomial_normal(
                *one.counts.T, measure=measure, tau_scale=tau_scale, level=level, each=False
            )
        except NoPosteriorError:
            row[:] = NAN
        else:
            row[:] = exact.mu, exact.mu_lb, exact.mu_ub
    return out


def _padded(sets: Sequence[DataSet]) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Sets side by side, (D, most rows), and which places are used."""
    most = max(1, *(len(one.yi) for one in sets)) if sets else 1
    y, v = np.zeros((len(sets), most)), np.ones((len(sets), most))
    mask = np.zeros(y.shape, dtype=np.bool_)
    for i, one in enumerate(sets):
        rows = len(one.yi)
        y[i, :rows], v[i, :rows], mask[i, :rows] = one.yi, one.vi, True
    return y, v, mask


def _of_counts(
    one: DataSet, measure: str, method: str, variance: str | None
) -> tuple[float, float, float]:
    common = method in COMMON_OF_COUNTS
    if one.counts is None or not np.isfinite(one.counts).all():
        return NAN, NAN, 0.0 if common else NAN
    of_rd = variance if (method, measure) == ("MH", "RD") else None
    pooled = pool_counts(*one.counts.T, measure=measure, method=method, variance=of_rd)
    return pooled.beta, pooled.se, 0.0 if common else pooled.tau2
