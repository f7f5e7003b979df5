"""One analysis refitted to many choices of its trials at once, each under the policy of its k."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from trialpool.effects import measure_of
from trialpool.pooling.batch import PooledMany, pool_many
from trialpool.pooling.counts.pool import pool_counts
from trialpool.pooling.policy import policy
from trialpool.pooling.subsets import Mask
from trialpool.results import NAN, Array
from trialpool.review.fitting.fit import COMMON, COUNTS, fit, shown, words
from trialpool.review.protocol.settings import Model

REFIT_COLUMNS = ("k", "estimate", "ci_low", "ci_high", "p_value", "tau2", "i2", "model", "why_not")

_FIELDS = {"p_value": "pval", "tau2": "tau2", "i2": "i2"}
_EFFECTS = {"estimate": "beta", "ci_low": "ci_lb", "ci_high": "ci_ub"}


def refit_many(studies: pd.DataFrame, masks: Mask, measure: str, model: Model) -> pd.DataFrame:
    """What `fit` gives for each set of rows, all at once where the model is inverse variance.

    Parameters
    ----------
    studies : rows as for `fit`, at least one
    masks : (B, rows), True where a set holds a row; no set is empty

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
    if model.method == "MH":
        return _mantel_haenszel(studies, masks, k, measure, model)
    out: dict[str, Any] = {name: np.full(len(masks), NAN) for name in REFIT_COLUMNS}
    out |= {"k": k, "model": np.full(len(masks), "", dtype=object), "why_not": [""] * len(masks)}
    allowed = {int(n): policy(int(n), counts=False) for n in set(k)}
    plain = np.array([allowed[int(n)].common_effect_only or n == 1 for n in k])
    for chosen, used in (
        (plain, model.model_copy(update=COMMON)),
        (~plain, model),
    ):
        at = np.flatnonzero(chosen)
        if not len(at):
            continue
        many = pool_many(
            studies["yi"].to_numpy(float),
            studies["vi"].to_numpy(float),
            masks[at],
            tau2=used.tau2,
            test=used.test,
            pi=used.prediction,
        )
        for name, values in _columns(many, measure).items():
            out[name][at] = values
        if used.tau2 == "EE":
            out["tau2"][at] = NAN
        out["model"][at] = words(used)
        for place, converged in zip(at, many.converged, strict=True):
            out["why_not"][place] = "" if converged else "not converged"
    out["model"][k == 1] = "single trial, normal quantile"
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


def _mantel_haenszel(
    studies: pd.DataFrame, masks: Mask, k: Array, measure: str, model: Model
) -> pd.DataFrame:
    """Each set by itself, as the counts of a set have no batch."""
    counts = [studies[name].to_numpy(float) for name in COUNTS]
    rows = []
    for mask, n in zip(masks, k, strict=True):
        row: dict[str, Any] = {"k": n, "tau2": NAN, "i2": NAN, "model": words(model), "why_not": ""}
        if n == 1:
            alone = fit(studies[mask], measure, model)
            row |= {name: getattr(alone, name) for name in (*_EFFECTS, "p_value")}
            row["model"] = alone.words
        else:
            pooled = pool_counts(*(x[mask] for x in counts), measure=measure, method="MH")
            row |= {
                name: shown(getattr(pooled, field), measure) for name, field in _EFFECTS.items()
            }
            row |= {"p_value": pooled.pval, "why_not": pooled.reasons.get("beta", "")}
        rows.append(row)
    return pd.DataFrame(rows, columns=list(REFIT_COLUMNS))
