"""One analysis refitted to many choices of its trials at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from trialpool.effects import measure_of
from trialpool.pooling.batch import PooledMany, pool_many
from trialpool.pooling.policy import COMMON_OF_COUNTS
from trialpool.pooling.subsets import Mask
from trialpool.results import NAN, Array
from trialpool.review.fitting.fit import fit, words
from trialpool.review.protocol.settings import FewTrials, Model

REFIT_COLUMNS = ("k", "estimate", "ci_low", "ci_high", "p_value", "tau2", "i2", "model", "why_not")

_FIELDS = {"p_value": "pval", "tau2": "tau2", "i2": "i2"}
_EFFECTS = {"estimate": "beta", "ci_low": "ci_lb", "ci_high": "ci_ub"}


def refit_many(
    studies: pd.DataFrame, masks: Mask, measure: str, model_of: Callable[[int], Model]
) -> pd.DataFrame:
    """What `fit` gives for each set of rows, those of one inverse-variance model all at once.

    Parameters
    ----------
    studies : rows as for `fit`, at least one
    masks : (B, rows), True where a set holds a row; no set is empty
    model_of : the model by the number of trials of a set

    Returns
    -------
    B rows of `REFIT_COLUMNS`: `k` trials, the result on the display scale (`tau2` on that of the
    analysis, NaN under a common effect; `i2` in percent), the model in words, and in `why_not` why
    there is no estimate

    Raises
    ------
    TrialpoolError
        as for `pool` and `pool_counts`
    """
    k = trials_in(studies, masks)
    out: dict[str, Any] = {name: np.full(len(masks), NAN) for name in REFIT_COLUMNS}
    out |= {"k": k, "model": np.full(len(masks), "", dtype=object), "why_not": [""] * len(masks)}
    together: dict[str, tuple[Model, list[int]]] = {}
    for place, n in enumerate(map(int, k)):
        model = model_of(n)
        if n == 1 or model.counts or isinstance(model, FewTrials):
            for name, value in _alone(studies[masks[place]], measure, model).items():
                out[name][place] = value
        else:
            together.setdefault(words(model), (model, []))[1].append(place)
    for text, (model, places) in together.items():
        at = np.array(places)
        many = pool_many(
            studies["yi"].to_numpy(float),
            studies["vi"].to_numpy(float),
            masks[at],
            tau2=model.tau2,
            test=model.test,
            pi=model.prediction,
        )
        for name, values in _columns(many, measure).items():
            out[name][at] = values
        if model.tau2 == "EE":
            out["tau2"][at] = NAN
        out["model"][at] = text
        for place, converged in zip(at, many.converged, strict=True):
            out["why_not"][place] = "" if converged else "not converged"
    return pd.DataFrame(out, columns=list(REFIT_COLUMNS))


def trials_in(studies: pd.DataFrame, masks: Mask) -> Array:
    """Number of trials that each set of rows holds, (B,)."""
    ids = studies["trial_id"].to_numpy()
    return np.asarray(sum(masks[:, ids == trial].any(axis=1) for trial in pd.unique(ids)))


def _columns(many: PooledMany, measure: str) -> dict[str, Array]:
    out = {name: getattr(many, field) for name, field in _FIELDS.items()}
    if measure_of(measure).null is None:
        out["p_value"] = np.full_like(out["p_value"], NAN)
    for name, field in _EFFECTS.items():
        out[name] = measure_of(measure).scale.shown(getattr(many, field))
    return out


def _alone(studies: pd.DataFrame, measure: str, model: Model) -> dict[str, Any]:
    """A set that has no batch, by itself."""
    result = fit(studies, measure, model)
    pooled = result.pooled
    row: dict[str, Any] = {name: getattr(result, name) for name in (*_EFFECTS, "p_value")}
    if pooled is not None and pooled.method not in ("EE", *COMMON_OF_COUNTS):
        row |= {"tau2": pooled.tau2, "i2": pooled.i2}
    why = result.why_not or (pooled.reasons.get("beta", "") if pooled is not None else "")
    return row | {"model": result.words, "why_not": why}
