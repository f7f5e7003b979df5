"""Which model stands behind a test of a moderator, and its p value by permutation."""

from __future__ import annotations

import pandas as pd

from trialpool.pooling.permutation import permutation_test
from trialpool.pooling.policy import random_effects_tau2
from trialpool.results import Array
from trialpool.review.fitting.fit import COMMON
from trialpool.review.protocol.settings import Model

ARRANGEMENTS = 1000  # compared by a permutation test; all, where there are no more
SEVERAL_ROWS = "no permutation: a trial has several results, which cannot be exchanged freely"


def regression_model(model: Model) -> Model:
    """What a meta-regression uses: the protocol's tau2 with Hartung-Knapp, none where EE.

    Mantel-Haenszel knows no covariates; the inverse-variance model stands in for it.
    """
    tau2 = random_effects_tau2(model.method, model.tau2)
    model = model.model_copy(update={"method": "IV", "tau2": tau2})
    test = COMMON["test"] if model.tau2 == "EE" else "hksj"
    return model.model_copy(update={"test": test})


def permuted(
    known: pd.DataFrame, y: Array, v: Array, x: Array, model: Model
) -> tuple[tuple[float, int] | None, str]:
    """The permutation p of all moderators with the arrangements compared, and how or why not."""
    if known["trial_id"].duplicated().any():
        return None, SEVERAL_ROWS
    # Any statistic gives a valid test, so the one that needs no iteration: a thousand fits.
    tau2 = "EE" if model.tau2 == "EE" else "DL"
    test = permutation_test(y, v, x, tau2=tau2, test=model.test, iterations=ARRANGEMENTS)
    many = f"{test.arrangements:,} arrangements"
    note = f"exact: all {many}" if test.exact else f"a random sample of {many}"
    note += "" if tau2 == "EE" else "; tau2 by DL"
    return (test.qm_pval, test.arrangements), note
