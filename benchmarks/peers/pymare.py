"""PyMARE: estimators that fit many sets of equal size at once, a column each.

Timed is `fit` alone, which gives the estimate, its variance and tau2; its intervals are extra.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from pymare import Dataset
from pymare.estimators import (
    DerSimonianLaird,
    VarianceBasedLikelihoodEstimator,
    WeightedLeastSquares,
)

from benchmarks.data import Array, Columns, design, leave_one_out_masks, subset_masks
from benchmarks.worker import Job, Kind, NotOfferedError, serve

ESTIMATORS = {
    "REML": partial(VarianceBasedLikelihoodEstimator, method="REML"),
    "DL": DerSimonianLaird,
    "EE": WeightedLeastSquares,
}


def estimator(tau2: str) -> Any:
    if tau2 not in ESTIMATORS:
        raise NotOfferedError(f"no {tau2}")
    return ESTIMATORS[tau2]


def pooled(out: Any) -> dict[str, Any]:
    return {"estimate": out.params_["fe_params"], "tau2": out.params_["tau2"]}


def columns(d: Columns, tau2: str, X: Array) -> Job:
    """Fits of the columns of yi, which share the design."""
    make = estimator(tau2)
    return Job(lambda: make().fit(y=d["yi"], v=d["vi"], X=X), pooled)


def fit(d: Columns, tau2: str) -> Job:
    return columns(d, tau2, np.ones((len(d["yi"]), 1)))


def many(d: Columns, tau2: str) -> Job:
    turned = {"yi": d["yi"].T, "vi": d["vi"].T}
    return columns(turned, tau2, np.ones((len(turned["yi"]), 1)))


def leave_one_out(d: Columns, tau2: str) -> Job:
    make, k = estimator(tau2), len(d["yi"])

    def call() -> Any:
        masks = leave_one_out_masks(k)
        y, v = (np.broadcast_to(d[x], (k, k))[masks].reshape(k, k - 1).T for x in ("yi", "vi"))
        return make().fit(y=y, v=v, X=np.ones((k - 1, 1)))

    return Job(call, pooled)


def subsets(d: Columns, tau2: str) -> Job:
    """All subsets of one size at a time; sets of one study it cannot fit."""
    make, k = estimator(tau2), len(d["yi"])

    def call() -> list[Array]:
        masks = subset_masks(k)
        sizes = masks.sum(axis=1)
        estimates, tau2s = np.full(len(masks), np.nan), np.full(len(masks), np.nan)
        for size in range(2, k + 1):
            here = sizes == size
            y, v = (
                np.broadcast_to(d[x], (here.sum(), k))[masks[here]].reshape(-1, size).T
                for x in ("yi", "vi")
            )
            params = make().fit(y=y, v=v, X=np.ones((size, 1))).params_
            estimates[here], tau2s[here] = (
                params["fe_params"][0],
                np.ravel(params["tau2"]),
            )
        return [estimates, tau2s]

    return Job(call, lambda out: {"estimate": out[0], "tau2": out[1]})


def regression(d: Columns, tau2: str) -> Job:
    return columns(d, tau2, design(d))


def permutation(d: Columns, iterations: str) -> Job:
    moderators = design(d)[:, 1:]
    dataset = Dataset(y=d["yi"], v=d["vi"], X=moderators, X_names=["ablat", "year"])
    fitted = estimator("REML")().fit_dataset(dataset).summary()
    return Job(
        lambda: fitted.permutation_test(int(iterations)),
        lambda out: {"p value": out.perm_p["fe_p"]},
    )


KINDS: tuple[Kind, ...] = (fit, many, subsets, leave_one_out, regression, permutation)

if __name__ == "__main__":
    serve("PyMARE", *KINDS, batch=True)
