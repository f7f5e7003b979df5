"""The table of small-study effects of an analysis: each row is the library's own number."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from bcg import V, Y

from trialpool.diagnostics.asymmetry import egger
from trialpool.diagnostics.limits import limit_meta, pet_peese
from trialpool.diagnostics.selection import selection_model
from trialpool.diagnostics.trim_and_fill import trim_and_fill
from trialpool.review.protocol.settings import Model
from trialpool.review.schema.trust import SMALL_STUDIES
from trialpool.review.trust.small_studies import small_studies

STUDIES = pd.DataFrame({"yi": Y, "vi": V})


def by_method(
    measure: str = "RR", better: str = "lower", model: Model | None = None
) -> pd.DataFrame:
    table = small_studies(STUDIES, measure, model or Model(), better)
    assert list(table.columns) == list(SMALL_STUDIES.names)
    return table.set_index("method")


def test_estimates_are_shown_as_ratios() -> None:
    table = by_method()
    filled = trim_and_fill(Y, V, estimator="L0", tau2="REML", test="hksj").pooled
    assert filled is not None
    row = table.loc["Trim-and-fill, L0"]
    assert row["estimate"] == pytest.approx(math.exp(filled.beta), rel=1e-12)
    assert row["ci_low"] == pytest.approx(math.exp(filled.ci_lb), rel=1e-12)
    assert table.loc["PET-PEESE", "estimate"] == pytest.approx(math.exp(pet_peese(Y, V).est))
    limit = limit_meta(Y, V, tau2="REML")
    assert table.loc["Limit meta-analysis", "ci_high"] == pytest.approx(math.exp(limit.ci_ub))


def test_tests_have_a_statistic_and_no_estimate() -> None:
    row = by_method().loc["Egger's regression, classical"]
    classic = egger(Y, V, model="lm")
    assert (row["statistic"], row["p_value"]) == (classic.zval, classic.pval)
    assert pd.isna(row["estimate"])


@pytest.mark.parametrize(("better", "favoured"), [("lower", "less"), ("higher", "greater")])
def test_selection_prefers_the_side_of_benefit(better: str, favoured: str) -> None:
    row = by_method("SMD", better).loc["Selection model, one step at p = 0.025"]
    own = selection_model(Y, V, kind="step", alternative=favoured)
    assert row["estimate"] == own.beta
    assert row["p_value"] == own.selection.pval


def test_mantel_haenszel_takes_its_random_effects_sensitivity() -> None:
    pd.testing.assert_frame_equal(by_method(model=Model(method="MH")), by_method())


def test_what_cannot_be_had_says_why() -> None:
    same = pd.DataFrame({"yi": np.linspace(-1, 1, 12), "vi": np.full(12, 0.1)})
    table = small_studies(same, "SMD", Model(), "lower").set_index("method")
    assert table["estimate"].isna()["PET-PEESE"]
    assert "same" in str(table.loc["PET-PEESE", "note"])


def test_fail_safe_n_carries_its_warning() -> None:
    assert "not evidence" in str(by_method().loc["Fail-safe N, Rosenthal", "note"])
