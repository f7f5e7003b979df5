"""Permutation test of a meta-regression or of a pooled effect: honest p values for few studies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.pooling.design import Design
from trialpool.pooling.inputs import Covariates, as_design, as_studies
from trialpool.pooling.model import PoolOptions
from trialpool.pooling.regression import moderators
from trialpool.pooling.tau2 import estimate_tau2
from trialpool.pooling.wald import wald
from trialpool.results import NAN, Array, TrialpoolError
from trialpool.same_rows import same_rows

_CHUNK = 2**16  # numbers of the design worked on at a time
_MANY = 30  # studies whose arrangements nobody lists
_TIES = 1e-9  # relative: the same arrangement of the data can differ in the last digits


@dataclass(frozen=True, slots=True, kw_only=True)
class PermutationTest:
    """Permutation p values: `pval` (p,) of the coefficients, `qm_pval` of all moderators.

    `arrangements` were compared, the observed one among them; `exact` when these are all there
    are. NaN where the statistic is undefined.
    """

    pval: Array
    qm_pval: float
    names: tuple[str, ...]
    arrangements: int
    exact: bool


@same_rows
def permutation_test(
    yi: ArrayLike,
    vi: ArrayLike,
    X: Covariates | None = None,
    *,
    tau2: str = "REML",
    test: str = "z",
    iterations: int = 1000,
    seed: int = 1,
) -> PermutationTest:
    """Two-sided p values from refits in which the covariates are dealt out anew.

    Without covariates the signs of the effects are turned instead, which tests a mean of zero.

    Parameters
    ----------
    yi, vi, tau2, test : as for `pool`
    X : (k, p) design matrix as for `regress`; None for a common mean
    iterations
        arrangements to compare. If there are no more different ones than this, all are, and the
        test is exact; else a random sample, the observed arrangement included
    seed : of the random sample; the same seed gives the same p values

    Returns
    -------
    PermutationTest; no p value can be smaller than 1/arrangements

    Raises
    ------
    TrialpoolError
        as `regress`; fewer than 2 iterations

    References
    ----------
    Higgins & Thompson 2004, Stat Med 23:1663; Follmann & Proschan 1999, Biometrics 55:732;
    Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39 (the observed arrangement counts)
    """
    o = PoolOptions(tau2, test, 0.95, "k-1", "QP").check()
    y, v = as_studies(yi, vi)
    if iterations < 2:
        raise TrialpoolError(f"iterations = {iterations}: must be 2 or more")
    k = len(y)
    x, names = as_design(np.ones((k, 1)) if X is None else X, k, None)
    tested, _ = moderators(x)
    by_sign = not tested
    alike = _alike(x)
    exact = k <= _MANY and (2**k if by_sign else _different(alike)) <= iterations
    deals = _deals(alike, iterations, seed, by_sign=by_sign, exact=exact)

    size = max(1, _CHUNK // x.size)
    statistics = []
    with np.errstate(all="ignore"):
        for start in range(0, len(deals), size):
            part = deals[start : start + size]
            sets = (k, len(part))
            effects = (y * part).T if by_sign else np.broadcast_to(y[:, None], sets)
            covariates = np.broadcast_to(x.T[..., None], (x.shape[1], *sets))
            if not by_sign:
                covariates = np.moveaxis(x[part], (0, 1, 2), (2, 1, 0))
            s = Design(effects, np.broadcast_to(v[:, None], sets), covariates)
            fit = wald(s, estimate_tau2(o.tau2, s).tau2, o.test, tested)
            statistics.append(np.column_stack([np.abs(fit.zval), fit.qm]))
    values = np.concatenate(statistics)
    # The first arrangement is the observed one.
    share = (values >= values[0] * (1 - _TIES)).mean(axis=0)
    share[np.isnan(values[0])] = NAN
    return PermutationTest(
        pval=share[:-1],
        qm_pval=float(share[-1]),
        names=names,
        arrangements=len(deals),
        exact=exact,
    )


def _alike(x: Array) -> list[int]:
    """For each study the first study with the same covariates."""
    rows = [tuple(row) for row in x.tolist()]
    return [rows.index(row) for row in rows]


def _different(alike: list[int]) -> int:
    """In how many different orders the covariates can be dealt out."""
    same = (math.factorial(count) for count in Counter(alike).values())
    return math.factorial(len(alike)) // math.prod(same)


def _orders(
    left: list[tuple[int, int]], places: list[int], order: list[int]
) -> Iterator[tuple[int, ...]]:
    """Every different order; `left` holds studies with the number of places each stands in."""
    (study, count), *rest = left
    for chosen in combinations(places, count):
        for place in chosen:
            order[place] = study
        if rest:
            yield from _orders(rest, [place for place in places if place not in chosen], order)
        else:
            yield tuple(order)


def _deals(alike: list[int], n: int, seed: int, *, by_sign: bool, exact: bool) -> NDArray[np.int64]:
    """Signs or orders of the k studies, (n, k), the observed arrangement first."""
    k = len(alike)
    if exact and by_sign:
        return np.array(list(product((1, -1), repeat=k)), dtype=np.int64)
    if exact:
        first = tuple(alike)
        # Each different order stands for equally many permutations.
        every = _orders(list(Counter(alike).items()), list(range(k)), [0] * k)
        return np.array([first, *(order for order in every if order != first)], dtype=np.int64)
    rng = np.random.default_rng(seed)
    observed = np.ones(k, dtype=np.int64) if by_sign else np.arange(k)
    if by_sign:
        return np.vstack([observed, rng.choice((-1, 1), (n - 1, k))])
    return np.vstack([observed, rng.permuted(np.tile(observed, (n - 1, 1)), axis=1)])
