"""Thousands of study sets pooled at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.pooling.inputs import as_sets
from trialpool.pooling.model import PoolOptions, as_pooled, summarise
from trialpool.pooling.studies import Studies
from trialpool.results import Array, Pooled
from trialpool.same_rows import same_rows

# Numbers worked on at a time: what the processor's cache holds of a few such arrays.
_CHUNK = 2**16


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledMany:
    """B pooled effects: the fields of `Pooled` as arrays (B,), `weights` as (B, k).

    A NaN has the same meaning as in `Pooled`; `row` gives a result with its reasons.
    """

    k: NDArray[np.int64]
    beta: Array
    se: Array
    zval: Array
    ddf: Array
    pval: Array
    ci_lb: Array
    ci_ub: Array
    pi_lb: Array
    pi_ub: Array
    tau2: Array
    se_tau2: Array
    tau2_ci_lb: Array
    tau2_ci_ub: Array
    i2: Array
    i2_ci_lb: Array
    i2_ci_ub: Array
    i2_q: Array
    h2: Array
    h2_ci_lb: Array
    h2_ci_ub: Array
    q: Array
    q_df: NDArray[np.int64]
    q_pval: Array
    loglik: Array
    aic: Array
    bic: Array
    aicc: Array
    maxima: NDArray[np.int64]
    converged: NDArray[np.bool_]
    weights: Array
    options: PoolOptions

    @property
    def method(self) -> str:
        """Estimator of tau2."""
        return self.options.tau2

    @property
    def test(self) -> str:
        """Test of the fits; sets of one study have "z"."""
        return self.options.test

    @property
    def level(self) -> float:
        """Level of all intervals."""
        return self.options.level

    def __len__(self) -> int:
        return len(self.beta)

    def row(self, i: int) -> Pooled:
        """One of the results, as `pool` gives it; weights of the studies that were used."""
        fields = {name: getattr(self, name)[i] for name in _NUMBERS}
        weights = self.weights[i]
        return as_pooled(fields, weights[weights > 0], self.options)


_NUMBERS = [name for name in PooledMany.__slots__ if name not in ("weights", "options")]
_TYPES = {"k": np.int64, "q_df": np.int64, "maxima": np.int64, "converged": np.bool_}


@same_rows
def pool_many(
    yi: ArrayLike,
    vi: ArrayLike,
    mask: ArrayLike | None = None,
    *,
    tau2: str = "REML",
    test: str = "z",
    level: float = 0.95,
    pi: str = "k-1",
    tau2_ci: str = "QP",
) -> PooledMany:
    """`pool` for B sets of up to k studies each, at once and with the same numbers.

    For subsets, leave-one-out, permutations, bootstraps, simulations and multiverses.

    Parameters
    ----------
    yi, vi : (B, k), or (k,) where all sets share them
    mask : (B, k) of bool, True where a set holds a study; None if all do. What is not used may
        hold anything
    tau2, test, level, pi, tau2_ci : as for `pool`; note that the default test is "z"

    Returns
    -------
    PooledMany, in the order of the sets

    Raises
    ------
    TrialpoolError
        as `pool` does, for values that are used: row and column are named; a set without study

    References
    ----------
    As for `pool`, whose code it shares
    """
    o = PoolOptions(tau2, test, level, pi, tau2_ci).check()
    y, v, used = as_sets(yi, vi, mask)
    sets, k = y.shape
    out: dict[str, Any] = {
        name: np.empty(sets, dtype=_TYPES.get(name, np.float64)) for name in _NUMBERS
    }
    weights = np.empty((sets, k))
    step = max(1, _CHUNK // k)
    with np.errstate(all="ignore"):
        for start in range(0, sets, step):
            part = slice(start, start + step)
            inside = None if used is None else used[part].T
            fields = summarise(Studies(y[part].T, v[part].T, inside), o)
            for name, values in out.items():
                values[part] = fields[name]
            t = np.where(out["k"][part] > 1, out["tau2"][part], 0.0)[:, np.newaxis]
            w = weights[part]
            np.divide(1.0, v[part] + t, out=w)
            if used is not None:
                w[~used[part]] = 0.0
            w /= w.sum(axis=1, keepdims=True)
    return PooledMany(**out, weights=weights, options=o)
