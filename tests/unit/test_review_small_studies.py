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
    ours = selection_model(Y, V, kind="step", alternative=favoured)
    if better == "higher":
        # Nearly all of these trials are on the other side: its weight runs to the end.
        assert ours.doubt.startswith("no estimate: a weight is at the end of its range")
        assert pd.isna(row["estimate"])
        assert pd.isna(row["p_value"])
        assert ours.doubt in row["note"]
        return
    assert ours.doubt == ""
    assert row["estimate"] == ours.beta
    assert row["p_value"] == ours.selection.pval


@pytest.mark.parametrize("measure", ["VR", "ZCOR"])
def test_where_none_is_a_benefit_selection_is_two_sided(measure: str) -> None:
    """Neither side is preferred, and the step is that of a two-sided p."""
    table = by_method(measure)
    row = table.loc["Selection model, one step at p = 0.05"]
    ours = selection_model(Y, V, kind="step", steps=(0.05,), alternative="two.sided")
    assert row["statistic"] == pytest.approx(ours.selection.stat, rel=1e-9)
    assert not table["note"].str.contains("benefit").any()
    note = str(table.loc["Selection model, beta", "note"])
    assert note.startswith("trials with effects of either")


def test_where_nothing_is_compared_no_method_hangs_on_a_p_value() -> None:
    """Asymmetry can be tested and trials filled in; what asks for p values says why not."""
    table = by_method("PLO")
    assert table["p_value"].notna()["Egger's regression, classical"]
    assert table["estimate"].notna()["Trim-and-fill, L0"]
    without = table[table["note"].str.startswith("nothing is compared")]
    assert set(without.index) == {
        "PET-PEESE", "Selection model, one step at p = 0.05", "Selection model, beta",
        "Fail-safe N, Rosenthal",
    }  # fmt: skip
    assert without[["estimate", "ci_low", "statistic", "p_value"]].isna().all(axis=None)
    assert table.loc[table["kind"] == "estimate", "p_value"].isna().all()


def test_mantel_haenszel_takes_its_random_effects_sensitivity() -> None:
    pd.testing.assert_frame_equal(by_method(model=Model(method="MH")), by_method())


def test_what_cannot_be_had_says_why() -> None:
    same = pd.DataFrame({"yi": np.linspace(-1, 1, 12), "vi": np.full(12, 0.1)})
    table = small_studies(same, "SMD", Model(), "lower").set_index("method")
    assert table["estimate"].isna()["PET-PEESE"]
    assert "same" in str(table.loc["PET-PEESE", "note"])


def test_fail_safe_n_carries_its_warning() -> None:
    assert "not evidence" in str(by_method().loc["Fail-safe N, Rosenthal", "note"])
