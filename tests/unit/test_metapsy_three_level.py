"""The published three-level models with robust variance of three databases, to their digits.

The authors' results for their own databases (Harrer and others 2023; ../shared/metapsy): correlated
and hierarchical effects with rho = 0.6, mean variances within studies, CR2 with Satterthwaite.
Their variance components are taken as printed, four decimals.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from small import ROOT

from trialpool.multilevel.covariance import covariance, smoothed
from trialpool.multilevel.robust import Robust, robust

SHARED = ROOT.parent / "shared" / "metapsy"
pytestmark = pytest.mark.skipif(
    not SHARED.exists(), reason="the shared Metapsy databases are not beside this repository"
)


def three_level(condition: str) -> Robust:
    """Least squares and CR2 with M = V + tau2 between J + tau2 within I in each study."""
    data = pd.read_csv(SHARED / condition / "data.csv", low_memory=False)
    data = data[data[".g"].notna() & data[".g_se"].notna()]
    parts = pd.read_csv(SHARED / condition / "published_variance_components.csv")
    between, within = parts["tau2"][:2]
    y, study = data[".g"].to_numpy(float), data["study"]
    v = covariance(smoothed(data[".g_se"] ** 2, study), study, rho=0.6)
    weights = [np.linalg.inv(b + between + within * np.eye(len(b))) for b in v.blocks]
    x = np.ones((len(y), 1))
    total = sum(w.sum() for w in weights)
    mean = sum(w.sum(axis=0) @ y[rows] for rows, w in zip(v.rows, weights, strict=True)) / total
    return robust(x, y - mean, v.rows, weights, study, beta=[mean])


@pytest.mark.parametrize("condition", ["ptsd", "panic", "generalized_anxiety"])
def test_a_published_model_is_reproduced_to_its_printed_digits(condition: str) -> None:
    """Effect, interval, number of effects and of studies."""
    table = pd.read_csv(SHARED / condition / "published_pooled_effects.csv")
    (row,) = table[table["label"].str.startswith("Three-Level")].to_dict("records")
    found = three_level(condition)
    assert float(row["g"]) == round(found.beta[0], 2)
    assert row["g.ci"] == f"[{found.ci_lb[0]:.2f}; {found.ci_ub[0]:.2f}]"
    assert int(row["k"]) == found.k
    assert f"studies: {found.m};" in row["excluded"]
    assert found.cautions == ()
